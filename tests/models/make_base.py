#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Makes a model of the published base size with random weights, its inputs and its answers.

    make_base.py audio|text|vision|segmentation DIRECTORY

The layout is that of cases/<case>, so whatever reads those reads this. Not kept
in the tree: up to 650 MB each. Takes a few minutes and 4 GB of memory.
"""

import os
import sys

import torch

import original
from make_fixtures import fresh, make_model, write_case
from suitable_inputs import suitable_inputs

SEED = 1
# What the published configs say beyond the defaults; the segmentation model is a published
# trunk with the head that exists as code only.
BASE = {
    "audio": ("ForCTC", 249, dict(
        model_type="data2vec-audio", vocab_size=32)),
    "text": ("ForMaskedLM", 128, dict(
        model_type="data2vec-text", vocab_size=50265, max_position_embeddings=514, type_vocab_size=1, layer_norm_eps=1e-5)),
    "vision": ("ForImageClassification", 2, dict(
        model_type="data2vec-vision", use_relative_position_bias=True, num_labels=1000)),
    "segmentation": ("ForSemanticSegmentation", 1, dict(
        model_type="data2vec-vision", use_relative_position_bias=True, num_labels=150, image_size=512)),
}


def main(kind, directory):
    head, amount, config = BASE[kind]
    torch.set_num_threads(os.cpu_count())
    if os.path.exists(directory) and not os.path.exists(f"{directory}/case.json"):
        sys.exit(f"{directory} exists and is not a directory that this program made")
    fresh(directory)
    make_model(dict(config=config, head=head, gains=()), SEED, directory)
    model = original.load(directory, head)
    inputs = suitable_inputs(model.config, head, SEED, amount)
    answer = original.both_precisions(model, inputs)
    write_case(directory, inputs, {"head": head, "seed": SEED, "note": f"base size, {kind}, random weights"}, answer)


if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1] not in BASE:
        sys.exit(__doc__)
    main(*sys.argv[1:])
