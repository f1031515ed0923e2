#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Whole models on a GPU, right and fast, beside PyTorch on the same one, in one run.

    gpu.py setup WORK          a throw-away environment with PyTorch in it
    WORK/venv/bin/python gpu.py make WORK        random models of the published base size
    WORK/venv/bin/python gpu.py verify WORK      what the GPU answers, beside PyTorch's answer in 64 bit
    WORK/venv/bin/python gpu.py run WORK         facts, verify, then times and goals; --skip-verify leaves that out

All of them take --cells A,B (audio-10,text-128,image-224), the last two --batches 1,8,64 --rungs A,B
--device vulkan[:N] --torch-device cuda --d2v build/tools/d2v, and run --peers A,B --rounds 3 --seconds 1 --profile.
To try the program where there is no GPU: --model-size tiny --device vulkan:llvmpipe --torch-device cpu --batches 1,2.

Our rungs are chosen by D2V_VULKAN_RUNG; one that the device refuses is left out, with its words. The peers are
torch (eager), torch-compile, torch-graphs (mode reduce-overhead), torch-replay (the compiled model recorded as one CUDA
graph by hand) and, when asked for, torch-autotune (mode max-autotune), all in 16 bit with scaled_dot_product_attention.

Times are from host memory to host memory, inputs and results included, on both sides; `device ms` is PyTorch's model
alone by CUDA's events; TFLOP/s are by our count of operations. Engines take turns in every round. The result is
Markdown; what goes wrong is on stderr. Exit status 1 if a rung's answer is off or missing.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
from cells import (AUDIO, CELLS, IMAGE, SEGMENTATION, TEXT, cells_of, clean_environment, d2v_bench, done,  # noqa: E402
                   folder, json_of, make_model, median_of, min_of, number, one_input, print_head,
                   print_row, setup)

PACKAGES = ["numpy", "safetensors", "torch", "transformers"]
DEFAULT_CELLS = ["audio-10", "text-128", "image-224"]
# The precision that a rung belongs to.
RUNGS = {"f16": "f16", "coopmat": "f16", "coopmat2": "f16", "int8": "int8", "f32": "f32"}
PEERS = ["torch", "torch-compile", "torch-graphs", "torch-replay"]
NEED_CUDA = {"torch-graphs", "torch-replay", "torch-autotune"}
INPUTS = {AUDIO: "input_values", TEXT: "input_ids", IMAGE: "pixel_values", SEGMENTATION: "pixel_values"}
# Largest difference over largest value, as the tests of the golden models have it.
ALLOWED = {"f32": 2e-5, "f16": 1.5e-2, "int8": 1e-1}

# By batch: how many times as fast as the fastest of these we want to be.
GOALS = {
    1: [("eager", ["torch"], 4.0),
        ("compiled with CUDA graphs", ["torch-graphs", "torch-replay", "torch-autotune"], 1.0)],
    64: [("compiled", ["torch-compile"], 0.55)],
}
# On an H200 with batch 1.
MILLISECONDS = {"audio-10": 1.0, "text-128": 0.35, "image-224": 0.45}


def say(text):
    print(text, file=sys.stderr, flush=True)


def set_up(arguments):
    setup(arguments.work, PACKAGES)


def make(arguments):
    for cell in arguments.cells:
        make_model(arguments.work, CELLS[cell][0], arguments.model_size)


# ---------------------------------------------------------------- engines --

