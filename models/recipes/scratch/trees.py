"""The trees' activation in training from scratch, by the fastest kernel that computes what the plain version does."""

import functools
import sys

import torch
from torch.nn import functional as F

from distil.feedforward import PathKernel, Spec, kernel_agrees, plain_activation
from scratch import kernels

DEEPEST = 11  # leaves are kept as int16, and a level of a tree in a program's registers


class FromLeaves(torch.autograd.Function):
    """gelu on the paths and of the always-on part, z [tokens, spec.rows], with gradients of decisions
    (distil.feedforward.PathActivation) from one pass over each tree, from the leaves up."""

    @staticmethod
    def forward(ctx, z, spec, flip, tokens_a_program):
        a, leaf = torch.zeros_like(z), torch.empty(z.shape[0], spec.trees, dtype=torch.int16, device=z.device)
        kernels.trees_forward(z, a, leaf, spec)
        if spec.dense:
            a[:, -spec.dense :] = F.gelu(z[:, -spec.dense :])
        ctx.spec, ctx.flip, ctx.tokens_a_program = spec, flip, tokens_a_program
        ctx.save_for_backward(z, leaf)
        return a

    @staticmethod
    def backward(ctx, grad):
        (z, leaf), spec, grad = ctx.saved_tensors, ctx.spec, grad.contiguous()
        out = torch.zeros_like(z)
        kernels.trees_backward((z, grad, out, leaf), spec, ctx.flip, ctx.tokens_a_program)
        if spec.dense:
            out[:, -spec.dense :] = torch.ops.aten.gelu_backward(grad[:, -spec.dense :], z[:, -spec.dense :])
        return out, None, None, None


def agrees(spec: Spec, flip: float, device: torch.device, tokens_a_program: int) -> bool:
    z, g = torch.randn(2, 301, spec.rows, device=device)
    got = []
    for run in (plain_activation, lambda *a: FromLeaves.apply(*a, tokens_a_program)):
        leaf = z.clone().requires_grad_(True)
        a = run(leaf, spec, flip)
        a.backward(g)
        got.append((a.detach(), leaf.grad))
    return all(torch.allclose(fast, plain, rtol=1e-3, atol=1e-4) for plain, fast in zip(*got))


def milliseconds(run, spec: Spec, device: torch.device) -> float:
    """Of forward and backward on so many tokens that starting the kernels takes no time beside them."""
    z, g = torch.randn(2, 65536, spec.rows, device=device, dtype=torch.bfloat16)
    z.requires_grad_(True)
    events = [torch.cuda.Event(enable_timing=True) for _ in range(2)]
    for i in range(6):
        if i == 2:
            events[0].record()
        run(z).backward(g)
    events[1].record()
    torch.cuda.synchronize()
    return events[0].elapsed_time(events[1]) / 4


@functools.cache
def choose(spec: Spec, flip: float, device: torch.device):
    """The fastest function of z [tokens, spec.rows] here; says what it left out and why."""
    plain = lambda z: plain_activation(z, spec, flip)
    if device.type != "cuda":
        return plain
    with torch.random.fork_rng([device]), torch.enable_grad():
        found = {"plain": plain}
        if kernel_agrees(spec, flip, device):
            found = {"paths": lambda z: PathKernel.apply(z, spec, flip)}
        sizes = [t for t in (2, 4, 8, 16) if 512 <= t << spec.depth <= 4096] or [16]
        for size in sizes if flip > 0 and spec.depth <= DEEPEST else []:
            try:
                if agrees(spec, flip, device, size):
                    found[f"from the leaves, {size} tokens"] = lambda z, size=size: FromLeaves.apply(z, spec, flip, size)
                else:
                    print(f"{spec}: the kernel from the leaves, {size} tokens a program, differs: not used", file=sys.stderr)
            except Exception as problem:  # a slower run is better than none
                print(f"{spec}: without the kernel from the leaves ({type(problem).__name__}: {str(problem)[:200]})", file=sys.stderr)
        times = {name: milliseconds(run, spec, device) for name, run in found.items()}
    best = min(times, key=times.get)
    print(f"{spec}: {best}, of " + ", ".join(f"{n} {ms:.2f} ms" for n, ms in times.items()), flush=True)
    return found[best]


def activation(z: torch.Tensor, spec: Spec, flip: float) -> torch.Tensor:
    return choose(spec, flip, z.device)(z)
