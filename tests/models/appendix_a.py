#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The check values of the specification's appendix A, for programs to read.

    appendix_a.py SPEC.md    writes appendix_a.json from the text of the specification
    appendix_a.py --check    computes each of its values with the original

The numbers are parsed, never typed; what the text says in words (which class,
config and inputs a line is about) is the table below.
"""

import json
import math
import os
import re
import sys

import torch

import original
from randomise import noise
from vision_cases import old_name

HERE = os.path.dirname(os.path.abspath(__file__))
PATH = f"{HERE}/appendix_a.json"

COMMENT = [
    "Weights and inputs are made by rule, not stored. r(name)[i], a double in [-1, 1), for element i of the tensor called name:",
    "x = FNV-1a-32(name in UTF-8) + i * 0x9E3779B9; x ^= x >> 16; x *= 0x85EBCA6B; x ^= x >> 13; x *= 0xC2B2AE35; x ^= x >> 16",
    "(all mod 2^32); r = x / 2^31 - 1. The first rule that fits the name gives the value, computed in double, then rounded to float:",
    "1. *num_batches_tracked: 0;  2. *running_var: 1 + 0.5 r;  3. *running_mean, *.bias: 0.1 r;  4. one-dimensional *.weight: 1 + 0.1 r;",
    "5. *embeddings.weight, *relative_position_bias_table, *cls_token, *mask_token, *position_embeddings, *masked_spec_embed,",
    "*lambda_1, *lambda_2, *layer_weights: 0.5 r;  6. otherwise r * sqrt(3 / product of shape[1:]).",
    "Names carry the family's prefix (data2vec_audio. and so on) in every class, the bare model included, and the segmentation",
    "head's names are those of releases before 5.9 (decode_head.bottleneck.conv.weight, decode_head.psp_modules.0.1.bn.bias).",
    "inputs: {noise, shape} is r of that name in row-major order; valid: the elements of each row from there on are 0;",
    "{ones, shape}: the first so many of each row are 1, the others 0. 'part' cuts the output: example [batch], then tokens [from, to).",
    "'past': the first so many tokens go through the model first, into the cache; the output is that of the rest.",
    "'auxiliary_logits' is what the training loss would see; no forward pass returns it.",
    "Printed in the specification from float32: expect agreement to about 1e-5, sums relative to 'abs', elements to the largest.",
]


def labels(n):
    return {str(i): f"LABEL_{i}" for i in range(n)}


CONFIGS = {
    "audio": dict(
        model_type="data2vec-audio", hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=20,
        conv_dim=[32, 32, 32], conv_kernel=[8, 8, 8], conv_stride=[4, 4, 4], num_conv_pos_embeddings=3,
        conv_pos_kernel_size=4, num_conv_pos_embedding_groups=2, layer_norm_eps=1e-5, vocab_size=32,
        classifier_proj_size=8, tdnn_dim=[32, 32], tdnn_kernel=[5, 3], tdnn_dilation=[1, 2], xvector_output_dim=24,
        num_adapter_layers=1, adapter_kernel_size=3, adapter_stride=2, id2label=labels(3)),
    "text": dict(
        model_type="data2vec-text", hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=37,
        vocab_size=99, max_position_embeddings=64, type_vocab_size=2, layer_norm_eps=1e-5, pad_token_id=1, id2label=labels(3)),
    "vision": dict(
        model_type="data2vec-vision", hidden_size=32, num_hidden_layers=4, num_attention_heads=4, intermediate_size=37,
        image_size=32, patch_size=8, num_channels=3, layer_norm_eps=1e-12, use_mean_pooling=True,
        out_indices=[1, 2, 3, 4], auxiliary_channels=8, id2label=labels(5)),
}

ROWS = [[0, 31, 41, 59, 26, 53, 2], [0, 97, 93, 2, 1, 1, 1]]
CHOICES = [ROWS, ROWS[::-1]]
CLIPS = {"noise": "input_values", "shape": [2, 1024], "valid": [1024, 700]}
MASKED = [[int(i % 3 == 0) for i in range(16)], [int(5 <= i <= 8) for i in range(16)]]


def not_pad(ids):
    return [not_pad(i) if isinstance(i, list) else int(i != 1) for i in ids]


INPUTS = {
    "clips": {"input_values": CLIPS},
    "clips and mask": {"input_values": CLIPS, "attention_mask": {"ones": [1024, 700], "shape": [2, 1024]}},
    "rows": {"input_ids": ROWS, "attention_mask": not_pad(ROWS)},
    "row 0": {"input_ids": ROWS[:1], "attention_mask": not_pad(ROWS[:1])},
    "choices": {"input_ids": CHOICES, "attention_mask": not_pad(CHOICES)},
    "images": {"pixel_values": {"noise": "pixel_values", "shape": [2, 3, 32, 32]}},
    "image 48x32": {"pixel_values": {"noise": "pixel_values", "shape": [1, 3, 48, 32]}},
    "images and masked patches": {"pixel_values": {"noise": "pixel_values", "shape": [2, 3, 32, 32]}, "bool_masked_pos": MASKED},
}

FRAME, SEQ, XVEC = "ForAudioFrameClassification", "ForSequenceClassification", "ForXVector"
CLS, SEG = "ForImageClassification", "ForSemanticSegmentation"
ROW_0, ROW_1 = dict(batch=0), {"batch": 1, "from": 0, "to": 4}
WEIGHTED, OWN = dict(use_weighted_layer_sum=True), dict(use_relative_position_bias=True)
LAST = "last_hidden_state"

# tag: class, inputs, output, changes to the config, and what else the line needs
LINES = {
    "audio.model nomask last": ("Model", "clips", LAST),
    "audio.model nomask extract": ("Model", "clips", "extract_features"),
    "audio.model nomask hs0": ("Model", "clips", "hidden_states.0"),
    "audio.model mask last": ("Model", "clips and mask", LAST),
    "audio.ctc nomask": ("ForCTC", "clips", "logits"),
    "audio.ctc mask": ("ForCTC", "clips and mask", "logits"),
    "audio.frame nomask": (FRAME, "clips", "logits"),
    "audio.frame weighted mask": (FRAME, "clips and mask", "logits", WEIGHTED),
    "audio.seqcls nomask": (SEQ, "clips", "logits"),
    "audio.seqcls mask": (SEQ, "clips and mask", "logits"),
    "audio.seqcls weighted mask": (SEQ, "clips and mask", "logits", WEIGHTED),
    "audio.xvector nomask logits": (XVEC, "clips", "logits"),
    "audio.xvector nomask embed": (XVEC, "clips", "embeddings"),
    "audio.xvector mask logits": (XVEC, "clips and mask", "logits"),
    "audio.xvector mask embed": (XVEC, "clips and mask", "embeddings"),
    "audio.model adapter": ("Model", "clips", LAST, dict(add_adapter=True)),
    "audio.model adapter proj 8": ("Model", "clips", LAST, dict(add_adapter=True, output_hidden_size=8)),
    "text.model last (row 0)": ("Model", "rows", LAST, {}, dict(part=ROW_0)),
    "text.model last (row 1 valid)": ("Model", "rows", LAST, {}, dict(part=ROW_1)),
    "text.model pooler": ("Model", "rows", "pooler_output"),
    "text.mlm (row 0)": ("ForMaskedLM", "rows", "logits", {}, dict(part=ROW_0)),
    "text.seqcls": (SEQ, "rows", "logits"),
    "text.tokcls (row 0)": ("ForTokenClassification", "rows", "logits", {}, dict(part=ROW_0)),
    "text.qa start (row 0)": ("ForQuestionAnswering", "rows", "start_logits", dict(id2label=labels(2)), dict(part=ROW_0)),
    "text.qa end (row 0)": ("ForQuestionAnswering", "rows", "end_logits", dict(id2label=labels(2)), dict(part=ROW_0)),
    "text.multichoice": ("ForMultipleChoice", "choices", "logits"),
    "text.causal logits": ("ForCausalLM", "row 0", "logits", dict(is_decoder=True)),
    "text.causal cached tail": ("ForCausalLM", "row 0", "logits", dict(is_decoder=True), dict(past=4)),
    "vision.model plain": ("Model", "images", LAST),
    "vision.model shared, final LN": ("Model", "images", LAST, dict(use_shared_relative_position_bias=True, use_mean_pooling=False)),
    "vision.model masked patches": ("Model", "images and masked patches", LAST, dict(use_mask_token=True)),
    "vision.model abs pos": ("Model", "images", LAST, dict(use_absolute_position_embeddings=True)),
    "vision.model abs pos 48x32": ("Model", "image 48x32", LAST, dict(use_absolute_position_embeddings=True)),
    "vision.cls rel": (CLS, "images", "logits", OWN),
    "vision.cls rel 48x32": (CLS, "image 48x32", "logits", OWN),
    "vision.cls rel+shared": (CLS, "images", "logits", dict(OWN, use_shared_relative_position_bias=True)),
    "vision.cls cls-token": (CLS, "images", "logits", dict(OWN, use_mean_pooling=False)),
    "vision.seg logits": (SEG, "images", "logits", OWN),
    "vision.seg aux": (SEG, "images", "auxiliary_logits", OWN),
    "vision.seg aux 2 convs+cat": (SEG, "images", "auxiliary_logits", dict(OWN, auxiliary_num_convs=2, auxiliary_concat_input=True)),
    "vision.seg 3 features": (SEG, "images", "logits", dict(num_hidden_layers=2, out_indices=[0, 1, 2, 3])),
}


def parse(text):
    """the appendix's lines and its greedy sequences"""
    block = re.search(r"^## Appendix A\..*?^```\n(.*?)^```", text, re.S | re.M)[1]
    number = r"([-+]?[\d.]+)"
    line = re.compile(rf"(.+?)\s+\[([\d, ]+)\]\s+sum {number} abs {number} first {number} {number} {number} {number} last {number}$")
    values, sequences = [], []
    for row in block.splitlines():
        if m := line.match(row):
            tag, shape, total, absolute, a, b, c, d, last = m.groups()
            head, inputs, output, changes, more = (*LINES[tag], {}, {})[:5]
            values.append({
                "tag": tag, "shape": json.loads(f"[{shape}]"), "sum": float(total), "abs": float(absolute),
                "first": [float(x) for x in (a, b, c, d)], "last": float(last), "head": head,
                "config": tag.split(".")[0], "changes": changes, "inputs": inputs, "output": output, **more})
        elif m := re.match(r"\s*greedy (forward|HF generate) positions (\[.*\])$", row):
            ids = json.loads(m[2])
            sequences.append({"positions": m[1].split()[-1], "head": "ForCausalLM", "config": "text",
                              "changes": {"is_decoder": True}, "prompt": ids[:3], "new": ids[3:]})
        elif "cache vs full" not in row:
            raise ValueError(f"not understood: {row}")
    if {v["tag"] for v in values} != set(LINES) or len(sequences) != 2:
        raise ValueError("lines are missing")
    return {"comment": COMMENT, "configs": CONFIGS, "inputs": INPUTS, "values": values, "greedy": sequences}


