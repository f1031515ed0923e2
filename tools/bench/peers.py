#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Whole models against their peers, on this machine, in one run.

    peers.py setup WORK                    a throw-away environment with the peers in it
    WORK/venv/bin/python peers.py make WORK [CELL...]      random base-size models, as Hugging Face folders and as ONNX
    WORK/venv/bin/python peers.py run WORK [CELL...] [--engines d2v,openvino,onnxruntime] [--threads 2] [--rounds 5]
                                       [--seconds 2] [--d2v build/tools/d2v] [--peak build/tools/bench/gemm_bench]

Cells: audio-1.5 audio-10 text-32 text-128 text-512 image-224 segmentation-512; all when none is named.

Every engine runs in a process of its own, batch 1, float32, the same number of threads; the engines take turns in every
round, so that whatever else the machine does meets all of them. The processor's peak is measured before and after each
cell. Minimum and median are over all runs of all rounds; a ratio is the peer's time over ours. The result is a Markdown
table. Variables that choose OpenBLAS's kernels are taken out of everybody's environment.
"""

import argparse
import json
import os
import re
import resource
import subprocess
import sys
import time

sys.dont_write_bytecode = True
from cells import (CELLS, TEXT, cells_of, clean_environment, d2v_bench, folder, json_of, logits_only,  # noqa: E402
                   make_model, median_of, min_of, new_model, number, one_input, print_head, print_row, setup)

PACKAGES = ["numpy", "openvino", "onnxruntime", "onnx", "onnxscript", "torch", "transformers"]
ENGINES = ["d2v", "openvino", "onnxruntime"]


# ------------------------------------------------------------------- make --

def example(kind, shape):
    import torch

    return torch.randint(3, 60, shape) if kind == TEXT else torch.rand(shape) * 3.4 - 1.7


def make(work, cells):
    import torch

    for kind in dict.fromkeys(CELLS[cell][0] for cell in cells):
        make_model(work, kind)
        model = new_model(kind)
        for cell in cells:
            if CELLS[cell][0] != kind or os.path.exists(f"{work}/{cell}.onnx"):
                continue
            print(f"exporting {cell}", file=sys.stderr)
            with torch.no_grad():
                torch.onnx.export(logits_only(model), (example(kind, CELLS[cell][1]),), f"{work}/{cell}.onnx",
                                  input_names=["x"], output_names=["logits"], opset_version=18, dynamo=True,
                                  external_data=True)


# -------------------------------------------------------------- one engine --

def openvino_runner(path, x, threads):
    import openvino

    core = openvino.Core()
    compiled = core.compile_model(core.read_model(path), "CPU", {
        "INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": str(threads), "PERFORMANCE_HINT": "LATENCY"})
    request = compiled.create_infer_request()
    tensor = openvino.Tensor(x)
    return lambda: request.infer([tensor])


def onnxruntime_runner(path, x, threads):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, ["CPUExecutionProvider"])
    return lambda: session.run(None, {"x": x})


def cpu_seconds():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def one(engine, path, cell, threads, seconds):
    """Measures one engine in this process and prints what d2v bench --json prints, as far as it goes."""
    kind, shape, _ = CELLS[cell]
    began = time.perf_counter()
    run = {"openvino": openvino_runner, "onnxruntime": onnxruntime_runner}[engine](path, one_input(kind, shape), threads)
    run()
    load = time.perf_counter() - began
    times, cpu, until = [], cpu_seconds(), time.perf_counter() + seconds
    while len(times) < 3 or time.perf_counter() < until:
        began = time.perf_counter()
        run()
        times.append(1e3 * (time.perf_counter() - began))
    print(json.dumps({
        "times_ms": times, "load_ms": 1e3 * load, "cpu_ms_per_run": 1e3 * (cpu_seconds() - cpu) / len(times),
        "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))


# -------------------------------------------------------------------- run --

def measure(engine, cell, arguments, previous):
    work = arguments.work
    if engine != "d2v":
        return json_of([sys.executable, __file__, "one", engine, f"{work}/{cell}.onnx", cell,
                        str(arguments.threads), str(arguments.seconds)])
    kind, _, words = CELLS[cell]
    return d2v_bench(arguments.d2v, folder(work, kind),
                     [*words, "--threads", str(arguments.threads), "--device", "cpu", "--precision", "f32"],
                     arguments.seconds, previous)


def peak(arguments):
    if not os.path.exists(arguments.peak):
        return None
    text = subprocess.run([arguments.peak, "--threads", str(arguments.threads), "--peak"],
                          capture_output=True, text=True, check=True).stdout
    return float(re.search(r"peak ([0-9.]+)", text).group(1))


def run_cell(cell, arguments):
    """Rounds of all engines in turn; what each round found, by engine."""
    found = {engine: [] for engine in arguments.engines}
    before = peak(arguments)
    for _ in range(arguments.rounds):
        for engine in arguments.engines:
            previous = found[engine][-1] if found[engine] else None
            try:
                found[engine].append(measure(engine, cell, arguments, previous))
            except RuntimeError as error:
                print(f"{cell}, {engine}: {error}", file=sys.stderr)
    return found, before, peak(arguments)


def summary(results):
    if not results:
        return None
    return {"min": min_of(results), "median": median_of(results),
            "cpu": min(r["cpu_ms_per_run"] for r in results), "rss": max(r["peak_rss_mb"] for r in results),
            "load": min(r["load_ms"] for r in results), "gflop": results[0].get("gflop")}


def rows_of(cell, found, before, after):
    sums = {engine: summary(results) for engine, results in found.items()}
    ours = sums.get("d2v")
    for engine, s in sums.items():
        if s is None:
            continue
        ratio = (s["min"] / ours["min"], s["median"] / ours["median"]) if ours and engine != "d2v" else (None, None)
        yield [cell, engine, number(s["min"]), number(s["median"]), number(ratio[0], 2), number(ratio[1], 2),
               number(s["cpu"]), number(s["rss"], 0), number(s["load"], 0), f"{number(before, 0)} / {number(after, 0)}"]


HEAD = ["cell", "engine", "min ms", "median ms", "min / ours", "median / ours", "CPU ms a run", "peak MB", "load ms",
        "peak GFLOP/s before / after"]


def run(arguments):
    versions = []
    for name in arguments.engines:
        if name != "d2v":
            versions.append(f"{name} {__import__(name).__version__.split('-')[0]}")
    print(f"{arguments.threads} threads, float32, batch 1, {arguments.rounds} rounds; {', '.join(versions)}\n")
    print_head(HEAD)
    for cell in arguments.cells:
        for row in rows_of(cell, *run_cell(cell, arguments)):
            print_row(row)


def main():
    clean_environment()
    if len(sys.argv) == 7 and sys.argv[1] == "one":
        return one(*sys.argv[2:5], int(sys.argv[5]), float(sys.argv[6]))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["setup", "make", "run"])
    parser.add_argument("work")
    parser.add_argument("cells", nargs="*", metavar="CELL")
    parser.add_argument("--engines", type=lambda text: text.split(","), default=ENGINES)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2, help="of runs in each process")
    parser.add_argument("--d2v", default="build/tools/d2v")
    parser.add_argument("--peak", default="build/tools/bench/gemm_bench")
    arguments = parser.parse_args()
    arguments.work = os.path.abspath(arguments.work)
    if arguments.what == "setup":
        return setup(arguments.work, PACKAGES)
    arguments.cells = cells_of(arguments.cells)
    if arguments.what == "make":
        return make(arguments.work, arguments.cells)
    return run(arguments)


if __name__ == "__main__":
    main()