class TorchSide:
    """torch_side.py, started when first asked, and anew after it died."""

    def __init__(self, arguments):
        self.command = [sys.executable, os.path.join(os.path.dirname(__file__), "torch_side.py"),
                        arguments.torch_device, arguments.work, arguments.model_size]
        self.process = None

    def ask(self, do, **what):
        if self.process is None or self.process.poll() is not None:
            self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        try:
            self.process.stdin.write(json.dumps({"do": do, **what}) + "\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            raise RuntimeError(f"PyTorch's process ended with status {self.process.wait()}")
        found = json.loads(line)
        if "CUDA error" in found.get("error", ""):
            self.process.kill()  # nothing works in there any more
            self.process.wait()
        if "error" in found:
            raise RuntimeError(found["error"])
        return found


def d2v_options(rung, arguments):
    return ["--device", arguments.device, "--precision", RUNGS[rung]]


def d2v_how(rung, arguments):
    return {"env": {**os.environ, "D2V_VULKAN_RUNG": rung}, "timeout": arguments.limit}


def measure_rung(rung, cell, batch, before, arguments):
    kind, _, words = CELLS[cell]
    found = d2v_bench(arguments.d2v, folder(arguments.work, kind, arguments.model_size),
                      [*words, "--batch", str(batch), *d2v_options(rung, arguments)], arguments.seconds,
                      before[-1] if before else None, **d2v_how(rung, arguments))
    if found["fallbacks"] > 0:
        raise RuntimeError(f"the CPU did {found['fallbacks']} of {found['runs'] + 1} runs")
    return found


# ------------------------------------------------------------------ facts --

def lines_of(command):
    if shutil.which(command[0]) is None:
        return []
    return subprocess.run(command, capture_output=True, text=True, timeout=60).stdout.splitlines()


def vulkan_facts():
    """What vulkaninfo knows and d2v does not tell, where it is installed."""
    wanted = re.compile(r"GPU\d+:$|[cC]ooperative_?[mM]atrix|maxComputeSharedMemorySize|maxComputeWorkGroupInvocations|"
                        r"subgroupSize\s|[bB][fF]loat16|driverInfo")
    found = (re.sub(r"\s+", " ", line.strip()) for line in lines_of(["vulkaninfo"]) if wanted.search(line))
    return list(dict.fromkeys(found))


def driver_facts():
    bar = re.search(r"BAR1 Memory Usage\s+Total\s*: (.*)", "\n".join(lines_of(["nvidia-smi", "-q", "-d", "MEMORY"])))
    return lines_of(["nvidia-smi", "--query-gpu=name,driver_version,memory.total,clocks.max.sm,clocks.max.memory,"
                     "power.limit,pcie.link.gen.max,pcie.link.width.max", "--format=csv"]) + (
        [f"memory that the processor sees (BAR1): {bar[1]}"] if bar else [])


def d2v_facts(arguments):
    doctor = lines_of([arguments.d2v, "doctor"])
    return lines_of([arguments.d2v, "devices"]) + [line for line in doctor if "Vulkan loader" in line]


def probe(arguments):
    """The rungs that the device has, and lines about them."""
    kind, _, words = CELLS[arguments.cells[0]]
    command = [arguments.d2v, "bench", folder(arguments.work, kind, arguments.model_size), *words, "--repeat", "1",
               "--json"]
    usable, lines = [], []
    for rung in arguments.rungs:
        try:
            found = json_of(command + d2v_options(rung, arguments), **d2v_how(rung, arguments))
            usable.append(rung)
            lines.append(f"rung {rung}: {found['device']}")
        except RuntimeError as error:
            lines.append(f"rung {rung} is left out: {str(error).splitlines()[-1]}")
    if any(RUNGS[rung] == "f16" for rung in usable):
        found = json_of([*command, "--device", arguments.device, "--precision", "f16"], timeout=arguments.limit)
        lines.append(f"precision f16 by itself takes: {found['device']}")
    return usable, lines


def peers_here(side, wanted):
    """The peers that can run, and what PyTorch says of the machine."""
    facts = side.ask("facts")
    here = [peer for peer in wanted if facts["cuda"] or peer not in NEED_CUDA]
    left_out = [f"{peer} is left out: CUDA graphs need CUDA" for peer in wanted if peer not in here]
    return here, facts["lines"] + left_out


def print_facts(lines):
    print("## Facts\n")
    for line in lines:
        print(f"    {line}".rstrip())
    print(flush=True)


# ----------------------------------------------------------------- verify --

def compare(kind, found, truth):
    """Largest difference over largest value; share of the same class best; how far behind another one is, likewise."""
    import numpy

    axis = 1 if kind == SEGMENTATION else -1
    largest = numpy.abs(truth).max()
    best, ours = truth.argmax(axis), found.argmax(axis)
    given_up = truth.max(axis) - numpy.take_along_axis(truth, numpy.expand_dims(ours, axis), axis).squeeze(axis)
    return {"off": float(numpy.abs(found - truth).max() / largest), "same": float((best == ours).mean()),
            "behind": float(given_up.max() / largest)}


def d2v_answer(rung, cell, given, result, arguments):
    command = [arguments.d2v, "run", folder(arguments.work, CELLS[cell][0], arguments.model_size), "--inputs", given,
               "--outputs", result, *d2v_options(rung, arguments)]
    said = done(command, **d2v_how(rung, arguments)).stderr
    if "the CPU did this run" in said:
        raise RuntimeError(said.strip())


class Verification:
    """Answers to one cell's inputs at all batches: two different items in turn, so that the truth is needed for two."""

    def __init__(self, cell, side, scratch, arguments):
        self.cell, self.side, self.arguments = cell, side, arguments
        self.kind, shape, _ = CELLS[cell]
        self.given, self.result = f"{scratch}/given.safetensors", f"{scratch}/result.safetensors"
        self.items = one_input(self.kind, (2, *shape[1:]))
        self.truth = self.answer_of(lambda: side.ask("truth", cell=cell, inputs=self.given, outputs=self.result), 2)

    def answer_of(self, ask, batch):
        import numpy
        import safetensors.numpy

        safetensors.numpy.save_file({INPUTS[self.kind]: self.items[numpy.arange(batch) % 2]}, self.given)
        ask()
        return safetensors.numpy.load_file(self.result)["logits"]

    def engine(self, engine, batch):
        import numpy

        def ask():
            if engine in RUNGS:
                d2v_answer(engine, self.cell, self.given, self.result, self.arguments)
            else:
                self.side.ask("answer", cell=self.cell, inputs=self.given, outputs=self.result)
        return compare(self.kind, self.answer_of(ask, batch), self.truth[numpy.arange(batch) % 2])


VERIFY_HEAD = ["cell", "batch", "engine", "largest difference / largest value", "allowed", "same class best",
               "another one at most behind", ""]


def verify_one(verification, engine, batch):
    """Prints its row; whether it is good."""
    allowed = ALLOWED[RUNGS.get(engine, "f16")]
    begin = [verification.cell, str(batch), engine]
    try:
        found = verification.engine(engine, batch)
    except RuntimeError as error:
        say(f"{verification.cell}, batch {batch}, {engine}: {error}")
        print_row([*begin, "-", f"{allowed:.1e}", "-", "-", "FAILED"])
        return False
    good = found["off"] <= allowed  # not so with NaN
    print_row([*begin, f"{found['off']:.1e}", f"{allowed:.1e}", f"{100 * found['same']:.2f} %",
               f"{found['behind']:.1e}", "good" if good else "OFF"])
    return good


def verify(side, rungs, arguments):
    """Prints the table; what is wrong in it, as (cell, batch, engine)."""
    wrong = set()
    print("## Answers\n")
    print_head(VERIFY_HEAD)
    for cell in arguments.cells:
        with tempfile.TemporaryDirectory(dir=arguments.work) as scratch:
            verification = Verification(cell, side, scratch, arguments)
            wrong |= {(cell, batch, engine) for batch in arguments.batches for engine in ["torch", *rungs]
                      if not verify_one(verification, engine, batch)}
    print(flush=True)
    return wrong


# ---------------------------------------------------------------- measure --

HEAD = ["cell", "batch", "engine", "min ms", "median ms", "min / ours", "median / ours", "TFLOP/s", "device ms",
        "load ms", "peak TFLOP/s before / after"]


def prepared(peers, cell, batch, side):
    """The peers that are ready, with what that took."""
    ready = {}
    for peer in peers:
        say(f"{cell}, batch {batch}: preparing {peer}")
        try:
            ready[peer] = side.ask("prepare", cell=cell, batch=batch, engine=peer)
        except RuntimeError as error:
            say(f"{cell}, batch {batch}, {peer} is left out: {error}")
            continue
        if ready[peer]["graph_skips"]:
            say(f"{cell}, batch {batch}, {peer}: {ready[peer]['graph_skips']} parts of it run without CUDA graphs")
    return ready


def peak(side):
    try:
        return side.ask("peak")["tflops"]
    except RuntimeError as error:
        say(f"peak: {error}")
        return None


def measure_cell(cell, batch, rungs, peers, side, arguments):
    """Rounds of all engines in turn; what they found, by engine, and the peak before and after."""
    ready = prepared(peers, cell, batch, side)
    found = {engine: [] for engine in [*rungs, *ready]}
    before = peak(side)
    for turn in range(arguments.rounds):
        say(f"{cell}, batch {batch}: round {turn + 1}")
        for engine in list(found):
            try:
                found[engine].append(measure_rung(engine, cell, batch, found[engine], arguments) if engine in RUNGS else
                                     {**ready[engine], **side.ask("measure", engine=engine, seconds=arguments.seconds)})
            except RuntimeError as error:
                say(f"{cell}, batch {batch}, {engine} is left out: {error}")
                del found[engine]
    return {engine: summary(results) for engine, results in found.items()}, [before, peak(side)]


def summary(results):
    device = [t for r in results for t in r.get("device_ms") or []]
    return {"min": min_of(results), "median": median_of(results), "load": min(r["load_ms"] for r in results),
            "device": min(device) if device else None, "gflop": results[0].get("gflop")}


def ours_of(sums):
    """Our fastest rung of those with PyTorch's precision, or None."""
    return min((e for e in sums if RUNGS.get(e) == "f16"), key=lambda e: sums[e]["min"], default=None)


def times_rows(cell, batch, sums, peaks):
    ours = sums.get(ours_of(sums))
    gflop = next((s["gflop"] for s in sums.values() if s["gflop"]), None)
    for engine, s in sums.items():
        ratios = [s[k] / ours[k] if ours else None for k in ("min", "median")]
        yield [cell, str(batch), engine, number(s["min"], 3), number(s["median"], 3), number(ratios[0], 2),
               number(ratios[1], 2), number(gflop and gflop / s["min"], 2), number(s["device"], 3),
               number(s["load"], 0), " / ".join(number(p, 2 if p and p < 10 else 0) for p in peaks)]


GOALS_HEAD = ["cell", "batch", "our rung", "goal", "found", ""]


def goal_rows(cell, batch, sums):
    """One row a goal, by the minima. A peer that was not measured leaves its goal open."""
    rung = ours_of(sums)
    for name, peers, least in GOALS.get(batch, []):
        times = [sums[p]["min"] for p in peers if p in sums]
        ratio = min(times) / sums[rung]["min"] if rung and times else None
        yield [cell, str(batch), rung or "-", f"at least {least:.2f} times PyTorch {name}", number(ratio, 2),
               "open" if ratio is None else "met" if ratio >= least else "missed"]
    if batch == 1 and cell in MILLISECONDS and rung:
        ms = sums[rung]["min"]
        yield [cell, "1", rung, f"{MILLISECONDS[cell]:.2f} ms at most, on an H200", f"{ms:.3f} ms",
               "met" if ms <= MILLISECONDS[cell] else "missed"]


def print_goals(measured):
    print("\n## Goals\n")
    print_head(GOALS_HEAD)
    for (cell, batch), sums in measured.items():
        for row in goal_rows(cell, batch, sums):
            print_row(row)


def profile(measured, arguments):
    """Where the device's time goes; the sum is more than a run, for nothing overlaps."""
    print("\n## Operations\n")
    print_head(["cell", "batch", "rung", "operation", "dispatches", "ms", "share"])
    for (cell, batch), sums in measured.items():
        if (rung := ours_of(sums)) is None:
            continue
        kind, _, words = CELLS[cell]
        command = [arguments.d2v, "bench", folder(arguments.work, kind, arguments.model_size), *words, "--batch",
                   str(batch), *d2v_options(rung, arguments), "--repeat", "3", "--profile", "--json"]
        lines = done(command, **d2v_how(rung, arguments)).stdout.splitlines()
        operations = [json.loads(line) for line in lines[1:]]
        total = sum(o["ms"] for o in operations)
        for o in [o for o in operations if o["ms"] > 0.005 * total]:
            print_row([cell, str(batch), rung, o["op"], str(o["dispatches"]), number(o["ms"], 3),
                       f"{100 * o['ms'] / total:.1f} %"])


def demand_models(arguments):
    for cell in arguments.cells:
        path = folder(arguments.work, CELLS[cell][0], arguments.model_size)
        if not os.path.exists(f"{path}/model.safetensors"):
            raise RuntimeError(f"there is no model in {path}: gpu.py make writes it")


def run(arguments):
    demand_models(arguments)
    side = TorchSide(arguments)
    peers, torch_lines = peers_here(side, arguments.peers)
    rungs, rung_lines = probe(arguments)
    print_facts([*d2v_facts(arguments), *vulkan_facts(), *driver_facts(), *torch_lines, *rung_lines])
    if not rungs:
        raise RuntimeError("the device runs none of the rungs; the facts say why")
    wrong = set() if arguments.skip_verify else verify(side, rungs, arguments)
    if arguments.what == "run":
        measure(side, rungs, peers, wrong, arguments)
    return 1 if any(engine in RUNGS for _, _, engine in wrong) else 0


def measure(side, rungs, peers, wrong, arguments):
    measured = {}
    print(f"## Times\n\nRounds: {arguments.rounds}, of {arguments.seconds:g} s of each engine. "
          "Ours is the fastest rung of 16 bit.\n")
    print_head(HEAD)
    for cell in arguments.cells:
        for batch in arguments.batches:
            right = [rung for rung in rungs if (cell, batch, rung) not in wrong]
            sums, peaks = measure_cell(cell, batch, right, peers, side, arguments)
            measured[cell, batch] = sums
            for row in times_rows(cell, batch, sums, peaks):
                print_row(row)
    print_goals(measured)
    if arguments.profile:
        profile(measured, arguments)


# ------------------------------------------------------------------- main --

def names(text):
    return text.split(",")


def numbers(text):
    return [int(part) for part in text.split(",")]


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["setup", "make", "verify", "run"])
    parser.add_argument("work")
    parser.add_argument("--cells", type=names, default=DEFAULT_CELLS)
    parser.add_argument("--batches", type=numbers, default=[1, 8, 64])
    parser.add_argument("--rungs", type=names, default=list(RUNGS))
    parser.add_argument("--peers", type=names, default=PEERS, help="also: torch-autotune, which takes minutes a cell")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=1, help="of runs of each engine in a round")
    parser.add_argument("--device", default="vulkan")
    parser.add_argument("--torch-device", default="cuda")
    parser.add_argument("--model-size", choices=["base", "tiny"], default="base")
    parser.add_argument("--limit", type=float, default=300, help="seconds for one start of d2v")
    parser.add_argument("--skip-verify", action="store_true")
    parser.add_argument("--profile", action="store_true", help="also the times of our operations")
    parser.add_argument("--d2v", default="build/tools/d2v")
    arguments = parser.parse_args()
    for name in arguments.rungs:
        if name not in RUNGS:
            parser.error(f"no rung {name}; there are {' '.join(RUNGS)}")
    arguments.cells = cells_of(arguments.cells)
    arguments.work = os.path.abspath(arguments.work)
    return arguments


def main():
    clean_environment()
    arguments = parse()
    try:
        return {"setup": set_up, "make": make}.get(arguments.what, run)(arguments)
    except (OSError, RuntimeError) as error:
        return f"gpu.py: {error}"


if __name__ == "__main__":
    sys.exit(main())
