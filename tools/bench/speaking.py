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

SECONDS, PIECE, COMPONENTS = 30, 48000, 24
COPIED = ("preprocessor_config.json", "special_tokens_map.json", "tokenizer_config.json", "vocab.json")


def decode(path):
    """the samples' bytes"""
    pathlib.Path(path).open("rb").close()  # says what is wrong in fewer words
    line = ["gst-launch-1.0", "-q", "filesrc", f"location={path}", "!", "decodebin", "!", "audioconvert", "!",
            "audioresample", "!", "audio/x-raw,format=F32LE,rate=16000,channels=1", "!", "fdsink"]
    run = subprocess.run(line, capture_output=True, check=False)
    raw = run.stdout[:SECONDS * 16000 * 4]
    if run.returncode != 0 or len(raw) <= PIECE * 4:
        raise ValueError(f"{path}: expected more than {PIECE // 16000} s of sound, found {len(raw) / 64000:.1f} s")
    return raw[:len(raw) // 4 * 4]


def normalised(raw):
    import numpy
    import torch

    x = numpy.frombuffer(raw, dtype=numpy.float32)
    return torch.from_numpy((x - x.mean()) / numpy.sqrt(x.var() + 1e-7))


def make(model, vocab, x):
    """gives the model another output layer"""
    import torch

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


def main(source, sound, out):
    vocab = json.loads((pathlib.Path(source) / "vocab.json").read_text(encoding="utf-8"))
    raw = decode(sound)
    pathlib.Path(out).mkdir(parents=True, exist_ok=True)

    import transformers

    model = transformers.Data2VecAudioForCTC.from_pretrained(source, local_files_only=True).eval()
    make(model, vocab, normalised(raw))
    model.save_pretrained(out)
    for name in COPIED:
        shutil.copy(pathlib.Path(source) / name, out)


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    try:
        main(*sys.argv[1:])
    except (OSError, ValueError) as error:
        sys.exit(f"speaking.py: {str(error).splitlines()[0]}")
