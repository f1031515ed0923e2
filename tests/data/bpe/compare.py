#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Holds the tokenizer to the original: the same texts and options through
both, every array compared.

    compare.py PROGRAM [-n TEXTS] [--all] [--golden FILE] [MODEL...]

PROGRAM is the command that answers JSON lines, such as `d2v tokenize` (then
`--jsonl` is appended after the model) or the test program bpe_lines. Needs
transformers, 4.57 or 5.x. --all also sends every code point of Unicode.
--golden writes a part of the original's answers for test_bpe.c instead.
"""
import argparse
import json
import os
import pathlib
import random
import subprocess
import sys

os.environ["RUST_BACKTRACE"] = "0"
import transformers  # noqa: E402
from transformers import RobertaTokenizerFast  # noqa: E402

import texts  # noqa: E402

HERE = pathlib.Path(__file__).parent
OLD = transformers.__version__.startswith("4.")
MODELS = ["four", "five", "prefix", "flags", "flags-prefix", "flags-untrimmed", "left", "slow", "names",
          "dropped", "unknown"]
# What each generation reads its own way, while the library follows the other
# (see README.md).
SKIP = [] if OLD else ["unknown"]


def load(model):
    return RobertaTokenizerFast.from_pretrained(str(HERE / model))


def plain(tokens):
    """Python lists of what the original returns for a batch or one text."""
    return {"input_ids": tokens["input_ids"], "attention_mask": tokens["attention_mask"],
            "special_tokens_mask": tokens["special_tokens_mask"], "offsets": tokens["offset_mapping"]}


def original(tokenizer, request):
    """The original's answer to a request, None where it refuses."""
    options = {"truncation": False, "padding": False}
    options |= {key: request[key] for key in ("truncation", "max_length", "stride", "padding",
                                              "pad_to_multiple_of") if key in request}
    parts = "stride" in request
    try:
        tokens = tokenizer(request["text"], request.get("pair"), return_offsets_mapping=True,
                           return_special_tokens_mask=True, return_overflowing_tokens=parts,
                           add_special_tokens=not request.get("no_template", False), **options)
    except BaseException as error:  # the library underneath panics
        if isinstance(error, KeyboardInterrupt):
            raise
        return None
    answer = plain(tokens)
    rows = len(tokens.encodings)
    words = [[-1 if w is None else w for w in tokens.word_ids(i)] for i in range(rows)]
    batch = isinstance(request["text"], list)
    answer["word_ids"] = words if batch or parts else words[0]
    if parts and not batch and "overflow_to_sample_mapping" not in tokens:
        answer = {key: [value] for key, value in answer.items()} if rows == 1 and \
            not isinstance(answer["input_ids"][0], list) else answer
    return answer


def random_request(rng, pool, tokenizer):
    request = {"text": rng.choice(pool)}
    if rng.random() < 0.4:
        request["pair"] = rng.choice(pool)
    if rng.random() < 0.15:
        n = rng.randint(1, 4)
        request = {"text": [rng.choice(pool) for _ in range(n)]}
        if rng.random() < 0.5:
            request["pair"] = [rng.choice(pool) for _ in range(n)]
    if rng.random() < 0.6:
        request["truncation"] = rng.choice([True, "longest_first", "only_first", "only_second"])
    if rng.random() < 0.8:
        request["max_length"] = rng.choice([4, 5, 6, 7, 8, 9, 12, 16, 25, 40, 64])
    if rng.random() < 0.3:
        request["stride"] = rng.choice([0, 1, 2, 3, 5, 11])
    if rng.random() < 0.5:
        request["padding"] = rng.choice([True, "longest", "max_length"])
    if rng.random() < 0.2:
        request["pad_to_multiple_of"] = rng.choice([2, 4, 5, 8])
    if rng.random() < 0.1:
        request["no_template"] = True
    return request


def is_known_difference(found):
    """A side of no tokens at all with parts asked for: the original gives the
    whole side as one overlong part, the library refuses."""
    return "stride below the 0 tokens" in found.get("error", "")


class Library:
    def __init__(self, program, model):
        arguments = program + [str(HERE / model)]
        if pathlib.Path(program[0]).name == "d2v":
            arguments.append("--jsonl")
        self.process = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        encoding="utf-8")

    def ask(self, requests):
        """Answers to many requests; the pipe is kept from filling up."""
        for start in range(0, len(requests), 20):
            chunk = requests[start:start + 20]
            self.process.stdin.write("".join(json.dumps(r) + "\n" for r in chunk))
            self.process.stdin.flush()
            for _ in chunk:
                yield json.loads(self.process.stdout.readline())

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def same(expected, found):
    if expected is None:
        return "error" in found
    if "error" in found:
        return False
    flat = json.loads(json.dumps(expected))
    if "word_ids" not in found:  # not every program tells
        flat.pop("word_ids")
    return all(found.get(key) == value for key, value in flat.items())


