# SPDX-License-Identifier: LGPL-2.1-or-later
"""Measure a model directory, with the library's own forward in float32.

Words wrong on held-out sentences, in trained and in unheard voices, under
several conditions; word times against the synthesiser's; words invented on
silence and noise; and live windows over joined sentences.
"""
import argparse
import random

import numpy as np
import torch
from transformers import Data2VecAudioForCTC

import data
import decode
import speech
from data import FRAME

RATE = speech.RATE
SENTENCES = 300             # of the held-out ones; media.py takes the others
SEED = 9


def utterances(voices, seed=SEED):
    """[(samples, words)] of held-out sentences, cut to where speech is."""
    _, held = data.texts.corpus()
    jobs = [(t, seed * 1000003 + i, voices, True)
            for i, t in enumerate(held[:SENTENCES])]
    out = []
    for sound, _, words in filter(None, data.synthesise(jobs)):
        end = int(words[-1].end)
        out.append((sound[:end] / np.float32(32768), words))
    return out


def margins(sound, before, after):
    return np.pad(sound, (int(before * RATE), int(after * RATE)))


def with_noise(sound, decibel, slope, rng):
    noise = coloured(len(sound), slope, rng)
    return sound + noise * sound.std() * 10 ** (-decibel / 20)


def coloured(n, slope, rng):
    """White (0), pink (0.5) or brown (1) noise of unit deviation."""
    spectrum = np.fft.rfft(rng.standard_normal(n))
    spectrum /= (np.arange(len(spectrum)) + n / 400) ** slope   # from 40 Hz
    noise = np.fft.irfft(spectrum, n)
    return (noise / noise.std()).astype(np.float32)


def wrong(model, said, change=lambda x: x):
    """Percent of words wrong and of sentences with an error, alone."""
    errors = total = bad = 0
    for sound, words in said:
        want = [w.text for w in words]
        got = [w for w, _, _ in decode.words(decode.ids(model, change(sound)))]
        d = decode.distance(want, got)
        errors, total, bad = errors + d, total + len(want), bad + (d > 0)
    return f"{100 * errors / total:6.2f} % of {total} words, " \
           f"{bad} of {len(said)} sentences"


