#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Writes pipelines.jsonl: what the original's text pipelines make of logits
that any program can compute. Needs transformers 4.57, the last one that has
question answering, and PyTorch.
"""
import json
import os
import pathlib
import random
import sys
import warnings

import numpy as np
import torch
import transformers
from transformers import (Data2VecTextConfig, Data2VecTextForCausalLM, Data2VecTextForMaskedLM,
                          Data2VecTextForQuestionAnswering, Data2VecTextForTokenClassification,
                          RobertaTokenizerFast, TopKLogitsWarper, TopPLogitsWarper, pipeline)
from transformers.generation import TemperatureLogitsWarper
from transformers.modeling_outputs import (CausalLMOutputWithCrossAttentions, MaskedLMOutput,
                                           QuestionAnsweringModelOutput, TokenClassifierOutput)

import texts

HERE = pathlib.Path(__file__).parent
LABELS = [
    ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"],
    ["O", "PER", "LOC"],
    ["B-X-Y", "I-X-Y", "X-Y", "I-", "B-", "-", "O"],
    ["NOUN", "VERB"],
    ["O"],
]


def numbers(seed, count, scale, begin=0):
    """Elements begin..begin+count-1 of a sequence without end: SplitMix64's
    upper 24 bits, laid over -scale/2..scale/2 without rounding."""
    with np.errstate(over="ignore"):
        z = np.arange(begin + 1, begin + count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z += np.uint64(seed) << np.uint64(32)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = (z ^ (z >> np.uint64(31))) >> np.uint64(40)
    return ((z.astype(np.float32) / np.float32(2**24) - np.float32(0.5)) * np.float32(scale)).astype(np.float32)


class Fake:
    """A model that is asked row by row and answers with numbers()."""

    def __init__(self, cls, tokenizer, **options):
        config = Data2VecTextConfig(vocab_size=max(tokenizer.get_vocab().values()) + 1, hidden_size=4,
                                    num_hidden_layers=1, num_attention_heads=1, intermediate_size=4,
                                    max_position_embeddings=4000, **options)
        torch.manual_seed(0)
        self.model = cls(config).eval()
        self.model.forward = self.forward
        self.restart(0, 1)

    def restart(self, seed, scale):
        self.seed, self.scale, self.done = seed, scale, 0

    def take(self, n, width, seed=None):
        seed = self.seed if seed is None else seed
        return torch.tensor(numbers(seed, n * width, self.scale, self.done * width)).reshape(1, n, width)


class FakeTags(Fake):
    def forward(self, input_ids=None, attention_mask=None, **_):
        n, width = input_ids.shape[1], self.model.config.num_labels
        logits = self.take(n, width)
        self.done += n
        return TokenClassifierOutput(logits=logits)


class FakeAnswer(Fake):
    def forward(self, input_ids=None, attention_mask=None, **_):
        n = input_ids.shape[1]
        start, end = self.take(n, 1)[..., 0], self.take(n, 1, self.seed + 1)[..., 0]
        self.done += n
        return QuestionAnsweringModelOutput(start_logits=start, end_logits=end)


class FakeFill(Fake):
    def forward(self, input_ids=None, attention_mask=None, **_):
        return MaskedLMOutput(logits=self.take(input_ids.shape[1], self.model.config.vocab_size))


class FakeWriter(Fake):
    """The last position's logits depend on how many tokens there are."""

    def forward(self, input_ids=None, attention_mask=None, **_):
        n, width = input_ids.shape[1], self.model.config.vocab_size
        logits = torch.zeros(1, n, width)
        logits[0, -1] = torch.tensor(numbers(self.seed + n, width, self.scale))
        return CausalLMOutputWithCrossAttentions(logits=logits)


def load(model, **options):
    return RobertaTokenizerFast.from_pretrained(str(HERE / model), **options)


