# SPDX-License-Identifier: LGPL-2.1-or-later
"""config.json: rules C."""

import json

from corpus.case import Case

AUDIO = {"model_type": "data2vec-audio", "architectures": ["Data2VecAudioForCTC"], "hidden_size": 32, "num_attention_heads": 4,
         "num_hidden_layers": 2, "intermediate_size": 64, "conv_dim": [16, 16], "conv_kernel": [10, 3], "conv_stride": [5, 2],
         "num_conv_pos_embedding_groups": 4, "vocab_size": 32}
TEXT = {"model_type": "data2vec-text", "architectures": ["Data2VecTextForSequenceClassification"], "hidden_size": 32,
        "num_attention_heads": 4, "num_hidden_layers": 2, "intermediate_size": 64, "vocab_size": 100, "max_position_embeddings": 66,
        "type_vocab_size": 1, "pad_token_id": 1}
VISION = {"model_type": "data2vec-vision", "architectures": ["Data2VecVisionForImageClassification"], "hidden_size": 32,
          "num_attention_heads": 4, "num_hidden_layers": 4, "intermediate_size": 64, "image_size": 32, "patch_size": 8}
FAMILIES = {"audio": AUDIO, "text": TEXT, "vision": VISION}
SEGMENTATION = {"architectures": ["Data2VecVisionForSemanticSegmentation"], "out_indices": [1, 2, 3, 4]}
XVECTOR = {"architectures": ["Data2VecAudioForXVector"]}

INTEGERS = {  # key: (families, least, most)
    "hidden_size": ("audio text vision", 8, 16384), "intermediate_size": ("audio text vision", 8, 16384),
    "num_attention_heads": ("audio text vision", 1, 256), "num_hidden_layers": ("audio text vision", 1, 128),
    "vocab_size": ("audio text", 2, 1048576), "max_position_embeddings": ("text", 8, 65536), "type_vocab_size": ("text", 1, 16),
    "conv_pos_kernel_size": ("audio", 1, 1024), "num_conv_pos_embeddings": ("audio", 1, 64), "num_conv_pos_embedding_groups": ("audio", 1, 16384),
    "image_size": ("vision", 1, 4096), "patch_size": ("vision", 1, 4096), "num_channels": ("vision", 1, 4),
}
BOOLEANS = {"audio": ["conv_bias", "add_adapter", "use_weighted_layer_sum", "apply_spec_augment"],
            "text": ["is_decoder", "add_cross_attention", "tie_word_embeddings"],
            "vision": ["use_mask_token", "use_absolute_position_embeddings", "use_relative_position_bias",
                       "use_shared_relative_position_bias", "use_mean_pooling"]}


def changed(family, **keys):
    return json.dumps(dict(FAMILIES[family], **keys)).encode()


def integers():
    for key, (families, least, most) in INTEGERS.items():
        family = families.split()[0]
        for shown, value in [("too-small", least - 1), ("too-large", most + 1), ("negative", -1), ("far", 2**62)]:
            yield "C-%s-%s" % (key, shown), changed(family, **{key: value}), "CONFIG_RANGE"
        for shown, value in [("real", least + 0.5), ("whole-real", 16.0), ("string", "16"), ("true", True), ("object", {}), ("beyond-64-bits", 2**70)]:
            yield "C-%s-%s" % (key, shown), changed(family, **{key: value}), "CONFIG_TYPE"


