# SPDX-License-Identifier: LGPL-2.1-or-later
"""espeak-ng through its library: samples, word times and phoneme times.

The program only writes sound; the library also reports when each word and
each phoneme begins, which is where all labels of this tool come from.
"""
import ctypes as C
import dataclasses

import numpy as np
from scipy.signal import resample_poly

RATE = 16000

# espeak voice variants, all on top of its US English. The second and third
# list are never trained: ordinary voices, and odd ones.
VOICES = ("m1 m2 m3 m4 m6 m7 f1 f2 f3 f4 Andy linda steph Alex Alicia max rob "
          "belinda adam Andrea paul edward").split()
UNHEARD = "m8 f5 Mike Annie".split()
LANGUAGE = "gmw/en-US"

AUDIO_SYNCHRONOUS, PHONEME_EVENTS = 2, 1
EVENT_END, EVENT_WORD, EVENT_PHONEME = 0, 1, 7
P_RATE, P_PITCH, P_RANGE = 1, 3, 4
UTF8 = 1


class _Id(C.Union):
    _fields_ = [("number", C.c_int), ("name", C.c_char_p),
                ("string", C.c_char * 8)]


class _Event(C.Structure):
    _fields_ = [("type", C.c_int), ("uid", C.c_uint), ("position", C.c_int),
                ("length", C.c_int), ("milliseconds", C.c_int),
                ("sample", C.c_int), ("user", C.c_void_p), ("id", _Id)]


_CALLBACK = C.CFUNCTYPE(C.c_int, C.POINTER(C.c_short), C.c_int,
                        C.POINTER(_Event))


@dataclasses.dataclass
class Word:
    text: str          # upper case
    start: float       # samples at 16 kHz
    end: float
    letters: list      # start of every letter, samples at 16 kHz


