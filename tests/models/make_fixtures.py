#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Makes the golden fixtures beside this script: see README.md.

    make_fixtures.py [NAME...]    all of them, or the cases whose names start so
"""

import json
import os
import shutil
import sys

import safetensors.torch

import audio_cases
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
    os.chmod(path, 0o644)


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
    os.chmod(f"{directory}/model.safetensors", 0o644)


def blank(truth, rows):
    """NaN, "not compared", where a token's answer is not defined"""
    if rows is None or not rows.any():
        return
    for name, t in truth.items():
        if name != "hidden_states.0":
            t[rows] = float("nan")


def write_answer(directory, case, seed, inputs, truth, single):
    write_tensors(f"{directory}/inputs.safetensors", inputs)
    write_tensors(f"{directory}/expected.safetensors", {k: v.float() for k, v in truth.items()})
    write_json(f"{directory}/case.json", {
        "head": case["head"], "seed": seed, "note": case["note"],
        "tolerance": original.tolerances(truth, single)})


def make_case(modality, case):
    directory = fresh(f"{HERE}/cases/{case['name']}")
    seed = SEED ^ fnv1a(case["name"])
    make_model(case, seed, directory)
    inputs = MODALITIES[modality].inputs(seed, case["config"], case["recipe"])
    # Read back, so that the answer is that of the files and not of the memory.
    truth, single = original.both_precisions(original.load(directory, case["head"]), inputs)
    if modality == "text":
        blank(truth, text_cases.undefined_rows(case["config"], inputs))
    write_answer(directory, case, seed, inputs, truth, single)
    if case.get("old_names"):
        # Last, because recent releases cannot read these names back.
        weights = safetensors.torch.load_file(f"{directory}/model.safetensors")
        write_tensors(f"{directory}/model.safetensors", {vision_cases.old_name(k): t for k, t in weights.items()})


def main(wanted):
    index = {}
    for modality, module in MODALITIES.items():
        for case in module.CASES:
            if not wanted or case["name"].startswith(tuple(wanted)):
                print(case["name"], flush=True)
                make_case(modality, case)
        index[modality] = [case["name"] for case in module.CASES]
    write_json(f"{HERE}/index.json", index)


if __name__ == "__main__":
    main(sys.argv[1:])
