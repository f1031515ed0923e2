# SPDX-License-Identifier: LGPL-2.1-or-later
"""Numbers for the fixtures, the same on every machine for ever.

Every value is a hash of (seed, tensor name, index), so no library's random
generator takes part and a case does not change when others are added.
"""

import math
import re

import numpy as np
import torch

# Uniform on [-1, 1) has variance 1/3: this brings it to 1.
UNIT = math.sqrt(3.0)


def fnv1a(text):
    h = 0x811C9DC5
    for byte in text.encode():
        h = ((h ^ byte) * 0x01000193) & 0xFFFFFFFF
    return h


def noise(name, n):
    """n doubles in [-1, 1), from the name and the index alone"""
    x = (fnv1a(name) + np.arange(n, dtype=np.uint64) * 0x9E3779B9) & 0xFFFFFFFF
    x ^= x >> 16
    x = (x * 0x85EBCA6B) & 0xFFFFFFFF
    x ^= x >> 13
    x = (x * 0xC2B2AE35) & 0xFFFFFFFF
    x ^= x >> 16
    return x.astype(np.float64) / 2.0**31 - 1.0


def normal(name, shape):
    """float32 tensor of zero mean and unit variance"""
    n = math.prod(shape)
    return torch.from_numpy(noise(name, n) * UNIT).reshape(tuple(shape)).float()


def integers(name, shape, low, high):
    """int64 tensor with low <= values < high"""
    r = (noise(name, math.prod(shape)) + 1.0) / 2.0
    return torch.from_numpy((low + np.floor(r * (high - low))).astype(np.int64)).reshape(tuple(shape))


# The first pattern found in the tensor's name decides: (pattern, mean, spread).
# No mean or spread is one that could be forgotten without being seen: gains
# are not 1, biases and running means not 0, running variances not 1.
FILL = [
    (r"running_var$", 1.0, 0.3),
    (r"running_mean$", 0.0, 0.25),
    (r"lambda_[12]$", 0.5, 0.2),
    (r"relative_position_bias_table$", 0.0, 0.7),
    (r"(cls_token|mask_token|masked_spec_embed|layer_weights|position_embeddings)$", 0.0, 0.6),
    (r"(word|position|token_type)_embeddings\.weight$", 0.0, 0.6),
    (r"distance_embedding\.weight$", 0.0, 0.5),
    (r"bias$", 0.0, 0.2),
    (r"(layer_?norm|LayerNorm|layernorm\w*|fpn1\.1|normalization)\.weight$", 1.0, 0.2),
]


def fan_in(name, shape):
    """inputs that one output adds up; a 2x2 transposed convolution of stride 2 adds up one tap"""
    if re.search(r"fpn[12]\.\d\.weight$", name):
        return shape[0]
    return max(1, math.prod(shape[1:]))


def value(seed, name, shape, gains=()):
    """the content of one weight; gains are (pattern, factor) pairs that scale matching tensors"""
    r = normal(f"{seed}/{name}", shape)
    for pattern, mean, spread in FILL:
        if re.search(pattern, name):
            t = mean + spread * r
            break
    else:
        t = r / math.sqrt(fan_in(name, shape))
        # Scores of about unit variance or a little more: a softmax neither flat nor one-hot.
        if re.search(r"(q_proj|k_proj|query|key)\.weight$", name):
            t = t * 1.3
        # What follows a ReLU has half the power.
        elif re.search(r"(convolution\.weight|fpn1\.3\.weight)$", name):
            t = t * math.sqrt(2.0)
    for pattern, factor in gains:
        if re.search(pattern, name):
            t = t * factor
    return t


@torch.no_grad()
def randomise(model, seed, gains=()):
    """fills every parameter and every stored buffer of the model"""
    stored = model.state_dict().keys()
    for name, t in model.named_parameters():
        t.copy_(value(seed, name, t.shape, gains))
    for name, t in model.named_buffers():
        if name not in stored:
            continue
        if name.endswith("num_batches_tracked"):
            t.fill_(7)
        else:
            t.copy_(value(seed, name, t.shape, gains))
