# SPDX-License-Identifier: LGPL-2.1-or-later
"""Tiny models of all fifteen classes in whole model directories, and sounds and
images for them. Python's standard library only.

    tiny.py DIRECTORY    writes them all

Weights are hashes of the tensors' names (the rule of the specification's
appendix A), so that nothing has to be kept: the tests make the models anew,
and so does tools/compare_pipelines.py, which asks the original about them.
"""
import array
import json
import math
import pathlib
import shutil
import struct
import sys
import wave
import zlib

DATA = pathlib.Path(__file__).resolve().parent.parent / "data"
TOKENIZER = DATA / "bpe" / "four"
# Long texts are cut here, as the model has positions for no more.
MODEL_MAX_LENGTH = 48

TEXT = dict(
    model_type="data2vec-text", vocab_size=700, hidden_size=16, num_hidden_layers=2,
    num_attention_heads=2, intermediate_size=24, max_position_embeddings=64, type_vocab_size=1,
    layer_norm_eps=1e-5, pad_token_id=1, bos_token_id=0, eos_token_id=2)
AUDIO = dict(
    model_type="data2vec-audio", vocab_size=32, hidden_size=16, num_hidden_layers=2,
    num_attention_heads=2, intermediate_size=24, conv_dim=[8] * 7, conv_stride=[5, 2, 2, 2, 2, 2, 2],
    conv_kernel=[10, 3, 3, 3, 3, 2, 2], conv_pos_kernel_size=5, num_conv_pos_embeddings=2,
    num_conv_pos_embedding_groups=2, mask_time_prob=0.0, classifier_proj_size=8,
    tdnn_dim=[16, 16], tdnn_kernel=[5, 3], tdnn_dilation=[1, 2], xvector_output_dim=12)
VISION = dict(
    model_type="data2vec-vision", hidden_size=16, num_hidden_layers=4, num_attention_heads=2,
    intermediate_size=24, image_size=32, patch_size=4, use_relative_position_bias=True,
    layer_scale_init_value=0.1, out_indices=[1, 2, 3, 4], use_auxiliary_head=False)

TAGS = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC", "MISC"]
EMOTIONS = ["joy", "anger", "fear", "calm", "none", "hope", "crane"]
SOUNDS = ["dog", "rain", "bell", "horn", "drum", "wind"]
THINGS = ["sky", "tree", "road", "wall", "cat", "crane", "crane"]


def labels(names):
    return {"id2label": {str(i): name for i, name in enumerate(names)}}


# name: family, class without its prefix, config beside the family's
MODELS = {
    "speech": (AUDIO, "ForCTC", {}),
    "sound-class": (AUDIO, "ForSequenceClassification", labels(SOUNDS)),
    "frames": (AUDIO, "ForAudioFrameClassification", labels(["one", "two", "three"])),
    "speaker": (AUDIO, "ForXVector", labels(["a", "b"])),
    "sound-model": (AUDIO, "Model", {}),
    "text-class": (TEXT, "ForSequenceClassification", labels(EMOTIONS)),
    "text-multi": (TEXT, "ForSequenceClassification",
                   {**labels(EMOTIONS[:4]), "problem_type": "multi_label_classification"}),
    "text-score": (TEXT, "ForSequenceClassification", labels(["grade"])),
    "tags": (TEXT, "ForTokenClassification", labels(TAGS)),
    "answer": (TEXT, "ForQuestionAnswering", {}),
    "fill": (TEXT, "ForMaskedLM", {}),
    "generate": (TEXT, "ForCausalLM", {"is_decoder": True}),
    "generate-both": (TEXT, "ForCausalLM", {}),
    "choice": (TEXT, "ForMultipleChoice", {}),
    "text-model": (TEXT, "Model", {}),
    "image-class": (VISION, "ForImageClassification", labels(THINGS)),
    "segment": (VISION, "ForSemanticSegmentation", labels(THINGS)),
    "image-model": (VISION, "Model", {}),
}
FAMILIES = {"data2vec-text": "Data2VecText", "data2vec-audio": "Data2VecAudio",
            "data2vec-vision": "Data2VecVision"}
# Tensors made louder, so that answers differ from place to place.
LOUD = {"lm_head.weight": 4, "classifier.weight": 4, "classifier.out_proj.weight": 4,
        "qa_outputs.weight": 4, "embeddings.word_embeddings.weight": 2,
        "embeddings.position_embeddings.weight": 2, "decode_head.classifier.weight": 4,
        "feature_projection.projection.weight": 3}
# Names that weights are hashed under, where the model's own gives dull answers.
SEEDS = {"speech": "21"}


# ------------------------------------------------------------------ weights

