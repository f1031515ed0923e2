# SPDX-License-Identifier: LGPL-2.1-or-later
"""PyTorch's side of gpu.py: one process for all cells, for starting CUDA and compiling take long.

    torch_side.py DEVICE WORK SIZE      reads a JSON object a line, {"do": METHOD OF Side, ...}, and answers with one

A measured run goes as ours does, from host memory to host memory; the device's own time beside it is that of the model
alone, its input already there. Inputs are 16 bit and all host memory is pinned, the best that PyTorch can have.
"""

import gc
import json
import os
import sys
import time

import torch
import transformers

sys.dont_write_bytecode = True
from cells import CELLS, TEXT, folder, logits_only, model_class, one_input  # noqa: E402

WARM_UP = 5  # CUDA graphs are recorded in the second run, or the third
LARGEST_DIFFERENCE = 2e-2  # of two ways to compute the same in 16 bit, to the largest value
PEAK = {"cuda": (4096, torch.float16), "cpu": (1024, torch.float32)}


transformers.utils.logging.disable_progress_bar()


def load(work, kind, size, dtype):
    return logits_only(model_class(kind).from_pretrained(
        folder(work, kind, size), dtype=dtype, attn_implementation="sdpa").eval())


def difference(found, truth):
    return ((found.double() - truth.double()).abs().max() / truth.double().abs().max()).item()


