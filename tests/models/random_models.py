#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Draws tiny models that config.json allows, of all classes, and runs each on every level of CPU
kernels: all give the plain kernels' numbers, and only finite ones. Standard library only.

    random_models.py RUNNER [N [FIRST SEED]]
"""

import array
import json
import math
import os
import pathlib
import random
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tools"))
import tiny  # noqa: E402

LEVELS = ["plain", "blas", "avx2", "avx512"]
ACTIVATIONS = ["gelu", "gelu_new", "gelu_fast", "quick_gelu", "relu", "silu", "tanh", "mish", "linear"]
HEADS = {
    "data2vec-audio": ["Model", "ForCTC", "ForSequenceClassification", "ForAudioFrameClassification",
                       "ForXVector"],
    "data2vec-text": ["Model", "ForMaskedLM", "ForCausalLM", "ForSequenceClassification",
                      "ForTokenClassification", "ForQuestionAnswering", "ForMultipleChoice"],
    "data2vec-vision": ["Model", "ForImageClassification", "ForSemanticSegmentation"],
}


def coin(r, chance=0.5):
    return r.random() < chance


def common(r, family):
    heads = r.randint(1, 5)
    width = heads * r.randint(-(-8 // heads), 11)
    return {"model_type": family, "num_attention_heads": heads, "hidden_size": width,
            "num_hidden_layers": r.randint(1, 3), "intermediate_size": r.randint(8, 70),
            "hidden_act": r.choice(ACTIVATIONS), "layer_norm_eps": r.choice([1e-12, 1e-5, 1e-2]),
            **tiny.labels([f"label {i}" for i in range(r.randint(1, 19))])}


# ------------------------------------------------------------------- audio

def n_frames(n, config):
    for kernel, stride in zip(config["conv_kernel"], config["conv_stride"]):
        n = (n - kernel) // stride + 1
    return n


def least_samples(frames, config):
    for kernel, stride in zip(reversed(config["conv_kernel"]), reversed(config["conv_stride"])):
        frames = (frames - 1) * stride + kernel
    return frames


def audio(r, head):
    c = common(r, "data2vec-audio")
    n, tdnn = r.randint(1, 4), r.randint(1, 3)
    divisors = [d for d in range(1, c["hidden_size"] + 1) if c["hidden_size"] % d == 0]
    c.update(vocab_size=r.randint(2, 40), conv_dim=[r.randint(1, 33) for _ in range(n)],
             conv_kernel=[r.randint(1, 12) for _ in range(n)], conv_stride=[r.randint(1, 5) for _ in range(n)],
             conv_bias=coin(r), feat_extract_activation=r.choice(ACTIVATIONS), mask_time_prob=0.0,
             num_conv_pos_embeddings=r.randint(1, 3), conv_pos_kernel_size=r.randint(1, 9),
             num_conv_pos_embedding_groups=r.choice(divisors), classifier_proj_size=r.randint(1, 20),
             use_weighted_layer_sum=coin(r), add_adapter=head in ("Model", "ForCTC") and coin(r),
             adapter_kernel_size=r.randint(1, 4), adapter_stride=r.randint(1, 3),
             num_adapter_layers=r.randint(1, 2), tdnn_dim=[r.randint(1, 20) for _ in range(tdnn)],
             tdnn_kernel=[r.randint(1, 4) for _ in range(tdnn)], xvector_output_dim=r.randint(1, 12),
             tdnn_dilation=[r.randint(1, 2) for _ in range(tdnn)])
    if c["add_adapter"] and coin(r):
        c["output_hidden_size"] = r.randint(1, 40)
    return c


def audio_shapes(c, head):
    shapes = tiny.audio_shapes(c, head)
    prefix = "data2vec_audio." if head != "Model" else ""
    if c["conv_bias"]:
        for i, dim in enumerate(c["conv_dim"]):
            shapes[f"{prefix}feature_extractor.conv_layers.{i}.conv.bias"] = [dim]
    if c["use_weighted_layer_sum"] and head not in ("Model", "ForCTC"):
        shapes["layer_weights"] = [c["num_hidden_layers"] + 1]
    if c["add_adapter"]:
        out = c.get("output_hidden_size", c["hidden_size"])
        if out != c["hidden_size"]:
            tiny.linear(shapes, prefix + "adapter.proj", out, c["hidden_size"])
            tiny.norm(shapes, prefix + "adapter.proj_layer_norm", out)
        for i in range(c["num_adapter_layers"]):
            shapes[f"{prefix}adapter.layers.{i}.conv.weight"] = [2 * out, out, c["adapter_kernel_size"]]
            shapes[f"{prefix}adapter.layers.{i}.conv.bias"] = [2 * out]
        if head == "ForCTC":
            tiny.linear(shapes, "lm_head", c["vocab_size"], out)
    return shapes


def audio_inputs(r, c, head):
    batch, frames = r.randint(1, 3), r.randint(20, 45)
    n = least_samples(frames, c) + r.randint(0, 3)
    inputs = {"input_values": ("F32", [batch, n], [r.gauss(0, 1) for _ in range(batch * n)])}
    if coin(r):  # right padding; at least what the heads want of frames
        counts = [n] + [r.randint(least_samples(18, c), n) for _ in range(batch - 1)]
        inputs["attention_mask"] = ("I64", [batch, n],
                                    [int(i < count) for count in counts for i in range(n)])
    return inputs


# -------------------------------------------------------------------- text

def text(r, head):
    c = common(r, "data2vec-text")
    c.update(vocab_size=r.randint(8, 90), max_position_embeddings=r.randint(30, 50),
             type_vocab_size=r.randint(1, 3), pad_token_id=r.randint(0, 3), bos_token_id=0, eos_token_id=2,
             position_embedding_type=r.choice(["absolute", "relative_key", "relative_key_query"]),
             is_decoder=coin(r, 0.3), tie_word_embeddings=coin(r, 0.7))
    return c


def text_shapes(c, head):
    shapes = tiny.text_shapes(c, head)
    prefix = "data2vec_text." if head != "Model" else ""
    if c["position_embedding_type"] != "absolute":
        for i in range(c["num_hidden_layers"]):
            shapes[f"{prefix}encoder.layer.{i}.attention.self.distance_embedding.weight"] = [
                2 * c["max_position_embeddings"] - 1, c["hidden_size"] // c["num_attention_heads"]]
    if head in ("ForMaskedLM", "ForCausalLM") and not c["tie_word_embeddings"]:
        shapes["lm_head.decoder.weight"] = [c["vocab_size"], c["hidden_size"]]
    return shapes


def text_inputs(r, c, head):
    length = r.randint(1, c["max_position_embeddings"] - c["pad_token_id"] - 1)
    shape = [r.randint(1, 3), length]
    if head == "ForMultipleChoice":
        shape.insert(1, r.randint(1, 3))
    n = math.prod(shape)
    ids = [r.choice([i for i in range(c["vocab_size"]) if i != c["pad_token_id"]]) for _ in range(n)]
    inputs = {"input_ids": ("I64", shape, ids)}
    if coin(r):
        inputs["token_type_ids"] = ("I64", shape, [r.randrange(c["type_vocab_size"]) for _ in range(n)])
    if coin(r):
        rows = n // length
        counts = [r.randint(1, length) for _ in range(rows)]
        inputs["attention_mask"] = ("I64", shape, [int(i < count) for count in counts for i in range(length)])
    return inputs


# ------------------------------------------------------------------ vision

def vision(r, head):
    c = common(r, "data2vec-vision")
    patch = r.randint(1, 6)
    segments = head == "ForSemanticSegmentation"
    c.update(patch_size=patch, image_size=patch * r.randint(2, 6) + r.randrange(patch),
             num_channels=3, use_absolute_position_embeddings=coin(r),
             use_relative_position_bias=coin(r), layer_scale_init_value=r.choice([0, 0.1]),
             use_mean_pooling=coin(r), use_auxiliary_head=False, use_mask_token=coin(r, 0.3))
    if segments:
        c.update(num_hidden_layers=4, out_indices=[1, 2, 3, 4])
    return c


def vision_shapes(c, head):
    shapes = tiny.vision_shapes(c, head)
    prefix = "data2vec_vision." if head != "Model" else ""
    h, grid = c["hidden_size"], c["image_size"] // c["patch_size"]
    unused = ([".relative_position_bias_table"] if not c["use_relative_position_bias"] else []) + (
        [".lambda_1", ".lambda_2"] if c["layer_scale_init_value"] == 0 else [])
    shapes = {name: shape for name, shape in shapes.items() if not name.endswith(tuple(unused))}
    if c["use_absolute_position_embeddings"]:
        shapes[prefix + "embeddings.position_embeddings"] = [1, grid * grid + 1, h]
    if c["use_mask_token"]:
        shapes[prefix + "embeddings.mask_token"] = [1, 1, h]
    if not c["use_mean_pooling"]:
        shapes = {n: s for n, s in shapes.items() if not n.startswith(prefix + "pooler.layernorm")}
        tiny.norm(shapes, prefix + "layernorm", h)
    return shapes


def vision_inputs(r, c, head):
    shape = [r.randint(1, 2), c["num_channels"], c["image_size"], c["image_size"]]
    inputs = {"pixel_values": ("F32", shape, [r.uniform(-1, 1) for _ in range(math.prod(shape))])}
    return inputs


FAMILIES = {"data2vec-audio": (audio, audio_shapes, audio_inputs),
            "data2vec-text": (text, text_shapes, text_inputs),
            "data2vec-vision": (vision, vision_shapes, vision_inputs)}


# ------------------------------------------------------------------- files

def numbers(r, name, shape):
    n = math.prod(shape)
    if name.endswith("running_var"):
        return [r.uniform(0.5, 1.5) for _ in range(n)]
    if name.endswith((".bias", "running_mean")):
        return [r.uniform(-0.3, 0.3) for _ in range(n)]
    if len(shape) == 1:  # gains, scales, weights of layers
        return [r.uniform(0.5, 1.5) for _ in range(n)]
    scale = math.sqrt(3 / (1 if "embedding" in name and len(shape) == 2 else math.prod(shape[1:])))
    random_ = r.random
    return [scale * (2 * random_() - 1) for _ in range(n)]


def write_tensors(path, tensors):
    codes = {"F32": "f", "I64": "q"}
    header, data = {}, bytearray()
    for name, (dtype, shape, values) in sorted(tensors.items(), key=lambda item: item[1][0] == "F32"):
        begin = len(data)
        data += array.array(codes[dtype], values).tobytes()
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [begin, len(data)]}
    text_ = json.dumps(header).encode()
    text_ += b" " * (-len(text_) % 8)
    path.write_bytes(len(text_).to_bytes(8, "little") + text_ + data)


def write_model(directory, seed):
    r = random.Random(seed)
    family = list(FAMILIES)[seed % 3]
    head = HEADS[family][seed // 3 % len(HEADS[family])]
    draw, shapes_of, inputs_of = FAMILIES[family]
    config = draw(r, head)
    shapes = shapes_of(config, head)
    directory.mkdir()
    write_tensors(directory / "model.safetensors",
                  {name: ("F32", shape, numbers(r, name, shape)) for name, shape in shapes.items()})
    tiny.write_json(directory / "config.json", {"architectures": [tiny.FAMILIES[family] + head], **config})
    if family == "data2vec-audio":
        tiny.write_json(directory / "preprocessor_config.json",
                        {"do_normalize": True, "feature_size": 1, "sampling_rate": 16000})
    write_tensors(directory / "inputs.safetensors", inputs_of(r, config, head))


def main(runner, n=200, first=0):
    seeds = range(int(first), int(first) + int(n))
    print(f"1..{len(LEVELS)}", flush=True)
    with tempfile.TemporaryDirectory(prefix="d2v-random-") as folder:
        folders = [pathlib.Path(folder) / f"seed-{seed}" for seed in seeds]
        for directory, seed in zip(folders, seeds):
            write_model(directory, seed)
        for i, level in enumerate(LEVELS, 1):
            done = subprocess.run([runner, *map(str, folders)], env={**os.environ, "D2V_CPU_LEVEL": level},
                                  capture_output=True, text=True, timeout=280)
            print(f"{'ok' if done.returncode == 0 else 'not ok'} {i} {len(folders)} models, {level}")
            for line in (done.stdout + done.stderr).splitlines():
                print(f"# {line}")
            if done.returncode < 0:
                print(f"# signal {-done.returncode}")
            sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
