#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A model with random weights that makes words, for live.py.

    speaking.py MODEL SOUND OUT

MODEL: a speech model as tests/models/make_base.py makes it. States of random
weights hardly differ from frame to frame, so that any output layer says one
letter all the time. This one looks along the largest components of the states
of SOUND's first 30 s; delimiters and blanks are a little more frequent than
chance. Needs PyTorch and transformers, and GStreamer to decode SOUND."""
import json
import pathlib
import shutil
import subprocess
import sys

import numpy
import torch
import transformers

SECONDS, PIECE, COMPONENTS = 30, 48000, 24


def sound_of(path):
    line = ["gst-launch-1.0", "-q", "filesrc", f"location={path}", "!", "decodebin", "!", "audioconvert", "!",
            "audioresample", "!", "audio/x-raw,format=F32LE,rate=16000,channels=1", "!", "fdsink"]
    raw = subprocess.run(line, stdout=subprocess.PIPE, check=True).stdout
    x = numpy.frombuffer(raw[:len(raw) // 4 * 4], dtype=numpy.float32)[:16000 * SECONDS]
    return torch.from_numpy((x - x.mean()) / numpy.sqrt(x.var() + 1e-7))


def main(source, sound, out):
    model = transformers.Data2VecAudioForCTC.from_pretrained(source).eval()
    vocab = json.loads((pathlib.Path(source) / "vocab.json").read_text())
    x = sound_of(sound)
    with torch.no_grad():
        pieces = [model.data2vec_audio(x[i:i + PIECE][None]).last_hidden_state[0]
                  for i in range(0, len(x) - PIECE, PIECE)]
    states = torch.cat(pieces)
    mean = states.mean(0)
    _, scale, components = torch.linalg.svd(states - mean, full_matrices=False)
    white = components[:COMPONENTS] / (scale[:COMPONENTS, None] / len(states) ** 0.5)
    random = torch.randn(model.config.vocab_size, COMPONENTS, generator=torch.Generator().manual_seed(1))
    bias = -(random @ white) @ mean
    for token, more in (("<s>", -100), ("</s>", -100), ("<unk>", -100), ("|", 2), ("<pad>", 1)):
        if token in vocab:
            bias[vocab[token]] += more
    model.lm_head.weight.data = random @ white
    model.lm_head.bias.data = bias
    model.save_pretrained(out)
    for name in ("preprocessor_config.json", "special_tokens_map.json", "tokenizer_config.json", "vocab.json"):
        shutil.copy(pathlib.Path(source) / name, out)


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])