HALF = ("embeddings.weight", "relative_position_bias_table", "cls_token", "mask_token", "position_embeddings",
        "masked_spec_embed", "lambda_1", "lambda_2", "layer_weights")


def fill(name, shape):
    r = torch.from_numpy(noise(name, math.prod(shape))).reshape(shape)
    if name.endswith("num_batches_tracked"):
        return r * 0
    if name.endswith("running_var"):
        return 1 + 0.5 * r
    if name.endswith(("running_mean", ".bias")):
        return 0.1 * r
    if name.endswith(".weight") and len(shape) == 1:
        return 1 + 0.1 * r
    if name.endswith(HALF):
        return 0.5 * r
    return r * math.sqrt(3.0 / max(1, math.prod(shape[1:])))


def make_model(data, case):
    fields = {**data["configs"][case["config"]], **case["changes"]}
    model = original.model_class(fields, case["head"])(original.make_config(fields)).eval()
    prefix = "" if case["head"] != "Model" else model.base_model_prefix + "."
    for name, t in [*model.named_parameters(), *model.named_buffers()]:
        if name in model.state_dict():
            t.copy_(fill(prefix + old_name(name), tuple(t.shape)))
    return model


def make_input(rule):
    if isinstance(rule, list):
        return torch.tensor(rule)
    shape = rule["shape"]
    if "ones" in rule:
        return (torch.arange(shape[1])[None] < torch.tensor(rule["ones"])[:, None]).long()
    t = torch.from_numpy(noise(rule["noise"], math.prod(shape))).reshape(shape).float()
    for row, n in zip(t, rule.get("valid", [])):
        row[n:] = 0
    return t


