# SPDX-License-Identifier: LGPL-2.1-or-later
"""CTC vocabularies (rules T1, T4, T8) and front ends (rules C). vocab_size is 32."""

import json

from corpus.case import Case, Fifo

LETTERS = "ETAONIHSRDLUMWCFGYPBVK'XJQZ"
VOCAB = {"<pad>": 0, "<s>": 1, "</s>": 2, "<unk>": 3, "|": 4}
VOCAB.update({c: 5 + i for i, c in enumerate(LETTERS)})


def text(value):
    return value if isinstance(value, bytes) else json.dumps(value).encode()


def without(*names):
    return {k: v for k, v in VOCAB.items() if k not in names}


def bad_vocabularies():
    for name, value, code in [
        ("empty", b"", "JSON"), ("array", [], "TOK_VOCAB"), ("string", "x", "TOK_VOCAB"), ("null", None, "TOK_VOCAB"),
        ("id-32", dict(VOCAB, x=32), "TOK_VOCAB"), ("id-negative", dict(VOCAB, x=-1), "TOK_VOCAB"), ("id-far", dict(VOCAB, x=2**63), "TOK_VOCAB"),
        ("id-2-to-32", dict(VOCAB, x=2**32), "TOK_VOCAB"), ("id-real", dict(VOCAB, Z=31.0), "TOK_VOCAB"), ("id-string", dict(VOCAB, Z="31"), "TOK_VOCAB"),
        ("id-null", dict(VOCAB, Z=None), "TOK_VOCAB"), ("id-list", dict(VOCAB, Z=[31]), "TOK_VOCAB"), ("id-twice", dict(VOCAB, x=5), "TOK_VOCAB"),
        ("long-token", dict(without("Z"), **{"z" * 1025: 31}), "TOK_VOCAB"), ("languages", {"eng": VOCAB, "deu": VOCAB}, "TOK_UNSUPPORTED"),
        ("duplicate", b'{"<pad>":0,"a":1,"a":2}', "JSON"), ("duplicate-escaped", b'{"<pad>":0,"a":1,"\\u0061":2}', "JSON"),
        ("nul", b'{"<pad>":0,"\\u0000":1}', "JSON"), ("cut", text(VOCAB)[:100], "JSON"), ("trailing", text(VOCAB) + b"{}", "JSON"),
        ("utf16", json.dumps(VOCAB).encode("utf-16"), "JSON"), ("bom", b"\xef\xbb\xbf" + text(VOCAB), "JSON"),
    ]:
        yield "T1-" + name, {"vocab.json": text(value)}, code
    yield "T1-many", {"vocab.json": text({str(i): i for i in range(70000)})}, "TOK_VOCAB"
    yield "T8-no-pad", {"vocab.json": text(without("<pad>"))}, "TOK_SPECIAL"
    yield "T8-pad-elsewhere", {"vocab.json": text(VOCAB), "tokenizer_config.json": text({"pad_token": "[PAD]"})}, "TOK_SPECIAL"
    yield "T8-pad-in-map-elsewhere", {"vocab.json": text(VOCAB), "special_tokens_map.json": text({"pad_token": {"content": "[PAD]"}})}, "TOK_SPECIAL"
    yield "T8-pad-number", {"vocab.json": text(VOCAB), "tokenizer_config.json": text({"pad_token": 0})}, "CONFIG_TYPE"
    yield "T8-lower-case-string", {"vocab.json": text(VOCAB), "tokenizer_config.json": text({"do_lower_case": "no"})}, "CONFIG_TYPE"
    yield "T8-config-array", {"vocab.json": text(VOCAB), "tokenizer_config.json": b"[]"}, "CONFIG_TYPE"
    yield "T8-config-broken", {"vocab.json": text(VOCAB), "tokenizer_config.json": b"{"}, "JSON"
    yield "T8-map-broken", {"vocab.json": text(VOCAB), "special_tokens_map.json": b"{"}, "JSON"
    for name, value in [("negative", {"x": -1}), ("beyond", {"x": 1048576}), ("string", {"x": "33"}), ("twice", {"x": 33, "y": 33})]:
        yield "T4-added-" + name, {"vocab.json": text(VOCAB), "added_tokens.json": text(value)}, "TOK_VOCAB"
    yield "T4-added-renames", {"vocab.json": text(VOCAB), "added_tokens.json": text({"x": 5})}, "TOK_SPECIAL"
    yield "T4-added-empty", {"vocab.json": text(VOCAB), "added_tokens.json": text({"": 33})}, "TOK_SPECIAL"
    for name, value, code in [
        ("id", {"x": {"content": "a"}}, "TOK_SPECIAL"), ("negative", {"-1": {"content": "a"}}, "TOK_SPECIAL"), ("beyond", {"1048576": {"content": "a"}}, "TOK_SPECIAL"),
        ("no-content", {"33": {}}, "TOK_SPECIAL"), ("string", {"33": "a"}, "TOK_SPECIAL"), ("number", {"33": {"content": 1}}, "CONFIG_TYPE"),
        ("long", {"33": {"content": "x" * 1025}}, "CONFIG_RANGE"), ("same", {"33": {"content": "a"}, "34": {"content": "a"}}, "TOK_SPECIAL"),
        ("renames", {"5": {"content": "a"}}, "TOK_SPECIAL"), ("array", [], "CONFIG_TYPE"),
    ]:
        yield "T4-decoder-" + name, {"vocab.json": text(VOCAB), "tokenizer_config.json": text({"added_tokens_decoder": value})}, code
    yield "T5-no-vocabulary", {"tokenizer_config.json": b"{}"}, "TOK_MISSING"
    yield "E1-vocabulary-fifo", {"vocab.json": Fifo()}, "NOT_A_FILE"
    yield "E5-vocabulary-pointer", {"vocab.json": b"version https://git-lfs.github.com/spec/v1\n"}, "LFS_POINTER"


