# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs the original implementation (PyTorch and transformers) and measures it."""

import copy
import json
import math
import os

import torch
import transformers

from relative import relative_class

FAMILY = {"data2vec-audio": "Audio", "data2vec-text": "Text", "data2vec-vision": "Vision"}
OUTPUTS = ("logits", "last_hidden_state", "extract_features", "pooler_output",
           "embeddings", "start_logits", "end_logits")
BOOLEAN_INPUTS = ("bool_masked_pos", "mask_time_indices")
FLOOR = 2e-5

# The segmentation head's tensors as releases before 5.9 named them, which recent ones need told.
MODULE = r"(lateral_convs\.\d+|fpn_convs\.\d+|fpn_bottleneck|auxiliary_head\.convs\.\d+|conv_cat)"
OLD_SEGMENTATION = {
    r"psp_modules\.(\d+)\.1\.conv\.": r"psp_modules.blocks.\1.conv.convolution.",
    r"psp_modules\.(\d+)\.1\.bn\.": r"psp_modules.blocks.\1.conv.normalization.",
    r"decode_head\.bottleneck\.conv\.": "decode_head.psp_bottleneck.convolution.",
    r"decode_head\.bottleneck\.bn\.": "decode_head.psp_bottleneck.normalization.",
    MODULE + r"\.conv\.": r"\1.convolution.",
    MODULE + r"\.bn\.": r"\1.normalization.",
}

torch.set_grad_enabled(False)
torch.set_num_threads(1)  # sums in one order, so that a second run gives the same bytes
torch.use_deterministic_algorithms(True)
transformers.logging.set_verbosity_error()
transformers.utils.logging.disable_progress_bar()


def model_class(fields, head):
    """the class for a config's fields: transformers', or for relative positions ours made of it"""
    cls = getattr(transformers, "Data2Vec" + FAMILY[fields["model_type"]] + head)
    if fields.get("position_embedding_type", "absolute") != "absolute":
        cls = relative_class(cls)
    return cls


def make_config(fields):
    return getattr(transformers, "Data2Vec" + FAMILY[fields["model_type"]] + "Config")(
        **{k: v for k, v in fields.items() if k != "model_type"})


def read_config(directory):
    with open(os.path.join(directory, "config.json")) as f:
        return json.load(f)


def load(directory, head, dtype=torch.float32):
    """the model of a directory, every tensor of which must be in the files"""
    model, info = model_class(read_config(directory), head).from_pretrained(
        directory, dtype=dtype, attn_implementation="eager", output_loading_info=True,
        key_mapping=OLD_SEGMENTATION if head == "ForSemanticSegmentation" else None)
    missing = set(info["missing_keys"])
    if missing and all(name.startswith("pooler.") for name in missing):
        model.pooler = None  # as for a file of a language model: no pooler, no pooler_output
    elif missing:
        raise ValueError(f"{directory}: missing {sorted(missing)}")
    return model.eval()


def forward(model, inputs):
    """name -> tensor, in the precision of the model"""
    dtype = next(model.parameters()).dtype
    args = {}
    for name, t in inputs.items():
        # Some of the audio code writes into its inputs' descendants: hand out copies.
        t = t.clone()
        if name in BOOLEAN_INPUTS:
            t = t.bool()
        elif t.is_floating_point():
            t = t.to(dtype)
        args[name] = t
    out = model(**args, output_hidden_states=True)
    result = {name: out[name] for name in OUTPUTS if out.get(name) is not None}
    for i, h in enumerate(out.hidden_states):
        result[f"hidden_states.{i}"] = h
    return {name: t.detach().contiguous().clone() for name, t in result.items()}


def both_precisions(model, inputs):
    """the same weights and inputs in float64 and in float32"""
    return forward(copy.deepcopy(model).double(), inputs), forward(copy.deepcopy(model).float(), inputs)


def relative_error(ours, truth):
    """largest difference over largest value, where the truth is a number"""
    known = ~torch.isnan(truth)
    if not known.any():
        return 0.0
    difference = (ours.double() - truth.double())[known].abs().max().item()
    return difference / max(truth.double()[known].abs().max().item(), 1e-30)


def round_up(x):
    """to two digits, never down"""
    step = 10.0 ** (math.floor(math.log10(x)) - 1)
    return float(f"{math.ceil(x / step - 1e-9) * step:.2g}")


def tolerances(truth, single):
    """what an implementation in float32 may differ: see README.md"""
    allowed = {}
    for name, t in truth.items():
        error = relative_error(single[name], t)
        if not math.isfinite(error):
            raise ValueError(f"{name} is not finite")
        allowed[name] = round_up(max(FLOOR, 5.0 * error))
    return allowed
