# SPDX-License-Identifier: LGPL-2.1-or-later
"""What peers.py and gpu.py share: the cells, random models for them, and running what measures them."""

import json
import os
import statistics
import subprocess
import sys

AUDIO, TEXT, IMAGE, SEGMENTATION = "audio", "text", "image", "segmentation"

# Kind of model, shape of its input, and d2v's word for that.
CELLS = {
    "audio-1.5": (AUDIO, (1, 24000), ["--seconds", "1.5"]),
    "audio-10": (AUDIO, (1, 160000), ["--seconds", "10"]),
    "text-32": (TEXT, (1, 32), ["--tokens", "32"]),
    "text-128": (TEXT, (1, 128), ["--tokens", "128"]),
    "text-512": (TEXT, (1, 512), ["--tokens", "512"]),
    "image-224": (IMAGE, (1, 3, 224, 224), ["--size", "224"]),
    "segmentation-512": (SEGMENTATION, (1, 3, 512, 512), ["--size", "512"]),
}
# Family in transformers, class without that, and what the published base models say beyond the defaults.
MODELS = {
    AUDIO: ("Audio", "ForCTC", dict(vocab_size=32)),
    TEXT: ("Text", "ForSequenceClassification", dict(
        vocab_size=50265, max_position_embeddings=514, type_vocab_size=1, layer_norm_eps=1e-5)),
    IMAGE: ("Vision", "ForImageClassification", dict(use_relative_position_bias=True, num_labels=1000)),
    SEGMENTATION: ("Vision", "ForSemanticSegmentation", dict(
        use_relative_position_bias=True, num_labels=150, image_size=512)),
}
# The same in small, for trying the programs: inputs keep their sizes, so that the same cells run.
SMALL = dict(hidden_size=32, num_hidden_layers=4, num_attention_heads=4, intermediate_size=64)
TINY = {
    AUDIO: dict(SMALL, conv_dim=[32] * 7),
    TEXT: dict(SMALL, vocab_size=1000),
    IMAGE: dict(SMALL, num_labels=10),
    SEGMENTATION: dict(SMALL, num_labels=10, out_indices=[1, 2, 3, 4]),
}


def cells_of(names, default=tuple(CELLS)):
    for name in names:
        if name not in CELLS:
            sys.exit(f"no cell {name}; there are {' '.join(CELLS)}")
    return list(names or default)


def clean_environment():
    """Nobody has OpenBLAS's kernels chosen for it."""
    for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
        os.environ.pop(name, None)


def setup(work, packages):
    os.makedirs(work, exist_ok=True)
    subprocess.run([sys.executable, "-m", "venv", f"{work}/venv"], check=True)
    subprocess.run([f"{work}/venv/bin/pip", "install", "-q", *packages], check=True)


# ----------------------------------------------------------------- models --

def model_class(kind):
    import transformers

    family, head, _ = MODELS[kind]
    return getattr(transformers, f"Data2Vec{family}{head}")


def new_model(kind, size="base"):
    import torch

    torch.manual_seed(1)
    cls = model_class(kind)
    return cls(cls.config_class(**{**MODELS[kind][2], **(TINY[kind] if size == "tiny" else {})})).eval()


def logits_only(model):
    """The model as a function of its one input."""
    import torch

    class Logits(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.model = model

        def forward(self, x):
            return self.model(x, return_dict=True).logits

    return Logits().eval()


def folder(work, kind, size="base"):
    return f"{work}/{kind}" if size == "base" else f"{work}/{size}-{kind}"


def make_model(work, kind, size="base"):
    """A random model as a Hugging Face folder, unless it is there already."""
    path = folder(work, kind, size)
    if not os.path.exists(f"{path}/model.safetensors"):
        new_model(kind, size).save_pretrained(path)


def one_input(kind, shape):
    import numpy

    rng = numpy.random.default_rng(1)
    if kind == TEXT:
        return rng.integers(3, 60, shape, dtype=numpy.int64)
    return rng.uniform(-1.7, 1.7, shape).astype(numpy.float32)


# -------------------------------------------------------------- measuring --

def d2v_bench(program, model, options, seconds, previous, **how):
    """What d2v bench --json prints. It runs for as long as it likes the first time; then we know how often fits."""
    repeat = ["--repeat", str(max(3, int(1e3 * seconds / previous["min_ms"])))] if previous else []
    found = json_of([program, "bench", model, *options, *repeat, "--json"], **how)
    # One process gives its minimum and its median; they stand for its runs.
    found.setdefault("times_ms", [found["min_ms"], found["median_ms"]])
    return found


def done(command, **how):
    """The process when it has ended well; RuntimeError with the last that it says when it fails."""
    try:
        process = subprocess.run(command, capture_output=True, text=True, **how)
    except subprocess.TimeoutExpired as error:
        raise RuntimeError(f"{' '.join(command)}:\nnot done after {error.timeout:.0f} s") from error
    if process.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}:\n{process.stderr.strip()[-400:]}")
    return process


def json_of(command, **how):
    """The last line that a program prints."""
    return json.loads(done(command, **how).stdout.strip().splitlines()[-1])


def min_of(results):
    return min(t for r in results for t in [*r["times_ms"], r.get("min_ms", float("inf"))])


def median_of(results):
    """The median round's: a process that was disturbed all along counts once."""
    return statistics.median(r.get("median_ms", statistics.median(r["times_ms"])) for r in results)


# ------------------------------------------------------------------ table --

def number(value, digits=1):
    return "-" if value is None else f"{value:.{digits}f}"


def print_row(texts):
    print("| " + " | ".join(texts) + " |", flush=True)


def print_head(names):
    print_row(names)
    print("|" + " --- |" * len(names), flush=True)
