#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Makes audio.json: checksums of what the original feature extractor makes of
batches of clips. The clips are drawn by a few lines that the C test repeats.
And wav/*.wav: eight samples each, i * 4096 - 16384 of 32768, in every format.

Needs transformers and NumPy >= 2. Run it in this folder:

    python3 make_audio.py
"""
import hashlib
import json
import pathlib
import struct

import numpy as np
from transformers import Wav2Vec2FeatureExtractor

HERE = pathlib.Path(__file__).parent

# lengths of the clips, scale (a power of two), offset, what differs from the
# defaults of the extractor, and of its call
CASES = [
    ([400], 1, 0, {}, {}),
    ([1], 1, 0, {}, {}), ([7], 1, 0, {}, {}), ([8], 1, 0, {}, {}),
    ([128], 1, 0, {}, {}), ([129], 1, 0, {}, {}), ([1000], 0.0625, 0, {}, {}),
    ([16001], 1, 0, {}, {}), ([40000], 1, 1000, {}, {}),
    ([40000], 0, 3, {}, {}), ([5000], 1024, -7, {}, {}),
    ([3000, 1000, 2047], 1, 0, {}, {'padding': True}),
    ([3000, 1000, 2047], 1, 0.5, {'return_attention_mask': False},
     {'padding': True}),
    ([3000, 1000], 1, 0, {'padding_value': -2.5},
     {'padding': True, 'pad_to_multiple_of': 64}),
    ([3000, 1000], 1, 0, {'do_normalize': False, 'padding_value': 0.25},
     {'padding': True, 'pad_to_multiple_of': 7}),
    ([3000, 1000], 1, 0, {}, {'padding': 'max_length', 'max_length': 3500}),
    ([3000, 1000], 1, 0, {}, {'padding': 'max_length', 'max_length': 2000,
                              'truncation': True}),
    ([3000, 1000], 1, 0, {}, {'padding': 'max_length', 'max_length': 2000,
                              'truncation': True, 'pad_to_multiple_of': 300}),
    ([3000, 2500], 1, 0, {'return_attention_mask': False},
     {'max_length': 1999, 'truncation': True}),
    ([1000, 1000], 1, 0, {'return_attention_mask': False},
     {'padding': True, 'pad_to_multiple_of': 999}),
]


def clips(seed, lengths, scale, offset):
    state = seed
    out = []
    for length in lengths:
        clip = np.empty(length, np.float32)
        for i in range(length):
            state = (state * 1664525 + 1013904223) & 0xFFFFFFFF
            clip[i] = ((state >> 20) - 2048) / 2048 * scale + offset
        out.append(clip)
    return out


def checksum(array):
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()


# ---- WAV ----

RAMP = [i * 4096 - 16384 for i in range(8)]


def chunk(name, data):
    return (name + struct.pack('<I', len(data)) + data
            + b'\0' * (len(data) % 2))


def wave(tag, bits, data, extensible=False, before=b'', after=b''):
    size = bits // 8
    form = struct.pack('<HHIIHH', 0xFFFE if extensible else tag, 1, 16000,
                       16000 * size, size, bits)
    if extensible:
        form += struct.pack('<HHIH', 22, bits, 4, tag)
        form += bytes.fromhex('0000000010008000 00aa00389b71')
    body = (b'WAVE' + before + chunk(b'fmt ', form) + chunk(b'data', data)
            + after)
    return b'RIFF' + struct.pack('<I', len(body)) + body


def make_wav():
    folder = HERE / 'wav'
    folder.mkdir(exist_ok=True)
    s16 = struct.pack('<8h', *RAMP)
    files = {
        'u8': wave(1, 8, bytes((v >> 8) + 128 for v in RAMP)),
        's16': wave(1, 16, s16),
        's24': wave(1, 24, b''.join((v << 8).to_bytes(3, 'little', signed=True)
                                    for v in RAMP)),
        's32': wave(1, 32, struct.pack('<8i', *(v << 16 for v in RAMP))),
        'f32': wave(3, 32, struct.pack('<8f', *(v / 32768 for v in RAMP))),
        'f64': wave(3, 64, struct.pack('<8d', *(v / 32768 for v in RAMP))),
        'extensible': wave(1, 16, s16, True),
        'chunks': wave(1, 16, s16, False, chunk(b'LIST', b'odd'),
                       chunk(b'id3 ', b'after')),
    }
    for name, data in files.items():
        (folder / (name + '.wav')).write_bytes(data)


def main():
    lines = []
    for seed, (lengths, scale, offset, settings, call) in enumerate(CASES):
        extractor = Wav2Vec2FeatureExtractor(
            **{'return_attention_mask': True, **settings})
        out = extractor(clips(seed, lengths, scale, offset),
                        sampling_rate=16000, return_tensors='np', **call)
        values = out['input_values'].astype('<f4')
        case = {'seed': seed, 'lengths': lengths, 'scale': scale,
                'offset': offset,
                'do_normalize': extractor.do_normalize,
                'return_attention_mask': extractor.return_attention_mask,
                'padding_value': extractor.padding_value,
                'padding': {False: 'none', True: 'longest'}.get(
                    call.get('padding', False), call.get('padding')),
                'max_length': call.get('max_length', 0),
                'truncation': call.get('truncation', False),
                'pad_to_multiple_of': call.get('pad_to_multiple_of', 0),
                'shape': list(values.shape), 'values': checksum(values)}
        if 'attention_mask' in out:
            case['mask'] = checksum(out['attention_mask'].astype('<i8'))
        lines.append(json.dumps(case))
    (HERE / 'audio.json').write_text(
        '{"cases": [\n' + ',\n'.join(lines) + '\n]}\n')


if __name__ == '__main__':
    main()
    make_wav()
