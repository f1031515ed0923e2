# SPDX-License-Identifier: LGPL-2.1-or-later
"""Greedy continuations of a few of the causal models, with both rules for positions.

The original's `generate` counts positions from 0 and skips masked tokens; its
`forward` counts from pad_token_id + 1. The model hears the difference, so the
tests hold both: "generate" and "forward", new ids only.
"""

import torch

import original
import text_cases

MODELS = ["text-causal-decoder", "text-causal-untied", "text-causal-positions", "text-causal-left"]
NEW_TOKENS = 14
# Rows as in text_cases; a row of a batch that ends early goes on with padding. stop: the new
# token of the first row that is declared the end, None for the config's own eos_token_id.
REQUESTS = [
    dict(rows=["x"], stop=None),
    dict(rows=["xxxxxx"], stop=None),
    dict(rows=["xxxxxxxxxxxx", "xxxxxxxxxxxx"], stop=None),
    dict(rows=["xxxx", "xxxx"], stop=6),
    dict(rows=["pppxxxx", "xxxxxxx", "pxxxxxx"], stop=None),
]
ATTEMPTS = 200  # prompts tried for each request, the first suitable one is taken
# The best logit must lead the second by this much at every step, so that rounding decides nothing.
LEAD = 2e-3


class Unsuitable(Exception):
    """A prompt whose continuation would test little, or depend on rounding."""


def by_generate(model, ids, mask, stop):
    out = model.generate(ids, attention_mask=mask, do_sample=False, num_beams=1, max_new_tokens=NEW_TOKENS,
                         eos_token_id=stop, pad_token_id=model.config.pad_token_id,
                         return_dict_in_generate=True, output_logits=True)
    new = out.sequences[:, ids.shape[1]:]
    running = torch.ones(len(ids), dtype=torch.bool)
    for step, logits in enumerate(out.logits):
        check_lead(logits[running])
        running &= new[:, step] != stop
    return new


def by_forward(model, ids, stop):
    """no cache and no positions given: the plain forward pass, one token longer each time"""
    n, running = ids.shape[1], torch.ones(len(ids), dtype=torch.bool)
    for _ in range(NEW_TOKENS):
        logits = model(ids, use_cache=False).logits[:, -1]
        check_lead(logits[running])
        best = torch.where(running, logits.argmax(-1), model.config.pad_token_id)
        running &= best != stop
        ids = torch.cat([ids, best[:, None]], 1)
        if not running.any():
            break
    return ids[:, n:]


def check_lead(logits):
    if len(logits):
        top = logits.topk(2).values
        if (top[:, 0] - top[:, 1]).min() < LEAD:
            raise Unsuitable("two logits too close")


def check_tokens(model, new, stop):
    """A generated padding token would move the positions of what follows, and not in all versions
    alike; and a single word repeated shows little."""
    for row in new.tolist():
        if stop in row:
            row = row[:row.index(stop)]
        if model.config.pad_token_id in row:
            raise Unsuitable("padding was generated")
        if len(set(row)) < len(row) // 3:
            raise Unsuitable("dull")


def answer(model, request, name):
    recipe = dict(rows=request["rows"], mask="pad", types=None, positions=None)
    given = text_cases.inputs(name, vars(model.config), recipe)
    ids, mask = given["input_ids"], given["attention_mask"]
    stop = model.config.eos_token_id
    if request["stop"] is not None:
        stop = by_generate(model, ids, mask, stop)[0, request["stop"]].item()
    new = by_generate(model, ids, mask, stop)
    check_tokens(model, new, stop)
    entry = {"input_ids": ids.tolist(), "max_new_tokens": NEW_TOKENS, "eos_token_id": stop, "generate": new.tolist()}
    if not mask.all():
        entry["attention_mask"] = mask.tolist()
        return entry
    new = by_forward(model, ids, stop)
    check_tokens(model, new, stop)
    entry["forward"] = new.tolist()
    if entry["forward"] == entry["generate"]:
        raise Unsuitable("the rules for positions cannot be told apart")
    return entry


def answers(seed, directory):
    """the requests for one model with their answers, computed in float64"""
    model = original.load(directory, "ForCausalLM").double()
    result = []
    for i, request in enumerate(REQUESTS):
        for attempt in range(ATTEMPTS):
            try:
                result.append(answer(model, request, f"{seed}/generate/{i}/{attempt}"))
                break
            except Unsuitable:
                continue
        else:
            raise ValueError(f"no suitable prompt for request {i} in {directory}")
    return result
