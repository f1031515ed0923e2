# SPDX-License-Identifier: LGPL-2.1-or-later
"""From samples to text: normalise, forward, greedy CTC decoding."""
import numpy as np
import torch

import data
import texts
from data import BAR, BLANK, VOCABULARY


def normalise(sound):
    sound = sound.astype(np.float32)
    return (sound - sound.mean()) / np.sqrt(sound.var() + 1e-7)


@torch.inference_mode()
def ids(model, sound):
    """Best id of every frame; `sound` is float, any level, 16 kHz."""
    x = torch.from_numpy(normalise(sound))[None]
    return model(x).logits[0].argmax(-1).numpy()


def words(frame_ids):
    """[(word, first frame, frame after the last)] of a path of ids."""
    path = np.asarray(frame_ids)
    edges = np.flatnonzero(np.diff(path, prepend=-1))
    found, word, start, end = [], "", 0, 0
    for a, b in zip(edges, [*edges[1:], len(path)]):
        label = int(path[a])
        if label == BAR:
            if word:
                found.append((word, start, end))
            word = ""
        elif label != BLANK:
            start = start if word else int(a)
            word, end = word + VOCABULARY[label], int(b)
    if word:
        found.append((word, start, end))
    return found


def text(frame_ids):
    return " ".join(w for w, _, _ in words(frame_ids))


def distance(reference, got):
    """Edit distance of two sequences."""
    row = list(range(len(got) + 1))
    for i, r in enumerate(reference, 1):
        last, row = row, [i]
        for j, g in enumerate(got, 1):
            row.append(min(last[j] + 1, row[-1] + 1, last[j - 1] + (r != g)))
    return row[-1]


def held_out(voices, count, seed):
    """[(samples in -1...1, text)] of held-out sentences, clean."""
    _, held = texts.corpus()
    jobs = [(t, seed * 1000003 + i, voices, True)
            for i, t in enumerate(held[:count])]
    made = data.synthesise(jobs)
    return [(u[0] / np.float32(32768), t.upper())
            for (t, *_), u in zip(jobs, made) if u is not None]