def others():
    for family, keys in BOOLEANS.items():
        for key in keys:
            yield "C-%s-number" % key, changed(family, **{key: 1}), "CONFIG_TYPE"
            yield "C-%s-string" % key, changed(family, **{key: "true"}), "CONFIG_TYPE"
    for family in FAMILIES:
        for shown, value, code in [("zero", 0, "CONFIG_RANGE"), ("too-small", 1e-13, "CONFIG_RANGE"), ("too-large", 0.2, "CONFIG_RANGE"),
                                   ("negative", -1e-5, "CONFIG_RANGE"), ("string", "1e-5", "CONFIG_TYPE"), ("list", [1e-5], "CONFIG_TYPE")]:
            yield "C-%s-layer_norm_eps-%s" % (family, shown), changed(family, layer_norm_eps=value), code
        for shown, value, code in [("unknown", "gelo", "CONFIG_RANGE"), ("prelu", "prelu", "CONFIG_RANGE"), ("xielu", "xielu", "CONFIG_RANGE"),
                                   ("empty", "", "CONFIG_RANGE"), ("capital", "GELU", "CONFIG_RANGE"), ("number", 1, "CONFIG_TYPE")]:
            yield "C-%s-hidden_act-%s" % (family, shown), changed(family, hidden_act=value), code
        yield "C-%s-heads" % family, changed(family, num_attention_heads=5), "CONFIG_RANGE"
    for key in ("conv_dim", "conv_kernel", "conv_stride"):
        for shown, value, code in [("shorter", [2], "CONFIG_RANGE"), ("longer", [2, 2, 2], "CONFIG_RANGE"), ("empty", [], "CONFIG_RANGE"),
                                   ("17", [1] * 17, "CONFIG_RANGE"), ("zero", [2, 0], "CONFIG_RANGE"), ("too-large", [2, 8193], "CONFIG_RANGE"),
                                   ("real", [2, 2.0], "CONFIG_TYPE"), ("number", 2, "CONFIG_TYPE"), ("string", "2,2", "CONFIG_TYPE"),
                                   ("nested", [[2], 2], "CONFIG_TYPE"), ("null-inside", [2, None], "CONFIG_TYPE")]:
            yield "C-%s-%s" % (key, shown), changed("audio", **{key: value}), code
    yield "C-conv_stride-product", changed("audio", conv_stride=[1024, 128]), "CONFIG_RANGE"
    yield "C-feat_extract_activation", changed("audio", feat_extract_activation="prelu"), "CONFIG_RANGE"
    yield "C-groups", changed("audio", num_conv_pos_embedding_groups=5), "CONFIG_RANGE"
    yield "C-mask_time_prob", changed("audio", mask_time_prob=1.5), "CONFIG_RANGE"
    yield "C-pad-beyond-ctc-vocabulary", changed("audio", pad_token_id=32), "CONFIG_RANGE"
    yield "C-tdnn-lengths", changed("audio", tdnn_dim=[8, 8], **XVECTOR), "CONFIG_RANGE"
    yield "C-tdnn-zero", changed("audio", tdnn_kernel=[5, 3, 0, 1, 1], **XVECTOR), "CONFIG_RANGE"
    yield "C-adapter_stride", changed("audio", add_adapter=True, adapter_stride=0), "CONFIG_RANGE"
    yield "C-pad_token_id-negative", changed("text", pad_token_id=-1), "CONFIG_RANGE"
    yield "C-pad_token_id-beyond", changed("text", pad_token_id=100), "CONFIG_RANGE"
    yield "C-pad_token_id-beyond-positions", changed("text", pad_token_id=65), "CONFIG_RANGE"
    yield "C-default-pad-beyond-vocabulary", changed("text", vocab_size=2, max_position_embeddings=8, pad_token_id=2), "CONFIG_RANGE"
    yield "C-position_embedding_type", changed("text", position_embedding_type="rotary"), "CONFIG_RANGE"
    yield "C-cross-attention-without-decoder", changed("text", add_cross_attention=True), "CONFIG_RANGE"
    yield "C-problem_type", changed("text", problem_type="single"), "CONFIG_RANGE"
    for shown, value, code in [("list-of-three", [32, 32, 32], "CONFIG_RANGE"), ("list-of-one", [32], "CONFIG_RANGE"), ("zero-inside", [32, 0], "CONFIG_RANGE"),
                               ("below-patch", 7, "CONFIG_RANGE"), ("list-below-patch", [32, 7], "CONFIG_RANGE")]:
        yield "C-image_size-" + shown, changed("vision", image_size=value), code
    yield "C-patches", changed("vision", image_size=4096, patch_size=16), "CONFIG_RANGE"
    yield "C-patch_size-unequal", changed("vision", patch_size=[8, 4]), "CONFIG_RANGE"
    yield "C-absolute-positions-not-square", changed("vision", image_size=[32, 16], use_absolute_position_embeddings=True), "CONFIG_RANGE"
    yield "C-segmentation-of-a-pair", changed("vision", image_size=[32, 32], **SEGMENTATION), "CONFIG_RANGE"
    yield "C-layer_scale-string", changed("vision", layer_scale_init_value="0.1"), "CONFIG_TYPE"
    for shown, value, code in [("three", [1, 2, 3], "CONFIG_RANGE"), ("five", [1, 2, 3, 4, 4], "CONFIG_RANGE"), ("negative", [-1, 2, 3, 4], "CONFIG_RANGE"),
                               ("far", [1, 2, 3, 1000], "CONFIG_RANGE"), ("number", 4, "CONFIG_TYPE"), ("strings", ["1", "2", "3", "4"], "CONFIG_TYPE")]:
        yield "C-out_indices-" + shown, changed("vision", **dict(SEGMENTATION, out_indices=value)), code
    for shown, value, code in [("empty", [], "CONFIG_RANGE"), ("nine", [1] * 9, "CONFIG_RANGE"), ("zero", [0], "CONFIG_RANGE"), ("65", [65], "CONFIG_RANGE")]:
        yield "C-pool_scales-" + shown, changed("vision", pool_scales=value, **SEGMENTATION), code


