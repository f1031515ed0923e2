# SPDX-License-Identifier: LGPL-2.1-or-later
"""Speech with a label for every 20 ms frame, and windows cut out of it.

An utterance is stored as int16 samples, a whole number of 320-sample frames,
and one label (a vocabulary id) for every frame. Windows are put together and
cut in whole frames, so the labels of any window are simply a slice.

Labels of a frame: the letter that sounds there; `|` in the last two frames of
a word, or in the pause after it; blank in pauses and between equal letters.
"""
import argparse
import multiprocessing
import os
import random

import numpy as np
from scipy.signal import butter, fftconvolve, sosfilt

import speech
import texts

FRAME = 320
VOCABULARY = ["<pad>", "<s>", "</s>", "<unk>", "|"] + list(
    "ETAONIHSRDLUMWCFGYPBVK'XJQZ")
IDS = {c: i for i, c in enumerate(VOCABULARY)}
BLANK, BAR = 0, IDS["|"]
PAUSE_BAR = 5               # frames of `|` in a pause, at most


def frame_labels(words, frames):
    """One label per frame; frame i stands for samples 320 i ... 320 i + 319."""
    labels = np.full(frames, BLANK, np.int8)
    edge = lambda samples: int(round(samples / FRAME))
    for n, word in enumerate(words):
        start, end = edge(word.start), min(edge(word.end), frames)
        follows = n + 1 < len(words) and edge(words[n + 1].start) - end < 2
        tokens = []                                # (id, wished first frame)
        for i, letter in enumerate(word.text):
            at = word.letters[i] / FRAME
            if i and word.text[i - 1] == letter:
                tokens.append((BLANK, at - 0.5))
                at += 0.5
            tokens.append((IDS[letter], at))
        if follows:
            bar = 2 if end - start >= len(tokens) + 3 else 1
            tokens.append((BAR, end - bar))
        first = [int(round(at)) for _, at in tokens]
        first[0] = start
        for i in range(1, len(first)):             # each gets a frame or more
            first[i] = max(first[i], first[i - 1] + 1)
        limit = end
        for i in range(len(first) - 1, 0, -1):
            limit = first[i] = min(first[i], limit - 1)
        if first[0] < 0 or any(b <= a for a, b in zip(first, first[1:])):
            return None                            # faster than the frames
        for (label, _), a, b in zip(tokens, first, first[1:] + [end]):
            labels[a:b] = label
        if not follows:
            stop = edge(words[n + 1].start) if n + 1 < len(words) else frames
            labels[end:min(end + PAUSE_BAR, stop)] = BAR
    return labels


def colour(sound, rng):
    """A room, a telephone or a dull microphone, for some utterances."""
    kind = rng.random()
    if kind < 0.06:
        n = int(speech.RATE * rng.uniform(0.05, 0.25))
        noise = np.random.default_rng(rng.getrandbits(32)).standard_normal(n)
        tail = noise * np.exp(-np.arange(n) / n * 6.9)
        tail *= rng.uniform(0.1, 0.6) / np.sqrt((tail ** 2).sum())
        tail[0] = 1
        return fftconvolve(sound, tail)[:len(sound)]
    if kind < 0.09:
        band = [rng.uniform(150, 350), rng.uniform(3200, 3900)]
        return sosfilt(butter(4, band, "band", fs=speech.RATE, output="sos"),
                       sound)
    if kind < 0.15:
        return sosfilt(butter(1, rng.uniform(1500, 5000), "low",
                              fs=speech.RATE, output="sos"), sound)
    return sound


_espeak = None


