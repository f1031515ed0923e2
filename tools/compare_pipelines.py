#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Asks the original's pipelines and `d2v apply` the same questions.

    compare_pipelines.py build/tools/d2v             every class, equal or not
    compare_pipelines.py build/tools/d2v tags fill   only these models
    compare_pipelines.py build/tools/d2v --write     and keep the original's answers
                                                     in tests/data/apply/

The models are the tiny ones of tests/tools/tiny.py. Needs Python with torch, Pillow
and transformers: 4.57 for question answering, which 5.x no longer has, and
for images, which it prepares with Pillow as we do; 4.57 or 5.x for the rest.
Classes that the original has no pipeline for are asked as its examples do.
"""
import argparse
import json
import math
import pathlib
import subprocess
import sys
import tempfile
import wave

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "tools"))
sys.dont_write_bytecode = True
import tiny  # noqa: E402

import numpy  # noqa: E402
import torch  # noqa: E402
import transformers  # noqa: E402
from PIL import Image  # noqa: E402

OLD = int(transformers.__version__.split(".")[0]) < 5
NAMES = "Anna Smith met Bob in Paris, and the old cat of New York slept."
LONG = "The quick brown fox jumps over the lazy dog while Anna from Berlin and 12 friends watch. " * 4
UMLAUTS = "Zo\u00eb l\u00e4uft \u00fcber die Br\u00fccke \U0001f600 nach K\u00f6ln!"
CONTEXT = ("Alice met Bob in Paris in 1998. They walked along the river, talked about music "
           "and missed the last train to London. ")

REQUESTS = {
    "speech": [
        {"input": "media/a.wav"},
        {"input": "media/a.wav", "return_timestamps": "char"},
        {"input": "media/long.wav", "return_timestamps": "word"},
        {"input": "media/long.wav", "chunk_length_s": 1},
        {"input": "media/long.wav", "chunk_length_s": 1.5, "return_timestamps": "word"},
        {"input": "media/long.wav", "chunk_length_s": 1, "stride_length_s": 0.25, "return_timestamps": "char"},
        {"input": "media/long.wav", "chunk_length_s": 1.2, "stride_length_s": [0.3, 0.1]},
        {"input": "media/long.wav", "chunk_length_s": 0.9, "stride_length_s": [0.33, 0.07],
         "return_timestamps": "word"},
        {"input": "media/long.wav", "chunk_length_s": 10, "return_timestamps": "word"},
    ],
    "sound-class": [
        {"input": "media/a.wav"},
        {"input": "media/b.wav", "top_k": 2},
        {"input": "media/long.wav", "top_k": None},
        {"input": "media/a.wav", "function_to_apply": "sigmoid"},
        {"input": "media/a.wav", "function_to_apply": "none", "top_k": 3},
    ],
    "frames": [{"input": "media/b.wav"}],
    "speaker": [{"input": ["media/a.wav", "media/b.wav"]}, {"input": ["media/a.wav", "media/a.wav"]}],
    "sound-model": [{"input": "media/b.wav"}],
    "text-class": [
        {"input": NAMES},
        {"input": NAMES, "top_k": None},
        {"input": "", "top_k": 2},
        {"input": "good", "text_pair": "better", "top_k": 3},
        {"input": "good", "text_pair": "", "top_k": 2},
        {"input": UMLAUTS, "top_k": 7, "function_to_apply": "sigmoid"},
        {"input": "What a day!", "top_k": 3, "function_to_apply": "none"},
        {"input": LONG, "truncation": True, "top_k": 2},
        {"input": LONG, "text_pair": LONG, "truncation": True, "top_k": 2},
        {"input": "nul \0 inside", "top_k": 1},
    ],
    "text-multi": [{"input": NAMES, "top_k": None}, {"input": "hm", "function_to_apply": "softmax", "top_k": 2}],
    "text-score": [{"input": NAMES}, {"input": "hm", "function_to_apply": "none"}],
    "tags": [
        *({"input": NAMES, "aggregation_strategy": s} for s in ("none", "simple", "first", "average", "max")),
        {"input": UMLAUTS},
        {"input": NAMES, "ignore_labels": []},
        {"input": NAMES, "ignore_labels": ["PER", "O"], "aggregation_strategy": "simple"},
        {"input": LONG, "ignore_labels": []},
        {"input": LONG, "aggregation_strategy": "simple", "stride": 8},
        {"input": LONG, "aggregation_strategy": "max", "stride": 0, "ignore_labels": []},
        {"input": UMLAUTS, "aggregation_strategy": "average", "stride": 4},
    ],
    "answer": [
        {"question": "Who met Bob?", "context": CONTEXT},
        {"question": "Where?", "context": CONTEXT, "top_k": 3},
        {"question": "Where?", "context": CONTEXT, "top_k": 2, "align_to_words": False},
        {"question": "When did they meet?", "context": CONTEXT, "handle_impossible_answer": True, "top_k": 3},
        {"question": "Where?", "context": CONTEXT, "max_answer_len": 3, "top_k": 2},
        {"question": "Who?", "context": CONTEXT * 3, "top_k": 3},
        {"question": "Who?", "context": CONTEXT * 2, "max_seq_len": 30, "doc_stride": 10, "top_k": 2},
        {"question": "Who?", "context": UMLAUTS, "max_question_len": 8},
    ],
    "fill": [
        {"input": "The <mask> sat on the mat."},
        {"input": "The cat <mask> on the <mask>.", "top_k": 2},
        {"input": "The<mask> cat", "top_k": 1},
        {"input": "The <mask> sat.", "targets": ["\u0120the", "cat", "in"], "top_k": 3},
        {"input": "<mask>", "top_k": 3},
    ],
    "generate": [
        {"input": "The cat", "max_new_tokens": 8},
        {"input": "The cat", "max_new_tokens": 8, "return_full_text": False},
        {"input": "The quick brown fox", "max_new_tokens": 12, "add_special_tokens": False},
        {"input": UMLAUTS, "max_new_tokens": 6},
        {"input": "", "max_new_tokens": 4},
    ],
    "generate-both": [
        {"input": "The cat", "max_new_tokens": 12},
        {"input": "Who met Bob in Paris?", "max_new_tokens": 9, "add_special_tokens": False},
        {"input": "", "max_new_tokens": 5},
    ],
    "choice": [
        {"input": "The cat sat", "choice": ["on the mat", "in 12 rivers of London", "!"]},
        {"input": LONG, "choice": ["yes", "no"]},
        {"input": "Alone", "choice": ["one"]},
    ],
    "text-model": [{"input": "The cat"}, {"input": ""}],
    "image-class": [
        {"input": "media/a.png"},
        {"input": "media/b.ppm", "top_k": 2},
        {"input": "media/a.png", "top_k": None, "function_to_apply": "sigmoid"},
        {"input": "media/small.png", "function_to_apply": "none"},
    ],
    "segment": [{"input": "media/a.png"}, {"input": "media/b.ppm"}, {"input": "media/small.png"}],
    "image-model": [{"input": "media/small.png"}],
}
TASKS = {
    "speech": "automatic-speech-recognition", "sound-class": "audio-classification",
    "text-class": "text-classification", "text-multi": "text-classification",
    "text-score": "text-classification", "tags": "token-classification", "answer": "question-answering",
    "fill": "fill-mask", "generate": "text-generation",
    "generate-both": "text-generation", "image-class": "image-classification",
    "segment": "image-segmentation",
}


# -------------------------------------------------------------- the original

def read_wav(path):
    with wave.open(str(path)) as file:
        data = numpy.frombuffer(file.readframes(file.getnframes()), dtype="<i2")
    return (data / 32768).astype(numpy.float32)


def model_class(name):
    base, head, _ = tiny.MODELS[name]
    return getattr(transformers, tiny.FAMILIES[base["model_type"]] + head)


class Original:
    """one model with what stands around it, and its pipeline where there is one"""

    def __init__(self, name, directory, media):
        self.name, self.media = name, media
        self.family, self.head, _ = tiny.MODELS[name]
        self.model = model_class(name).from_pretrained(directory, dtype=torch.float32).eval()
        self.parts = self.load_parts(directory)
        if name in TASKS:
            self.pipe = transformers.pipeline(TASKS[name], model=self.model, device="cpu", **self.parts)

    def load_parts(self, directory):
        kind = self.family["model_type"]
        if kind == "data2vec-text":
            return {"tokenizer": transformers.AutoTokenizer.from_pretrained(directory)}
        if kind == "data2vec-vision":
            return {"image_processor": transformers.BeitImageProcessor.from_pretrained(directory)}
        parts = {"feature_extractor": transformers.Wav2Vec2FeatureExtractor.from_pretrained(directory)}
        if self.head == "ForCTC":
            parts["tokenizer"] = transformers.Wav2Vec2CTCTokenizer.from_pretrained(directory)
        return parts

    def answer(self, request):
        function = getattr(self, "ask_" + self.name.replace("-", "_"), self.ask)
        return function({k: v for k, v in request.items() if k != "input"}, request.get("input"))

    def sound(self, path):
        return {"raw": read_wav(self.media / path), "sampling_rate": 16000}

    def outputs(self, path):
        inputs = self.parts["feature_extractor"](read_wav(self.media / path), sampling_rate=16000,
                                                 return_tensors="pt")
        with torch.no_grad():
            return self.model(**inputs)

    def ask(self, options, text):
        return self.pipe(text, **options)

    def ask_speech(self, options, path):
        return self.pipe(self.sound(path), **options)

    def ask_sound_class(self, options, path):
        return self.pipe(self.sound(path), **options)

    def ask_frames(self, options, path):
        active = torch.sigmoid(self.outputs(path).logits[0]) > 0.5
        return {"frames": active.int().tolist(), "labels": list(self.model.config.id2label.values())}

    def ask_speaker(self, options, paths):
        a, b = (self.outputs(path).embeddings[0] for path in paths)
        return {"similarity": torch.nn.functional.cosine_similarity(a, b, dim=-1).item()}

    def ask_sound_model(self, options, path):
        return self.outputs(path).last_hidden_state.tolist()

    def ask_text_class(self, options, text):
        pair = options.pop("text_pair", None)
        found = self.pipe({"text": text, "text_pair": pair} if pair is not None else text, **options)
        return found if isinstance(found, list) else [found]

    ask_text_multi = ask_text_score = ask_text_class

    def ask_tags(self, options, text):
        # These belong to the pipeline, not to the call.
        kept = {k: options.pop(k) for k in ("ignore_labels", "stride", "aggregation_strategy") if k in options}
        pipe = transformers.pipeline(TASKS["tags"], model=self.model, device="cpu", **self.parts, **kept)
        return pipe(text)

    def ask_answer(self, options, text):
        found = self.pipe(**options)
        return found if isinstance(found, list) else [found]

    def ask_generate(self, options, text):
        return self.pipe(text, do_sample=False, **options)

    ask_generate_both = ask_generate

    def ask_choice(self, options, text):
        tokenizer, choices = self.parts["tokenizer"], options["choice"]
        inputs = tokenizer([text] * len(choices), choices, padding=True, truncation=True, return_tensors="pt")
        with torch.no_grad():
            logits = self.model(**{k: v[None] for k, v in inputs.items()}).logits[0]
        return {"choice": logits.argmax().item(), "scores": logits.softmax(-1).tolist(), "logits": logits.tolist()}

    def ask_text_model(self, options, text):
        with torch.no_grad():
            return self.model(**self.parts["tokenizer"](text, return_tensors="pt")).last_hidden_state.tolist()

    def image(self, path):
        return Image.open(self.media / path)

    def ask_image_class(self, options, path):
        if options.get("top_k", 0) is None:
            options["top_k"] = len(self.model.config.id2label)
        return self.pipe(self.image(path), **options)

    def ask_segment(self, options, path):
        found = self.pipe(self.image(path), subtask="semantic")
        return [{"score": f["score"], "label": f["label"],
                 "mask": {"size": [f["mask"].height, f["mask"].width],
                          "pixels": int((numpy.array(f["mask"]) == 255).sum())}} for f in found]

    def ask_image_model(self, options, path):
        inputs = self.parts["image_processor"](self.image(path).convert("RGB"), return_tensors="pt")
        with torch.no_grad():
            return self.model(**inputs).last_hidden_state.tolist()


def plain(value):
    """as JSON: numbers to eight digits, tuples as lists"""
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if hasattr(value, "item"):
        value = value.item()
    return float(f"{value:.8g}") if isinstance(value, float) else value


# ----------------------------------------------------------------- comparing

def difference(expected, found, path=""):
    """(largest difference of numbers, the first thing that is otherwise unequal)"""
    if isinstance(expected, dict) and isinstance(found, dict):
        if expected.keys() - found.keys():
            return 0, f"{path}: no {expected.keys() - found.keys()}"
        pairs = [(expected[k], found[k], f"{path}.{k}") for k in expected]
    elif isinstance(expected, list) and isinstance(found, list):
        if len(expected) != len(found):
            return 0, f"{path}: {len(expected)} expected, {len(found)} found"
        pairs = [(e, f, f"{path}[{i}]") for i, (e, f) in enumerate(zip(expected, found))]
    elif isinstance(expected, float) and isinstance(found, (int, float)):
        return abs(expected - found) / max(1, abs(expected)), None
    else:
        return 0, None if expected == found else f"{path}: {expected!r} expected, {found!r} found"
    results = [difference(*pair) for pair in pairs]
    return max((r[0] for r in results), default=0), next((r[1] for r in results if r[1]), None)


def ask_d2v(program, directory, requests, cwd):
    run = subprocess.run([program, "apply", directory, "--jsonl"], cwd=cwd, capture_output=True, text=True,
                         input="".join(json.dumps(r) + "\n" for r in requests))
    lines = run.stdout.splitlines()
    if run.returncode or len(lines) != len(requests):
        sys.exit(f"{directory.name}: status {run.returncode}, {len(lines)} lines: {run.stderr}")
    return [json.loads(line) for line in lines]


def can_ask(name):
    family = tiny.MODELS[name][0]["model_type"]
    return OLD or not (name == "answer" or family == "data2vec-vision")


def compare(name, program, work, write):
    tiny.write_model(work / name, name)
    original = Original(name, work / name, work)
    cases = [{"request": r, "answer": plain(original.answer(r))} for r in REQUESTS[name]]
    found = ask_d2v(program, work / name, [c["request"] for c in cases], work)
    ok, worst = True, 0.0
    for case, answer in zip(cases, found):
        largest, unequal = difference(case["answer"], answer)
        worst = max(worst, largest)
        if unequal or largest > 5e-5:
            ok = False
            print(f"  {json.dumps(case['request'])[:200]}\n    {unequal or largest}")
            print(f"    {json.dumps(answer)[:300]}")
    print(f"{name:12} {len(cases):2} requests  {'equal' if ok else 'DIFFERENT'}, numbers to {worst:.1e}")
    if write:
        path = ROOT / "tests" / "data" / "apply" / f"{name}.json"
        path.parent.mkdir(exist_ok=True)
        lines = ",\n".join(json.dumps(c, separators=(",", ":")) for c in cases)
        path.write_text(f'{{"transformers":"{transformers.__version__}","cases":[\n{lines}\n]}}\n')
    return ok


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("d2v", type=pathlib.Path)
    parser.add_argument("models", nargs="*", metavar="MODEL", help=", ".join(REQUESTS))
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    transformers.logging.set_verbosity_error()
    equal = []
    with tempfile.TemporaryDirectory() as work:
        work = pathlib.Path(work)
        tiny.write_media(work / "media")
        for name in arguments.models or REQUESTS:
            if can_ask(name):
                equal.append(compare(name, arguments.d2v.resolve(), work, arguments.write))
            else:
                print(f"{name:12} not asked: transformers {transformers.__version__} cannot")
    sys.exit(not all(equal))


if __name__ == "__main__":
    main()