def labels():
    for shown, value, code in [
        ("empty", {}, "CONFIG_RANGE"), ("gap", {"0": "a", "2": "c"}, "CONFIG_RANGE"), ("from-1", {"1": "a", "2": "b"}, "CONFIG_RANGE"),
        ("leading-zero", {"00": "a", "1": "b"}, "CONFIG_RANGE"), ("negative", {"-1": "a", "0": "b"}, "CONFIG_RANGE"), ("word", {"zero": "a"}, "CONFIG_RANGE"),
        ("far", {"0": "a", "99999999999999999999": "b"}, "CONFIG_RANGE"), ("plus", {"+0": "a"}, "CONFIG_RANGE"), ("space", {" 0": "a"}, "CONFIG_RANGE"),
        ("empty-key", {"": "a"}, "CONFIG_RANGE"), ("array", ["a", "b"], "CONFIG_TYPE"), ("string", "a", "CONFIG_TYPE"),
        ("null-label", {"0": None}, "CONFIG_TYPE"), ("list-label", {"0": ["a"]}, "CONFIG_TYPE"), ("true-label", {"0": True}, "CONFIG_TYPE"),
        ("long-label", {"0": "x" * 1025}, "CONFIG_TYPE"), ("nul-in-label", {"0": "a\0b"}, "CONFIG_TYPE"),
        ("65537", {str(i): "" for i in range(65537)}, "CONFIG_RANGE"),
    ]:
        yield "C-id2label-" + shown, changed("text", id2label=value), code
    for shown, value, code in [("zero", 0, "CONFIG_RANGE"), ("65537", 65537, "CONFIG_RANGE"), ("string", "2", "CONFIG_TYPE"), ("real", 2.0, "CONFIG_TYPE")]:
        yield "C-num_labels-" + shown, changed("vision", num_labels=value), code