def utterance(job):
    """job = (text, seed, voices, plain) -> (samples, labels, words) or None."""
    global _espeak
    _espeak = _espeak or speech.Espeak()
    text, seed, voices, plain = job
    rng = random.Random(seed)
    said = _espeak.say(text, rng.choice(voices), rng.randint(140, 188),
                       rng.randint(32, 68), rng.randint(35, 65))
    if said is None:
        return None
    sound, words = said
    sound = sound.astype(np.float32)
    lead = 0 if plain else rng.randrange(FRAME)    # any phase of the frames
    tail = PAUSE_BAR * FRAME
    total = -(-(lead + len(sound) + tail) // FRAME) * FRAME
    sound = np.pad(sound, (lead, total - lead - len(sound)))
    for w in words:
        w.start, w.end = w.start + lead, w.end + lead
        w.letters = [t + lead for t in w.letters]
    labels = frame_labels(words, total // FRAME)
    if labels is None:
        return None
    if not plain:
        sound = colour(sound, rng)
    peak = 0.5 if plain else rng.uniform(0.2, 0.9)
    sound = sound * (peak * 32767 / (np.abs(sound).max() + 1e-9))
    return np.rint(sound).astype(np.int16), labels, words


def synthesise(jobs, processes=2):
    with multiprocessing.Pool(processes) as pool:
        return pool.map(utterance, jobs, chunksize=200)


class Speech:
    """The training utterances: one long array of samples, one of labels."""

    def __init__(self, folder):
        load = lambda n: np.load(os.path.join(folder, n + ".npy"), "r")
        self.samples, self.labels = load("samples"), load("labels")
        bounds = load("bounds")                    # in frames
        self.starts, self.frames = bounds[:-1], np.diff(bounds)
        self.order = np.argsort(self.frames, kind="stable")
        self.sorted = self.frames[self.order]

    @staticmethod
    def make(folder, seed=2):
        train, _ = texts.corpus()
        jobs = [(t, seed * 1000003 + i, speech.VOICES, False)
                for i, t in enumerate(train)]
        made = [u for u in synthesise(jobs) if u is not None]
        os.makedirs(folder, exist_ok=True)
        bounds = np.cumsum([0] + [len(u[1]) for u in made])
        for name, value in (("samples", np.concatenate([u[0] for u in made])),
                            ("labels", np.concatenate([u[1] for u in made])),
                            ("bounds", bounds)):
            np.save(os.path.join(folder, name), value)
        print(f"{len(made)} of {len(jobs)} utterances, "
              f"{bounds[-1] / 50 / 3600:.1f} h")


class Windows:
    """Random windows of joined utterances, with noise: what training sees."""

    def __init__(self, speech_, seed):
        self.speech = speech_
        self.rng = random.Random(seed)
        self.np_rng = np.random.default_rng(seed)
        n = speech.RATE * 120
        self.noises = []
        for slope in (0, 0.5, 1.0):                # white, pink, brown
            spectrum = np.fft.rfft(self.np_rng.standard_normal(n))
            f = np.arange(len(spectrum)) + 200.0
            self.noises.append(np.fft.irfft(spectrum / f ** slope))
        t = np.arange(n) / speech.RATE
        for mains in (50, 60):
            hum = sum(np.sin(2 * np.pi * mains * k * t + k) / k
                      for k in range(1, 12))
            self.noises.append(hum + 0.3 * self.np_rng.standard_normal(n))
        self.noises = [(x / x.std()).astype(np.float32) for x in self.noises]

    def noise(self, n):
        x = self.rng.choice(self.noises)
        at = self.rng.randrange(len(x) - n)
        x = x[at:at + n].copy()
        if self.rng.random() < 0.3:                # comes and goes
            knots = self.np_rng.uniform(0.1, 1.5, 2 + n // 8000)
            x *= np.interp(np.linspace(0, len(knots) - 1, n),
                           np.arange(len(knots)), knots).astype(np.float32)
        return x

    def odd_sound(self, n):
        """Something that is neither speech nor one of the noises."""
        kind, x = self.rng.random(), np.zeros(n, np.float32)
        t = np.arange(n) / speech.RATE
        if kind < 0.4:                             # a few tones
            for _ in range(self.rng.randint(1, 4)):
                f = self.rng.uniform(60, 3000)
                glide = self.rng.choice([0, 0, self.rng.uniform(-200, 200)])
                a = self.rng.randrange(n)
                x[a:] += np.sin(2 * np.pi * (f * t + glide * t * t / 2))[a:]
        elif kind < 0.7:                           # clicks
            for _ in range(self.rng.randint(1, 12)):
                a, d = self.rng.randrange(n), self.rng.randint(5, 400)
                m = len(x[a:a + d])
                x[a:a + d] += (self.np_rng.standard_normal(m)
                               * np.exp(-np.arange(m) / d * 5))
        else:                                      # bursts of noise
            y = self.noise(n)
            for _ in range(self.rng.randint(1, 5)):
                a, d = self.rng.randrange(n), self.rng.randint(800, 12000)
                x[a:a + d] = y[a:a + d]
        return x / (x.std() + 1e-6)

    def pick(self, most=None):
        """An utterance of at most that many frames, or None."""
        count = len(self.speech.order)
        if most is not None:
            count = int(np.searchsorted(self.speech.sorted, most, "right"))
        return (int(self.speech.order[self.rng.randrange(count)])
                if count else None)

    def gap(self):
        if self.rng.random() < 0.05:
            return self.rng.randint(100, 300)
        return int(5 * 20 ** self.rng.random()) - 5    # 0 ... 1.9 s

    def window(self, frames):
        """(samples, labels, cut at the left, cut at the right)."""
        sp, rng = self.speech, self.rng
        samples = np.zeros(frames * FRAME, np.float32)
        labels = np.full(frames, BLANK, np.int8)

        def put(u, at):
            """Utterance u from frame `at`, which may lie before the window."""
            a, b = max(at, 0), min(at + int(sp.frames[u]), frames)
            s = int(sp.starts[u])
            if a >= b:                             # all of it is before
                return b
            labels[a:b] = sp.labels[s + a - at:s + b - at]
            samples[a * FRAME:b * FRAME] = sp.samples[
                (s + a - at) * FRAME:(s + b - at) * FRAME] / np.float32(32768)
            return at + int(sp.frames[u])

        kind = rng.random()
        if kind < 0.05:                            # no speech at all
            return samples, labels, False, False
        if kind < 0.55:                            # cut anywhere
            u = self.pick()
            at = put(u, -rng.randrange(int(sp.frames[u]) + 10))
            while (at := max(at, 0) + self.gap()) < frames:
                at = put(self.pick(), at)
            return samples, labels, True, True
        # Begins with a sentence, at once or after a moment.
        at = 0 if rng.random() < 0.35 else int(rng.uniform(0, 40))
        at = max(0, min(at, frames - 30))
        stop = rng.random() < 0.4                  # silence after whole ones
        cut = False
        while at < frames - 15:
            u = self.pick(frames - at + PAUSE_BAR)
            if u is None or (not stop and rng.random() < 0.3):
                if stop:
                    break
                u, cut = self.pick(), True
            at = put(u, at) + self.gap()
            if stop and rng.random() < 0.2:
                break
        return samples, labels, False, cut

    def row(self, frames):
        x, labels, left, right = self.window(frames)
        rng, n = self.rng, len(x)
        silent = not labels.any()
        level = float(x.std()) + 1e-4
        if silent:
            level = 10 ** rng.uniform(-4.5, -0.7)
            if rng.random() < 0.25:
                x += self.odd_sound(n) * level
            if rng.random() < 0.85:
                x += self.noise(n) * level
        elif rng.random() < 0.7:
            x += self.noise(n) * level * 10 ** (-rng.uniform(12, 45) / 20)
            if rng.random() < 0.04:
                x += self.odd_sound(n) * level * 10 ** (
                    -rng.uniform(15, 35) / 20)
        elif rng.random() < 0.7:
            x += self.np_rng.standard_normal(n, np.float32) * np.float32(1e-4)
        return x, labels, left, right

    def batch(self, frames, rows):
        """Normalised samples (rows, n), labels (rows, frames - 1) with -100
        where a word is cut by the edge, targets for CTC and their lengths."""
        made = [self.row(frames) for _ in range(rows)]
        x = np.stack([m[0] for m in made])
        x -= x.mean(1, keepdims=True)
        x /= np.sqrt(x.var(1, keepdims=True) + 1e-7)
        # 400-sample frames every 320: the last one would not fit.
        y = np.stack([m[1] for m in made])[:, :-1].astype(np.int64)
        targets = []
        for row, (_, _, left, right) in zip(y, made):
            if left:
                row[:2] = -100
            if right:
                row[-2:] = -100
            kept = row[row >= 0]
            runs = kept[np.flatnonzero(np.diff(kept, prepend=-1))]
            targets.append(runs[runs != BLANK])
        return x, y, np.concatenate(targets), [len(t) for t in targets]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Make the training speech.")
    parser.add_argument("folder")
    Speech.make(parser.parse_args().folder)