def good_vocabularies():
    yield "T8-published", {"vocab.json": text(VOCAB), "special_tokens_map.json": text({"pad_token": "<pad>"}),
                           "tokenizer_config.json": text({"do_lower_case": False, "word_delimiter_token": "|", "model_max_length": 10**30})}
    yield "T8-alone", {"vocab.json": text(VOCAB)}
    yield "T8-bare-minimum", {"vocab.json": text({"<pad>": 31})}
    yield "T8-brackets", {"vocab.json": text({"[PAD]": 0, "[UNK]": 1, "a": 2}), "tokenizer_config.json": text({"pad_token": "[PAD]", "unk_token": {"content": "[UNK]"}})}
    yield "T8-names-in-map", {"vocab.json": text({"[PAD]": 0}), "special_tokens_map.json": text({"pad_token": {"content": "[PAD]", "lstrip": False}}), "tokenizer_config.json": text({"pad_token": None})}
    yield "T4-appended", {"vocab.json": text(without("<s>", "</s>")), "added_tokens.json": text({"<s>": 32, "</s>": 33})}
    yield "T4-described", {"vocab.json": text(VOCAB), "added_tokens.json": text({"<x>": 32}),
                           "tokenizer_config.json": text({"added_tokens_decoder": {"0": {"content": "<pad>"}, "32": {"content": "<x>", "special": True}}})}
    yield "T4-far", {"vocab.json": text(VOCAB), "added_tokens.json": text({"<x>": 1048575})}
    yield "T1-spaces-and-escapes", {"vocab.json": b'{ "\\u003cpad>" :\t0 ,\r\n "\\ud83d\\ude00" : 1 }\n'}


def bad_audio():
    for name, value, code in [
        ("rate-low", {"sampling_rate": 7999}, "CONFIG_RANGE"), ("rate-high", {"sampling_rate": 48001}, "CONFIG_RANGE"), ("rate-real", {"sampling_rate": 16000.0}, "CONFIG_TYPE"),
        ("features", {"feature_size": 80}, "CONFIG_RANGE"), ("padding-left", {"padding_side": "left"}, "CONFIG_RANGE"), ("padding-number", {"padding_side": 1}, "CONFIG_TYPE"),
        ("normalize", {"do_normalize": 1}, "CONFIG_TYPE"), ("mask", {"return_attention_mask": "yes"}, "CONFIG_TYPE"), ("padding-value", {"padding_value": "0"}, "CONFIG_TYPE"),
        ("padding-value-far", {"padding_value": 1e300}, "CONFIG_RANGE"), ("other-type", {"feature_extractor_type": "WhisperFeatureExtractor"}, "CONFIG_RANGE"), ("array", [], "CONFIG_TYPE"),
    ]:
        yield "C-audio-" + name, {"preprocessor_config.json": text(value)}, code
    yield "C-audio-broken", {"preprocessor_config.json": b"{"}, "JSON"
    yield "C-audio-nested-wrong", {"processor_config.json": text({"feature_extractor": 1})}, "CONFIG_TYPE"
    yield "C-audio-nested-believed-first", {"processor_config.json": text({"feature_extractor": {"sampling_rate": 1}}), "preprocessor_config.json": b"{}"}, "CONFIG_RANGE"


