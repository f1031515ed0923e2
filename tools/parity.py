#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Compares a local model directory with the original implementation, layer by layer.

    parity.py MODEL [--head NAME] [--seed N] [--amount N] [-- OPTIONS OF d2v run]

Runs the original in float64 (the truth) and in float32, then the `d2v` program
on the same random inputs, and prints one line per output: how far float32 takes
the original from the truth, how far we are, and what is allowed. Every error is
the largest difference over the largest value of that tensor. Exit status 1 if
something is over its allowance or missing.

Needs PyTorch and transformers. The program is $D2V, or build/tools/d2v.
"""

import argparse
import os
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, "tests", "models"))

import safetensors.torch  # noqa: E402

import original  # noqa: E402
from suitable_inputs import suitable_inputs  # noqa: E402


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("--head", help="class without the family's prefix; default: the config's architectures")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--amount", type=int, help="frames of audio, tokens of text, or images")
    parser.add_argument("options", nargs="*", help="after --: passed on to d2v run")
    return parser.parse_args()


def head_of(config):
    """Data2VecAudioForCTC -> ForCTC"""
    family = original.FAMILY[config["model_type"]]
    return config["architectures"][0].removeprefix("Data2Vec" + family)


def run_ours(model, head, inputs, options):
    program = os.environ.get("D2V", os.path.join(ROOT, "build", "tools", "d2v"))
    with tempfile.TemporaryDirectory() as scratch:
        given, found = f"{scratch}/in.safetensors", f"{scratch}/out.safetensors"
        safetensors.torch.save_file(inputs, given)
        subprocess.run([program, "run", model, "--head", head, "--inputs", given, "--outputs", found,
                        "--hidden-states", *options], check=True)
        return safetensors.torch.load_file(found)


def in_order(name):
    """hidden states by number, then what comes after them"""
    return (0, int(name.split(".")[1]), "") if name.startswith("hidden_states.") else (1, 0, name)


def report(truth, single, ours):
    """the budget; true if all is within it"""
    allowed = original.tolerances(truth, single)
    print(f"{'output':20s} {'shape':18s} {'largest':>9s}  {'original':>8s} {'ours':>8s} {'allowed':>8s}")
    good = True
    for name in sorted(truth, key=in_order):
        t = truth[name]
        line = f"{name:20s} {str(list(t.shape)):18s} {t.abs().max():9.3g}  {original.relative_error(single[name], t):8.1e}"
        if name not in ours:
            verdict = f"{'-':>8s} {allowed[name]:8.1e}  MISSING"
        elif ours[name].shape != t.shape:
            verdict = f"{'-':>8s} {allowed[name]:8.1e}  SHAPE {list(ours[name].shape)}"
        else:
            error = original.relative_error(ours[name], t)
            # The comparison this way round so that a NaN of ours is not good.
            verdict = f"{error:8.1e} {allowed[name]:8.1e}" + ("" if error <= allowed[name] else "  OVER")
        good &= verdict[-1].isdigit()
        print(line, verdict)
    for name in sorted(set(ours) - set(truth)):
        print(f"{name:20s} {str(list(ours[name].shape)):18s} only ours")
    return good


def main():
    args = arguments()
    head = args.head or head_of(original.read_config(args.model))
    model = original.load(args.model, head)
    inputs = suitable_inputs(model.config, head, args.seed, args.amount)
    print(f"{args.model}: {type(model).__name__}, inputs " + ", ".join(f"{k} {list(t.shape)}" for k, t in inputs.items()))
    truth, single = original.both_precisions(model, inputs)
    return 0 if report(truth, single, run_ours(args.model, head, inputs, args.options)) else 1


if __name__ == "__main__":
    sys.exit(main())
