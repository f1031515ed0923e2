#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Trains the small tokenizers of this folder and saves them as the original's
two generations of files. Run it twice, in this order: with transformers 4.57
and with 5.x; each writes what only it can.
"""
import json
import pathlib
import shutil
import sys

import transformers
from tokenizers import AddedToken, ByteLevelBPETokenizer
from transformers import RobertaTokenizer, RobertaTokenizerFast

import texts

HERE = pathlib.Path(__file__).parent
OLD = transformers.__version__.startswith("4.")
NAMES = ["<s>", "<pad>", "</s>", "<unk>"]

# Every flag by itself and in company; strings inside one another; white
# space; what looks like the byte alphabet.
FLAGGED = [
    AddedToken("<plain>", normalized=False),
    AddedToken("<left>", lstrip=True, normalized=False),
    AddedToken("<right>", rstrip=True, normalized=False),
    AddedToken("<both>", lstrip=True, rstrip=True, normalized=False),
    AddedToken("<right><left>", normalized=False),
    AddedToken("word", single_word=True, normalized=False),
    AddedToken("wordy", single_word=True, lstrip=True, normalized=True),
    AddedToken("<norm>", normalized=True),
    AddedToken("<norm><plain>", normalized=True, rstrip=True),
    AddedToken("<sp>", special=True, normalized=False),
    AddedToken("<spn>", special=True, normalized=True, lstrip=True, rstrip=True),
    AddedToken("\n\n", normalized=False),
    AddedToken("   ", normalized=True),
    AddedToken("Ġfree", normalized=False),
    AddedToken("é", normalized=False),
    AddedToken("日本", single_word=True, normalized=True),
    AddedToken(" new york ", normalized=False, rstrip=True),
    AddedToken("ab", normalized=True),
    AddedToken("abc", normalized=False, single_word=True, rstrip=True),
    AddedToken("abcd", normalized=True, lstrip=True),
]


def train(folder, vocab_size, names=NAMES, mask="<mask>"):
    trainer = ByteLevelBPETokenizer()
    trainer.train_from_iterator(texts.corpus(), vocab_size=vocab_size - 1, special_tokens=names,
                                show_progress=False)
    fresh(folder)
    trainer.save_model(str(folder))
    vocab = json.loads((folder / "vocab.json").read_text())
    vocab[mask] = len(vocab)
    (folder / "vocab.json").write_text(json.dumps(vocab, ensure_ascii=False))


def fresh(folder):
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)


def save(name, cls, raw, added=(), **options):
    tokenizer = cls.from_pretrained(str(raw), **options)
    if added:
        tokenizer.add_tokens(list(added))
    fresh(HERE / name)
    tokenizer.save_pretrained(str(HERE / name))
    config = HERE / name / "tokenizer_config.json"
    content = json.loads(config.read_text())
    for key in ("name_or_path", "is_local", "local_files_only", "backend"):
        content.pop(key, None)
    config.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n")
    compact(HERE / name)


def compact(folder):
    for path in folder.glob("*.json"):
        if path.name in ("tokenizer.json", "vocab.json"):
            path.write_text(json.dumps(json.loads(path.read_text()), ensure_ascii=False,
                                       separators=(",", ":")) + "\n")


def edit(name, change, file="tokenizer.json"):
    path = HERE / name / file
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content, ensure_ascii=False, separators=(",", ":")) + "\n")


def drop_bytes(content):
    """A model without the letters x and é's second byte, nor what they make."""
    model = content["model"]
    gone = ("x", "©")
    model["merges"] = [m for m in model["merges"] if not any(g in a for a in m for g in gone)]
    keep = [t for t in model["vocab"] if t.startswith("<") or not any(g in t for g in gone)]
    renumber = {t: i for i, t in enumerate(keep)}
    model["vocab"] = renumber
    for token in content["added_tokens"]:
        token["id"] = renumber[token["content"]]
    content["post_processor"]["sep"][1] = renumber["</s>"]
    content["post_processor"]["cls"][1] = renumber["<s>"]


def name_unk(content):
    content["model"]["unk_token"] = "<unk>"


def join_merges(content):
    content["model"]["merges"] = [" ".join(m) for m in content["model"]["merges"]]


def make_old(work):
    """What transformers 4.x wrote."""
    train(work / "raw", 700)
    save("four", RobertaTokenizerFast, work / "raw")
    save("slow", RobertaTokenizer, work / "raw", [AddedToken("<new>", lstrip=True),
                                                  AddedToken("<sp>", special=True)])
    # Before 4.34: names alone, and added_tokens.json.
    fresh(HERE / "names")
    for file in ("vocab.json", "merges.txt"):
        shutil.copy(work / "raw" / file, HERE / "names")
    compact(HERE / "names")
    (HERE / "names/special_tokens_map.json").write_text(json.dumps(
        {"bos_token": "<s>", "unk_token": "<unk>",
         "mask_token": {"content": "<mask>", "single_word": False, "lstrip": True, "rstrip": False,
                        "normalized": False}}) + "\n")
    (HERE / "names/added_tokens.json").write_text(json.dumps({"<new>": 700, "<more>": 701}) + "\n")
    # Merges as strings, a byte without a token.
    train(work / "small", 420)
    save("dropped", RobertaTokenizerFast, work / "small")
    for file in ("vocab.json", "merges.txt"):
        (HERE / "dropped" / file).unlink()
    edit("dropped", drop_bytes)
    edit("dropped", join_merges)
    edit("dropped", lambda c: c.pop("added_tokens_decoder"), "tokenizer_config.json")
    shutil.rmtree(HERE / "unknown", ignore_errors=True)
    shutil.copytree(HERE / "dropped", HERE / "unknown")
    edit("unknown", name_unk)


def make_new(work):
    """What transformers 5.x writes."""
    train(work / "raw", 700)
    train(work / "small", 420)
    names = ["[CLS]", "[PAD]", "[SEP]", "[UNK]"]
    train(work / "bert", 500, names, "[MASK]")
    save("five", RobertaTokenizer, work / "small")
    save("prefix", RobertaTokenizer, work / "small", add_prefix_space=True)
    save("flags", RobertaTokenizer, work / "small", FLAGGED)
    save("flags-prefix", RobertaTokenizer, work / "small", FLAGGED, add_prefix_space=True)
    save("flags-untrimmed", RobertaTokenizer, work / "small", FLAGGED, trim_offsets=False)
    save("left", RobertaTokenizer, work / "bert", cls_token="[CLS]", bos_token="[CLS]", sep_token="[SEP]",
         eos_token="[SEP]", pad_token="[PAD]", unk_token="[UNK]", mask_token="[MASK]",
         padding_side="left", truncation_side="left", model_max_length=16)


def make_seeds():
    """For tests/fuzz/fuzz_tokenizer.c: all files of a tokenizer in one, a byte
    FF between them, nothing for one that is not there."""
    fresh(HERE / "seeds")
    for name in ("names", "slow", "five", "flags", "left"):
        files = [HERE / name / file for file in (
            "vocab.json", "merges.txt", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json",
            "added_tokens.json")]
        (HERE / "seeds" / name).write_bytes(b"\xff".join(
            file.read_bytes() if file.exists() else b"" for file in files))


def main():
    work = pathlib.Path(sys.argv[1])
    (make_old if OLD else make_new)(work)
    if not OLD:
        make_seeds()


if __name__ == "__main__":
    main()
