#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Makes the golden fixtures beside this script: see README.md.

    make_fixtures.py [NAME...]    all of them, or what starts so: audio-ctc, files/text, generate
"""

import json
import os
import shutil
import sys

import safetensors.torch
import torch
import transformers

import audio_cases
import file_cases
import generation_cases
import original
import text_cases
import vision_cases
from randomise import fnv1a, randomise

HERE = os.path.dirname(os.path.abspath(__file__))
SEED = 20220207  # one for the whole suite; each case adds its name
MODALITIES = {"audio": audio_cases, "text": text_cases, "vision": vision_cases}


def write_json(path, data):
    with open(path, "w") as f:
        json.dump(data, f, indent=1, sort_keys=True)
        f.write("\n")


def write_tensors(path, tensors):
    safetensors.torch.save_file({k: v.contiguous() for k, v in tensors.items()}, path, metadata={"format": "pt"})


def fresh(directory):
    shutil.rmtree(directory, ignore_errors=True)
    os.makedirs(directory)
    return directory


def make_model(case, seed, directory):
    """random weights, written as the original writes them"""
    config = original.make_config(case["config"])
    model = original.model_class(case["config"], case["head"])(config)
    randomise(model, seed, case["gains"])
    model.save_pretrained(directory)


def blank(truth, rows):
    """NaN, "not compared", where a token's answer is not defined"""
    if rows is None or not rows.any():
        return
    for name, t in truth.items():
        if name != "hidden_states.0":
            t[rows] = float("nan")


def write_case(directory, inputs, case, answer=None):
    """answer: what both_precisions returned, None where opening the model must fail"""
    write_tensors(f"{directory}/inputs.safetensors", inputs)
    if answer:
        truth, single = answer
        case["tolerance"] = original.tolerances(truth, single)
        write_tensors(f"{directory}/expected.safetensors", {k: v.float() for k, v in truth.items()})
    else:
        case["fails"] = True
    write_json(f"{directory}/case.json", case)
    for name in os.listdir(directory):
        os.chmod(f"{directory}/{name}", 0o644)


def make_case(modality, case):
    directory = fresh(f"{HERE}/cases/{case['name']}")
    seed = SEED ^ fnv1a(case["name"])
    make_model(case, seed, directory)
    if case.get("old_names"):
        weights = safetensors.torch.load_file(f"{directory}/model.safetensors")
        write_tensors(f"{directory}/model.safetensors", {vision_cases.old_name(k): t for k, t in weights.items()})
    inputs = MODALITIES[modality].inputs(seed, case["config"], case["recipe"])
    # Read back, so that the answer is that of the files and not of the memory.
    answer = original.both_precisions(original.load(directory, case["head"]), inputs)
    if modality == "text":
        blank(answer[0], text_cases.undefined_rows(case["config"], inputs))
    write_case(directory, inputs, {"head": case["head"], "seed": seed, "note": case["note"]}, answer)


def make_variation(entry):
    directory = fresh(f"{HERE}/files/{entry['name']}")
    source, seed = entry["source"], SEED ^ fnv1a(entry["name"])
    make_model(source, seed, directory)
    inputs = file_cases.MODULES[source["config"]["model_type"]].inputs(seed, source["config"], source["recipe"])
    answer = None
    if not entry["fails"]:
        answer = original.both_precisions(original.load(directory, entry["head"]), inputs)
    entry["store"](directory)
    if answer:
        stored = original.both_precisions(original.load(directory, entry["head"], torch.float64), inputs)
        if entry["rounds"]:
            answer = stored
        elif any(original.relative_error(stored[0][k], t) > 1e-12 for k, t in answer[0].items()):
            raise ValueError(f"{entry['name']}: the original reads something else out of the variation")
    write_case(directory, inputs, {"head": entry["head"], "seed": seed, "note": entry["note"]}, answer)


def make_generation(name):
    os.makedirs(f"{HERE}/generate", exist_ok=True)
    write_json(f"{HERE}/generate/{name}.json", {
        "model": f"cases/{name}",
        "requests": generation_cases.answers(SEED ^ fnv1a(name), f"{HERE}/cases/{name}")})


def check_coverage():
    """every class, and every activation that carries no weights, is in some case"""
    cases = [case for module in MODALITIES.values() for case in module.CASES]
    used = {case["config"].get(key) for case in cases for key in ("hidden_act", "feat_extract_activation")}
    unused = set(transformers.activations.ACT2CLS) - used - {"prelu", "xielu", "gelu"}
    classes = {(case["config"]["model_type"], case["head"]) for case in cases}
    if unused or len(classes) != 15:
        raise ValueError(f"not covered: {sorted(unused)}, {len(classes)} of 15 classes")


def main(wanted):
    def chosen(name):
        if wanted and not name.startswith(tuple(wanted)):
            return False
        print(name, flush=True)
        return True

    index = {}
    for modality, module in MODALITIES.items():
        for case in filter(lambda c: chosen(c["name"]), module.CASES):
            make_case(modality, case)
        index[modality] = [case["name"] for case in module.CASES]
    for entry in filter(lambda e: chosen("files/" + e["name"]), file_cases.ENTRIES):
        make_variation(entry)
    index["files"] = [entry["name"] for entry in file_cases.ENTRIES]
    for name in filter(lambda n: chosen("generate/" + n), generation_cases.MODELS):
        make_generation(name)
    index["generate"] = generation_cases.MODELS
    check_coverage()
    write_json(f"{HERE}/index.json", index)


if __name__ == "__main__":
    main(sys.argv[1:])