def joined(said, seed):
    """All sentences in one recording, with pauses of 0.2 to 1.5 s."""
    rng, parts, words, at = random.Random(seed), [], [], 0
    for sound, list_ in said:
        gap = int(RATE * rng.uniform(0.2, 1.5))
        parts += [np.zeros(gap, np.float32), sound]
        at += gap
        words += [speech.Word(w.text, w.start + at, w.end + at, [])
                  for w in list_]
        at += len(sound)
    sound = np.concatenate(parts + [np.zeros(RATE // 2, np.float32)])
    noise = np.random.default_rng(seed).standard_normal(len(sound))
    return sound + (noise * 3e-4).astype(np.float32), words


def live(model, sound, left, chunk, right):
    """Ids of every frame, from short windows: those of the chunk are kept."""
    left, chunk, right = (round(s * RATE / FRAME) for s in
                          (left, chunk, right))
    frames, by_length = len(sound) // FRAME, {}
    for at in range(0, frames, chunk):
        first = max(0, at - left)
        window = sound[first * FRAME:(at + chunk + right) * FRAME]
        by_length.setdefault(len(window), []).append((at, first, window))
    path = np.zeros(frames, int)
    for windows in by_length.values():             # equal ones go together
        for i in range(0, len(windows), 8):
            some = windows[i:i + 8]
            x = np.stack([decode.normalise(w) for _, _, w in some])
            with torch.inference_mode():
                got = model(torch.from_numpy(x)).logits.argmax(-1).numpy()
            for (at, first, _), ids in zip(some, got):
                kept = ids[at - first:at - first + chunk]
                path[at:at + len(kept)] = kept
    return path


def timing(words, path):
    """Errors of starts and of ends in ms, of the words that match in order."""
    import difflib
    got = decode.words(path)
    match = difflib.SequenceMatcher(None, [w.text for w in words],
                                    [g[0] for g in got], autojunk=False)
    starts, ends = [], []
    for a, b, n in match.get_matching_blocks():
        for w, (_, s, e) in zip(words[a:a + n], got[b:b + n]):
            starts.append((s * FRAME - w.start) / 16)
            ends.append((e * FRAME - w.end) / 16)
    return np.array(starts), np.array(ends)


def show_timing(name, starts, ends):
    for what, e in (("starts", starts), ("ends", ends)):
        a = np.abs(e)
        print(f"  {name} {what}: median {np.median(a):.0f} ms, 90th percentile "
              f"{np.percentile(a, 90):.0f} ms, mean signed {e.mean():+.0f} ms, "
              f"within 60 ms {100 * np.mean(a <= 60):.1f} % of {len(e)}")


def quiet_sounds(seconds, rng):
    n = seconds * RATE
    t = np.arange(n) / RATE
    hum = sum(np.sin(2 * np.pi * 50 * k * t + k) / k for k in range(1, 12))
    clicks = np.zeros(n)
    clicks[rng.integers(0, n, seconds)] = 0.5
    sounds = {"digital zeros": np.zeros(n)}
    for level in (-80, -50, -20):
        a = 10 ** (level / 20)
        for name, slope in (("white", 0), ("pink", 0.5), ("brown", 1)):
            sounds[f"{name} {level} dB"] = a * coloured(n, slope, rng)
        sounds[f"hum {level} dB"] = a * hum / hum.std()
    sounds["clicks"] = clicks
    sounds["440 Hz"] = 0.1 * np.sin(2 * np.pi * 440 * t)
    return {k: v.astype(np.float32) for k, v in sounds.items()}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("model", help="a model directory")
    parser.add_argument("--quick", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(1)
    model = Data2VecAudioForCTC.from_pretrained(
        args.model, dtype=torch.float32).eval()
    sets = {"trained voices": utterances(speech.VOICES),
            "unheard voices": utterances(speech.UNHEARD)}
    if args.quick:
        sets = {k: v[:80] for k, v in sets.items()}
    rng = np.random.default_rng(SEED)
    conditions = {
        "0.2 s of zeros around": lambda x: margins(x, 0.2, 0.2),
        "no margin": lambda x: x,
        "no margin before": lambda x: margins(x, 0, 0.2),
        "2 s of zeros around": lambda x: margins(x, 2, 2),
        "pink noise, 20 dB": lambda x: with_noise(
            margins(x, 0.3, 0.3), 20, 0.5, rng),
        "white noise, 12 dB": lambda x: with_noise(
            margins(x, 0.3, 0.3), 12, 0, rng),
        "40 dB quieter": lambda x: margins(x, 0.2, 0.2) * 0.01,
    }
    for name, said in sets.items():
        print(name)
        for condition, change in conditions.items():
            print(f"  {condition}: {wrong(model, said, change)}", flush=True)
        starts, ends = zip(*(timing(
            [speech.Word(w.text, w.start + 3200, w.end + 3200, [])
             for w in words], decode.ids(model, margins(sound, 0.2, 0.2)))
            for sound, words in said))
        show_timing("alone,", np.concatenate(starts), np.concatenate(ends))
        sound, words = joined(said[:150], SEED)
        want = [w.text for w in words]
        print(f"  joined, {len(sound) / RATE:.0f} s:")
        paths = {"live 3 | 0.6 | 0.6 s": live(model, sound, 3, 0.6, 0.6),
                 "live 2 | 1.0 | 0.5 s": live(model, sound, 2, 1.0, 0.5),
                 "windows 5 | 20 | 5 s": live(model, sound, 5, 20, 5)}
        for kind, path in paths.items():
            d = decode.distance(want, decode.text(path).split())
            print(f"  {kind}: {100 * d / len(want):.2f} % of {len(want)} words",
                  flush=True)
            show_timing(kind + ",", *timing(words, path))
    print("silence and noise, words in 60 s of each "
          "(30 s windows; live 3 | 0.6 | 0.6 s)")
    seconds, all_ = 60, [0, 0]
    for name, sound in quiet_sounds(seconds, rng).items():
        long = sum(len(decode.words(decode.ids(model, sound[a:a + 30 * RATE])))
                   for a in range(0, len(sound), 30 * RATE))
        short = decode.words(live(model, sound, 3, 0.6, 0.6))
        all_[0] += long
        all_[1] += len(short)
        print(f"  {name}: {long}; {len(short)}", *(w for w, _, _ in short[:6]),
              flush=True)
    hours = len(quiet_sounds(1, rng)) * seconds / 3600
    print(f"  words an hour: {all_[0] / hours:.0f}; {all_[1] / hours:.0f}")


if __name__ == "__main__":
    main()