class Side:
    def __init__(self, device, work, size):
        self.device, self.work, self.size = torch.device(device), work, size
        self.on_cuda = self.device.type == "cuda"
        self.at = self.kind = self.model = None
        self.functions = {}
        # Shapes never change: let cuDNN try what is fastest.
        torch.backends.cudnn.benchmark = True

    # ------------------------------------------------------------- facts --

    def facts(self):
        lines = [f"PyTorch {torch.__version__}, CUDA {torch.version.cuda}, cuDNN {torch.backends.cudnn.version()}"]
        if self.on_cuda:
            p = torch.cuda.get_device_properties(self.device)
            lines.append(f"{p.name}, compute capability {p.major}.{p.minor}, {p.multi_processor_count} "
                         f"multiprocessors, {p.total_memory >> 20} MiB, {p.L2_cache_size >> 20} MiB of L2, "
                         f"shared memory {p.shared_memory_per_block} bytes a block, "
                         f"{p.shared_memory_per_block_optin} on request, warps of {p.warp_size}, uuid {p.uuid}")
        return {"lines": lines, "cuda": self.on_cuda}

    def peak(self):
        """TFLOP/s of one square product, the best of 20: was anything else going on?"""
        n, dtype = PEAK[self.device.type]
        a = torch.randn(n, n, device=self.device, dtype=dtype)
        best = min(self.timed(lambda: a @ a)[0] for _ in range(20))
        return {"tflops": 2 * n ** 3 / best / 1e9}

    # ------------------------------------------------------------- answers --

    def truth(self, cell, inputs, outputs):
        """In 64 bit on the processor."""
        self.store(load(self.work, CELLS[cell][0], self.size, torch.float32).double()(
            self.stored(inputs, torch.float64)), outputs)
        return {}

    def answer(self, cell, inputs, outputs):
        """What 16 bit make of it here, without compiling."""
        self.take_model(CELLS[cell][0])
        self.store(self.model(self.stored(inputs, torch.float16).to(self.device)), outputs)
        return {}

    @staticmethod
    def stored(path, dtype):
        import safetensors.torch

        x, = safetensors.torch.load_file(path).values()
        return x.to(dtype) if x.is_floating_point() else x

    @staticmethod
    def store(y, path):
        import safetensors.torch

        safetensors.torch.save_file({"logits": y.float().cpu().contiguous()}, path)

    # -------------------------------------------------------------- engines --

    def eager(self):
        return self.model

    def compiled(self, **mode):
        return torch.compile(self.model, dynamic=False, **mode)

    def with_graphs(self, mode):
        compiled = self.compiled(mode=mode)

        def run(x):
            torch.compiler.cudagraph_mark_step_begin()
            return compiled(x)
        return run

    def graphs(self):
        return self.with_graphs("reduce-overhead")

    def autotuned(self):
        return self.with_graphs("max-autotune")

    def replayed(self):
        """The compiled model recorded by hand: no line of Python is left between its kernels."""
        compiled, graph = self.compiled(), torch.cuda.CUDAGraph()
        # Compiling and choosing kernels cannot be recorded, so that comes first, on another stream as CUDA demands.
        aside = torch.cuda.Stream()
        aside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(aside):
            for _ in range(WARM_UP):
                compiled(self.x)
        torch.cuda.current_stream().wait_stream(aside)
        with torch.cuda.graph(graph):
            y = compiled(self.x)

        def run(_):
            graph.replay()
            return y
        return run

    # ------------------------------------------------------------ measuring --

    def take_model(self, kind):
        if self.kind != kind:
            self.model = None
            self.model = load(self.work, kind, self.size, torch.float16).to(self.device)
            self.kind = kind

    def enter(self, cell, batch):
        """Forgets what was compiled for other shapes, and places the input of this one."""
        self.at = None
        self.functions.clear()
        torch.compiler.reset()
        gc.collect()
        if self.on_cuda:
            torch.cuda.empty_cache()
        kind, shape, _ = CELLS[cell]
        self.take_model(kind)
        x = torch.from_numpy(one_input(kind, (batch, *shape[1:])))
        self.host_x = self.pinned(x if kind == TEXT else x.half())
        self.x = self.host_x.to(self.device)
        y = self.model(self.x)
        self.host_y = self.pinned(torch.empty(y.shape, dtype=y.dtype))
        self.eager = y.clone()
        self.at = (cell, batch)

    def pinned(self, t):
        return t.pin_memory() if self.on_cuda else t

    def prepare(self, cell, batch, engine):
        began = time.perf_counter()
        if self.at != (cell, batch):
            self.enter(cell, batch)
        skips = self.n_skips()
        run = ENGINES[engine](self)
        for _ in range(WARM_UP):
            self.one_run(run)
        off = difference(self.host_y, self.eager.cpu())
        if not off <= LARGEST_DIFFERENCE:
            raise RuntimeError(f"its answer is off by {off:.1e} of the largest value")
        self.functions[engine] = run
        return {"load_ms": 1e3 * (time.perf_counter() - began), "graph_skips": self.n_skips() - skips}

    @staticmethod
    def n_skips():
        """Compiling for CUDA graphs leaves them out where it cannot have them, and goes on."""
        from torch._dynamo.utils import counters

        return counters["inductor"]["cudagraph_skips"]

    def measure(self, engine, seconds):
        if engine not in self.functions:
            raise RuntimeError("it is not prepared, for the process was started anew")
        times, device, until = [], [], time.perf_counter() + seconds
        while len(times) < 3 or time.perf_counter() < until:
            wall_ms, device_ms = self.one_run(self.functions[engine])
            times.append(wall_ms)
            device.append(device_ms)
        return {"times_ms": times, "device_ms": device if self.on_cuda else None}

    def one_run(self, run):
        began = time.perf_counter()
        self.x.copy_(self.host_x, non_blocking=True)
        marks = self.mark()
        y = run(self.x)
        marks += self.mark()
        self.host_y.copy_(y, non_blocking=True)
        self.wait()
        return 1e3 * (time.perf_counter() - began), marks[0].elapsed_time(marks[1]) if marks else None

    def timed(self, run):
        """Milliseconds of run() by the device's clock, or by ours where it has none; and its result."""
        self.wait()
        began, marks = time.perf_counter(), self.mark()
        y = run()
        marks += self.mark()
        self.wait()
        return marks[0].elapsed_time(marks[1]) if marks else 1e3 * (time.perf_counter() - began), y

    def mark(self):
        if not self.on_cuda:
            return []
        event = torch.cuda.Event(enable_timing=True)
        event.record()
        return [event]

    def wait(self):
        if self.on_cuda:
            torch.cuda.synchronize(self.device)


ENGINES = {"torch": Side.eager, "torch-compile": Side.compiled, "torch-graphs": Side.graphs,
           "torch-replay": Side.replayed, "torch-autotune": Side.autotuned}


def main():
    side = Side(*sys.argv[1:])
    # Libraries print what they like, but not among the answers.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for line in sys.stdin:
        request = json.loads(line)
        try:
            with torch.inference_mode():
                found = getattr(side, request.pop("do"))(**request)
        except Exception as error:  # whatever it is, the other engines go on
            found = {"error": f"{type(error).__name__}: {str(error).strip().splitlines()[0] if str(error) else ''}"}
        print(json.dumps(found), file=answers, flush=True)


if __name__ == "__main__":
    main()
