#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The specification's check values (appendix_a.json), through `d2v run`.

    test_appendix.py D2V

Weights and inputs are made by the rule that appendix_a.json states, so this
also checks the names and shapes of every tensor of the fifteen classes."""
import json
import math
import os
import pathlib
import struct
import subprocess
import sys
import tempfile
from array import array

HERE = pathlib.Path(__file__).resolve().parent
HALVES = ("embeddings.weight", "relative_position_bias_table", "cls_token",
          "mask_token", "position_embeddings", "masked_spec_embed",
          "lambda_1", "lambda_2", "layer_weights")
MASK = 0xFFFFFFFF
TOLERANCE = 2e-5  # the values were printed from float32, with six digits


# ------------------------------------------------------------ the rule

def noise(name, n):
    x0 = 0x811C9DC5
    for byte in name.encode():
        x0 = ((x0 ^ byte) * 0x01000193) & MASK
    out = array("d")
    for i in range(n):
        x = (x0 + i * 0x9E3779B9) & MASK
        x = ((x ^ (x >> 16)) * 0x85EBCA6B) & MASK
        x = ((x ^ (x >> 13)) * 0xC2B2AE35) & MASK
        out.append((x ^ (x >> 16)) / 2 ** 31 - 1)
    return out


def fill(name, shape):
    r = noise(name, math.prod(shape))
    if name.endswith("running_var"):
        scale, shift = 0.5, 1
    elif name.endswith(("running_mean", ".bias")):
        scale, shift = 0.1, 0
    elif name.endswith(".weight") and len(shape) == 1:
        scale, shift = 0.1, 1
    elif name.endswith(HALVES):
        scale, shift = 0.5, 0
    else:
        scale, shift = math.sqrt(3 / max(1, math.prod(shape[1:]))), 0
    return array("f", (shift + scale * v for v in r))


# --------------------------------------------- names and shapes (spec 6)

def linear(name, out, in_, bias=True):
    return {name + ".weight": (out, in_), **({name + ".bias": (out,)} if bias
                                            else {})}


def norm(name, width):
    return {name + ".weight": (width,), name + ".bias": (width,)}


def audio(c, head):
    h, p = c["hidden_size"], "data2vec_audio."
    t, cin = {}, 1
    for i, (dim, kernel) in enumerate(zip(c["conv_dim"], c["conv_kernel"])):
        layer = f"{p}feature_extractor.conv_layers.{i}."
        t[layer + "conv.weight"] = (dim, cin, kernel)
        t |= norm(layer + "layer_norm", dim)
        cin = dim
    t |= norm(p + "feature_projection.layer_norm", cin)
    t |= linear(p + "feature_projection.projection", h, cin)
    for i in range(c["num_conv_pos_embeddings"]):
        conv = f"{p}encoder.pos_conv_embed.layers.{i}.conv."
        t[conv + "weight"] = (h, h // c["num_conv_pos_embedding_groups"],
                              c["conv_pos_kernel_size"])
        t[conv + "bias"] = (h,)
    t |= norm(p + "encoder.layer_norm", h)
    for i in range(c["num_hidden_layers"]):
        layer = f"{p}encoder.layers.{i}."
        for part in ("q_proj", "k_proj", "v_proj", "out_proj"):
            t |= linear(layer + "attention." + part, h, h)
        t |= norm(layer + "layer_norm", h) | norm(layer + "final_layer_norm", h)
        t |= linear(layer + "feed_forward.intermediate_dense",
                    c["intermediate_size"], h)
        t |= linear(layer + "feed_forward.output_dense", h,
                    c["intermediate_size"])
    out = c.get("output_hidden_size") or h
    if c.get("add_adapter"):
        if out != h:
            t |= linear(p + "adapter.proj", out, h)
            t |= norm(p + "adapter.proj_layer_norm", out)
        for i in range(c["num_adapter_layers"]):
            conv = f"{p}adapter.layers.{i}.conv."
            t[conv + "weight"] = (2 * out, out, c["adapter_kernel_size"])
            t[conv + "bias"] = (2 * out,)
    labels, proj = len(c["id2label"]), c["classifier_proj_size"]
    if c.get("use_weighted_layer_sum"):
        t["layer_weights"] = (c["num_hidden_layers"] + 1,)
    if head == "ForCTC":
        t |= linear("lm_head", c["vocab_size"], h)
    elif head == "ForAudioFrameClassification":
        t |= linear("classifier", labels, h)
    elif head == "ForSequenceClassification":
        t |= linear("projector", proj, h) | linear("classifier", labels, proj)
    elif head == "ForXVector":
        dims, xv = c["tdnn_dim"], c["xvector_output_dim"]
        t |= linear("projector", dims[0], h)
        for i, (dim, kernel) in enumerate(zip(dims, c["tdnn_kernel"])):
            t |= linear(f"tdnn.{i}.kernel", dim, dims[max(i - 1, 0)] * kernel)
        t |= linear("feature_extractor", xv, 2 * dims[-1])
        t |= linear("classifier", xv, xv)
    return t


def text(c, head):
    h, i_size, p = c["hidden_size"], c["intermediate_size"], "data2vec_text."
    t = {p + "embeddings.word_embeddings.weight": (c["vocab_size"], h),
         p + "embeddings.position_embeddings.weight":
             (c["max_position_embeddings"], h),
         p + "embeddings.token_type_embeddings.weight":
             (c["type_vocab_size"], h)}
    t |= norm(p + "embeddings.LayerNorm", h)
    for i in range(c["num_hidden_layers"]):
        layer = f"{p}encoder.layer.{i}."
        for part in ("query", "key", "value"):
            t |= linear(layer + "attention.self." + part, h, h)
        t |= linear(layer + "attention.output.dense", h, h)
        t |= norm(layer + "attention.output.LayerNorm", h)
        t |= linear(layer + "intermediate.dense", i_size, h)
        t |= linear(layer + "output.dense", h, i_size)
        t |= norm(layer + "output.LayerNorm", h)
    labels = len(c["id2label"])
    if head in ("Model", "ForMultipleChoice"):
        t |= linear(p + "pooler.dense", h, h)
    if head in ("ForMaskedLM", "ForCausalLM"):
        t |= linear("lm_head.dense", h, h) | norm("lm_head.layer_norm", h)
        t["lm_head.bias"] = (c["vocab_size"],)
    elif head == "ForSequenceClassification":
        t |= linear("classifier.dense", h, h)
        t |= linear("classifier.out_proj", labels, h)
    elif head == "ForTokenClassification":
        t |= linear("classifier", labels, h)
    elif head == "ForQuestionAnswering":
        t |= linear("qa_outputs", 2, h)
    elif head == "ForMultipleChoice":
        t |= linear("classifier", 1, h)
    return t


def conv_module(name, out, in_, k):
    t = {name + ".conv.weight": (out, in_, k, k)}
    for part in ("weight", "bias", "running_mean", "running_var"):
        t[f"{name}.bn.{part}"] = (out,)
    return t


def upernet(c, h, labels):
    t = {}
    for name in ("fpn1.0", "fpn1.3", "fpn2.0"):
        t |= {name + ".weight": (h, h, 2, 2), name + ".bias": (h,)}
    for part in ("weight", "bias", "running_mean", "running_var"):
        t["fpn1.1." + part] = (h,)
    scales = c.get("pool_scales", [1, 2, 3, 6])
    d = "decode_head."
    for i in range(len(scales)):
        t |= conv_module(f"{d}psp_modules.{i}.1", h, h, 1)
    t |= conv_module(d + "bottleneck", h, h * (1 + len(scales)), 3)
    for i in range(3):
        t |= conv_module(f"{d}lateral_convs.{i}", h, h, 1)
        t |= conv_module(f"{d}fpn_convs.{i}", h, h, 3)
    t |= conv_module(d + "fpn_bottleneck", h, 4 * h, 3)
    t |= {d + "classifier.weight": (labels, h, 1, 1),
          d + "classifier.bias": (labels,)}
    return t


def vision(c, head):
    h, i_size, p = c["hidden_size"], c["intermediate_size"], "data2vec_vision."
    heads, patch = c["num_attention_heads"], c["patch_size"]
    grid = c["image_size"] // patch
    table = ((2 * grid - 1) ** 2 + 3, heads)
    bias = "relative_position_bias.relative_position_bias_table"
    t = {p + "embeddings.cls_token": (1, 1, h),
         p + "embeddings.patch_embeddings.projection.weight":
             (h, c["num_channels"], patch, patch),
         p + "embeddings.patch_embeddings.projection.bias": (h,)}
    if c.get("use_mask_token"):
        t[p + "embeddings.mask_token"] = (1, 1, h)
    if c.get("use_absolute_position_embeddings"):
        t[p + "embeddings.position_embeddings"] = (1, grid * grid + 1, h)
    if c.get("use_shared_relative_position_bias"):
        t[f"{p}encoder.{bias}"] = table
    for i in range(c["num_hidden_layers"]):
        layer = f"{p}encoder.layer.{i}."
        a = layer + "attention.attention."
        t |= linear(a + "query", h, h) | linear(a + "key", h, h, False)
        t |= linear(a + "value", h, h)
        t |= linear(layer + "attention.output.dense", h, h)
        if c.get("use_relative_position_bias"):
            t[a + bias] = table
        t |= {layer + "lambda_1": (h,), layer + "lambda_2": (h,)}
        t |= norm(layer + "layernorm_before", h)
        t |= norm(layer + "layernorm_after", h)
        t |= linear(layer + "intermediate.dense", i_size, h)
        t |= linear(layer + "output.dense", h, i_size)
    labels = len(c["id2label"])
    if not c.get("use_mean_pooling", True):
        t |= norm(p + "layernorm", h)
    elif head == "ForImageClassification":
        t |= norm(p + "pooler.layernorm", h)
    if head == "ForImageClassification":
        t |= linear("classifier", labels, h)
    elif head == "ForSemanticSegmentation":
        t |= upernet(c, h, labels)
    return t


# --------------------------------------------------------------- files

def save(path, tensors):
    header, data = {}, b""
    for name, (dtype, shape, values) in tensors.items():
        raw = values.tobytes()
        header[name] = {"dtype": dtype, "shape": list(shape),
                        "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text_ = json.dumps(header).encode()
    text_ += b" " * (-len(text_) % 8)
    path.write_bytes(struct.pack("<Q", len(text_)) + text_ + data)


def load(path):
    raw = path.read_bytes()
    n = struct.unpack("<Q", raw[:8])[0]
    out = {}
    for name, entry in json.loads(raw[8:8 + n]).items():
        begin, end = (8 + n + o for o in entry["data_offsets"])
        out[name] = (entry["shape"], array("f", raw[begin:end]))
    return out


def flatten(nested):
    return [v for row in nested for v in flatten(row)] \
        if isinstance(nested, list) else [nested]


def shape_of(nested):
    return [len(nested)] + shape_of(nested[0]) if isinstance(nested, list) \
        else []


def input_tensor(spec):
    if isinstance(spec, list):
        return "I64", shape_of(spec), array("q", flatten(spec))
    shape = spec["shape"]
    row = math.prod(shape[1:])
    if "ones" in spec:
        bits = [int(i < n) for n in spec["ones"] for i in range(row)]
        return "I64", shape, array("q", bits)
    values = array("f", noise(spec["noise"], math.prod(shape)))
    for b, n in enumerate(spec.get("valid", [])):
        for i in range(b * row + n, (b + 1) * row):
            values[i] = 0
    return "F32", shape, values


# ---------------------------------------------------------------- runs

class Runner:
    """Runs a class on an input once, however many values are taken of it."""

    def __init__(self, program, data, folder):
        self.program, self.data, self.folder = program, data, folder
        self.done = {}

    def outputs(self, value):
        key = json.dumps([value[k] for k in ("head", "config", "changes",
                                             "inputs")])
        if key not in self.done:
            self.done[key] = self.run(value, self.folder / str(len(self.done)))
        return self.done[key]

    def run(self, value, folder):
        folder.mkdir()
        config = {**self.data["configs"][value["config"]], **value["changes"]}
        names = {"audio": audio, "text": text, "vision": vision}[
            value["config"]](config, value["head"])
        (folder / "config.json").write_text(json.dumps(config))
        save(folder / "model.safetensors",
             {n: ("F32", s, fill(n, s)) for n, s in names.items()})
        save(folder / "in.safetensors",
             {n: input_tensor(s) for n, s in
              self.data["inputs"][value["inputs"]].items()})
        subprocess.run(
            [self.program, "run", folder, "--inputs", folder / "in.safetensors",
             "--outputs", folder / "out.safetensors", "--hidden-states",
             "--head", value["head"]], check=True)
        return load(folder / "out.safetensors")


def take_part(value, shape, numbers):
    """The part of an output that the specification prints: an example, then
    some of its tokens."""
    if value.get("past"):
        # What comes after a cached past equals the tail of the whole pass.
        width = math.prod(shape[2:])
        return numbers[value["past"] * width:]
    part = value.get("part")
    if not part:
        return numbers
    row = math.prod(shape[1:])
    numbers = numbers[part["batch"] * row:(part["batch"] + 1) * row]
    if "from" not in part:
        return numbers
    width = math.prod(shape[2:])
    return numbers[part["from"] * width:part["to"] * width]


def agrees(value, numbers):
    if len(numbers) != math.prod(value["shape"]):
        return False
    largest = max(map(abs, numbers))
    pairs = list(zip(numbers, value["first"])) + [(numbers[-1], value["last"])]
    sums = ((math.fsum(numbers), value["sum"]),
            (math.fsum(map(abs, numbers)), value["abs"]))
    return all(abs(a - b) <= TOLERANCE * largest + 1e-6 for a, b in pairs) \
        and all(abs(a - b) <= TOLERANCE * value["abs"] + 1e-6 for a, b in sums)


def main():
    data = json.loads((HERE / "appendix_a.json").read_text())
    failed = 0
    print(f"1..{len(data['values'])}")
    with tempfile.TemporaryDirectory() as folder:
        runner = Runner(sys.argv[1], data, pathlib.Path(folder))
        for i, value in enumerate(data["values"], 1):
            if value["output"] == "auxiliary_logits":
                print(f"ok {i} {value['tag']} # SKIP used in training only")
                continue
            shape, numbers = runner.outputs(value)[value["output"]]
            good = agrees(value, take_part(value, shape, numbers))
            failed += not good
            print(f"{'ok' if good else 'not ok'} {i} {value['tag']}")
    return 1 if failed else 0


if __name__ == "__main__":
    os.environ.setdefault("LC_ALL", "C.UTF-8")
    sys.exit(main())
