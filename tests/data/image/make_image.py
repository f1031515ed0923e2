#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Makes the golden images: what Pillow and the original image processor give.

Needs Pillow >= 9.4 and <= 12.0 (later ones exchange the passes of a resize),
NumPy, and transformers for the processor's cases. Run it in this folder:

    python3 make_image.py

writes resize.json, processor.json, ppm.json and png/*.png with png/*.ppm.
"""
import base64
import io
import json
import pathlib
import struct
import zlib

import numpy as np
from PIL import Image, ImageOps

HERE = pathlib.Path(__file__).parent


def pattern(kind, seed, width, height, channels):
    """Bytes that the C test makes by the same few lines."""
    n = width * height * channels
    out = np.empty(n, np.uint8)
    state = seed
    for i in range(n):
        state = (state * 1664525 + 1013904223) & 0xFFFFFFFF
        noise = state >> 24
        y, x = divmod(i // channels, width)
        if kind == 'noise':
            out[i] = noise
        elif kind == 'edges':
            out[i] = 255 if noise > 127 else 0
        else:
            out[i] = (5 * x + 3 * y + 50 * (i % channels) + noise // 32) & 255
    return out.reshape(height, width, channels)


def text(array):
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()


def dump(name, cases):
    lines = ',\n'.join(json.dumps(case) for case in cases)
    (HERE / name).write_text('{"cases": [\n' + lines + '\n]}\n')


# ---- resize ----

# in width, in height, out width, out height, channels
SIZES = [
    (40, 30, 17, 13, 3), (7, 9, 33, 40, 3), (1, 1, 5, 4, 3), (64, 2, 16, 16, 3),
    (2, 90, 31, 3, 1), (33, 20, 33, 11, 3), (20, 33, 11, 33, 3),
    (18, 18, 18, 18, 3), (200, 3, 1, 1, 3), (48, 36, 47, 37, 1),
]


def make_resize():
    cases = []
    for number, (iw, ih, ow, oh, c) in enumerate(SIZES):
        for resample in range(6):
            kind = ('noise', 'edges', 'ramp')[(number + resample) % 3]
            seed = 1000 * number + resample
            image = pattern(kind, seed, iw, ih, c)
            pil = Image.fromarray(image if c == 3 else image[:, :, 0])
            out = np.asarray(pil.resize((ow, oh), resample))
            out = out.reshape(oh, ow, c).transpose(2, 0, 1)
            cases.append({'filter': resample, 'kind': kind, 'seed': seed,
                          'in': [iw, ih], 'out': [ow, oh], 'channels': c,
                          'expected': text(out)})
    dump('resize.json', cases)


# ---- the processor ----

HALF = [0.5, 0.5, 0.5]
ODD = {'image_mean': [0.485, 0.456, 0.406], 'image_std': [0.229, 0.224, 0.225]}
SAME = {'image_mean': HALF, 'image_std': HALF}
PROCESSORS = [
    # in width, in height, what differs from the class's defaults
    (40, 30, {**SAME, 'size': {'height': 14, 'width': 18}}),
    (9, 13, {**ODD, 'size': {'height': 16, 'width': 16}, 'resample': 2}),
    (30, 20, {**ODD, 'size': {'height': 20, 'width': 16}, 'resample': 1,
              'do_center_crop': True, 'crop_size': {'height': 11, 'width': 9}}),
    (30, 20, {**SAME, 'size': {'height': 6, 'width': 7},
              'do_center_crop': True, 'crop_size': {'height': 9, 'width': 12}}),
    (30, 20, {**SAME, 'size': {'height': 6, 'width': 15},
              'do_center_crop': True, 'crop_size': {'height': 11, 'width': 8}}),
    (13, 8, {**ODD, 'do_resize': False}),
    (13, 8, {**ODD, 'do_resize': False, 'do_rescale': False}),
    (13, 8, {**ODD, 'do_resize': False, 'do_normalize': False}),
    (13, 8, {**ODD, 'do_resize': False, 'do_normalize': False,
             'do_rescale': False}),
    (13, 8, {**ODD, 'do_resize': False, 'rescale_factor': 1 / 127.5}),
]


def make_processor():
    from transformers import BeitImageProcessorPil

    cases = []
    for number, (w, h, settings) in enumerate(PROCESSORS):
        processor = BeitImageProcessorPil(**settings)
        image = pattern('noise', number, w, h, 3)
        out = processor(Image.fromarray(image), return_tensors='np')
        out = out['pixel_values'][0].astype(np.float32)
        config = {key: getattr(processor, key) for key in (
            'do_resize', 'do_center_crop', 'do_rescale', 'do_normalize',
            'resample', 'rescale_factor', 'image_mean', 'image_std')}
        config['resample'] = int(config['resample'])
        config['size'] = [processor.size['height'], processor.size['width']]
        config['crop'] = [processor.crop_size['height'],
                          processor.crop_size['width']]
        cases.append({'kind': 'noise', 'seed': number, 'in': [w, h],
                      'config': config, 'out': list(out.shape[:0:-1]),
                      'expected': text(out)})
    dump('processor.json', cases)


# ---- PPM ----

def make_ppm():
    cases = []
    for magic, channels in ((5, 1), (6, 3)):
        for greatest in (1, 7, 100, 254, 255, 256, 1000, 65535):
            size = 2 if greatest > 255 else 1
            values = sorted({0, 1, greatest // 3, greatest // 2, greatest - 1,
                             greatest})
            values += [values[0]] * (6 - len(values))
            file = b'P%d 3 2 %d\n' % (magic, greatest)
            file += b''.join(v.to_bytes(size, 'big') * channels for v in values)
            out = np.asarray(Image.open(io.BytesIO(file)).convert('RGB'))
            cases.append({'name': 'P%d %d' % (magic, greatest),
                          'file': base64.b64encode(file).decode(),
                          'size': [3, 2], 'expected': text(out)})
    dump('ppm.json', cases)


# ---- PNG, written here: Pillow neither interlaces nor writes every depth ----

GREY, RGB, PALETTE, GREY_ALPHA, RGBA = 0, 2, 3, 4, 6
CHANNELS = {GREY: 1, RGB: 3, PALETTE: 1, GREY_ALPHA: 2, RGBA: 4}
ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4),
         (1, 0, 2, 2), (0, 1, 1, 2))


def chunk(name, data):
    crc = zlib.crc32(name + data)
    return struct.pack('>I', len(data)) + name + data + struct.pack('>I', crc)


def pack_rows(samples, depth):
    """samples: (rows, columns, channels) as filter-less scan lines."""
    out = b''
    for row in samples:
        values = row.reshape(-1)
        if depth == 16:
            data = values.astype('>u2').tobytes()
        elif depth == 8:
            data = values.astype(np.uint8).tobytes()
        else:
            bits = ''.join(format(int(v), '0%db' % depth) for v in values)
            bits += '0' * (-len(bits) % 8)
            data = bytes(int(bits[i:i + 8], 2) for i in range(0, len(bits), 8))
        out += b'\0' + data
    return out


def png(samples, depth, color, interlace, before=b'', after=b''):
    height, width = samples.shape[:2]
    header = struct.pack('>IIBBBBB', width, height, depth, color, 0, 0,
                         interlace)
    if interlace:
        raw = b''.join(pack_rows(samples[y::dy, x::dx], depth)
                       for x, y, dx, dy in ADAM7
                       if x < width and y < height)
    else:
        raw = pack_rows(samples, depth)
    return (b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', header) + before
            + chunk(b'IDAT', zlib.compress(raw, 9)) + after
            + chunk(b'IEND', b''))


def make_exif(orientation, order):
    end = '<' if order == 'I' else '>'
    entries = struct.pack(end + 'HHII', 0x0100, 4, 1, 99)
    entries += struct.pack(end + 'HHIHH', 0x0112, 3, 1, orientation, 0)
    return (order.encode() * 2 + struct.pack(end + 'HI', 42, 8)
            + struct.pack(end + 'H', 2) + entries + bytes(4))


def write_png(name, data):
    folder = HERE / 'png'
    folder.mkdir(exist_ok=True)
    (folder / (name + '.png')).write_bytes(data)
    image = Image.open(io.BytesIO(data))
    image = ImageOps.exif_transpose(image).convert('RGB')
    image.save(folder / (name + '.ppm'))


def make_png():
    rng = np.random.default_rng(5)
    palette = chunk(b'PLTE', bytes(range(7, 7 + 3 * 16)))
    kinds = [(GREY, d) for d in (1, 2, 4, 8, 16)]
    kinds += [(PALETTE, d) for d in (1, 2, 4, 8)]
    kinds += [(c, d) for c in (RGB, GREY_ALPHA, RGBA) for d in (8, 16)]
    names = {GREY: 'grey', RGB: 'rgb', PALETTE: 'palette',
             GREY_ALPHA: 'grey-alpha', RGBA: 'rgba'}
    for color, depth in kinds:
        most = min(2 ** depth, 16 if color == PALETTE else 65536)
        samples = rng.integers(0, most, (11, 13, CHANNELS[color]))
        if depth == 16:
            samples[:3] //= 256  # small numbers, too
        before = palette if color == PALETTE else b''
        for interlace in (0, 1):
            name = '%s-%d%s' % (names[color], depth,
                                '-interlaced' if interlace else '')
            write_png(name, png(samples, depth, color, interlace, before))

    grey = rng.integers(0, 256, (3, 5, 1))
    color = rng.integers(0, 256, (3, 5, 3))
    short = chunk(b'PLTE', bytes(range(9)))
    write_png('palette-short', png(grey % 5, 8, PALETTE, 0, short))
    write_png('palette-transparent',
              png(grey % 3, 8, PALETTE, 0,
                  short + chunk(b'tRNS', bytes([0, 128, 255]))))
    write_png('grey-transparent',
              png(grey, 8, GREY, 0, chunk(b'tRNS', b'\0\5')))
    write_png('rgb-transparent',
              png(color, 8, RGB, 0, chunk(b'tRNS', b'\0\1\0\2\0\3')))
    write_png('rgb-gamma', png(color, 8, RGB, 0,
                               chunk(b'gAMA', struct.pack('>I', 100000))))
    for size in ((1, 1), (1, 9), (9, 1), (2, 3), (4, 4)):
        samples = rng.integers(0, 256, (*size, 3))
        write_png('tiny-%dx%d' % (size[1], size[0]),
                  png(samples, 8, RGB, 1))
    for way in range(1, 9):
        note = chunk(b'eXIf', make_exif(way, 'IM'[way % 2]))
        place = {'before': note} if way < 5 else {'after': note}
        write_png('orientation-%d' % way, png(color, 8, RGB, 0, **place))


if __name__ == '__main__':
    make_resize()
    make_ppm()
    make_png()
    make_processor()
