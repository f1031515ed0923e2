#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Makes the golden answers of the decoders: what transformers' tokenizer,
pipelines and post-processing give for random outputs of a model.

Needs transformers and PyTorch. Run it in this folder:

    python3 make_decode.py

writes ctc.json, classes.json, labelmap.json and vectors.json.
"""
import base64
import json
import pathlib
import random
import tempfile
import types

import numpy as np
import torch
from transformers import (AudioClassificationPipeline,
                          ImageClassificationPipeline,
                          TextClassificationPipeline, Wav2Vec2CTCTokenizer)
from transformers.models.beit.image_processing_pil_beit import (
    BeitImageProcessorPil)

HERE = pathlib.Path(__file__).parent


def text(array):
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()


def dump(name, cases):
    lines = ',\n'.join(json.dumps(case, ensure_ascii=False) for case in cases)
    (HERE / name).write_text('{"cases": [\n' + lines + '\n]}\n')


# ---- CTC ----

PLAIN = list('|ETAOINSHRDLU\'')
ODD = list('|ΑΒΣΟΣİÉßǅẞ.,?!') + ["n't", "'m", "'s", "'ve", "'re", "'", '\u3000', 'n']


def make_tokenizer(letters, pad, unk, delimiter, replacement, lower, clean):
    tokens = [pad, '<s>', '</s>', unk] + [t for t in letters if t not in
                                          (pad, unk)]
    vocab = {token: i for i, token in enumerate(dict.fromkeys(tokens))}
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / 'vocab.json'
        file.write_text(json.dumps(vocab))
        tokenizer = Wav2Vec2CTCTokenizer(
            str(file), pad_token=pad, unk_token=unk,
            word_delimiter_token=delimiter,
            replace_word_delimiter_char=replacement, do_lower_case=lower,
            clean_up_tokenization_spaces=clean)
    return tokenizer, list(vocab)


def random_ids(rng, n_tokens, delimiter):
    ids = []
    while len(ids) < 60:
        kind = rng.random()
        if kind < 0.3:
            token = 0
        elif kind < 0.5:
            token = delimiter
        elif kind < 0.53:
            token = n_tokens + 5
        else:
            token = rng.randrange(n_tokens)
        ids += [token] * rng.choice((1, 1, 1, 2, 3))
    return ids


def make_ctc():
    rng = random.Random(11)
    kinds = [
        (PLAIN, '<pad>', '<unk>', '|', ' ', False, False),
        (PLAIN, '[PAD]', '[UNK]', '|', ' ', True, False),
        (ODD, '<pad>', '<unk>', '|', ' ', True, False),
        (ODD, '<pad>', '<unk>', '|', ' ', False, True),
        (ODD, '<pad>', '<unk>', '|', '_', True, True),
        (ODD, '<pad>', '<unk>', '|', '.', False, False),
    ]
    cases = []
    for kind in kinds:
        tokenizer, tokens = make_tokenizer(*kind)
        delimiter = tokens.index(kind[3])
        for length in (0, 1, 60, 60, 60):
            ids = random_ids(rng, len(tokens), delimiter)[:length]
            out = tokenizer.decode(ids, output_char_offsets=True,
                                   output_word_offsets=True)
            spans = [[[e[name], int(e['start_offset']), int(e['end_offset'])]
                      for e in entries or []]
                     for name, entries in (('char', out.char_offsets),
                                           ('word', out.word_offsets))]
            cases.append({
                'tokens': tokens, 'pad': tokens.index(kind[1]),
                'unk': tokens.index(kind[2]), 'delimiter': delimiter,
                'replacement': kind[4], 'lower': kind[5], 'clean': kind[6],
                'ids': ids, 'text': out.text, 'chars': spans[0],
                'words': spans[1]})
    dump('ctc.json', cases)


# ---- classes ----

def classify(modality, problem, logits, function, top_k):
    kind = {'text': TextClassificationPipeline,
            'vision': ImageClassificationPipeline,
            'audio': AudioClassificationPipeline}[modality]
    pipeline = object.__new__(kind)
    pipeline.model = types.SimpleNamespace(config=types.SimpleNamespace(
        problem_type=problem, num_labels=len(logits),
        id2label={i: i for i in range(len(logits))}))
    outputs = types.SimpleNamespace(logits=torch.tensor(logits)[None])
    settings = {'function_to_apply': function, 'top_k': top_k}
    if modality != 'audio':
        outputs = {'logits': outputs.logits}
        if function is not None:
            from transformers.pipelines.text_classification import (
                ClassificationFunction)
            settings['function_to_apply'] = ClassificationFunction(function)
    if modality == 'text':
        settings['_legacy'] = False
    out = pipeline.postprocess(outputs, **settings)
    return [[entry['label'], entry['score']] for entry in out]


def make_classes():
    rng = np.random.default_rng(12)
    cases = []
    problems = (None, 'regression', 'single_label_classification',
                'multi_label_classification')
    for modality in ('text', 'vision', 'audio'):
        for problem in problems:
            for n in (1, 2, 7, 40):
                logits = (rng.standard_normal(n) * 4).astype(np.float32)
                if n == 7 and modality != 'audio':
                    logits[2] = logits[5]  # torch's topk leaves ties open
                for function in (None, 'softmax', 'sigmoid', 'none'):
                    if function is not None and problem is not None:
                        continue
                    top_k = min(5, n)
                    cases.append({
                        'modality': modality, 'problem': problem,
                        'function': function, 'top_k': top_k,
                        'logits': text(logits),
                        'expected': classify(modality, problem, logits,
                                             function, top_k)})
    dump('classes.json', cases)


# ---- label maps ----

def make_labelmap():
    rng = np.random.default_rng(13)
    processor = BeitImageProcessorPil()
    cases = []
    for n, h, w, target in (
            (3, 4, 4, None), (5, 6, 7, (13, 17)), (150, 8, 8, (20, 33)),
            (2, 9, 5, (4, 3)), (4, 5, 5, (5, 20)), (4, 5, 5, (20, 5)),
            (1, 3, 3, (5, 5)), (6, 1, 1, (4, 4)), (5, 3, 40, (9, 300)),
            (7, 16, 16, (16, 16)), (3, 2, 2, (1, 1)), (300, 3, 3, (7, 7))):
        logits = rng.standard_normal((n, h, w)).astype(np.float32)
        logits[:, 0] = np.round(logits[:, 0])  # a row full of ties
        outputs = types.SimpleNamespace(logits=torch.from_numpy(logits)[None])
        sizes = None if target is None else [target]
        out = processor.post_process_semantic_segmentation(outputs, sizes)[0]
        height, width = target or (h, w)
        cases.append({'in': [n, h, w], 'out': [height, width],
                      'logits': text(logits),
                      'expected': text(out.numpy().astype('<u2'))})
    dump('labelmap.json', cases)


# ---- vectors ----

def make_vectors():
    rng = np.random.default_rng(14)
    cases = []
    for n, scale in ((1, 1), (5, 1), (512, 1), (512, 1e-6), (512, 1e6),
                     (3, 0)):
        a = (rng.standard_normal(n) * scale).astype(np.float32)
        b = (a * 0.7 + rng.standard_normal(n) * scale).astype(np.float32)
        value = torch.nn.functional.cosine_similarity(
            torch.from_numpy(a), torch.from_numpy(b), dim=-1)
        cases.append({'a': text(a), 'b': text(b), 'similarity': value.item()})
    dump('vectors.json', cases)


if __name__ == '__main__':
    make_ctc()
    make_classes()
    make_labelmap()
    make_vectors()
