# SPDX-License-Identifier: LGPL-2.1-or-later
"""Make the sample recordings and what is said in them, and when.

Held-out sentences that neither training nor evaluate.py uses, in the trained
voices; the words and times come from the synthesiser. `recognised` is what
the model makes of the encoded file, by the library's pipeline.
"""
import argparse
import json
import os
import random
import re
import subprocess

import numpy as np
import soundfile
import torch
from transformers import pipeline

import data
import decode
import evaluate
import speech

RATE = speech.RATE


# Chance makes these; nobody says them.
CLUMSY = re.compile(r"\ba (o|e)|\bone (degrees|hours)|forty six begins|"
                    r"nineteen \w+ (ten|eleven|twelve)|hundred|from (\w+) to \4|"
                    r"(\w+) and \5|(mother|sister) (david|lucas|martin|oscar|"
                    r"victor)|(father|brother) (anna|clara|emma|nora|sophie)")


def sentences():
    """Held-out sentences that nothing else uses."""
    _, held = data.texts.corpus()
    return [t for t in held[evaluate.SENTENCES:] if not CLUMSY.search(t)]


def take(lines, start):
    """The first line that begins so, taken out of the list."""
    line = next(t for t in lines if t.startswith(start))
    lines.remove(line)
    return line


def speak(espeak, lines, rng, voices, pauses):
    """Samples and words of the lines said one after another."""
    parts, words, at = [np.zeros(int(RATE * 0.4), np.float32)], [], 0
    at = len(parts[0])
    for line in lines:
        sound, said = espeak.say(line, rng.choice(voices),
                                 rng.randint(148, 178), rng.randint(40, 60))
        sound = 0.5 * sound / np.float32(max(1, np.abs(sound.astype(int)).max()))
        words += [(w.text, w.start + at, w.end + at) for w in said]
        gap = np.zeros(int(RATE * rng.uniform(*pauses)), np.float32)
        parts += [sound, gap]
        at += len(sound) + len(gap)
    return np.concatenate(parts), words


def room(sound, level, rng):
    """A faint room, so that pauses are not digital zeros."""
    return sound + 10 ** (level / 20) * evaluate.coloured(len(sound), 0.5, rng)


def silences(rng):
    """Ten times two seconds without a word."""
    kinds = evaluate.quiet_sounds(2, rng)
    names = ["digital zeros", "white -80 dB", "white -20 dB", "pink -50 dB",
             "pink -20 dB", "brown -20 dB", "hum -20 dB", "hum -50 dB",
             "clicks", "white -50 dB"]
    return np.concatenate([kinds[n] for n in names])


def encode(path, sound):
    wav = path + ".wav"
    soundfile.write(wav, np.clip(sound, -1, 1), RATE, "PCM_16")
    if path.endswith(".flac"):
        command = ["flac", "--silent", "--force", "-8", wav, "-o", path]
    else:
        command = ["oggenc", "--quiet", "-q", "3", "--serial", "1", wav,
                   "-o", path]
    subprocess.run(command, check=True)
    os.remove(wav)


def write(path, content):
    """JSON with a line for every word."""
    lines = lambda items: "[" + ",".join(
        "\n    " + json.dumps(item) for item in items) + "]"
    with open(path, "w") as f:
        f.write("{\n" + ",\n".join(
            f"  {json.dumps(key)}: "
            + (lines(value) if isinstance(value, list) else json.dumps(value))
            for key, value in content.items()) + "\n}\n")


def describe(path, words, recogniser):
    sound, rate = soundfile.read(path, dtype="float32")
    assert rate == RATE and sound.ndim == 1
    options = dict(chunk_length_s=30) if len(sound) > 30 * RATE else {}
    with torch.inference_mode():
        got = recogniser({"raw": sound, "sampling_rate": RATE},
                         return_timestamps="word", **options)
    said = [w for w, _, _ in words]
    second = lambda samples: round(samples / RATE, 3)
    content = {
        "text": " ".join(said),
        "words": [{"word": w, "start": second(a), "end": second(b)}
                  for w, a, b in words],
        "recognised": got["text"],
        "recognised_words": [
            {"word": c["text"], "start": round(c["timestamp"][0], 2),
             "end": round(c["timestamp"][1], 2)} for c in got["chunks"]],
    }
    write(os.path.splitext(path)[0] + ".words.json", content)
    found = got["text"].split()
    starts = [abs(a["start"] - b["start"]) for a, b in
              zip(content["words"], content["recognised_words"])]
    print(f"{os.path.basename(path)}: {len(sound) / RATE:.1f} s, {len(said)} "
          f"words, {decode.distance(said, found)} wrong"
          + (f", starts off by {1000 * np.median(starts):.0f} ms (median)"
             if said and said == found else ""))
    print("  ", got["text"][:300])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("model", help="the model directory")
    parser.add_argument("folder", help="where the recordings go")
    args = parser.parse_args()
    torch.set_num_threads(1)
    os.makedirs(args.folder, exist_ok=True)
    recogniser = pipeline("automatic-speech-recognition", args.model,
                          dtype=torch.float32, device="cpu")
    espeak, rng = speech.Espeak(), random.Random(20)
    noise = np.random.default_rng(20)

    lines = sentences()
    weather = [take(lines, s) for s in ("good", "expect gentle", "tomorrow")]
    timer = [take(lines, "set a timer")]
    recordings = {
        "weather.flac": speak(espeak, weather, rng, ["f2"], (0.4, 0.7)),
        "timer.ogg": speak(espeak, timer, rng, ["m3"], (0.4, 0.5)),
        "briefing.ogg": speak(espeak, lines[:38], rng, speech.VOICES,
                              (0.35, 1.6)),
        "silence-and-noise.flac": (silences(noise), []),
    }
    for name, (sound, words) in recordings.items():
        path = os.path.join(args.folder, name)
        encode(path, room(sound, -62, noise) if words else sound)
        describe(path, words, recogniser)


if __name__ == "__main__":
    main()
