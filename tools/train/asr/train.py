# SPDX-License-Identifier: LGPL-2.1-or-later
"""Train the recogniser: log-mel first, then letters by frame, then CTC too.

1. mel: the convolutions alone learn to give a log-mel spectrum. From random
   weights, frames and CTC hardly learn within an hour of processor time.
2. letters: cross-entropy of every frame against the aligned letter.
3. CTC is added to it. The cross-entropy stays: CTC alone would let each letter
   shrink to one late frame, and the word times would be wrong.

What is saved is a running mean of the weights.
"""
import argparse
import json
import math
import os
import time

import numpy as np
import torch
import torch.nn.functional as F

import data
import decode
import model as net


class MelTarget:
    """80 log-mel bands from the very samples each frame sees."""

    def __init__(self, bands=80):
        mel = lambda hz: 2595 * np.log10(1 + hz / 700)
        edges = 700 * (10 ** (np.linspace(mel(60), mel(7800), bands + 2)
                              / 2595) - 1)
        f = np.linspace(0, 8000, 257)[:, None]
        low, mid, high = edges[:-2], edges[1:-1], edges[2:]
        up, down = (f - low) / (mid - low), (high - f) / (high - mid)
        self.bank = torch.tensor(np.maximum(0, np.minimum(up, down)),
                                 dtype=torch.float32)

    def __call__(self, x, frames):
        # A 400-sample window lies in the middle of the 512 transformed.
        power = torch.stft(F.pad(x, (56, 512)), 512, 320, 400,
                           torch.hann_window(400), center=False,
                           return_complex=True).abs() ** 2
        y = torch.log(power.transpose(1, 2) @ self.bank + 1e-3)[:, :frames]
        return (y - y.mean((0, 1))) / (y.std((0, 1)) + 1e-5)


def window_frames(rng, short, long):
    """Lengths of windows, in steps of 0.32 s: each new shape costs time."""
    if short:
        seconds = rng.uniform(1, 5)
    elif rng.random() < long:
        seconds = rng.uniform(12, 30)
    else:
        seconds = math.exp(rng.uniform(math.log(0.6), math.log(12)))
    return max(2, round(seconds / 0.32)) * 16


def schedule(step, steps, warm):
    return min(1, (step + 1) / warm) * (
        0.49 * (1 + math.cos(math.pi * step / steps)) + 0.02)


def batches(windows, seconds, short, long=0.0):
    while True:
        frames = window_frames(windows.rng, short(), long)
        x, y, targets, lengths = windows.batch(
            frames, max(1, round(seconds * 50 / frames)))
        yield (torch.from_numpy(x), torch.from_numpy(y),
               torch.from_numpy(targets), torch.tensor(lengths))


def learn_mel(model, windows, steps):
    """Front end and projection; the projection keeps the learnt spectrum."""
    trunk, target = model.data2vec_audio, MelTarget()
    head = torch.nn.Linear(model.config.conv_dim[-1], 80)
    weights = (list(trunk.feature_extractor.parameters())
               + list(trunk.feature_projection.layer_norm.parameters())
               + list(head.parameters()))
    optimiser = torch.optim.AdamW(weights, betas=(0.9, 0.98), weight_decay=0)
    source, losses, begin = batches(windows, 16, lambda: True), [], time.time()
    for step in range(steps):
        for group in optimiser.param_groups:
            group["lr"] = 3e-3 * schedule(step, steps, 50)
        x = next(source)[0]
        with torch.autocast("cpu", torch.bfloat16):
            y = head(net.features(model, x)).float()
        loss = F.mse_loss(y, target(x, y.shape[1]))
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        optimiser.step()
        losses.append(loss.item())
        if (step + 1) % 50 == 0:
            print(f"mel {step + 1}: {np.mean(losses):.3f} of the variance "
                  f"left, {time.time() - begin:.0f} s", flush=True)
            losses = []
    with torch.no_grad():
        projection = trunk.feature_projection.projection
        turn = torch.nn.init.orthogonal_(
            torch.empty(model.config.hidden_size, 80))
        projection.weight.copy_(turn @ head.weight)
        projection.bias.copy_(turn @ head.bias)


