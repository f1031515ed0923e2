# SPDX-License-Identifier: LGPL-2.1-or-later
"""The text cases. Rows are drawn as they lie: x a token, p a padding token."""

import torch

from randomise import integers

BASE = dict(
    hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=28,
    vocab_size=48, max_position_embeddings=24, type_vocab_size=2, layer_norm_eps=1e-5,
    pad_token_id=1, bos_token_id=0, eos_token_id=2)

MLM, CAUSAL, SEQ, TOKEN, QA, CHOICE = (
    "ForMaskedLM", "ForCausalLM", "ForSequenceClassification", "ForTokenClassification",
    "ForQuestionAnswering", "ForMultipleChoice")
ONE, PADDED, LEFT = ["xxxxxxxxx"], ["xxxxxxxxx", "xxxxxpppp"], ["xxxxxxxxx", "ppppxxxxx"]
# Positions loud and the head's constant part low, so that greedy generation does not repeat itself.
LIVELY = [("position_embeddings", 2.5), ("lm_head.*bias", 0.3)]
WIDE_FFN = [("intermediate.dense.weight", 6.0)]


def case(name, head, note, rows=ONE, mask=None, types=None, positions=None, gains=(), labels=None, **config):
    """mask, types: one digit a token, or mask "pad" (0 at padding). positions: lists.
    Multiple choice takes a list of such rows for each example."""
    if labels:
        config["num_labels"] = labels
    return dict(name="text-" + name, head=head, note=note, gains=gains,
                config={"model_type": "data2vec-text", **BASE, **config}, recipe=dict(rows=rows, mask=mask, types=types, positions=positions))


def digits(rows):
    return [digits(r) if isinstance(r, list) else [int(c) for c in r] for r in rows]


def inputs(seed, config, recipe):
    pad = config["pad_token_id"]

    def is_pad(rows):
        return [is_pad(r) if isinstance(r, list) else [c == "p" for c in r] for r in rows]

    padding = torch.tensor(is_pad(recipe["rows"]))
    ids = integers(f"{seed}/input_ids", padding.shape, 0, config["vocab_size"] - 1)
    ids = torch.where(padding, pad, ids + (ids >= pad))  # no accidental padding
    result = {"input_ids": ids}
    if recipe["mask"] == "pad":
        result["attention_mask"] = (~padding).long()
    elif recipe["mask"]:
        result["attention_mask"] = torch.tensor(digits(recipe["mask"]))
    if recipe["types"]:
        result["token_type_ids"] = torch.tensor(digits(recipe["types"]))
    if recipe["positions"]:
        result["position_ids"] = torch.tensor(recipe["positions"])
    return result


def undefined_rows(config, inputs):
    """(B, N) true where a token may attend to nothing: no two versions agree on those"""
    if not config.get("is_decoder") or "attention_mask" not in inputs:
        return None
    return inputs["attention_mask"].cumsum(-1) == 0


