# SPDX-License-Identifier: LGPL-2.1-or-later
"""Text models with relative position types, which transformers 5 no longer knows.

`position_embedding_type` relative_key and relative_key_query add, inside each
attention, products with a learned vector per distance. Recent versions read
such a file as if it were absolute, so the answer comes from the attention
below, put in place of the original's; everything around it is the original.
"""

import math

import torch
from torch import nn


class NoPositions(nn.Embedding):
    """the absolute table: still in the file, no longer added"""

    def forward(self, ids):
        return torch.zeros((*ids.shape, self.embedding_dim), dtype=self.weight.dtype)


class RelativeAttention(nn.Module):
    """scores = (q k + q D [+ k D]) / sqrt(d) + mask, with D = E[query - key + P - 1]"""

    def __init__(self, config):
        super().__init__()
        h = config.hidden_size
        self.heads = config.num_attention_heads
        self.width = h // self.heads
        self.positions = config.max_position_embeddings
        self.with_key = config.position_embedding_type == "relative_key_query"
        self.query, self.key, self.value = nn.Linear(h, h), nn.Linear(h, h), nn.Linear(h, h)
        self.distance_embedding = nn.Embedding(2 * self.positions - 1, self.width)

    def forward(self, x, attention_mask=None, **unused):
        b, n, h = x.shape
        q, k, v = (f(x).view(b, n, self.heads, self.width).transpose(1, 2)
                   for f in (self.query, self.key, self.value))  # (B, A, N, d)
        i = torch.arange(n)
        e = self.distance_embedding(i[:, None] - i[None] + self.positions - 1)  # (query, key, d)
        s = q @ k.transpose(2, 3) + torch.einsum("bald,lrd->balr", q, e)
        if self.with_key:
            s = s + torch.einsum("bard,lrd->balr", k, e)
        s = s / math.sqrt(self.width)
        if attention_mask is not None:
            s = s + attention_mask
        return (s.softmax(-1) @ v).transpose(1, 2).reshape(b, n, h), None


def relative_class(original):
    """the original's class under its own name, with the attention exchanged"""

    def init(self, config):
        original.__init__(self, config)
        trunk = getattr(self, self.base_model_prefix, self)
        trunk.embeddings.position_embeddings.__class__ = NoPositions
        for layer in trunk.encoder.layer:
            layer.attention.self = RelativeAttention(config)

    return type(original.__name__, (original,), {"__init__": init, "__module__": original.__module__})
