# SPDX-License-Identifier: LGPL-2.1-or-later
"""Random inputs that suit whatever model a config describes, of ordinary size."""

import math

import torch

from randomise import integers, normal


def audio(config, head, seed, frames):
    stride = math.prod(config.conv_stride)
    sight, step = 1, 1  # samples that one frame sees
    for k, s in zip(config.conv_kernel, config.conv_stride):
        sight, step = sight + (k - 1) * step, step * s
    lengths = [sight + stride * (frames - 1) + stride // 3, sight + stride * (frames * 2 // 3)]
    own = torch.arange(max(lengths))[None] < torch.tensor(lengths)[:, None]
    x = normal(f"{seed}/input_values", own.shape)
    return {"input_values": x * own, "attention_mask": own.long()}


def text(config, head, seed, tokens):
    n = max(1, min(tokens, config.max_position_embeddings - config.pad_token_id - 1))
    n -= n % (config.chunk_size_feed_forward or 1)  # the original insists
    shape = (1, 3, n) if head == "ForMultipleChoice" else (2, n)
    ids = integers(f"{seed}/input_ids", shape, 0, config.vocab_size - 1)
    ids += ids >= config.pad_token_id  # the padding comes below
    mask = torch.ones_like(ids)
    mask[..., -1, n - n // 3:] = 0
    ids[mask == 0] = config.pad_token_id
    types = integers(f"{seed}/token_type_ids", shape, 0, config.type_vocab_size)
    return {"input_ids": ids, "attention_mask": mask, "token_type_ids": types}


def vision(config, head, seed, batch):
    size = config.image_size
    h, w = (size, size) if isinstance(size, int) else size
    result = {"pixel_values": normal(f"{seed}/pixel_values", (batch, config.num_channels, h, w))}
    if head == "Model" and config.use_mask_token:
        n = (h // config.patch_size) * (w // config.patch_size)
        result["bool_masked_pos"] = integers(f"{seed}/bool_masked_pos", (batch, n), 0, 3) // 2
    return result


def suitable_inputs(config, head, seed, amount=None):
    """amount: frames, tokens or images"""
    make, usual = {"data2vec-audio": (audio, 60), "data2vec-text": (text, 40), "data2vec-vision": (vision, 2)}[config.model_type]
    return make(config, head, seed, amount or usual)