CASES = [
    # the bare model
    case("model-plain", "Model", "one text"),
    case("model-one-token", "Model", "a single token", ["x"]),
    case("model-padded", "Model", "padding masked", PADDED, "pad", hidden_act="gelu_new"),
    case("model-padded-no-mask", "Model", "padding not masked: it keeps its position and is attended to", PADDED),
    case("model-left", "Model", "padding on the left", LEFT, "pad"),
    case("model-pads-inside", "Model", "padding inside does not count, whatever the mask says", ["xxxpxxppx", "xpxxxxxxx"], ["111111111", "101111110"]),
    case("model-mask-holes", "Model", "a mask with holes moves no position", ["xxxxxxxxx", "xxxxxxxxx"], ["110011101", "111111000"]),
    case("model-types", "Model", "token types", PADDED, "pad", ["000011111", "001110000"]),
    case("model-types-5", "Model", "five token types", ["xxxxxxx"], None, ["4321034"], type_vocab_size=5, hidden_act="relu"),
    case("model-types-1", "Model", "one token type, as published", ["xxxxxxx"], type_vocab_size=1, hidden_act="gelu_python"),
    case("model-positions", "Model", "positions given", PADDED, "pad", None, [[3, 2, 5, 4, 0, 23, 7, 7, 9], [0, 1, 2, 3, 4, 5, 6, 7, 8]]),
    case("model-full", "Model", "as many tokens as there are positions", ["x" * 22]),
    case("model-pad-id-0", "Model", "padding id 0", PADDED, "pad", pad_token_id=0, bos_token_id=1),
    case("model-pad-id-5", "Model", "padding id 5: positions start at 6", PADDED, "pad", pad_token_id=5),
    case("model-eps-default", "Model", "layer_norm_eps 1e-12", PADDED, "pad", layer_norm_eps=1e-12),
    case("model-eps-large", "Model", "layer_norm_eps 0.05", layer_norm_eps=0.05, hidden_act="mish"),
    case("model-chunked", "Model", "chunk_size_feed_forward changes nothing", chunk_size_feed_forward=3),
    case("model-decoder", "Model", "is_decoder: causal", PADDED, "pad", is_decoder=True),
    case("model-heads-odd", "Model", "5 heads of width 3, three layers", PADDED, "pad", hidden_size=15, num_attention_heads=5, num_hidden_layers=3, intermediate_size=31),
    case("model-wide", "Model", "hidden size 64, four heads", PADDED, "pad", hidden_size=64, num_attention_heads=4, intermediate_size=80),
    case("model-deep", "Model", "four layers, one head", num_hidden_layers=4, num_attention_heads=1, hidden_act="quick_gelu"),
    case("model-act-clipped", "Model", "gelu_10 where its clip acts", hidden_act="gelu_10", gains=WIDE_FFN),
    case("model-act-relu6", "Model", "relu6 where its clip acts", hidden_act="relu6", gains=WIDE_FFN),
    case("model-act-sigmoid", "Model", "sigmoid", hidden_act="sigmoid"),
    case("model-act-linear", "Model", "no activation", hidden_act="linear"),
    # masked language model
    case("mlm-tied", MLM, "decoder tied to the word embeddings", PADDED, "pad"),
    case("mlm-untied", MLM, "a decoder of its own, and a bias beside the one that counts", PADDED, "pad", tie_word_embeddings=False),
    case("mlm-act", MLM, "the head uses erf-gelu whatever hidden_act is", hidden_act="gelu_python_tanh"),
    case("mlm-decoder", MLM, "is_decoder: causal", PADDED, "pad", is_decoder=True),
    case("mlm-eps-large", MLM, "layer_norm_eps reaches the head", layer_norm_eps=0.05, vocab_size=101),
    # causal language model
    case("causal-decoder", CAUSAL, "is_decoder true", gains=LIVELY, is_decoder=True, max_position_embeddings=48),
    case("causal-not-decoder", CAUSAL, "is_decoder false: attends both ways", PADDED, "pad"),
    case("causal-untied", CAUSAL, "a decoder of its own", PADDED, "pad", gains=LIVELY, is_decoder=True, tie_word_embeddings=False, max_position_embeddings=48, hidden_act="silu"),
    case("causal-positions", CAUSAL, "positions from 0, one row for the whole batch", PADDED, "pad", None, [[0, 1, 2, 3, 4, 5, 6, 7, 8]], LIVELY, is_decoder=True, max_position_embeddings=48, num_hidden_layers=3),
    case("causal-left", CAUSAL, "padding on the left; its rows attend to nothing and are not compared", LEFT, "pad", gains=LIVELY, is_decoder=True, pad_token_id=3, max_position_embeddings=48, hidden_size=24, num_attention_heads=3),
    case("causal-cross", CAUSAL, "cross-attention weights that nothing uses", is_decoder=True, add_cross_attention=True),
    # sequence classification
    case("seq-2", SEQ, "two labels", PADDED, "pad"),
    case("seq-1", SEQ, "one label, regression", labels=1, problem_type="regression", hidden_act="tanh"),
    case("seq-7", SEQ, "seven labels, several at once", PADDED, "pad", ["000011111", "011110000"], labels=7, problem_type="multi_label_classification"),
    case("seq-left", SEQ, "padding on the left: the row that is classified is padding", LEFT, "pad", labels=3, problem_type="single_label_classification"),
    case("seq-decoder", SEQ, "is_decoder: the first token sees itself alone", PADDED, "pad", is_decoder=True),
    # token classification
    case("token-2", TOKEN, "two labels", PADDED, "pad"),
    case("token-7", TOKEN, "seven labels, token types", ["xxxxxxx"], None, ["0001111"], labels=7, hidden_act="swish"),
    case("token-1-decoder", TOKEN, "one label, is_decoder", PADDED, "pad", labels=1, is_decoder=True),
    # question answering
    case("qa", QA, "question and context", PADDED, "pad", ["000111111", "011110000"]),
    case("qa-decoder", QA, "is_decoder, positions given", ONE, None, None, [[2, 3, 4, 5, 6, 7, 8, 9, 10]], is_decoder=True),
    # multiple choice
    case("choice", CHOICE, "two examples of three choices", [["xxxxxxx", "xxxxxpp", "xxxxppp"], ["xxxxxxp", "xxxxxxx", "xxxpppp"]], "pad"),
    case("choice-all", CHOICE, "types and positions too", [["xxxxxxx", "xxxxxxx"]], [["1111111", "1111100"]], [["0001111", "0000011"]], [[[2, 3, 4, 5, 6, 7, 8], [0, 1, 2, 3, 4, 5, 6]]]),
    case("choice-decoder", CHOICE, "is_decoder, one choice", [["xxxxx"], ["xxxpp"]], "pad", is_decoder=True),
    # relative positions
    case("relative-model", "Model", "relative_key", PADDED, "pad", position_embedding_type="relative_key"),
    case("relative-query-model", "Model", "relative_key_query, positions given: they have no effect", PADDED, "pad", None, [[5, 3, 2, 9, 9, 9, 2, 1, 7]], position_embedding_type="relative_key_query"),
    case("relative-mlm", MLM, "relative_key_query, as many tokens as the table allows", ["x" * 10], position_embedding_type="relative_key_query", max_position_embeddings=12),
    case("relative-seq", SEQ, "relative_key", LEFT, "pad", labels=3, position_embedding_type="relative_key"),
    case("relative-causal", CAUSAL, "relative_key in a decoder", PADDED, "pad", is_decoder=True, position_embedding_type="relative_key"),
    case("relative-query-causal", CAUSAL, "relative_key_query in a decoder, untied", ["xxxxxxxx"], is_decoder=True, tie_word_embeddings=False, position_embedding_type="relative_key_query", hidden_size=24, num_attention_heads=3),
    case("relative-choice", CHOICE, "relative_key", [["xxxxxxx", "xxxxxpp"]], "pad", position_embedding_type="relative_key"),
]