def text_shapes(c, head):
    h, i, p = c["hidden_size"], c["intermediate_size"], "data2vec_text." if head != "Model" else ""
    shapes = {p + "embeddings.word_embeddings.weight": [c["vocab_size"], h],
              p + "embeddings.position_embeddings.weight": [c["max_position_embeddings"], h],
              p + "embeddings.token_type_embeddings.weight": [c["type_vocab_size"], h]}
    norm(shapes, p + "embeddings.LayerNorm", h)
    for n in range(c["num_hidden_layers"]):
        layer = f"{p}encoder.layer.{n}."
        for part in "query", "key", "value":
            linear(shapes, layer + "attention.self." + part, h, h)
        linear(shapes, layer + "attention.output.dense", h, h)
        norm(shapes, layer + "attention.output.LayerNorm", h)
        linear(shapes, layer + "intermediate.dense", i, h)
        linear(shapes, layer + "output.dense", h, i)
        norm(shapes, layer + "output.LayerNorm", h)
    if head in ("Model", "ForMultipleChoice"):
        linear(shapes, p + "pooler.dense", h, h)
    if head in ("ForMaskedLM", "ForCausalLM"):
        linear(shapes, "lm_head.dense", h, h)
        norm(shapes, "lm_head.layer_norm", h)
        shapes["lm_head.bias"] = [c["vocab_size"]]
    if head == "ForSequenceClassification":
        linear(shapes, "classifier.dense", h, h)
        linear(shapes, "classifier.out_proj", len(c["id2label"]), h)
    if head == "ForTokenClassification":
        linear(shapes, "classifier", len(c["id2label"]), h)
    if head == "ForMultipleChoice":
        linear(shapes, "classifier", 1, h)
    if head == "ForQuestionAnswering":
        linear(shapes, "qa_outputs", 2, h)
    return shapes