def learn_words(model, windows, args):
    plain = [p for p in model.parameters() if p.dim() <= 1]
    decay = [p for p in model.parameters() if p.dim() > 1]
    optimiser = torch.optim.AdamW(
        [dict(params=decay, weight_decay=0.02),
         dict(params=plain, weight_decay=0)],
        betas=(0.9, 0.98), fused=True)
    mean = {n: p.detach().clone() for n, p in model.named_parameters()}
    step = 0
    state = os.path.join(args.folder, "state.pt")
    if args.resume:
        saved = torch.load(state)
        model.load_state_dict(saved["model"])
        optimiser.load_state_dict(saved["optimiser"])
        mean, step = saved["mean"], saved["step"]
    source = batches(windows, args.seconds, lambda: step < args.letters,
                     args.long)
    begin, cpu, heard, log = time.time(), time.process_time(), 0.0, []
    model.train()
    stop = min(args.steps, args.stop or args.steps)
    while step < stop:
        for group in optimiser.param_groups:
            group["lr"] = args.rate * schedule(step, args.steps, 200)
        x, y, targets, lengths = next(source)
        logits = net.forward(model, x)
        frame = F.cross_entropy(logits.flatten(0, 1), y.flatten(),
                                ignore_index=-100)
        loss, ctc = frame, torch.zeros(())
        if step >= args.letters:
            b, t, _ = logits.shape
            ctc = F.ctc_loss(F.log_softmax(logits, -1).transpose(0, 1),
                             targets, torch.full((b,), t), lengths,
                             reduction="sum", zero_infinity=True)
            ctc = ctc / (lengths.sum() + b)
            loss = frame + args.ctc * ctc
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        if torch.isfinite(norm):
            optimiser.step()
        step += 1
        keep = min(0.998, 1 - 1 / (step + 1))
        with torch.no_grad():
            torch._foreach_lerp_(list(mean.values()),
                                 list(model.parameters()), 1 - keep)
        heard += x.numel() / 16000
        log.append((frame.item(), ctc.item()))
        if step % 50 == 0:
            used, wall = time.process_time() - cpu, time.time() - begin
            a, c = np.mean(log, 0)
            log = []
            print(f"{step}: frames {a:.3f} ctc {c:.3f}, {heard / 3600:.1f} h "
                  f"in {wall:.0f} s, {used:.0f} of the processor", flush=True)
        if step % args.save == 0 or step == stop:
            torch.save(dict(model=model.state_dict(), mean=mean, step=step,
                            optimiser=optimiser.state_dict()), state)
            best = net.create()
            best.load_state_dict({**model.state_dict(), **mean})
            best.eval()
            best.save_pretrained(os.path.join(args.folder, "model"))
            wrong, total = 0, 0
            for sound, text in args.held:
                got = decode.text(decode.ids(best, sound))
                wrong += decode.distance(text.split(), got.split())
                total += len(text.split())
            print(f"  {step}: {100 * wrong / total:.1f} % of words wrong; "
                  f"{text} -> {got}", flush=True)


def main():
    parser = argparse.ArgumentParser()
    add = parser.add_argument
    add("speech", help="the folder data.py made")
    add("folder", help="where the model goes")
    add("--mel", type=int, default=500, help="steps for the front end alone")
    add("--letters", type=int, default=600, help="steps without CTC")
    add("--steps", type=int, default=9000, help="steps in all, after mel")
    add("--seconds", type=float, default=32, help="speech in a step")
    add("--rate", type=float, default=1.2e-3)
    add("--ctc", type=float, default=0.5, help="weight of CTC")
    add("--long", type=float, default=0.04, help="share of 12-30 s windows")
    add("--stop", type=int, help="stop early, to go on with --resume")
    add("--save", type=int, default=500)
    add("--seed", type=int, default=0)
    add("--threads", type=int, default=2)
    add("--resume", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    os.makedirs(args.folder, exist_ok=True)
    with open(os.path.join(args.folder, "arguments.json"), "a") as f:
        json.dump(vars(args), f, indent=1)
    args.held = decode.held_out(data.speech.VOICES, 64, seed=5)
    windows = data.Windows(data.Speech(args.speech),
                           args.seed + (args.resume and 1000))
    model = net.create()
    if not args.resume:
        learn_mel(model, windows, args.mel)
    learn_words(model, windows, args)


if __name__ == "__main__":
    main()
