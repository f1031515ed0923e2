# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the tests of the program d2v share: running it, and saying the results
in TAP, one point a test method."""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import traceback
import unittest

sys.dont_write_bytecode = True
import tiny  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PROGRAM = os.environ.get("D2V", "d2v")

class CliTest(unittest.TestCase):
    """Tests in a folder W of tiny models and media, where the program runs."""

    W = None
    maxDiff = 2000

    @classmethod
    def setUpClass(cls):
        if CliTest.W is None:
            CliTest.kept = tempfile.TemporaryDirectory()
            CliTest.W = pathlib.Path(CliTest.kept.name)
            tiny.write_media(CliTest.W / "media")

    def model(self, name):
        if not (self.W / name).exists():
            tiny.write_model(self.W / name, name)
        return name

    def run_d2v(self, *arguments, stdin=None):
        return subprocess.run([PROGRAM, *map(str, arguments)], cwd=self.W, input=stdin, capture_output=True,
                              timeout=120)

    def ok(self, *arguments):
        """the only line of stdout as JSON"""
        run = self.run_d2v(*arguments)
        self.assertEqual((run.returncode, run.stderr), (0, b""), arguments)
        lines = run.stdout.decode().split("\n")
        self.assertEqual(lines[1:], [""], arguments)
        return json.loads(lines[0])

    def lines(self, *arguments):
        run = self.run_d2v(*arguments)
        self.assertEqual((run.returncode, run.stderr), (0, b""), arguments)
        return [json.loads(line) for line in run.stdout.decode().split("\n")[:-1]]

    def fails(self, code, *arguments, says=""):
        """no stdout, status 1, one line of stderr"""
        run = self.run_d2v(*arguments)
        text = run.stderr.decode()
        self.assertEqual((run.returncode, run.stdout), (1, b""), arguments)
        self.assertEqual(text.count("\n"), 1, text)
        self.check_error(text.rstrip("\n"), code, says)

    def check_error(self, text, code, says=""):
        """CODE, file, reason: one of the codes A|B, and these words"""
        parts = text.split(", ", 2)
        self.assertEqual(len(parts), 3, text)
        self.assertIn(parts[0], code.split("|"), text)
        self.assertIn(says, text)

    def ask(self, command, model, *requests):
        """answers of `d2v CMD MODEL --jsonl`, one a request; bytes go as they are"""
        lines = [r if isinstance(r, bytes) else json.dumps(r).encode() for r in requests]
        run = self.run_d2v(command, model, "--jsonl", stdin=b"".join(line + b"\n" for line in lines))
        self.assertEqual((run.returncode, run.stderr), (0, b""))
        answers = run.stdout.split(b"\n")
        self.assertEqual(answers.pop(), b"")
        self.assertEqual(len(answers), len(requests))
        return [json.loads(answer) for answer in answers]

    def refuses(self, command, model, table):
        """[(request, code)] or [(request, code, words)], each an error line; a good request in between
        is served as if nothing had been"""
        answers = self.ask(command, model, *(row[0] for row in table))
        for row, answer in zip(table, answers):
            with self.subTest(request=row[0]):
                self.assertEqual(list(answer), ["error"], answer)
                self.check_error(answer["error"], *row[1:])

    def assert_close(self, expected, found, tolerance=5e-5, path="answer"):
        """equal, numbers nearly"""
        if isinstance(expected, dict):
            self.assertIsInstance(found, dict, path)
            for key in expected:
                self.assertIn(key, found, path)
                self.assert_close(expected[key], found[key], tolerance, f"{path}.{key}")
        elif isinstance(expected, list):
            self.assertIsInstance(found, list, path)
            self.assertEqual(len(expected), len(found), path)
            for i, pair in enumerate(zip(expected, found)):
                self.assert_close(*pair, tolerance, f"{path}[{i}]")
        elif isinstance(expected, float):
            self.assertIsInstance(found, (int, float), path)
            self.assertLessEqual(abs(expected - found), tolerance * max(1, abs(expected)), path)
        else:
            self.assertEqual(expected, found, path)


class TapResult(unittest.TestResult):
    """prints a TAP point when a test is over"""

    n = 0

    def startTest(self, test):
        super().startTest(test)
        self.trouble = []

    def addSubTest(self, test, subtest, error):
        super().addSubTest(test, subtest, error)
        if error:
            self.trouble.append((str(subtest), error))

    def addFailure(self, test, error):
        super().addFailure(test, error)
        self.trouble.append((str(test), error))

    addError = addFailure

    def stopTest(self, test):
        super().stopTest(test)
        self.n += 1
        print(f"{'not ok' if self.trouble else 'ok'} {self.n} - {test.id().split('.', 1)[-1]}", flush=True)
        for name, error in self.trouble:
            for line in (name + "\n" + "".join(traceback.format_exception(*error))).splitlines():
                print("#", line[:500])


def main(module):
    suite = unittest.defaultTestLoader.loadTestsFromModule(sys.modules[module])
    print(f"1..{suite.countTestCases()}")
    result = TapResult()
    suite.run(result)
    sys.exit(not result.wasSuccessful())