def audio_shapes(c, head):
    h, i, p = c["hidden_size"], c["intermediate_size"], "data2vec_audio." if head != "Model" else ""
    shapes, width = {}, 1
    for n, (dim, kernel) in enumerate(zip(c["conv_dim"], c["conv_kernel"])):
        shapes[f"{p}feature_extractor.conv_layers.{n}.conv.weight"] = [dim, width, kernel]
        norm(shapes, f"{p}feature_extractor.conv_layers.{n}.layer_norm", dim)
        width = dim
    norm(shapes, p + "feature_projection.layer_norm", width)
    linear(shapes, p + "feature_projection.projection", h, width)
    for n in range(c["num_conv_pos_embeddings"]):
        name = f"{p}encoder.pos_conv_embed.layers.{n}.conv"
        shapes[name + ".weight"] = [h, h // c["num_conv_pos_embedding_groups"], c["conv_pos_kernel_size"]]
        shapes[name + ".bias"] = [h]
    norm(shapes, p + "encoder.layer_norm", h)
    for n in range(c["num_hidden_layers"]):
        layer = f"{p}encoder.layers.{n}."
        for part in "k_proj", "v_proj", "q_proj", "out_proj":
            linear(shapes, layer + "attention." + part, h, h)
        norm(shapes, layer + "layer_norm", h)
        linear(shapes, layer + "feed_forward.intermediate_dense", i, h)
        linear(shapes, layer + "feed_forward.output_dense", h, i)
        norm(shapes, layer + "final_layer_norm", h)
    if head == "ForCTC":
        linear(shapes, "lm_head", c["vocab_size"], h)
    if head == "ForAudioFrameClassification":
        linear(shapes, "classifier", len(c["id2label"]), h)
    if head == "ForSequenceClassification":
        linear(shapes, "projector", c["classifier_proj_size"], h)
        linear(shapes, "classifier", len(c["id2label"]), c["classifier_proj_size"])
    if head == "ForXVector":
        speaker_shapes(shapes, c)
    return shapes


def speaker_shapes(shapes, c):
    width, out = c["tdnn_dim"][0], c["xvector_output_dim"]
    linear(shapes, "projector", width, c["hidden_size"])
    for n, (dim, kernel) in enumerate(zip(c["tdnn_dim"], c["tdnn_kernel"])):
        linear(shapes, f"tdnn.{n}.kernel", dim, width * kernel)
        width = dim
    linear(shapes, "feature_extractor", out, 2 * width)
    linear(shapes, "classifier", out, out)
    shapes["objective.weight"] = [out, len(c["id2label"])]


def vision_shapes(c, head):
    h, i, p = c["hidden_size"], c["intermediate_size"], "data2vec_vision." if head != "Model" else ""
    grid = c["image_size"] // c["patch_size"]
    shapes = {p + "embeddings.cls_token": [1, 1, h],
              p + "embeddings.patch_embeddings.projection.weight": [h, 3, c["patch_size"], c["patch_size"]],
              p + "embeddings.patch_embeddings.projection.bias": [h]}
    for n in range(c["num_hidden_layers"]):
        layer = f"{p}encoder.layer.{n}."
        shapes[layer + "lambda_1"] = shapes[layer + "lambda_2"] = [h]
        linear(shapes, layer + "attention.attention.query", h, h)
        shapes[layer + "attention.attention.key.weight"] = [h, h]
        linear(shapes, layer + "attention.attention.value", h, h)
        shapes[layer + "attention.attention.relative_position_bias.relative_position_bias_table"] = [
            (2 * grid - 1) ** 2 + 3, c["num_attention_heads"]]
        linear(shapes, layer + "attention.output.dense", h, h)
        linear(shapes, layer + "intermediate.dense", i, h)
        linear(shapes, layer + "output.dense", h, i)
        norm(shapes, layer + "layernorm_before", h)
        norm(shapes, layer + "layernorm_after", h)
    if head == "ForImageClassification":
        norm(shapes, p + "pooler.layernorm", h)
        linear(shapes, "classifier", len(c["id2label"]), h)
    if head == "ForSemanticSegmentation":
        segmentation_shapes(shapes, c)
    return shapes


def segmentation_shapes(shapes, c):
    """by the names of releases before 5.9, which all releases can be given (spec 6.4, 7)"""
    h = c["hidden_size"]
    for name in "fpn1.0", "fpn1.3", "fpn2.0":
        shapes[name + ".weight"] = [h, h, 2, 2]
        shapes[name + ".bias"] = [h]
    batch_norm(shapes, "fpn1.1", h)
    for n in range(4):
        module(shapes, f"decode_head.psp_modules.{n}.1", h, h, 1)
    module(shapes, "decode_head.bottleneck", h, 5 * h, 3)
    for n in range(3):
        module(shapes, f"decode_head.lateral_convs.{n}", h, h, 1)
        module(shapes, f"decode_head.fpn_convs.{n}", h, h, 3)
    module(shapes, "decode_head.fpn_bottleneck", h, 4 * h, 3)
    shapes["decode_head.classifier.weight"] = [len(c["id2label"]), h, 1, 1]
    shapes["decode_head.classifier.bias"] = [len(c["id2label"])]


def linear(shapes, name, n_out, n_in):
    shapes[name + ".weight"] = [n_out, n_in]
    shapes[name + ".bias"] = [n_out]


def norm(shapes, name, width):
    shapes[name + ".weight"] = [width]
    shapes[name + ".bias"] = [width]


def batch_norm(shapes, name, width):
    norm(shapes, name, width)
    shapes[name + ".running_mean"] = [width]
    shapes[name + ".running_var"] = [width]


def module(shapes, name, n_out, n_in, kernel):
    shapes[name + ".conv.weight"] = [n_out, n_in, kernel, kernel]
    batch_norm(shapes, name + ".bn", n_out)


SHAPES = {"data2vec-text": text_shapes, "data2vec-audio": audio_shapes, "data2vec-vision": vision_shapes}


def noise(name, n):
    """n numbers in [-1, 1) that the name decides"""
    seed = 0x811C9DC5
    for byte in name.encode():
        seed = (seed ^ byte) * 0x01000193 & 0xFFFFFFFF
    result = []
    for i in range(n):
        x = (seed + i * 0x9E3779B9) & 0xFFFFFFFF
        x = (x ^ x >> 16) * 0x85EBCA6B & 0xFFFFFFFF
        x = (x ^ x >> 13) * 0xC2B2AE35 & 0xFFFFFFFF
        result.append((x ^ x >> 16) / 2147483648.0 - 1)
    return result


def fill(name, shape):
    r = noise(name, math.prod(shape))
    loud = max((LOUD[end] for end in LOUD if name.endswith(end)), default=1)
    if name.endswith("running_var"):
        return [1 + 0.5 * x for x in r]
    if name.endswith((".bias", "running_mean")):
        return [0.1 * x for x in r]
    if len(shape) == 1 and name.endswith(".weight"):
        return [1 + 0.1 * x for x in r]
    if name.endswith(("embeddings.weight", "bias_table", "cls_token", "lambda_1", "lambda_2")):
        return [0.5 * loud * x for x in r]
    scale = loud * math.sqrt(3 / math.prod(shape[1:]))
    return [scale * x for x in r]


def write_safetensors(path, tensors):
    """tensors: name: (shape, numbers), stored as F32"""
    header, data = {"__metadata__": {"format": "pt"}}, bytearray()
    for name, (shape, numbers) in tensors.items():
        begin = len(data)
        data += array.array("f", numbers).tobytes()
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [begin, len(data)]}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def read_safetensors(path):
    """name: (dtype, shape, bytes)"""
    raw = path.read_bytes()
    n = struct.unpack_from("<Q", raw)[0]
    header = json.loads(raw[8:8 + n])
    return {name: (e["dtype"], e["shape"], raw[8 + n + e["data_offsets"][0]:8 + n + e["data_offsets"][1]])
            for name, e in header.items() if name != "__metadata__"}