def simple(value):
    if isinstance(value, dict):
        return {k: simple(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [simple(v) for v in value]
    return float(value) if isinstance(value, (np.floating, float)) else value


def tags(rng, out, n):
    for model in ("four", "prefix", "unknown", "flags", "left"):
        tokenizer = load(model)
        added = [str(t) for t in tokenizer.added_tokens_decoder.values()]
        pool = [t for t in texts.texts(41, 300, added) if 3 < len(t) < 120]
        for labels in LABELS:
            config = {"id2label": dict(enumerate(labels)), "label2id": {}}
            fake = FakeTags(Data2VecTextForTokenClassification, tokenizer, **config)
            for _ in range(n):
                request = {"strategy": rng.choice(["none", "simple", "first", "average", "max"])}
                if rng.random() < 0.4:
                    request["ignore"] = rng.choice([[], ["O", "PER"], labels[:1], ["LOC", "X-Y"]])
                tokenizer.model_max_length = rng.choice([10**30, 10, 16, 24])
                if tokenizer.model_max_length < 10**30:
                    request["max_length"] = tokenizer.model_max_length
                    if request["strategy"] != "none" and rng.random() < 0.8:
                        request["stride"] = rng.choice([0, 1, 3, 6])
                seed, scale, text = rng.randrange(1 << 20), rng.choice([2, 8, 32]), rng.choice(pool)
                pipe = pipeline("token-classification", model=fake.model, tokenizer=tokenizer,
                                aggregation_strategy=request["strategy"], ignore_labels=request.get("ignore", ["O"]),
                                **({"stride": request["stride"]} if "stride" in request else {}))
                fake.restart(seed, scale)
                write(out, task="tags", model=model, text=text, labels=labels, seed=seed, scale=scale, **request,
                      expected=simple(pipe(text)))


def answers(rng, out, n):
    for model in ("four", "prefix", "flags", "left"):
        tokenizer = load(model)
        tokenizer.model_max_length = 10**30
        fake = FakeAnswer(Data2VecTextForQuestionAnswering, tokenizer)
        added = [str(t) for t in tokenizer.added_tokens_decoder.values()]
        pool = [t for t in texts.texts(43, 600, added) if 8 < len(t) < 300]
        questions = [t for t in texts.texts(47, 200, added) if 2 < len(t) < 20] + ["who <s> met", "<s>"]
        # Equal answers are told by their lower case.
        pool += ["Paris paris PARIS pariS " * 3, "ΑΣ ας ΑΣ ας Σ İ i̇ İ ", "a a a a a a A A A A"]
        pipe = pipeline("question-answering", model=fake.model, tokenizer=tokenizer)
        for _ in range(n):
            request = {}
            if rng.random() < 0.6:
                request["top_k"] = rng.choice([1, 2, 3, 7, 30])
            if rng.random() < 0.6:
                request["max_seq_len"] = rng.choice([40, 50, 64, 100])
                if rng.random() < 0.7:
                    request["doc_stride"] = rng.choice([0, 4, 8])
            if rng.random() < 0.5:
                request["max_answer_len"] = rng.choice([1, 2, 5, 40])
            if rng.random() < 0.4:
                request["handle_impossible_answer"] = True
            if rng.random() < 0.4:
                request["align_to_words"] = False
            seed, scale = rng.randrange(1 << 20), rng.choice([2, 8, 24])
            question, context = rng.choice(questions), rng.choice(pool)
            if model == "left" and tokenizer.pad_token in question + context:
                continue  # taken for padding: all spans shift by as many
            fake.restart(seed, scale)
            try:
                result = pipe(question=question, context=context, **request)
            except BaseException:
                continue
            result = result if isinstance(result, list) else [result]
            if any(a["score"] == 0 for a in result):
                continue  # in no order, and not worth having
            write(out, task="answer", model=model, question=question, context=context, seed=seed, scale=scale,
                  **request, expected=simple(result))


def fills(rng, out, n):
    for model in ("four", "prefix", "flags", "left"):
        tokenizer = load(model)
        fake = FakeFill(Data2VecTextForMaskedLM, tokenizer)
        pipe = pipeline("fill-mask", model=fake.model, tokenizer=tokenizer)
        mask = tokenizer.mask_token
        for _ in range(n):
            words = texts.english(rng).split(" ")[:8] + [rng.choice(["é", "😀", "<s>", "日本", tokenizer.pad_token])]
            for _ in range(rng.choice([1, 1, 1, 2, 3])):
                words.insert(rng.randrange(len(words)), mask)
            request = {}
            if rng.random() < 0.5:
                request["top_k"] = rng.choice([1, 2, 8])
            if rng.random() < 0.4:
                request["targets"] = rng.sample(["Ġthe", " the", "the", "é", "and more", "<unk>", "a", "Ġa", ""], 4)
            seed, scale, text = rng.randrange(1 << 20), rng.choice([2, 16]), " ".join(words)
            fake.restart(seed, scale)
            write(out, task="fill", model=model, text=text, seed=seed, scale=scale, **request,
                  expected=simple(pipe(text, **request)))


def samplers(rng, out, n):
    for _ in range(n):
        size = rng.choice([5, 60, 200])
        seed, scale = rng.randrange(1 << 20), rng.choice([2, 8, 32])
        request = {"temperature": rng.choice([0.3, 0.7, 1.0, 2.5]), "top_k": rng.choice([1, 3, 50, 1000]),
                   "top_p": rng.choice([0.05, 0.5, 0.9, 1.0])}
        scores = torch.tensor(numbers(seed, size, scale))[None]
        scores = TemperatureLogitsWarper(request["temperature"])(None, scores)
        scores = TopKLogitsWarper(request["top_k"])(None, scores)
        if request["top_p"] < 1:
            scores = TopPLogitsWarper(request["top_p"])(None, scores)
        probabilities = scores.softmax(-1)[0]
        kept = [[i, float(p)] for i, p in enumerate(probabilities) if p > 0]
        write(out, task="sampler", size=size, seed=seed, scale=scale, **request, expected=kept)


def writers(rng, out, n):
    for model in ("four", "prefix"):
        tokenizer = load(model)
        fake = FakeWriter(Data2VecTextForCausalLM, tokenizer, is_decoder=True, bos_token_id=0, pad_token_id=1,
                          eos_token_id=2)
        pipe = pipeline("text-generation", model=fake.model, tokenizer=tokenizer)
        for _ in range(n):
            text = rng.choice([texts.english(rng)[:40], "é😀", "", " the"])
            request = {"max_new_tokens": rng.choice([1, 5, 12, 40]), "return_full_text": rng.random() < 0.5,
                       "add_special_tokens": rng.random() < 0.5}
            if not text and not request["add_special_tokens"]:
                continue  # 4.57 stumbles over it
            seed = rng.randrange(1 << 20)
            fake.restart(seed, 8)
            # 4.57 cleans spaces up here, 5.x does not; nor do we.
            result = pipe(text, do_sample=False, use_cache=False, clean_up_tokenization_spaces=False, **request)
            write(out, task="generate", model=model, text=text, seed=seed, scale=8, **request,
                  expected=result[0]["generated_text"])


def write(out, **line):
    out.write(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n")


def main():
    transformers.logging.set_verbosity_error()
    warnings.filterwarnings("ignore")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    scale = float(sys.argv[2]) if len(sys.argv) > 2 else 1
    with open(sys.argv[1] if len(sys.argv) > 1 else HERE / "pipelines.jsonl", "w", encoding="utf-8") as out:
        for task, n in ((tags, 12), (answers, 60), (fills, 12), (samplers, 60), (writers, 20)):
            task(random.Random(61), out, round(n * scale))


if __name__ == "__main__":
    main()