class Espeak:
    """One per process: the library keeps its state in globals."""

    def __init__(self):
        self._lib = C.CDLL("libespeak-ng.so.1")
        self._rate = self._lib.espeak_Initialize(AUDIO_SYNCHRONOUS, 0, None,
                                                 PHONEME_EVENTS)
        if self._rate <= 0:
            raise RuntimeError("espeak-ng does not start")
        self._sound, self._events = [], []
        self._callback = _CALLBACK(self._receive)
        self._lib.espeak_SetSynthCallback(self._callback)

    def _receive(self, samples, count, events):
        if count > 0 and samples:
            self._sound.append(
                np.ctypeslib.as_array(samples, (count,)).copy())
        i = 0
        while events[i].type != EVENT_END:
            e = events[i]
            if e.type == EVENT_WORD:
                self._events.append(("word", e.sample, e.position - 1))
            elif e.type == EVENT_PHONEME:
                self._events.append(("phoneme", e.sample,
                                     e.id.string.decode("utf-8", "replace")))
            i += 1
        return 0

    def say(self, text, voice, rate=165, pitch=50, spread=50):
        """(int16 samples at 16 kHz, [Word]); None when espeak joins or splits
        words, so that its times do not fit ours."""
        name = f"{LANGUAGE}+{voice}".encode()
        if self._lib.espeak_SetVoiceByName(name) != 0:
            raise RuntimeError(f"espeak-ng has no voice {name.decode()}")
        for key, value in ((P_RATE, rate), (P_PITCH, pitch),
                           (P_RANGE, spread)):
            self._lib.espeak_SetParameter(key, value, 0)
        self._sound.clear()
        self._events.clear()
        data = text.lower().encode()
        self._lib.espeak_Synth(data, C.c_size_t(len(data) + 1), 0, 1, 0, UTF8,
                               None, None)
        self._lib.espeak_Synchronize()
        if not self._sound:
            return None
        sound = np.concatenate(self._sound).astype(np.float32)
        words = _words(text.upper(), self._events, len(sound),
                       RATE / self._rate)
        if words is None:
            return None
        if self._rate != RATE:
            g = np.gcd(self._rate, RATE)
            sound = resample_poly(sound, RATE // g, self._rate // g)
        return np.clip(np.rint(sound), -32768, 32767).astype(np.int16), words


def _words(text, events, length, scale):
    """Events to words. A word lasts until the next one, or a pause, begins."""
    spans = []                  # position in the text, start, end, phonemes
    last = None                 # when the phoneme before began
    late = False
    for kind, at, what in events:
        if kind == "word":
            spans.append([what, at, None, []])
            # Reported along with the phoneme before, which still sounds: then
            # the word begins with its own first phoneme.
            late = at == last
            continue
        last = at
        if not spans:
            continue
        if what.startswith("_"):
            if spans[-1][2] is None:
                spans[-1][2] = at
        elif what.strip(";"):
            if late:
                spans[-1][1], late = at, False
            spans[-1][3].append((what, at))
    spans = [s for s in spans if s[3]]
    places = [s[0] for s in spans]
    out, at = [], 0
    for group in _groups(text, places) or []:
        _, start, end, phonemes = spans[at]
        at += 1
        limit = spans[at][1] if at < len(spans) else length
        end = limit if end is None else min(end, limit)
        times = [start] + [t for _, t in phonemes[1:]] + [end]
        letters = _spell("".join(group), [p for p, _ in phonemes], times)
        for word in group:      # espeak says some pairs as one: "in the"
            mine, letters = letters[:len(word)], letters[len(word):]
            out.append(Word(word, mine[0] * scale,
                            (letters[0] if letters else end) * scale,
                            [t * scale for t in mine]))
    return out or None


def _groups(text, places):
    """The words of the text, split at the positions espeak reported."""
    groups, at = [], 0
    for word in text.split():
        at = text.index(word, at)
        if at in places:
            groups.append([])
        elif not groups:
            return None
        groups[-1].append(word)
        at += len(word)
    return groups if len(groups) == len(places) else None


# What a letter may sound like (first character of espeak's phoneme names).
_SOUNDS = dict(B="b", C="ks", D="dt", F="fv", G="gdN", H="h", J="d", K="k",
               L="l@", M="m", N="nN", P="p", Q="k", R="r3@A", S="szSZ",
               T="tdDTSs", V="v", W="w", X="kzg", Y="jiIa", Z="zs")
_VOWELS = "aAeEiIoOuUV03@"


def _fit(letter, phoneme):
    sounds = _SOUNDS.get(letter)
    if sounds is None:                       # a vowel letter
        return 1.0 if phoneme[0] in _VOWELS else -0.5
    return 2.0 if phoneme[0] in sounds else -0.3


def _spell(word, phonemes, times):
    """Start of every letter: the best monotonic match of letters to phonemes;
    letters on the same phoneme share it evenly."""
    n, m = len(word), len(phonemes)
    best = np.full((n, m), -1e9)
    back = np.zeros((n, m), int)
    for j in range(m):
        best[0, j] = _fit(word[0], phonemes[j]) - 0.6 * j
    for i in range(1, n):
        for j in range(m):
            choices = [(best[i - 1, k] - 0.6 * max(0, j - k - 1), k)
                       for k in range(j + 1)]
            score, back[i, j] = max(choices)
            best[i, j] = score + _fit(word[i], phonemes[j])
    j = int(np.argmax(best[n - 1] - 0.6 * (m - 1 - np.arange(m))))
    place = [j]
    for i in range(n - 1, 0, -1):
        place.append(j := int(back[i, j]))
    place.reverse()
    starts = []
    for i, j in enumerate(place):
        group = [k for k in range(n) if place[k] == j]
        later = [p for p in place if p > j]
        begin = times[0] if j == place[0] else times[j]
        stop = times[later[0]] if later else times[-1]
        starts.append(begin + (stop - begin) * group.index(i) / len(group))
    return starts


if __name__ == "__main__":
    import sys
    sound, found = Espeak().say(" ".join(sys.argv[2:]), sys.argv[1])
    for w in found:
        print(f"{w.start / RATE:6.3f} {w.end / RATE:6.3f} {w.text}",
              " ".join(f"{c}@{t / RATE:.3f}" for c, t in
                       zip(w.text, w.letters)))
