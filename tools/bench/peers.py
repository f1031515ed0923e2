#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Whole models against their peers, on this machine, in one run.

    peers.py setup WORK                    a throw-away environment with the peers in it
    WORK/venv/bin/python peers.py make WORK [CELL...]      random base-size models, as Hugging Face folders and as ONNX
    WORK/venv/bin/python peers.py run WORK [CELL...] [--engines d2v,openvino,onnxruntime] [--threads 2] [--rounds 5]
                                       [--seconds 2] [--d2v build/tools/d2v] [--peak build/tools/bench/gemm_bench]

Cells: audio-1.5 audio-10 text-32 text-128 text-512 image-224 segmentation-512; all when none is named.

Every engine runs in a process of its own, batch 1, float32, the same number of threads; the engines take turns in every
round, so that whatever else the machine does meets all of them. The processor's peak is measured before and after each
cell. Minimum and median are over all runs of all rounds; a ratio is the peer's time over ours. The result is a Markdown
table. Variables that choose OpenBLAS's kernels are taken out of everybody's environment.
"""

import argparse
import json
import os
import re
import resource
import statistics
import subprocess
import sys
import time

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
PACKAGES = ["numpy", "openvino", "onnxruntime", "onnx", "onnxscript", "torch", "transformers"]
ENGINES = ["d2v", "openvino", "onnxruntime"]


def clean_environment():
    for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
        os.environ.pop(name, None)


# ------------------------------------------------------------------ setup --

def setup(work):
    os.makedirs(work, exist_ok=True)
    subprocess.run([sys.executable, "-m", "venv", f"{work}/venv"], check=True)
    subprocess.run([f"{work}/venv/bin/pip", "install", "-q", *PACKAGES], check=True)


# ------------------------------------------------------------------- make --

def new_model(kind):
    import torch
    import transformers as t

    torch.manual_seed(1)
    if kind == AUDIO:
        model = t.Data2VecAudioForCTC(t.Data2VecAudioConfig(vocab_size=32))
    elif kind == TEXT:
        model = t.Data2VecTextForSequenceClassification(t.Data2VecTextConfig(
            vocab_size=50265, max_position_embeddings=514, type_vocab_size=1, layer_norm_eps=1e-5))
    elif kind == IMAGE:
        model = t.Data2VecVisionForImageClassification(t.Data2VecVisionConfig(
            use_relative_position_bias=True, num_labels=1000))
    else:
        model = t.Data2VecVisionForSemanticSegmentation(t.Data2VecVisionConfig(
            use_relative_position_bias=True, num_labels=150, image_size=512))
    return model.eval()


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


def example(kind, shape):
    import torch

    return torch.randint(3, 60, shape) if kind == TEXT else torch.rand(shape) * 3.4 - 1.7


def make(work, cells):
    import torch

    for kind in dict.fromkeys(CELLS[cell][0] for cell in cells):
        model = new_model(kind)
        if not os.path.exists(f"{work}/{kind}/model.safetensors"):
            model.save_pretrained(f"{work}/{kind}")
        for cell in cells:
            if CELLS[cell][0] != kind or os.path.exists(f"{work}/{cell}.onnx"):
                continue
            print(f"exporting {cell}", file=sys.stderr)
            with torch.no_grad():
                torch.onnx.export(logits_only(model), (example(kind, CELLS[cell][1]),), f"{work}/{cell}.onnx",
                                  input_names=["x"], output_names=["logits"], opset_version=18, dynamo=True,
                                  external_data=True)


# -------------------------------------------------------------- one engine --

def one_input(kind, shape):
    import numpy

    rng = numpy.random.default_rng(1)
    if kind == TEXT:
        return rng.integers(3, 60, shape, dtype=numpy.int64)
    return rng.uniform(-1.7, 1.7, shape).astype(numpy.float32)


def openvino_runner(path, x, threads):
    import openvino

    core = openvino.Core()
    compiled = core.compile_model(core.read_model(path), "CPU", {
        "INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": str(threads), "PERFORMANCE_HINT": "LATENCY"})
    request = compiled.create_infer_request()
    tensor = openvino.Tensor(x)
    return lambda: request.infer([tensor])


def onnxruntime_runner(path, x, threads):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, ["CPUExecutionProvider"])
    return lambda: session.run(None, {"x": x})


def cpu_seconds():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def one(engine, path, cell, threads, seconds):
    """Measures one engine in this process and prints what d2v bench --json prints, as far as it goes."""
    kind, shape, _ = CELLS[cell]
    began = time.perf_counter()
    run = {"openvino": openvino_runner, "onnxruntime": onnxruntime_runner}[engine](path, one_input(kind, shape), threads)
    run()
    load = time.perf_counter() - began
    times, cpu, until = [], cpu_seconds(), time.perf_counter() + seconds
    while len(times) < 3 or time.perf_counter() < until:
        began = time.perf_counter()
        run()
        times.append(1e3 * (time.perf_counter() - began))
    print(json.dumps({
        "times_ms": times, "load_ms": 1e3 * load, "cpu_ms_per_run": 1e3 * (cpu_seconds() - cpu) / len(times),
        "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))


# -------------------------------------------------------------------- run --

def last_json(command):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()[-400:]}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def measure(engine, cell, arguments, expected_ms):
    work = arguments.work
    if engine != "d2v":
        return last_json([sys.executable, __file__, "one", engine, f"{work}/{cell}.onnx", cell,
                          str(arguments.threads), str(arguments.seconds)])
    # The first time it runs for as long as it likes; then we know how often fits.
    repeat = ["--repeat", str(max(3, int(1e3 * arguments.seconds / expected_ms)))] if expected_ms else []
    found = last_json([arguments.d2v, "bench", f"{work}/{CELLS[cell][0]}", *CELLS[cell][2], "--threads",
                       str(arguments.threads), *repeat, "--device", "cpu", "--precision", "f32", "--json"])
    # One process gives its minimum and its median; they stand for its runs.
    found.setdefault("times_ms", [found["min_ms"], found["median_ms"]])
    return found


def peak(arguments):
    if not os.path.exists(arguments.peak):
        return None
    text = subprocess.run([arguments.peak, "--threads", str(arguments.threads), "--peak"],
                          capture_output=True, text=True, check=True).stdout
    return float(re.search(r"peak ([0-9.]+)", text).group(1))


def run_cell(cell, arguments):
    """Rounds of all engines in turn; what each round found, by engine."""
    found = {engine: [] for engine in arguments.engines}
    before = peak(arguments)
    for _ in range(arguments.rounds):
        for engine in arguments.engines:
            expected = found[engine][-1]["min_ms"] if found[engine] and engine == "d2v" else None
            try:
                found[engine].append(measure(engine, cell, arguments, expected))
            except RuntimeError as error:
                print(f"{cell}, {engine}: {error}", file=sys.stderr)
    return found, before, peak(arguments)


def summary(results):
    if not results:
        return None
    times = [t for result in results for t in result["times_ms"]]
    return {"min": min(min(times), *(r.get("min_ms", float("inf")) for r in results), float("inf")),
            "median": statistics.median(r.get("median_ms", statistics.median(r["times_ms"])) for r in results),
            "cpu": min(r["cpu_ms_per_run"] for r in results), "rss": max(r["peak_rss_mb"] for r in results),
            "load": min(r["load_ms"] for r in results), "gflop": results[0].get("gflop")}


def number(value, digits=1):
    return "-" if value is None else f"{value:.{digits}f}"


def rows_of(cell, found, before, after):
    sums = {engine: summary(results) for engine, results in found.items()}
    ours = sums.get("d2v")
    for engine, s in sums.items():
        if s is None:
            continue
        ratio = (s["min"] / ours["min"], s["median"] / ours["median"]) if ours and engine != "d2v" else (None, None)
        yield [cell, engine, number(s["min"]), number(s["median"]), number(ratio[0], 2), number(ratio[1], 2),
               number(s["cpu"]), number(s["rss"], 0), number(s["load"], 0), f"{number(before, 0)} / {number(after, 0)}"]


HEAD = ["cell", "engine", "min ms", "median ms", "min / ours", "median / ours", "CPU ms a run", "peak MB", "load ms",
        "peak GFLOP/s before / after"]


def run(arguments):
    versions = []
    for name in arguments.engines:
        if name != "d2v":
            versions.append(f"{name} {__import__(name).__version__.split('-')[0]}")
    print(f"{arguments.threads} threads, float32, batch 1, {arguments.rounds} rounds; {', '.join(versions)}\n")
    print("| " + " | ".join(HEAD) + " |\n|" + " --- |" * len(HEAD), flush=True)
    for cell in arguments.cells:
        for row in rows_of(cell, *run_cell(cell, arguments)):
            print("| " + " | ".join(row) + " |", flush=True)


def cells_of(names):
    for name in names:
        if name not in CELLS:
            sys.exit(f"no cell {name}; there are {' '.join(CELLS)}")
    return names or list(CELLS)


def main():
    clean_environment()
    if len(sys.argv) == 7 and sys.argv[1] == "one":
        return one(*sys.argv[2:5], int(sys.argv[5]), float(sys.argv[6]))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["setup", "make", "run"])
    parser.add_argument("work")
    parser.add_argument("cells", nargs="*", metavar="CELL")
    parser.add_argument("--engines", type=lambda text: text.split(","), default=ENGINES)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2, help="of runs in each process")
    parser.add_argument("--d2v", default="build/tools/d2v")
    parser.add_argument("--peak", default="build/tools/bench/gemm_bench")
    arguments = parser.parse_args()
    arguments.work = os.path.abspath(arguments.work)
    if arguments.what == "setup":
        return setup(arguments.work)
    arguments.cells = cells_of(arguments.cells)
    if arguments.what == "make":
        return make(arguments.work, arguments.cells)
    return run(arguments)


if __name__ == "__main__":
    main()