def added_names(tokenizer):
    return [str(token) for token in tokenizer.added_tokens_decoder.values()]


def compare(program, model, n, everything):
    tokenizer = load(model)
    library = Library(program, model)
    added = added_names(tokenizer)
    pool = texts.texts(11, n, added)
    requests = [{"text": text} for text in pool]
    requests += [{"text": text} for text in texts.ranges_text()]
    if everything:
        requests += [{"text": text} for text in texts.every_code_point()]
    rng = random.Random(5)
    requests += [random_request(rng, pool, tokenizer) for _ in range(n)]
    equal = wrong = known = 0
    for request, found in zip(requests, library.ask(requests)):
        expected = original(tokenizer, request)
        if same(expected, found):
            equal += 1
        elif is_known_difference(found):
            known += 1
        else:
            wrong += 1
            if wrong <= 3:
                print(model, json.dumps(request), "\n  expected", json.dumps(expected), "\n  found   ",
                      json.dumps(found))
    wrong += compare_decoding(tokenizer, library, rng, n, model)
    library.close()
    print(f"{model}: {equal} equal, {wrong} different, {known} refused on purpose, "
          f"{100 * equal / (equal + wrong):.4f} %", flush=True)
    return wrong


def random_ids(rng, tokenizer):
    size = len(tokenizer)
    special = tokenizer.all_special_ids
    return [rng.choice([rng.randrange(size), rng.randrange(size), rng.choice(special), size + 7])
            for _ in range(rng.randint(0, 20))]


def compare_decoding(tokenizer, library, rng, n, model):
    requests = [{"decode": random_ids(rng, tokenizer), "skip_special_tokens": rng.random() < 0.5}
                for _ in range(n)]
    wrong = 0
    for request, found in zip(requests, library.ask(requests)):
        text = tokenizer.decode(request["decode"], skip_special_tokens=request["skip_special_tokens"],
                                clean_up_tokenization_spaces=False)
        if found.get("text") != text:
            wrong += 1
            if wrong <= 3:
                print(model, request, repr(text), repr(found))
    return wrong


def rows_of(answer, request):
    """The answer's rows, in the short form that test_bpe.c reads."""
    many = isinstance(request["text"], list) or "stride" in request
    columns = [answer[key] if many else [answer[key]] for key in
               ("input_ids", "offsets", "attention_mask", "special_tokens_mask", "word_ids")]
    return [{"ids": ids, "offsets": [n for pair in offsets for n in pair],
             "attention": "".join(map(str, attention)), "special": "".join(map(str, special)), "words": words}
            for ids, offsets, attention, special, words in zip(*columns)]


def golden(models, n, path):
    """Requests with the original's answers, one a line; short ones."""
    def write(**line):
        text = json.dumps(line, ensure_ascii=False, separators=(",", ":"))
        if len(text) < 1200:
            out.write(text + "\n")

    with open(path, "w", encoding="utf-8") as out:
        for model in models:
            tokenizer = load(model)
            rng = random.Random(23)
            pool = [t for t in texts.texts(29, 2 * n, added_names(tokenizer)) if len(t) < 50][:n]
            requests = [{"text": t} for t in pool] + [random_request(rng, pool, tokenizer) for _ in range(n)]
            if model == "four":
                requests += [{"text": text} for text in texts.ranges_text(6)]
            for request in requests:
                answer = original(tokenizer, request)
                if answer is None:
                    write(model=model, **request, refused=True)
                elif "stride" not in request or request.get("max_length", 9) > 6:
                    write(model=model, **request, rows=rows_of(answer, request))
            for _ in range(n // 4):
                request = {"decode": random_ids(rng, tokenizer), "skip_special_tokens": rng.random() < 0.5}
                text = tokenizer.decode(request["decode"], skip_special_tokens=request["skip_special_tokens"],
                                        clean_up_tokenization_spaces=False)
                write(model=model, **request, answer=text)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program", help="the command, in one string")
    parser.add_argument("models", nargs="*")
    parser.add_argument("-n", type=int, default=2500)
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--golden")
    arguments = parser.parse_intermixed_args()
    models = [m for m in arguments.models or MODELS if m not in SKIP]
    transformers.logging.set_verbosity_error()
    # Every refusal of the original is a panic with a page of text.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    if arguments.golden:
        return golden(models, arguments.n, arguments.golden)
    wrong = sum(compare(arguments.program.split(), model, arguments.n, arguments.all) for model in models)
    sys.exit(wrong > 0)


if __name__ == "__main__":
    main()