# ------------------------------------------------------------- directories

CTC_TOKENS = ["<pad>", "<s>", "</s>", "<unk>", "|"] + list("ETAONIHSRDLUMWCFGYPBVK'XJQZ")


def write_json(path, value):
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def front_end(directory, family, head):
    if family == "data2vec-text":
        for file in TOKENIZER.iterdir():
            shutil.copy(file, directory)
        path = directory / "tokenizer_config.json"
        write_json(path, {**json.loads(path.read_text()), "model_max_length": MODEL_MAX_LENGTH})
    elif family == "data2vec-audio":
        write_json(directory / "preprocessor_config.json", {
            "do_normalize": True, "feature_extractor_type": "Wav2Vec2FeatureExtractor", "feature_size": 1,
            "padding_side": "right", "padding_value": 0.0, "return_attention_mask": True, "sampling_rate": 16000})
        if head == "ForCTC":
            write_json(directory / "vocab.json", {token: i for i, token in enumerate(CTC_TOKENS)})
            write_json(directory / "tokenizer_config.json", {
                "tokenizer_class": "Wav2Vec2CTCTokenizer", "do_lower_case": False, "word_delimiter_token": "|",
                "bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>"})
    else:
        write_json(directory / "preprocessor_config.json", {
            "image_processor_type": "BeitImageProcessor", "do_resize": True, "size": {"height": 32, "width": 32},
            "resample": 3, "do_center_crop": False, "do_rescale": True, "rescale_factor": 1 / 255,
            "do_normalize": True, "image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5]})


def write_model(directory, name):
    base, head, extra = MODELS[name]
    config = {**base, **extra}
    directory.mkdir(parents=True, exist_ok=True)
    shapes = SHAPES[config["model_type"]]({"id2label": {}, **config}, head)
    write_safetensors(directory / "model.safetensors",
                      {n: (shape, fill(f"{SEEDS.get(name, name)}/{n}", shape)) for n, shape in shapes.items()})
    if "id2label" in config:
        config["label2id"] = {label: int(i) for i, label in config["id2label"].items()}
    write_json(directory / "config.json",
               {"architectures": [FAMILIES[config["model_type"]] + head], **config})
    front_end(directory, config["model_type"], head)


# -------------------------------------------------------------------- media

def tones(name, seconds):
    """samples of a sound that changes every tenth of a second"""
    samples = []
    n_pieces = max(round(seconds * 10), 1)
    for i, r in enumerate(noise(name, n_pieces)):
        n = round(seconds * 16000 * (i + 1) / n_pieces) - len(samples)
        hiss = noise(f"{name}/{i}", n)
        pitch = 150 + 1500 * (r + 1)
        loud = 0.05 + 0.3 * abs(r)
        samples += [loud * math.sin(2 * math.pi * pitch * t / 16000) + 0.03 * hiss[t] for t in range(n)]
    return samples


def write_wav(path, samples, rate=16000, channels=1):
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(array.array("h", [round(32767 * x) for x in samples]).tobytes())


def picture(name, width, height):
    """rows of RGB: gradients with blocks in them"""
    colours = [int(128 + 127 * x) for x in noise(name, 48)]
    rows = []
    for y in range(height):
        row = bytearray()
        for x in range(width):
            block = (x * 4 // width + 4 * (y * 4 // height)) * 3
            row += bytes((colours[block + c] + 5 * x * (c + 1) + 3 * y) % 256 for c in range(3))
        rows.append(bytes(row))
    return rows


def write_png(path, rows, colour_type=2):
    width = len(rows[0]) // {0: 1, 2: 3, 6: 4}[colour_type]

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, len(rows), 8, colour_type, 0, 0, 0)
    data = zlib.compress(b"".join(b"\0" + row for row in rows))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b""))


def write_ppm(path, rows):
    path.write_bytes(b"P6\n%d %d\n255\n" % (len(rows[0]) // 3, len(rows)) + b"".join(rows))


def write_media(directory):
    directory.mkdir(parents=True, exist_ok=True)
    write_wav(directory / "a.wav", tones("a", 1.3))
    write_wav(directory / "b.wav", tones("b", 0.9))
    write_wav(directory / "long.wav", tones("long", 3.71))
    write_png(directory / "a.png", picture("a", 45, 37))
    write_ppm(directory / "b.ppm", picture("b", 24, 51))
    write_png(directory / "small.png", picture("small", 32, 32))


def main():
    directory = pathlib.Path(sys.argv[1])
    for name in MODELS:
        write_model(directory / name, name)
    write_media(directory / "media")


if __name__ == "__main__":
    main()