def bad_images():
    for name, value, code in [
        ("size-0", {"size": 0}, "CONFIG_RANGE"), ("size-4097", {"size": 4097}, "CONFIG_RANGE"), ("size-string", {"size": "224"}, "CONFIG_TYPE"),
        ("size-list", {"size": [224, 224]}, "CONFIG_TYPE"), ("shortest-edge", {"size": {"shortest_edge": 224}}, "CONFIG_RANGE"),
        ("longest-edge", {"size": {"height": 1, "width": 1, "longest_edge": 9}}, "CONFIG_RANGE"), ("height-only", {"size": {"height": 224}}, "CONFIG_RANGE"),
        ("height-real", {"size": {"height": 224.0, "width": 224}}, "CONFIG_TYPE"), ("crop-0", {"do_center_crop": True, "crop_size": 0}, "CONFIG_RANGE"),
        ("resample-6", {"resample": 6}, "CONFIG_RANGE"), ("resample-negative", {"resample": -1}, "CONFIG_RANGE"), ("resample-name", {"resample": "bicubic"}, "CONFIG_TYPE"),
        ("factor-0", {"rescale_factor": 0}, "CONFIG_RANGE"), ("factor-far", {"rescale_factor": 1e4}, "CONFIG_RANGE"), ("mean-two", {"image_mean": [0.5, 0.5]}, "CONFIG_RANGE"),
        ("mean-empty", {"image_mean": []}, "CONFIG_RANGE"), ("mean-string", {"image_mean": "0.5"}, "CONFIG_TYPE"), ("mean-null-inside", {"image_mean": [0.5, None, 0.5]}, "CONFIG_TYPE"),
        ("std-0", {"image_std": [0.5, 0, 0.5]}, "CONFIG_RANGE"), ("std-one-0", {"image_std": 0}, "CONFIG_RANGE"), ("std-negative", {"image_std": -0.5}, "CONFIG_RANGE"),
        ("resize-number", {"do_resize": 1}, "CONFIG_TYPE"), ("other-type", {"image_processor_type": "ConvNextImageProcessor"}, "CONFIG_RANGE"), ("array", [], "CONFIG_TYPE"),
    ]:
        yield "C-image-" + name, {"preprocessor_config.json": text(value)}, code
    yield "C-image-none", {}, "NOT_FOUND"
    yield "C-image-processor-without-it", {"processor_config.json": b"{}"}, "NOT_FOUND"


def good_front_ends():
    yield "C-audio-none", "audio", {}
    yield "C-audio-published", "audio", {"preprocessor_config.json": text({
        "do_normalize": True, "feature_extractor_type": "Wav2Vec2FeatureExtractor", "feature_size": 1, "padding_side": "right",
        "padding_value": 0.0, "return_attention_mask": True, "sampling_rate": 16000})}
    yield "C-audio-nulls", "audio", {"preprocessor_config.json": text({"padding_side": None, "sampling_rate": None, "device": None})}
    yield "C-audio-nested", "audio", {"processor_config.json": text({"feature_extractor": {"sampling_rate": 16000}}), "preprocessor_config.json": b"not read"}
    yield "C-image-published", "image", {"preprocessor_config.json": text({
        "do_resize": True, "size": 224, "resample": 3, "do_center_crop": False, "crop_size": 224, "do_normalize": True,
        "image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5], "reduce_labels": False, "feature_extractor_type": "BeitFeatureExtractor"})}
    yield "C-image-empty", "image", {"preprocessor_config.json": b"{}"}
    yield "C-image-newest", "image", {"processor_config.json": text({"image_processor": {
        "image_processor_type": "BeitImageProcessorFast", "size": {"height": 224, "width": 192, "shortest_edge": None}, "image_mean": 0.5, "image_std": 1}})}
    yield "C-image-steps-off", "image", {"preprocessor_config.json": text({
        "do_resize": False, "size": {"shortest_edge": 1}, "do_rescale": False, "rescale_factor": 0, "do_normalize": False, "image_std": 0, "crop_size": -1})}


def cases():
    for name, files, code in bad_vocabularies():
        yield Case(name, "vocab", files, code)
    for name, files in good_vocabularies():
        yield Case(name, "vocab", files, "OK")
    for kind, part in (("audio", bad_audio), ("image", bad_images)):
        for name, files, code in part():
            yield Case(name, kind, files, code)
    for name, kind, files in good_front_ends():
        yield Case(name, kind, files, "OK")
