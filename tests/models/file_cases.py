# SPDX-License-Identifier: LGPL-2.1-or-later
"""The same kinds of models stored in the other ways that files in the wild are.

Each entry takes a source model, writes it once as `save_pretrained` does, and
then lets `store` turn that directory into the variation. The answer is that of
the source, so it holds whatever way the weights took to get there.
"""

import json
import os
import re

import safetensors.torch
import torch

import audio_cases
import text_cases
import vision_cases

TINY = dict(num_hidden_layers=2, intermediate_size=16)
AUDIO = audio_cases.case("ctc", "ForCTC", "", [160, 111], mask="ragged", **TINY)
AUDIO_MODEL = audio_cases.case("model", "Model", "", [160, 111], mask="ragged", **TINY)
XVECTOR = audio_cases.case("xvec", "ForXVector", "", [160], **TINY)
WEIGHTED = audio_cases.case("seq", "ForSequenceClassification", "", [160], labels=3, use_weighted_layer_sum=True, **TINY)
MLM = text_cases.case("mlm", "ForMaskedLM", "", text_cases.PADDED, "pad", **TINY)
TEXT_MODEL = text_cases.case("model", "Model", "", text_cases.PADDED, "pad", **TINY)
TEXT_SEQ = text_cases.case("seq", "ForSequenceClassification", "", text_cases.PADDED, "pad", labels=3, **TINY)
CAUSAL = text_cases.case("causal", "ForCausalLM", "", is_decoder=True, tie_word_embeddings=False, **TINY)
CLS = vision_cases.case("cls", "ForImageClassification", "", (24, 32), labels=3, image_size=24, num_channels=1,
                        use_relative_position_bias=True, use_absolute_position_embeddings=True, **TINY)
VISION_MODEL = vision_cases.case("model", "Model", "", (24, 32), image_size=24, num_channels=1,
                                 use_shared_relative_position_bias=True, use_mean_pooling=False, **TINY)
SEG = vision_cases.case("seg", "ForSemanticSegmentation", "", (24, 24), image_size=24, num_channels=1, labels=3,
                        **{**vision_cases.FOUR, "hidden_size": 8, "intermediate_size": 10, "pool_scales": [1, 2],
                           "use_relative_position_bias": True, "auxiliary_channels": 4})
MODULES = {"data2vec-audio": audio_cases, "data2vec-text": text_cases, "data2vec-vision": vision_cases}


# How a directory is read and rewritten

def read(directory):
    return safetensors.torch.load_file(f"{directory}/model.safetensors")


def write(directory, tensors, name="model.safetensors", metadata={"format": "pt"}):
    safetensors.torch.save_file({k: t.contiguous() for k, t in tensors.items()}, f"{directory}/{name}", metadata=metadata)


def edit_config(directory, **changes):
    """a value of None takes the key out"""
    with open(f"{directory}/config.json") as f:
        config = json.load(f)
    config.update(changes)
    with open(f"{directory}/config.json", "w") as f:
        json.dump({k: v for k, v in config.items() if v is not None}, f, indent=2, sort_keys=True)
        f.write("\n")


def write_index(directory, name, shards):
    """shards: file name -> tensors"""
    index = {"metadata": {"total_size": sum(t.nbytes for s in shards.values() for t in s.values())},
             "weight_map": {k: file for file, tensors in shards.items() for k in tensors}}
    with open(f"{directory}/{name}.index.json", "w") as f:
        json.dump(index, f, indent=2, sort_keys=True)
        f.write("\n")