def kinds():
    for shown, value in [("wav2vec2", "wav2vec2"), ("family", "data2vec"), ("capital", "Data2Vec-Audio"), ("number", 1), ("list", ["data2vec-text"]),
                         ("null", None), ("empty", ""), ("long", "x" * 100000), ("bert", "bert"), ("nul", "data2vec-text\0")]:
        text = changed("text", model_type=value)
        yield "C-model_type-" + shown, text, "ANY" if shown == "nul" else "CONFIG_MODEL_TYPE"
    yield "C-model_type-missing", b'{"hidden_size":32}', "CONFIG_MODEL_TYPE"
    yield "C-empty-object", b"{}", "CONFIG_MODEL_TYPE"
    yield "C-architectures-string", changed("audio", architectures="Data2VecAudioForCTC"), "CONFIG_TYPE"
    for shown, text in [("array", b"[]"), ("string", b'"data2vec-audio"'), ("null", b"null"), ("number", b"1")]:
        yield "C-root-" + shown, text, "CONFIG_TYPE"
    yield "C-too-long", b" " * (16 << 20) + b"{}", "TOO_BIG"
    yield "C-too-many-values", b'{"x":[' + b"{}," * 349000 + b"{}]}", "TOO_BIG"
    yield "C-duplicate-key", b'{"model_type":"data2vec-text","hidden_size":32,"hidden_size":64}', "JSON"
    yield "C-duplicate-escaped", b'{"model_type":"data2vec-text","hidden_size":32,"\\u0068idden_size":64}', "JSON"
    yield "C-nan", b'{"model_type":"data2vec-text","layer_norm_eps":NaN}', "JSON"
    yield "E5-config-lfs-pointer", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "LFS_POINTER"
    yield "E5-config-html", b"<html></html>", "HTML"


def good():
    for family in FAMILIES:
        yield "C-%s" % family, changed(family)
        yield "C-%s-only-its-type" % family, json.dumps({"model_type": "data2vec-" + family}).encode()
        every = {key: None for keys in (BOOLEANS[family], INTEGERS) for key in keys}
        every.update(layer_norm_eps=None, hidden_act=None, id2label=None, architectures=None, out_indices=None, problem_type=None)
        yield "C-%s-nulls" % family, json.dumps(dict(every, model_type="data2vec-" + family)).encode()
        yield "C-%s-unknown-class" % family, changed(family, architectures=["SomethingElse", 1, None])
    yield "C-audio-defaults-of-another-family", changed("audio", image_size="?", pad_token_id=0, max_position_embeddings=-1, num_labels="x")
    yield "C-vision-vocabulary", changed("vision", vocab_size=-5, pad_token_id="x")
    yield "C-vision-stale-head-keys", changed("vision", out_indices=[99], pool_scales="x", auxiliary_channels=-1)
    yield "C-audio-stale-head-keys", changed("audio", tdnn_dim=[], xvector_output_dim=-1, classifier_proj_size="x", adapter_stride=0)
    yield "C-big-integer-nobody-reads", changed("text", whatever=10**30)
    yield "C-labels-repeat", changed("vision", id2label={"0": "crane", "1": "crane"}, label2id={"crane": 1})
    yield "C-labels-any-order", changed("text", id2label={"1": "b", "0": "a", "2": "c"})
    yield "C-number-labels", changed("text", id2label={"0": 1, "1": 2.5})
    yield "C-labels-against-num_labels", changed("text", id2label={"0": "a"}, num_labels=7)
    yield "C-num_labels", changed("text", num_labels=7)
    yield "C-22000-labels", changed("vision", id2label={str(i): "label %d" % i for i in range(22000)}, label2id={"label %d" % i: i for i in range(22000)})
    yield "C-image-pair", changed("vision", image_size=[32, 40], patch_size=[8, 8])
    yield "C-image-remainder", changed("vision", image_size=30, patch_size=4)
    yield "C-segmentation", changed("vision", **SEGMENTATION)
    yield "C-segmentation-beyond-layers", changed("vision", **dict(SEGMENTATION, out_indices=[2, 3, 4, 9]))
    yield "C-layer-scale-zero", changed("vision", layer_scale_init_value=0)
    yield "C-eps-limits", changed("text", layer_norm_eps=1e-12)
    yield "C-xvector", changed("audio", **XVECTOR)
    yield "C-adapter", changed("audio", add_adapter=True, adapter_stride=2)
    yield "C-decoder", changed("text", is_decoder=True, add_cross_attention=True, position_embedding_type="relative_key_query")
    yield "C-eos-list", changed("text", eos_token_id=[2, 3])


def cases():
    for part in (integers, others, labels, kinds):
        for name, text, code in part():
            yield Case(name, "config", {"config.json": text}, code)
    for name, text in good():
        yield Case(name, "config", {"config.json": text}, "OK")
    yield Case("E1-no-config", "config", {}, "NOT_FOUND")