def compute(data, case):
    model = make_model(data, case)
    inputs = {name: make_input(rule) for name, rule in data["inputs"][case["inputs"]].items()}
    if case["output"] == "auxiliary_logits":
        seen = []
        model.auxiliary_head.register_forward_hook(lambda module, args, output: seen.append(output))
        original.forward(model, inputs)
        return seen[0]
    if n := case.get("past"):
        ids = inputs["input_ids"]
        cache = model(ids[:, :n], use_cache=True).cache
        return model(ids[:, n:], cache=cache).logits
    out = original.forward(model, inputs)[case["output"]]
    if part := case.get("part"):
        out = out[part["batch"], part.get("from"):part.get("to")]
    return out


def check(data):
    worst = 0.0
    for case in data["values"]:
        t = compute(data, case).double()
        assert list(t.shape) == case["shape"], case["tag"]
        t = t.flatten()
        ends = torch.cat([t[:4], t[-1:]]) - torch.tensor([*case["first"], case["last"]], dtype=torch.float64)
        error = max(abs(t.sum() - case["sum"]) / case["abs"], abs(t.abs().sum() - case["abs"]) / case["abs"],
                    ends.abs().max() / t.abs().max()).item()
        worst = max(worst, error)
        print(f"{case['tag']:34s} {error:.1e}")
    for case in data["greedy"]:
        model, ids = make_model(data, case), torch.tensor([case["prompt"]])
        for _ in case["new"]:
            positions = torch.arange(ids.shape[1])[None] if case["positions"] == "generate" else None
            best = model(ids, position_ids=positions).logits[:, -1].argmax(-1, keepdim=True)
            ids = torch.cat([ids, best], 1)
        assert ids[0, len(case["prompt"]):].tolist() == case["new"], case["positions"]
    print(f"largest relative error {worst:.1e}, greedy sequences equal")
    return worst < 1e-5


def dump(data):
    """one value a line, to be read by people too"""
    def rows(items):
        return "[\n" + ",\n".join("  " + json.dumps(i) for i in items) + "\n ]"
    def table(items):
        return "{\n" + ",\n".join(f"  {json.dumps(k)}: {json.dumps(v)}" for k, v in items.items()) + "\n }"
    parts = {"comment": rows, "configs": table, "inputs": table, "values": rows, "greedy": rows}
    return "{\n" + ",\n".join(f' "{k}": {f(data[k])}' for k, f in parts.items()) + "\n}\n"


if __name__ == "__main__":
    if sys.argv[1:] == ["--check"]:
        with open(PATH) as f:
            sys.exit(not check(json.load(f)))
    with open(sys.argv[1]) as f:
        result = dump(parse(f.read()))
    with open(PATH, "w") as f:
        f.write(result)
