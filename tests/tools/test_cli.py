#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The contract of d2v tokenize, preprocess, decode and apply: docs/d2v.md.

D2V names the program. Python's standard library only."""
import array
import json
import math
import shutil
import struct
import subprocess
import sys

sys.dont_write_bytecode = True
import cli  # noqa: E402
import tiny  # noqa: E402
from cli import PROGRAM, ROOT, CliTest  # noqa: E402

WORD = " the"  # one token of the tiny models

class Golden(CliTest):
    """apply, as the original's pipelines answer (tools/compare_pipelines.py)"""


def golden(name):
    def test(self):
        text = (ROOT / "tests" / "data" / "apply" / f"{name}.json").read_text(encoding="utf-8")
        cases = json.loads(text)["cases"]
        self.assertGreater(len(cases), 0)
        for case, found in zip(cases, self.ask("apply", self.model(name), *(c["request"] for c in cases))):
            with self.subTest(request=case["request"]):
                self.assert_close(case["answer"], found)
    return test


for path in sorted((ROOT / "tests" / "data" / "apply").glob("*.json")):
    setattr(Golden, "test_" + path.stem.replace("-", "_"), golden(path.stem))


# -------------------------------------------------------------------- form

class Form(CliTest):
    """what all four have in common"""

    def test_every_line_is_answered_in_order(self):
        self.model("text-class")
        good = {"input": "What a day!"}
        answers = self.ask("apply", "text-class", good, b"", b"no JSON", {"inptu": "x"}, b"[1]", b"\"x\"",
                           {"input": 3}, b'{"input":"a","input":"b"}', b'{"input":"\\ud800"}', b"\xff", good)
        self.assertEqual(answers[0], answers[-1])
        self.assertEqual([type(a) for a in answers[1:-1]], [dict] * 9)
        codes = [a["error"].split(", ")[0] for a in answers[1:-1]]
        self.assertEqual(codes, ["JSON", "JSON", "USAGE", "USAGE", "USAGE", "USAGE", "JSON", "JSON", "JSON"])

    def test_lines_end_with_newline_only(self):
        # U+2028, U+0085 and a carriage return end no line; the last line needs no end.
        self.model("text-class")
        text = "one\u2028two\u0085three"
        a = json.dumps({"input": text}, ensure_ascii=False).encode() + b"\r\n"
        b = json.dumps({"input": text}).encode()
        run = self.run_d2v("apply", "text-class", "--jsonl", stdin=a + b)
        first, second = run.stdout.decode().splitlines()
        self.assertEqual(first, second)
        self.assertEqual(run.returncode, 0)

    def test_no_requests(self):
        run = self.run_d2v("tokenize", self.model("fill"), "--jsonl", stdin=b"")
        self.assertEqual((run.returncode, run.stdout, run.stderr), (0, b"", b""))

    def test_each_answer_is_flushed(self):
        with subprocess.Popen([PROGRAM, "tokenize", self.model("fill"), "--jsonl"], cwd=self.W,
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            for text in ("a", "b", "c"):
                process.stdin.write(json.dumps({"text": text}).encode() + b"\n")
                process.stdin.flush()
                self.assertEqual(len(json.loads(process.stdout.readline())["input_ids"]), 3)
            process.stdin.close()
            self.assertEqual(process.wait(), 0)

    def test_long_line(self):
        # Beyond what the library takes, and beyond what is kept of a line.
        self.model("fill")
        big = b'{"text":"' + b"x" * (1 << 20) + b'x"}'
        huge = b'{"text":"' + b"x" * (33 << 20) + b'"}'
        answers = self.ask("tokenize", "fill", big, huge, {"text": "a"})
        self.assertEqual([list(a) for a in answers[:2]], [["error"]] * 2)
        self.check_error(answers[1]["error"], "TOO_BIG")
        self.assertIn("input_ids", answers[2])

    def test_null_is_the_default(self):
        self.model("fill")
        keys = ("pair", "truncation", "max_length", "stride", "padding", "pad_to_multiple_of", "decode",
                "skip_special_tokens")
        plain, nulls = self.ask("tokenize", "fill", {"text": "a b"}, {"text": "a b", **dict.fromkeys(keys)})
        self.assertEqual(plain, nulls)

    def test_options_and_jsonl_exclude_each_other(self):
        self.fails("USAGE", "tokenize", self.model("fill"), "--jsonl", "--text", "a")
        self.fails("USAGE", "apply", self.model("fill"), "a", "--jsonl")

    def test_jsonl_false_is_no_jsonl(self):
        self.assertIn("input_ids", self.ok("tokenize", self.model("fill"), "--jsonl=false", "--text", "a"))

    def test_model_is_missing(self):
        for command in ("tokenize", "preprocess", "decode", "apply"):
            self.fails("USAGE", command)
            self.fails("NOT_FOUND", command, "nowhere")
            self.fails("NOT_FOUND", command, "nowhere", "--jsonl")

    def test_unknown_option(self):
        for command in ("tokenize", "preprocess", "decode", "apply"):
            self.fails("USAGE", command, self.model("fill"), "--colour", "red", says="--colour")

    def test_arguments_must_be_utf8(self):
        run = subprocess.run([PROGRAM, b"tokenize", self.model("fill"), b"--text", b"\xff"], cwd=self.W,
                             capture_output=True)
        self.assertEqual((run.returncode, run.stdout), (1, b""))
        self.check_error(run.stderr.decode().strip(), "USAGE")

    def test_weights_are_not_opened(self):
        for command, name, options in (
                ("tokenize", "fill", ["--text", "a"]), ("decode", "speech", ["--ids", "5"]),
                ("preprocess", "image-class", ["media/a.png", "--outputs", "o.st"]),
                ("preprocess", "speech", ["media/a.wav", "--outputs", "o.st"])):
            tiny.write_model(self.W / "bare", name)
            (self.W / "bare" / "model.safetensors").unlink()
            self.ok(command, "bare", *options)
            if command == "decode":
                self.fails("NOT_FOUND", "apply", "bare", "media/a.wav")
            shutil.rmtree(self.W / "bare")


# ---------------------------------------------------------------- tokenize

class Tokenize(CliTest):
    def test_golden(self):
        """texts and options with the original's answers"""
        groups = {}
        with open(ROOT / "tests" / "data" / "bpe" / "golden.jsonl", encoding="utf-8") as lines:
            for case in map(json.loads, lines):
                if "no_template" not in case:
                    groups.setdefault(case.pop("model"), []).append(case)
        n = 0
        for model, cases in groups.items():
            keys = {"rows", "answer", "refused"}
            requests = [{k: v for k, v in c.items() if k not in keys} for c in cases]
            for case, found in zip(cases, self.ask("tokenize", ROOT / "tests" / "data" / "bpe" / model, *requests)):
                with self.subTest(model=model, case=case):
                    self.check_golden(case, found)
                n += 1
        self.assertGreater(n, 1000)

    def check_golden(self, case, found):
        if case.get("refused"):
            self.assertEqual(list(found), ["error"])
        elif "decode" in case:
            self.assertEqual(found, {"text": case["answer"]})
        else:
            rows = isinstance(case["text"], list) or "stride" in case
            expected = [self.row(r) for r in case["rows"]]
            columns = [dict(zip(found, values)) for values in zip(*found.values())] if rows else [found]
            self.assertEqual(columns, expected)

    def row(self, golden_row):
        offsets = golden_row["offsets"]
        return {"input_ids": golden_row["ids"],
                "attention_mask": [int(c) for c in golden_row["attention"]],
                "special_tokens_mask": [int(c) for c in golden_row["special"]],
                "offsets": [list(pair) for pair in zip(offsets[::2], offsets[1::2])]}

    def test_command_line(self):
        model = self.model("fill")
        one = self.ok("tokenize", model, "--text", "The cat")
        self.assertEqual(sorted(one), ["attention_mask", "input_ids", "offsets", "special_tokens_mask"])
        self.assertEqual((one["input_ids"][0], one["input_ids"][-1]), (0, 2))
        self.assertEqual(one["special_tokens_mask"], [1] + [0] * (len(one["input_ids"]) - 2) + [1])
        self.assertEqual(one["offsets"][0], [0, 0])
        self.assertEqual(one, self.ask("tokenize", model, {"text": "The cat"})[0])
        self.assertEqual(self.ok("tokenize", model, "--text=The cat"), one)
        batch = self.ok("tokenize", model, "--text", "The cat", "--text", "a", "--padding")
        self.assertEqual([len(row) for row in batch["input_ids"]], [len(one["input_ids"])] * 2)
        self.assertEqual(batch["input_ids"][0], one["input_ids"])
        self.assertEqual(batch["attention_mask"][1][:3], [1, 1, 1])
        self.assertEqual(sum(batch["attention_mask"][1]), 3)

    def test_pairs(self):
        model = self.model("fill")
        pair = self.ok("tokenize", model, "--text", "a", "--pair", "a")
        ids = pair["input_ids"]
        self.assertEqual(ids, [0, ids[1], 2, 2, ids[1], 2])
        self.assertEqual(pair["offsets"][1], pair["offsets"][4])
        batch = self.ok("tokenize", model, "--text", "a", "--text", "b", "--pair", "c", "--pair", "d")
        self.assertEqual([len(row) for row in batch["input_ids"]], [6, 6])

    def test_empty_texts(self):
        model = self.model("fill")
        self.assertEqual(self.ok("tokenize", model, "--text", "")["input_ids"], [0, 2])
        self.assertEqual(self.ok("tokenize", model, "--text", "", "--pair", "")["input_ids"], [0, 2])
        answers = self.ask("tokenize", model, {"text": []}, {"text": [""], "pair": [""]})
        self.assertEqual(answers[0]["input_ids"], [])
        self.assertEqual(answers[1]["input_ids"], [[0, 2, 2, 2]])

    def test_spellings_of_truncation_and_padding(self):
        model = self.model("fill")
        text = {"text": "a b c d e f", "max_length": 5}
        found = self.ask("tokenize", model, {**text, "truncation": True}, {**text, "truncation": "longest_first"},
                         {**text, "truncation": "only_first"}, {**text, "truncation": False},
                         {**text, "truncation": "do_not_truncate"}, text)
        self.assertEqual([len(f["input_ids"]) for f in found[:3]], [5, 5, 5])
        self.assertEqual(found[3], found[4])
        self.assertEqual(found[4], found[5])
        batch = {"text": ["a", "a b c"]}
        found = self.ask("tokenize", model, {**batch, "padding": True}, {**batch, "padding": "longest"},
                         {**batch, "padding": "max_length", "max_length": 9}, {**batch, "padding": "do_not_pad"},
                         {**batch, "padding": True, "pad_to_multiple_of": 8})
        self.assertEqual(found[0], found[1])
        self.assertEqual([len(r) for r in found[2]["input_ids"]], [9, 9])
        self.assertEqual([len(r) for r in found[3]["input_ids"]], [3, len(found[0]["input_ids"][0])])
        self.assertEqual([len(r) for r in found[4]["input_ids"]], [8, 8])
        self.assertEqual(self.ok("tokenize", model, "--truncation", "--max-length", 5, "--text", "a b c d e f"),
                         self.ok("tokenize", model, "--truncation", "only_first", "--max-length=5", "--text",
                                 "a b c d e f"))

    def test_model_max_length_is_the_default(self):
        long = self.ok("tokenize", self.model("fill"), "--truncation", "true", "--text", "a " * 200)
        self.assertEqual(len(long["input_ids"]), tiny.MODEL_MAX_LENGTH)

    def test_stride_gives_all_parts(self):
        model = self.model("fill")
        parts = self.ok("tokenize", model, "--text", "a b c d e f g", "--truncation", "--max-length", 6,
                        "--stride", 0)
        self.assertGreater(len(parts["input_ids"]), 1)
        whole = self.ok("tokenize", model, "--text", "a b c d e f g")["input_ids"]
        self.assertEqual([0] + [i for row in parts["input_ids"] for i in row[1:-1]] + [2], whole)
        uncut = self.ok("tokenize", model, "--text", "a", "--stride", 3)
        self.assertEqual(len(uncut["input_ids"]), 1)

    def test_decode(self):
        model = self.model("fill")
        text = "The caf\u00e9 \U0001f600"
        ids = self.ok("tokenize", model, "--text", text)["input_ids"]
        found = self.ask("tokenize", model, {"decode": ids}, {"decode": ids, "skip_special_tokens": True},
                         {"decode": []}, {"decode": [0, 99999, 2]})
        self.assertEqual([f["text"] for f in found], [f"<s>{text}</s>", text, "", "<s></s>"])
        joined = ",".join(map(str, ids))
        self.assertEqual(self.ok("tokenize", model, "--decode", joined, "--skip-special-tokens"), {"text": text})
        self.assertEqual(self.ok("tokenize", model, "--decode", joined, "--skip-special-tokens=false"), found[0])
        self.assertEqual(self.ok("tokenize", model, "--decode", ""), {"text": ""})

    def test_nul_is_text(self):
        model = self.model("fill")
        one, = self.ask("tokenize", model, {"text": "a\0b"})
        self.assertEqual(len(one["input_ids"]), 5)
        back, = self.ask("tokenize", model, {"decode": one["input_ids"], "skip_special_tokens": True})
        self.assertEqual(back, {"text": "a\0b"})

    def test_refusals(self):
        self.refuses("tokenize", self.model("fill"), [
            ({}, "USAGE", "text"),
            ({"text": None}, "USAGE", "text"),
            ({"text": 3}, "USAGE", "text"),
            ({"text": ["a", 3]}, "USAGE", "text"),
            ({"text": "a", "pair": ["b"]}, "USAGE", "pair"),
            ({"text": ["a"], "pair": "b"}, "USAGE", "pair"),
            ({"text": ["a", "b"], "pair": ["c"]}, "USAGE", "pair"),
            ({"pair": "a"}, "USAGE", "text"),
            ({"text": "a", "txet": 1}, "USAGE", "txet"),
            ({"text": "a", "input": "b"}, "USAGE", "input"),
            ({"text": "a", "truncation": "left"}, "USAGE", "truncation"),
            ({"text": "a", "truncation": 1}, "USAGE", "truncation"),
            ({"text": "a", "padding": "yes"}, "USAGE", "padding"),
            ({"text": "a", "max_length": 0}, "USAGE", "max_length"),
            ({"text": "a", "max_length": -1}, "USAGE", "max_length"),
            ({"text": "a", "max_length": 5.0}, "USAGE", "max_length"),
            ({"text": "a", "max_length": "5"}, "USAGE", "max_length"),
            ({"text": "a", "max_length": True}, "USAGE", "max_length"),
            (b'{"text":"a","max_length":99999999999999999999}', "USAGE", "max_length"),
            ({"text": "a", "stride": -1}, "USAGE", "stride"),
            ({"text": "a", "pad_to_multiple_of": 0}, "USAGE", "pad_to_multiple_of"),
            ({"text": "a", "skip_special_tokens": True}, "USAGE", "skip_special_tokens"),
            ({"text": "a b c d", "truncation": True, "max_length": 5, "stride": 3}, "INPUT", "stride"),
            ({"text": "a b c d", "truncation": True, "max_length": 1}, "INPUT", "max_length"),
            ({"text": "a", "pair": "b c d", "truncation": "only_first", "max_length": 6}, "INPUT"),
            ({"decode": [0], "text": "a"}, "USAGE", "text"),
            ({"decode": "0"}, "USAGE", "decode"),
            ({"decode": [1.5]}, "USAGE", "decode"),
            ({"decode": [-1]}, "USAGE", "decode"),
            ({"decode": [0], "skip_special_tokens": 1}, "USAGE", "skip_special_tokens"),
        ])

    def test_command_line_refusals(self):
        model = self.model("fill")
        self.fails("USAGE", "tokenize", model)
        self.fails("USAGE", "tokenize", model, "The cat", says="input")
        self.fails("USAGE", "tokenize", model, "--text", says="--text")
        self.fails("USAGE", "tokenize", model, "--decode", "1,x", says="decode")
        self.fails("USAGE", "tokenize", model, "--text", "a", "--max-length", "many", says="max_length")
        self.fails("USAGE", "tokenize", model, "--text", "a", "--padding=sometimes", says="padding")
        self.fails("USAGE", "tokenize", model, "--text", "a", "--max-length", 4, "--max-length", 5, says="max_length")
        self.fails("ARCH_HEAD", "tokenize", self.model("speech"), "--text", "a")


# -------------------------------------------------------------- preprocess

class Preprocess(CliTest):
    def tensors(self, name="o.st"):
        found = {}
        for key, (dtype, shape, data) in tiny.read_safetensors(self.W / name).items():
            found[key] = (dtype, shape, array.array({"F32": "f", "I64": "q"}[dtype], data))
        return found

    def test_one_clip(self):
        model = self.model("speech")
        answer = self.ok("preprocess", model, "media/a.wav", "--outputs", "o.st")
        self.assertEqual(answer, {"input_values": [1, 20800], "attention_mask": [1, 20800]})
        found = self.tensors()
        self.assertEqual({k: v[:2] for k, v in found.items()},
                         {"input_values": ("F32", [1, 20800]), "attention_mask": ("I64", [1, 20800])})
        samples = [round(32767 * x) / 32768 for x in tiny.tones("a", 1.3)]
        mean = math.fsum(samples) / len(samples)
        spread = math.sqrt(math.fsum((x - mean) ** 2 for x in samples) / len(samples) + 1e-7)
        for x, y in zip(samples, found["input_values"][2]):
            self.assertLessEqual(abs((x - mean) / spread - y), 1e-5)
        self.assertEqual(set(found["attention_mask"][2]), {1})

    def test_batch(self):
        model = self.model("speech")
        request = {"input": ["media/a.wav", "media/b.wav"], "outputs": "o.st"}
        found = self.ask("preprocess", model, {**request, "padding": True},
                         {**request, "padding": "longest", "pad_to_multiple_of": 64},
                         {**request, "padding": "max_length", "max_length": 30000},
                         {**request, "padding": True, "max_length": 10000, "truncation": True},
                         {**request, "max_length": 10000, "truncation": True})
        self.assertEqual([f["input_values"] for f in found],
                         [[2, 20800], [2, 20800], [2, 30000], [2, 10000], [2, 10000]])
        self.ok("preprocess", model, "media/a.wav", "media/b.wav", "--outputs", "o.st", "--padding",
                "--pad-to-multiple-of", 1000)
        tensors = self.tensors()
        self.assertEqual(tensors["attention_mask"][1], [2, 21000])
        mask, values = tensors["attention_mask"][2], tensors["input_values"][2]
        self.assertEqual((sum(mask[:21000]), sum(mask[21000:])), (20800, 14400))
        self.assertEqual(set(values[20800:21000]) | set(values[21000 + 14400:]), {0.0})

    def test_no_mask_when_the_front_end_has_none(self):
        tiny.write_model(self.W / "maskless", "sound-class")
        path = self.W / "maskless" / "preprocessor_config.json"
        tiny.write_json(path, {**json.loads(path.read_text()), "return_attention_mask": False})
        self.assertEqual(self.ok("preprocess", "maskless", "media/a.wav", "--outputs", "o.st"),
                         {"input_values": [1, 20800]})
        self.assertEqual(list(self.tensors()), ["input_values"])

    def test_images(self):
        model = self.model("image-class")
        self.assertEqual(self.ok("preprocess", model, "media/small.png", "--outputs", "o.st"),
                         {"pixel_values": [1, 3, 32, 32]})
        found = self.tensors()["pixel_values"][2]
        rows = tiny.picture("small", 32, 32)
        for c in range(3):
            for y in range(32):
                for x in range(32):
                    expected = (rows[y][3 * x + c] / 255 - 0.5) / 0.5
                    self.assertLessEqual(abs(found[(c * 32 + y) * 32 + x] - expected), 1e-6)
        both = self.ok("preprocess", model, "media/a.png", "media/b.ppm", "--outputs", "o.st")
        self.assertEqual(both, {"pixel_values": [2, 3, 32, 32]})

    def test_grey_and_alpha_are_made_rgb(self):
        model = self.model("image-class")
        grey = [bytes((7 * x + 11 * y) % 256 for x in range(20)) for y in range(10)]
        tiny.write_png(self.W / "grey.png", grey, 0)
        tiny.write_png(self.W / "rgb.png", [bytes(v for v in row for _ in range(3)) for row in grey])
        tiny.write_png(self.W / "rgba.png", [bytes(v for g in row for v in (g, g, g, 9)) for row in grey], 6)
        values = []
        for name in ("grey", "rgb", "rgba"):
            self.ok("preprocess", model, name + ".png", "--outputs", "o.st")
            values.append(self.tensors()["pixel_values"][2])
        self.assertEqual(values[0], values[1])
        self.assertEqual(values[1], values[2])

    def test_refusals(self):
        tiny.write_wav(self.W / "slow.wav", [0.1] * 800, rate=8000)
        tiny.write_wav(self.W / "stereo.wav", [0.1] * 1600, channels=2)
        tiny.write_wav(self.W / "empty.wav", [])
        (self.W / "text.wav").write_text("no sound at all, no sound at all, no sound at all")
        (self.W / "loud.wav").write_bytes(
            b"RIFF" + struct.pack("<I", 52) + b"WAVEfmt " + struct.pack("<IHHIIHH", 16, 3, 1, 16000, 64000, 4, 32)
            + b"data" + struct.pack("<I4f", 16, 0.0, 0.5, math.inf, 0.25))
        out = {"outputs": "never.st"}
        self.refuses("preprocess", self.model("speech"), [
            ({"input": "media/a.wav"}, "USAGE", "outputs"),
            (out, "USAGE", "input"),
            ({"input": [], **out}, "USAGE", "input"),
            ({"input": 3, **out}, "USAGE", "input"),
            ({"input": ["media/a.wav", None], **out}, "USAGE", "input"),
            ({"input": "a\0.wav", **out}, "USAGE", "NUL"),
            ({"input": "nowhere.wav", **out}, "NOT_FOUND", "nowhere.wav"),
            ({"input": "media", **out}, "NOT_A_FILE"),
            ({"input": ["media/a.wav", "media/b.wav"], **out}, "INPUT"),
            ({"input": "slow.wav", **out}, "INPUT", "slow.wav"),
            ({"input": "stereo.wav", **out}, "UNSUPPORTED|WAV|INPUT", "stereo.wav"),
            ({"input": "empty.wav", **out}, "INPUT"),
            ({"input": "text.wav", **out}, "WAV", "text.wav"),
            ({"input": "loud.wav", **out}, "INPUT", "finite"),
            ({"input": "media/a.png", **out}, "WAV", "a.png"),
            ({"input": "media/a.wav", "padding": "max_length", **out}, "USAGE"),
            ({"input": "media/a.wav", "truncation": True, **out}, "USAGE"),
            ({"input": "media/a.wav", "truncation": "longest_first", **out}, "USAGE", "truncation"),
            ({"input": "media/a.wav", "size": 3, **out}, "USAGE", "size"),
            ({"input": "media/a.wav", "outputs": "no/such/folder/o.st"}, "WRITE|NOT_FOUND"),
        ])
        self.refuses("preprocess", self.model("image-class"), [
            ({"input": "media/a.png", "padding": True, **out}, "USAGE", "padding"),
            ({"input": "media/a.wav", **out}, "UNSUPPORTED", "a.wav"),
            ({"input": "text.wav", **out}, "UNSUPPORTED"),
        ])
        self.assertFalse((self.W / "never.st").exists())
        self.fails("ARCH_HEAD", "preprocess", self.model("fill"), "media/a.wav", "--outputs", "never.st")


# ------------------------------------------------------------------ decode

HI_YOO = [0, 11, 11, 0, 10, 4, 4, 0, 22, 8, 0, 8]
HI_ANSWER = {"text": "HI YOO",
             "chars": [["H", 1, 3], ["I", 4, 5], [" ", 5, 7], ["Y", 8, 9], ["O", 9, 10], ["O", 11, 12]],
             "words": [["HI", 1, 5], ["YOO", 8, 12]]}


def frames(ids, n_classes=32):
    """logits whose greatest are these ids"""
    return [float(v == i) - 0.5 for i in ids for v in range(n_classes)]


class Decode(CliTest):
    def write(self, shape, numbers, name="logits"):
        tiny.write_safetensors(self.W / "l.st", {name: (shape, numbers)})
        return "l.st"

    def test_ids(self):
        model = self.model("speech")
        self.assertEqual(self.ok("decode", model, "--ids", ",".join(map(str, HI_YOO))), HI_ANSWER)
        found = self.ask("decode", model, {"ids": HI_YOO}, {"ids": []}, {"ids": [0, 0]}, {"ids": [99, 3]},
                         {"ids": HI_YOO, "return_timestamps": "word"}, {"ids": HI_YOO, "return_timestamps": "char"})
        self.assertEqual(found[0], HI_ANSWER)
        self.assertEqual(found[1], {"text": "", "chars": [], "words": []})
        self.assertEqual(found[2], found[1])
        self.assertEqual(found[3]["text"], "<unk>")
        self.assertEqual(found[4], {k: HI_ANSWER[k] for k in ("text", "words")})
        self.assertEqual(found[5], {k: HI_ANSWER[k] for k in ("text", "chars")})
        self.assertEqual(self.ok("decode", model, "--ids", "")["text"], "")

    def test_logits(self):
        model = self.model("speech")
        n, numbers = len(HI_YOO), frames(HI_YOO)
        self.assertEqual(self.ok("decode", model, "--inputs", self.write([n, 32], numbers)), HI_ANSWER)
        self.assertEqual(self.ok("decode", model, "--inputs", self.write([1, n, 32], numbers)), HI_ANSWER)
        other = frames([5] * n)
        both = self.ok("decode", model, "--inputs", self.write([2, n, 32], numbers + other),
                       "--return-timestamps", "word")
        self.assertEqual(both, [{k: HI_ANSWER[k] for k in ("text", "words")}, {"text": "E", "words": [["E", 0, n]]}])

    def test_equal_logits_are_the_first_class(self):
        self.assertEqual(self.ok("decode", self.model("speech"), "--inputs", self.write([2, 32], [1.0] * 64))["text"],
                         "")

    def test_label_maps(self):
        model = self.model("segment")
        ids = [[0, 1, 2], [3, 6, 5]]
        numbers = [float(v == i) for v in range(7) for row in ids for i in row]
        self.assertEqual(self.ok("decode", model, "--inputs", self.write([7, 2, 3], numbers)), {"labels": ids})
        self.assertEqual(self.ok("decode", model, "--inputs", self.write([1, 7, 2, 3], numbers)), {"labels": ids})
        both = self.ok("decode", model, "--inputs", self.write([2, 7, 2, 3], numbers * 2))
        self.assertEqual(both, [{"labels": ids}] * 2)
        large = self.ok("decode", model, "--inputs", self.write([7, 2, 3], numbers), "--target-size", "4x6")
        self.assertEqual([len(large["labels"]), {len(row) for row in large["labels"]}], [4, {6}])
        self.assertEqual([row[0] for row in large["labels"]], [0, 0, 3, 3])
        asked, = self.ask("decode", model, {"inputs": "l.st", "target_size": [4, 6]})
        self.assertEqual(asked, large)

    def test_refusals(self):
        tiny.write_safetensors(self.W / "v.st", {"logits": ([2, 31], [0.0] * 62)})
        tiny.write_safetensors(self.W / "r1.st", {"logits": ([32], [0.0] * 32)})
        tiny.write_safetensors(self.W / "r4.st", {"logits": ([1, 1, 1, 32], [0.0] * 32)})
        tiny.write_safetensors(self.W / "name.st", {"scores": ([1, 32], [0.0] * 32)})
        tiny.write_safetensors(self.W / "nan.st", {"logits": ([1, 32], [0.0] * 31 + [math.nan])})
        tiny.write_safetensors(self.W / "seg.st", {"logits": ([7, 2, 2], [0.0] * 28)})
        header = json.dumps({"logits": {"dtype": "F16", "shape": [1, 32], "data_offsets": [0, 64]}}).encode()
        (self.W / "half.st").write_bytes(struct.pack("<Q", len(header)) + header + bytes(64))
        (self.W / "broken.st").write_bytes(b"\0" * 20)
        self.refuses("decode", self.model("speech"), [
            ({}, "USAGE"),
            ({"inputs": "v.st", "ids": [1]}, "USAGE"),
            ({"inputs": "nowhere.st"}, "NOT_FOUND", "nowhere.st"),
            ({"inputs": "v.st"}, "INPUT", "32"),
            ({"inputs": "r1.st"}, "INPUT", "dimensions"),
            ({"inputs": "r4.st"}, "INPUT", "dimensions"),
            ({"inputs": "name.st"}, "INPUT", "logits"),
            ({"inputs": "nan.st"}, "INPUT", "not a number"),
            ({"inputs": "half.st"}, "INPUT", "F16"),
            ({"inputs": "broken.st"}, "ST_HEADER_TOO_SMALL|ST_HEADER_START|ST_JSON|ST_TOO_SMALL"),
            ({"inputs": 3}, "USAGE", "inputs"),
            ({"ids": [1.0]}, "USAGE", "ids"),
            ({"ids": 3}, "USAGE", "ids"),
            ({"ids": [1], "return_timestamps": "line"}, "USAGE", "return_timestamps"),
            ({"ids": [1], "target_size": [1, 1]}, "USAGE", "target_size"),
        ])
        self.refuses("decode", self.model("segment"), [
            ({}, "USAGE", "inputs"),
            ({"inputs": "seg.st", "target_size": [4]}, "USAGE", "target_size"),
            ({"inputs": "seg.st", "target_size": [0, 4]}, "USAGE", "target_size"),
            ({"inputs": "seg.st", "target_size": "4x4"}, "USAGE", "target_size"),
            ({"inputs": "seg.st", "target_size": [100000, 100000]}, "TOO_BIG"),
            ({"inputs": "v.st"}, "INPUT"),
            ({"ids": [1]}, "USAGE", "ids"),
        ])
        self.fails("ARCH_HEAD", "decode", self.model("fill"), "--inputs", "v.st")
        self.fails("USAGE", "decode", self.model("segment"), "--inputs", "seg.st", "--target-size", "4by4")


# ------------------------------------------------------------------- apply

class Apply(CliTest):
    def test_several_inputs_are_several_requests(self):
        model = self.model("text-class")
        both = self.lines("apply", model, "one", "two")
        self.assertEqual(both, [self.ok("apply", model, "one"), self.ok("apply", model, "two")])
        voices = self.lines("apply", self.model("speaker"), "media/a.wav", "media/b.wav", "media/a.wav", "media/a.wav")
        self.assertEqual(len(voices), 2)
        self.assertAlmostEqual(voices[1]["similarity"], 1, 5)

    def test_a_failing_input_ends_the_program(self):
        run = self.run_d2v("apply", self.model("image-class"), "media/a.png", "nowhere.png", "media/a.png")
        self.assertEqual((run.returncode, run.stdout.count(b"\n"), run.stderr.count(b"\n")), (1, 1, 1))

    def test_double_dash_ends_options(self):
        model = self.model("text-class")
        dashed = self.ok("apply", model, "--top-k", "2", "--", "--top-k")
        self.assertEqual(dashed, self.ask("apply", model, {"input": "--top-k", "top_k": 2})[0])

    def test_options_become_values(self):
        tags = self.model("tags")
        text = "Anna met Bob in Paris."
        pairs = [
            (tags, [text, "--ignore-labels", ""], {"input": text, "ignore_labels": []}),
            (tags, [text, "--ignore-labels", "O"], {"input": text, "ignore_labels": ["O"]}),
            (tags, [text, "--ignore-labels", "O", "--ignore-labels", "MISC"],
             {"input": text, "ignore_labels": ["O", "MISC"]}),
            (tags, [text, "--aggregation-strategy", "max", "--stride", "0"],
             {"input": text, "aggregation_strategy": "max", "stride": 0}),
            (self.model("text-class"), [text, "--top-k", "all", "--text-pair", "b", "--truncation"],
             {"input": text, "top_k": None, "text_pair": "b", "truncation": True}),
            (self.model("answer"), ["--question", "Who?", "--context", text, "--align-to-words=false", "--top-k=2",
                                    "--handle-impossible-answer"],
             {"question": "Who?", "context": text, "align_to_words": False, "top_k": 2,
              "handle_impossible_answer": True}),
            (self.model("fill"), ["a <mask>", "--targets", "b", "--targets", "c"],
             {"input": "a <mask>", "targets": ["b", "c"]}),
            (self.model("choice"), ["a", "--choice", "b"], {"input": "a", "choice": ["b"]}),
            (self.model("generate"), ["a", "--max-new-tokens", "3", "--return-full-text=false"],
             {"input": "a", "max_new_tokens": 3, "return_full_text": False}),
            (self.model("speech"), ["media/long.wav", "--chunk-length-s", "1.5", "--stride-length-s", "0.25,0.5",
                                    "--return-timestamps", "char"],
             {"input": "media/long.wav", "chunk_length_s": 1.5, "stride_length_s": [0.25, 0.5],
              "return_timestamps": "char"}),
            (self.model("speech"), ["media/long.wav", "--chunk-length-s=1", "--stride-length-s", "0"],
             {"input": "media/long.wav", "chunk_length_s": 1, "stride_length_s": 0}),
        ]
        for model, arguments, request in pairs:
            with self.subTest(request=request):
                found, = self.ask("apply", model, request)
                self.assertNotIn("error", found)
                self.assertEqual(self.ok("apply", model, *arguments), found)

    def test_scores_have_digits(self):
        run = self.run_d2v("apply", self.model("text-class"), "What a day!")
        self.assertRegex(run.stdout.decode(), r'"score":0\.\d{7}')

    def test_mask_output(self):
        answer = self.ok("apply", self.model("segment"), "media/a.png", "--mask-output", "m.pgm")
        raw = (self.W / "m.pgm").read_bytes()
        self.assertTrue(raw.startswith(b"P5\n45 37\n255\n"))
        pixels = raw[len(b"P5\n45 37\n255\n"):]
        self.assertEqual(len(pixels), 45 * 37)
        counts = [pixels.count(i) for i in range(7)]
        self.assertEqual([a["mask"]["pixels"] for a in answer], [n for n in counts if n])
        self.assertEqual([a["label"] for a in answer], [tiny.THINGS[i] for i, n in enumerate(counts) if n])
        self.assertEqual({(a["score"], *a["mask"]["size"]) for a in answer}, {(None, 37, 45)})

    def test_mask_is_that_of_the_logits(self):
        """The map that is made beside the model is what its logits say, pixel by pixel."""
        model = self.model("segment")
        self.ok("apply", model, "media/a.png", "--mask-output", "m.pgm")
        self.ok("preprocess", model, "media/a.png", "--outputs", "p.st")
        self.assertEqual(self.run_d2v("run", model, "--inputs", "p.st", "--outputs", "l.st").returncode, 0)
        labels = self.ok("decode", model, "--inputs", "l.st", "--target-size", "37x45")["labels"]
        header = b"P5\n45 37\n255\n"
        self.assertEqual((self.W / "m.pgm").read_bytes()[len(header):], bytes(v for row in labels for v in row))

    def test_generation_ends_where_positions_end(self):
        model = self.model("generate")
        long = self.ok("apply", model, "The cat")[0]["generated_text"]
        self.assertTrue(long.startswith("The cat"))
        self.assertEqual(self.ok("apply", model, "The cat", "--max-new-tokens", 4)[0]["generated_text"],
                         self.ok("apply", model, "The cat", "--max-new-tokens=4", "--device", "cpu",
                                 "--threads", 1)[0]["generated_text"])

    def test_head_and_device(self):
        self.assertEqual(len(self.ok("apply", self.model("text-class"), "a", "--head", "Model")[0]), 3)
        self.fails("DEVICE", "apply", "text-class", "a", "--device", "toaster")
        self.fails("USAGE", "apply", "text-class", "a", "--precision", "f8")
        self.fails("ARCH_MISSING|ARCH_HEAD", "apply", "text-class", "a", "--head", "ForMaskedLM")

    def test_texts_that_do_not_fit(self):
        # The position table of the tiny models has 64 rows, the first two unused.
        n = tiny.TEXT["max_position_embeddings"] - 2 - 2
        for name in ("text-class", "text-model"):
            fits, too_long = self.ask("apply", self.model(name), {"input": WORD * n}, {"input": WORD * (n + 1)})
            self.assertIsInstance(fits, list)
            self.check_error(too_long["error"], "INPUT", "position")
        cut, = self.ask("apply", "text-class", {"input": WORD * (n + 1), "truncation": True})
        self.assertIsInstance(cut, list)
        self.refuses("apply", self.model("fill"), [({"input": "<mask>" + WORD * n}, "INPUT", "position")])
        self.refuses("apply", self.model("generate"), [({"input": WORD * 70}, "INPUT", "position")])

    def test_documents(self):
        # Long texts are read in parts, up to what a string of JSON may hold.
        long, = self.ask("apply", self.model("answer"), {"question": "Who?", "context": "The cat sat. " * 6000})
        self.assertLess(long[0]["end"], 13 * 6000)
        tags, = self.ask("apply", self.model("tags"), {"input": "The cat sat. " * 6000, "stride": 1,
                                                       "aggregation_strategy": "simple"})
        self.assertGreater(tags[-1]["end"], 13 * 5990)

    def test_the_shortest_sound(self):
        field = 400
        tiny.write_wav(self.W / "frame.wav", tiny.noise("f", field))
        tiny.write_wav(self.W / "short.wav", tiny.noise("f", field - 1))
        tiny.write_wav(self.W / "silence.wav", [0.0] * 1600)
        tiny.write_wav(self.W / "none.wav", [])
        for name in ("speech", "sound-class", "frames", "sound-model"):
            one, none, silence, empty = self.ask("apply", self.model(name), *(
                {"input": f} for f in ("frame.wav", "short.wav", "silence.wav", "none.wav")))
            self.assertNotIn("error", one)
            self.assertNotIn("error", silence)
            self.check_error(none["error"], "INPUT", "short.wav")
            self.check_error(empty["error"], "INPUT", "none.wav")
        # Tails below a frame say nothing.
        tail, = self.ask("apply", "speech", {"input": "media/long.wav", "chunk_length_s": 0.53, "stride_length_s": 0})
        self.assertIn("text", tail)
        # The time-delay layers need more than one frame.
        self.refuses("apply", self.model("speaker"), [({"input": ["frame.wav", "media/a.wav"]}, "INPUT", "frame.wav")])

    def test_images_of_any_size(self):
        tiny.write_png(self.W / "dot.png", tiny.picture("dot", 1, 1))
        tiny.write_png(self.W / "line.png", tiny.picture("line", 97, 1))
        for name in ("image-class", "segment", "image-model"):
            for answer in self.ask("apply", self.model(name), {"input": "dot.png"}, {"input": "line.png"}):
                self.assertIsInstance(answer, list)
        # Without resizing, an image may be smaller than a patch.
        tiny.write_model(self.W / "as-is", "image-class")
        path = self.W / "as-is" / "preprocessor_config.json"
        tiny.write_json(path, {**json.loads(path.read_text()), "do_resize": False})
        self.refuses("apply", "as-is", [({"input": "dot.png"}, "INPUT", "dot.png")])
        self.assertIsInstance(self.ok("apply", "as-is", "media/a.png"), list)

    def test_every_class_refuses(self):
        self.refuses("apply", self.model("text-class"), [
            ({}, "USAGE", "input"),
            ({"input": ["a"]}, "USAGE", "input"),
            ({"input": "a", "top_k": 0}, "USAGE", "top_k"),
            ({"input": "a", "top_k": 1.5}, "USAGE", "top_k"),
            ({"input": "a", "top_k": "all"}, "USAGE", "top_k"),
            ({"input": "a", "function_to_apply": "tanh"}, "USAGE", "function_to_apply"),
            ({"input": "a", "text_pair": 1}, "USAGE", "text_pair"),
            ({"input": "a", "stride": 1}, "USAGE", "stride"),
            ({"input": "a", "truncation": "only_second", "text_pair": "b" * 5, "question": 1}, "USAGE", "question"),
        ])
        self.refuses("apply", self.model("tags"), [
            ({"input": "a", "aggregation_strategy": "sum"}, "USAGE", "aggregation_strategy"),
            ({"input": "a", "ignore_labels": "O"}, "USAGE", "ignore_labels"),
            ({"input": "a", "ignore_labels": [1]}, "USAGE", "ignore_labels"),
            ({"input": "a", "stride": 2}, "USAGE|INPUT", "stride"),
            ({"input": "a b " * 40, "aggregation_strategy": "simple", "stride": 60}, "USAGE|INPUT", "stride"),
            ({"input": "a", "top_k": 1}, "USAGE", "top_k"),
        ])
        self.refuses("apply", self.model("answer"), [
            ({"question": "a"}, "USAGE", "context"),
            ({"context": "a"}, "USAGE", "question"),
            ({"input": "a", "question": "b", "context": "c"}, "USAGE", "input"),
            ({"question": "", "context": "c"}, "INPUT"),
            ({"question": "b", "context": ""}, "INPUT"),
            ({"question": "a b " * 40, "context": "c"}, "INPUT"),
            ({"question": "a", "context": "b", "top_k": 0}, "USAGE", "top_k"),
            ({"question": "a", "context": "b", "max_answer_len": 0}, "USAGE", "max_answer_len"),
            ({"question": "a", "context": "b", "align_to_words": "no"}, "USAGE", "align_to_words"),
        ])
        self.refuses("apply", self.model("fill"), [
            ({"input": "no mask"}, "INPUT", "<mask>"),
            ({"input": "a <mask>", "targets": "b"}, "USAGE", "targets"),
            ({"input": "a <mask>", "targets": []}, "INPUT|USAGE"),
            ({"input": "a <mask>", "targets": [""]}, "INPUT"),
        ])
        self.refuses("apply", self.model("generate"), [
            ({"input": "a", "max_new_tokens": 0}, "USAGE", "max_new_tokens"),
            ({"input": "a", "return_full_text": "yes"}, "USAGE", "return_full_text"),
            ({"input": "a", "temperature": 1}, "USAGE", "temperature"),
        ])
        self.refuses("apply", self.model("choice"), [
            ({"input": "a"}, "USAGE", "choice"),
            ({"input": "a", "choice": "b"}, "USAGE", "choice"),
            ({"input": "a", "choice": []}, "INPUT"),
        ])
        self.refuses("apply", self.model("speech"), [
            ({"input": "media/a.wav", "return_timestamps": True}, "USAGE", "return_timestamps"),
            ({"input": "media/a.wav", "chunk_length_s": "1"}, "USAGE", "chunk_length_s"),
            ({"input": "media/a.wav", "chunk_length_s": -1}, "USAGE", "chunk_length_s"),
            ({"input": "media/a.wav", "chunk_length_s": 1, "stride_length_s": 0.5}, "USAGE", "chunk_length_s"),
            ({"input": "media/a.wav", "chunk_length_s": 1, "stride_length_s": [0.1]}, "USAGE", "stride_length_s"),
            ({"input": "media/a.wav", "chunk_length_s": 1, "stride_length_s": [0.1, "b"]}, "USAGE",
             "stride_length_s"),
            ({"input": "media/a.wav", "chunk_length_s": 1e30}, "USAGE"),
            ({"input": ["media/a.wav"]}, "USAGE", "input"),
        ])
        self.refuses("apply", self.model("speaker"), [
            ({"input": "media/a.wav"}, "USAGE", "two"),
            ({"input": ["media/a.wav"]}, "USAGE", "two"),
            ({"input": ["media/a.wav"] * 3}, "USAGE", "two"),
            ({"input": ["media/a.wav", 1]}, "USAGE", "input"),
        ])
        self.refuses("apply", self.model("frames"), [({"input": "media/a.wav", "top_k": 1}, "USAGE", "top_k")])
        self.refuses("apply", self.model("segment"), [
            ({"input": "media/a.wav"}, "UNSUPPORTED", "a.wav"),
            ({"input": "media/a.png", "mask_output": "no/such/folder/m.pgm"}, "WRITE|NOT_FOUND"),
            ({"input": "media/a.png", "mask_output": 1}, "USAGE", "mask_output"),
        ])
        self.refuses("apply", self.model("image-class"), [
            ({"input": "nowhere.png"}, "NOT_FOUND", "nowhere.png"),
            ({"input": "media/a.png", "mask_output": "m.pgm"}, "USAGE", "mask_output"),
        ])
        self.fails("USAGE", "apply", "speaker", "media/a.wav", says="2")
        self.fails("USAGE", "apply", "text-class", says="input")


class Random(CliTest):
    """requests that nobody means"""

    VALUES = [None, True, False, 0, 1, -1, 2, 7, 2**31, 2**63, -2**63, 0.5, -0.0, 1e300, "", "a", "\0", "O", "<mask>",
              "<s></s><pad>", "media/a.wav", "media/a.png", "media", "\U0001f600" * 40, " the" * 70, [], [""], [[]],
              [1, 2], ["a", "b"], ["media/a.wav", "media/b.wav"], [None], {}, {"a": 1}]
    KEYS = ["input", "text", "pair", "decode", "ids", "inputs", "outputs", "padding", "truncation", "stride",
            "max_length", "pad_to_multiple_of", "top_k", "function_to_apply", "aggregation_strategy",
            "ignore_labels", "question", "context", "doc_stride", "max_seq_len", "max_answer_len", "targets",
            "max_new_tokens", "choice", "return_timestamps", "chunk_length_s", "stride_length_s", "target_size"]

    def requests(self, seed, known, n):
        numbers = iter(tiny.noise(seed, 30 * n))

        def pick(values):
            return values[int((next(numbers) + 1) / 2 * len(values)) % len(values)]

        for _ in range(n):
            request = dict(pick(known))
            for _ in range(1 + int(2 * abs(next(numbers)))):
                # Mostly keys that it has or might have.
                request[pick(list(request) * 12 + self.KEYS)] = pick(self.VALUES)
            if isinstance(request.get("outputs"), str):
                request["outputs"] = "s.st"  # not over the media
            yield request

    def test_answer_or_error(self):
        (self.W / "s.st").unlink(missing_ok=True)
        known = {"tokenize": [{"text": "a b"}, {"decode": [0, 5]}, {"text": "a b c d", "truncation": True,
                                                                    "max_length": 4, "stride": 1}],
                 "preprocess": [{"input": "media/b.wav", "outputs": "s.st"}],
                 "decode": [{"ids": [5, 0, 5]}]}
        for name in tiny.MODELS:
            path = ROOT / "tests" / "data" / "apply" / f"{name}.json"
            cases = json.loads(path.read_text(encoding="utf-8"))["cases"]
            requests = list(self.requests(name, [c["request"] for c in cases], 60))
            answers = self.ask("apply", self.model(name), *requests)
            self.assertGreater(sum(isinstance(a, dict) and "error" in a for a in answers), 5)
        for command, model in (("tokenize", "fill"), ("preprocess", "speech"), ("decode", "speech")):
            answers = self.ask(command, self.model(model), *self.requests(command, known[command], 150))
            self.assertGreater(sum("error" in a for a in answers), 20)
            self.assertGreater(sum("error" not in a for a in answers), 0)


class Bench(CliTest):
    """every modality, with the images that the configuration names"""

    def test_every_modality(self):
        for name in ("speech", "text-class", "choice", "image-class", "segment"):
            found = self.ok("bench", self.model(name), "--tokens", "16", "--repeat", "2", "--json")
            for key in ("min_ms", "median_ms", "load_ms", "peak_rss_mb", "gflop", "gflops", "threads"):
                self.assertGreater(found[key], 0, (name, key))
            self.assertEqual(found["fallbacks"], 0, name)


class Shipped(CliTest):
    """the models that come with the project"""

    def test_speech(self):
        model = ROOT / "examples" / "models" / "asr-small-en"
        self.assertEqual(self.ok("decode", model, "--ids", ",".join(map(str, HI_YOO))), HI_ANSWER)
        whole = self.ok("apply", model, "media/long.wav", "--return-timestamps", "word")
        self.assertEqual(sorted(whole), ["chunks", "text"])


if __name__ == "__main__":
    cli.main(__name__)