def in_three(tensors, pattern):
    names = list(tensors)
    third = -(-len(names) // 3)
    return {pattern % (i + 1, 3): {n: tensors[n] for n in names[i * third:(i + 1) * third]} for i in range(3)}


def write_bin(directory, tensors):
    os.remove(f"{directory}/model.safetensors")
    torch.save(tensors, f"{directory}/pytorch_model.bin")


# The variations

def as_it_is(directory):
    pass


def stored_as(dtype):
    def store(directory):
        tensors = read(directory)
        if dtype is torch.float64:  # digits that float32 has not
            for t in tensors.values():
                if t.is_floating_point():
                    t.data = t.double() * (1.0 + 1e-3 / 3.0)
        write(directory, {k: t.to(dtype) if t.is_floating_point() else t for k, t in tensors.items()})
        edit_config(directory, dtype=str(dtype).removeprefix("torch."))
    return store


def named(head):
    """another class in the config's architectures than the one that wrote the file"""
    def store(directory):
        with open(f"{directory}/config.json") as f:
            own = json.load(f)["architectures"][0]
        family = re.match("Data2Vec(Audio|Text|Vision)", own)[0]
        edit_config(directory, architectures=[family + head])
    return store


def sharded(directory):
    shards = in_three(read(directory), "model-%05d-of-%05d.safetensors")
    os.remove(f"{directory}/model.safetensors")
    for file, tensors in shards.items():
        write(directory, tensors, file)
    write_index(directory, "model.safetensors", shards)


def torch_file(directory):
    write_bin(directory, read(directory))


def torch_sharded(directory):
    shards = in_three(read(directory), "pytorch_model-%05d-of-%05d.bin")
    os.remove(f"{directory}/model.safetensors")
    for file, tensors in shards.items():
        torch.save(tensors, f"{directory}/{file}")
    write_index(directory, "pytorch_model.bin", shards)


def torch_aliases(directory):
    """tied tensors under each of their names, on one storage; parameters rather than tensors"""
    tensors = {k: torch.nn.Parameter(t) for k, t in read(directory).items()}
    tensors["lm_head.decoder.weight"] = tensors["data2vec_text.embeddings.word_embeddings.weight"]
    tensors["lm_head.decoder.bias"] = tensors["lm_head.bias"]
    tensors["data2vec_text.embeddings.position_ids"] = torch.arange(24)[None]
    write_bin(directory, tensors)


def torch_strided(directory):
    """matrices lie transposed, the biases and gains inside one common storage"""
    tensors = read(directory)
    flat = [k for k, t in tensors.items() if t.dim() == 1]
    common = torch.cat([tensors[k] for k in flat])
    offset = 0
    for k in flat:
        n = len(tensors[k])
        tensors[k] = common[offset:offset + n]
        offset += n
    for k, t in tensors.items():
        if t.dim() == 2:
            tensors[k] = t.t().contiguous().t()
    write_bin(directory, tensors)


def torch_old_vision(directory):
    """as releases before 4.42 wrote it: index buffers, and the old names of the segmentation head"""
    tensors = {vision_cases.old_name(k): t for k, t in read(directory).items()}
    for k in [k for k in tensors if k.endswith("relative_position_bias_table")]:
        tensors[k.replace("_bias_table", "_index")] = torch.arange(100).view(10, 10)
    write_bin(directory, tensors)


def index_buffers(directory):
    tensors = read(directory)
    for k in [k for k in tensors if k.endswith("relative_position_bias_table")]:
        tensors[k.replace("_bias_table", "_index")] = torch.arange(100).view(10, 10)
    write(directory, tensors)


def gamma_beta(directory):
    def old(name):
        return name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta")
    write(directory, {old(k): t for k, t in read(directory).items()})


def position_ids(directory):
    tensors = read(directory)
    tensors["data2vec_text.embeddings.position_ids"] = torch.arange(24)[None]
    write(directory, tensors)


def decoder_names(directory):
    """the tied tensors under the decoder's names too, and the bias under that one only"""
    tensors = read(directory)
    tensors["lm_head.decoder.weight"] = tensors["data2vec_text.embeddings.word_embeddings.weight"].clone()
    tensors["lm_head.decoder.bias"] = tensors.pop("lm_head.bias")
    write(directory, tensors)


def alias_metadata(directory):
    write(directory, read(directory), metadata={
        "lm_head.decoder.weight": "data2vec_text.embeddings.word_embeddings.weight"})


def no_decoder(directory):
    tensors = read(directory)
    del tensors["lm_head.decoder.weight"]
    write(directory, tensors)


def stale_config(directory):
    """leftovers of another family, as the large published configs carry them"""
    edit_config(directory, do_stable_layer_norm=True, feat_extract_norm="group", num_codevectors_per_group=320,
                hidden_dropout_prob=0.1, proj_codevector_dim=768, dtype=None, torch_dtype="float32")


def sparse_config(directory):
    """only what differs from the defaults, as old releases left keys out; labels that repeat"""
    edit_config(directory, is_decoder=None, add_cross_attention=None, tie_word_embeddings=None, use_cache=None,
                pad_token_id=None, eos_token_id=None, bos_token_id=None, hidden_act=None, type_vocab_size=None, dtype=None,
                id2label={"0": "crane", "1": "crane", "2": "<other> \u00e9"}, label2id={"crane": 1, "<other> \u00e9": 2})


def literal_num_labels(directory):
    edit_config(directory, id2label=None, label2id=None, num_labels=3)


def entry(name, source, store, note, head=None, fails=False, rounds=False):
    """head: the class to run where it is not the source's. fails: opening it must fail.
    rounds: the stored numbers are not the source's."""
    return dict(name=name, source=source, store=store, note=note, head=head or source["head"],
                fails=fails, rounds=rounds)


ENTRIES = [
    entry(f"{modality}-{short}", source, stored_as(dtype), f"weights stored as {short.upper()}", rounds=True)
    for modality, source in (("audio", AUDIO), ("text", MLM), ("vision", SEG))
    for short, dtype in (("f16", torch.float16), ("bf16", torch.bfloat16), ("f64", torch.float64))
] + [
    # classes and files that differ
    entry("audio-bare-as-ctc", AUDIO_MODEL, named("ForCTC"), "the head's tensors are missing", "ForCTC", fails=True),
    entry("text-bare-as-seq", TEXT_MODEL, named("ForSequenceClassification"), "the head's tensors are missing", "ForSequenceClassification", fails=True),
    entry("vision-bare-as-cls", VISION_MODEL, named("ForImageClassification"), "the head's tensors are missing", "ForImageClassification", fails=True),
    entry("text-untied-without-decoder", CAUSAL, no_decoder, "untied, and the decoder's weight is missing", fails=True),
    entry("audio-head-as-model", AUDIO, as_it_is, "the bare model out of a head's file", "Model"),
    entry("audio-xvec-as-model", XVECTOR, named("Model"), "a head with a feature_extractor of its own, named as the bare model", "Model"),
    entry("text-head-as-model", MLM, named("Model"), "as the published text model: the config names the bare model, the file has no pooler", "Model"),
    entry("vision-head-as-model", CLS, as_it_is, "the bare model out of a head's file", "Model"),
    # containers
    entry("text-sharded", MLM, sharded, "three safetensors files and an index"),
    entry("vision-bin", VISION_MODEL, torch_file, "pytorch_model.bin"),
    entry("audio-bin", AUDIO, torch_file, "pytorch_model.bin"),
    entry("text-bin-aliases", MLM, torch_aliases, "pytorch_model.bin of parameters, tied names on one storage, a position_ids buffer"),
    entry("audio-bin-strided", WEIGHTED, torch_strided, "pytorch_model.bin with transposed tensors and a common storage"),
    entry("vision-bin-old", SEG, torch_old_vision, "pytorch_model.bin with index buffers and old names"),
    entry("text-bin-sharded", TEXT_SEQ, torch_sharded, "three .bin files and an index"),
    # names
    entry("text-gamma-beta", MLM, gamma_beta, "LayerNorm.gamma and LayerNorm.beta"),
    entry("text-position-ids", MLM, position_ids, "an embeddings.position_ids buffer"),
    entry("text-decoder-names", MLM, decoder_names, "tied tensors stored twice, the bias as lm_head.decoder.bias only"),
    entry("text-alias-metadata", MLM, alias_metadata, "the tied name in __metadata__"),
    entry("vision-index-buffers", CLS, index_buffers, "relative_position_index buffers"),
    # configs
    entry("audio-stale-config", AUDIO, stale_config, "config keys of another family"),
    entry("text-sparse-config", TEXT_SEQ, sparse_config, "defaults left out, label texts that repeat"),
    entry("vision-num-labels", CLS, literal_num_labels, "num_labels in the place of id2label"),
]
