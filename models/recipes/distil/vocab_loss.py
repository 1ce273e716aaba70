"""Cross entropy, and distillation, over a vocabulary in one kernel: loss and gradient without fp32 copies of the logits.

`vocabulary_loss(logits, labels, goal, temperature, hard)` is t^2 KL(goal || logits at temperature t) + hard x cross entropy,
mean over rows; without `goal` the cross entropy alone. `width`: how many columns count, where others only fill up (their
gradient is 0). A program takes a row three times: its largest logit, sums, then loss and gradient.
"""

import functools
import sys

import torch
import triton
import triton.language as tl
from torch.nn import functional as F


@triton.jit
def kernel(logits, goal, labels, grad, loss, width, stride, inv_t, hard, scale, SOFT: tl.constexpr, SIZE: tl.constexpr):
    row = tl.program_id(0)
    base = row.to(tl.int64) * stride
    column = tl.arange(0, SIZE)
    top = tl.full((), float("-inf"), tl.float32)
    top_goal = tl.full((), float("-inf"), tl.float32)
    for start in range(0, width, SIZE):
        inside = start + column < width
        x = tl.load(logits + base + start + column, mask=inside, other=float("-inf")).to(tl.float32)
        top = tl.maximum(top, tl.max(x, 0))
        if SOFT:
            y = tl.load(goal + base + start + column, mask=inside, other=float("-inf")).to(tl.float32)
            top_goal = tl.maximum(top_goal, tl.max(y, 0))
    total = tl.zeros((), tl.float32)
    total_soft = tl.zeros((), tl.float32)
    total_goal = tl.zeros((), tl.float32)
    for start in range(0, width, SIZE):
        inside = start + column < width
        x = tl.load(logits + base + start + column, mask=inside, other=float("-inf")).to(tl.float32) - top
        total += tl.sum(tl.exp(x), 0)
        if SOFT:
            y = tl.load(goal + base + start + column, mask=inside, other=float("-inf")).to(tl.float32) - top_goal
            total_soft += tl.sum(tl.exp(x * inv_t), 0)
            total_goal += tl.sum(tl.exp(y * inv_t), 0)
    label = tl.load(labels + row)
    soft = tl.zeros((), tl.float32)
    for start in range(0, stride, SIZE):
        inside = start + column < width
        x = tl.load(logits + base + start + column, mask=inside, other=0.0).to(tl.float32) - top
        g = hard * (tl.exp(x) / total - tl.where(start + column == label, 1.0, 0.0))
        if SOFT:
            y = tl.load(goal + base + start + column, mask=inside, other=0.0).to(tl.float32) - top_goal
            p, q = x * inv_t - tl.log(total_soft), y * inv_t - tl.log(total_goal)
            soft += tl.sum(tl.where(inside, tl.exp(q) * (q - p), 0.0), 0)
            g += (tl.exp(p) - tl.exp(q)) / inv_t
        g = tl.where(inside, g * scale, 0.0)
        tl.store(grad + base + start + column, g.to(grad.dtype.element_ty), mask=start + column < stride)
    x = tl.load(logits + base + label).to(tl.float32)
    tl.store(loss + row, hard * (tl.log(total) + top - x) + soft / (inv_t * inv_t))


class Fused(torch.autograd.Function):
    @staticmethod
    def forward(ctx, logits, labels, goal, temperature, hard, width):
        logits = logits.contiguous()
        grad, loss = torch.empty_like(logits), torch.empty(len(logits), device=logits.device)
        soft = goal is not None
        kernel[(len(logits),)](logits, goal.contiguous() if soft else logits, labels, grad, loss, width,
                               logits.shape[1], 1.0 / temperature, hard, 1.0 / len(logits), SOFT=soft, SIZE=4096, num_warps=8)
        ctx.save_for_backward(grad)
        return loss.mean()

    @staticmethod
    def backward(ctx, upstream):
        return ctx.saved_tensors[0] * upstream.to(ctx.saved_tensors[0].dtype), None, None, None, None, None


def plain(logits, labels, goal=None, temperature=1.0, hard=1.0, width=None):
    logits, goal = logits[:, :width].float(), None if goal is None else goal[:, :width]
    loss = hard * F.cross_entropy(logits, labels)
    if goal is None:
        return loss
    t = temperature
    return loss + t * t * F.kl_div(F.log_softmax(logits / t, -1), F.log_softmax(goal.float() / t, -1),
                                   reduction="none", log_target=True).sum(-1).mean()


@functools.cache
def agrees(device: torch.device) -> bool:
    """Whether the kernel computes on this GPU what the plain version does; says so where not."""
    if device.type != "cuda":
        return False
    try:
        with torch.random.fork_rng([device]), torch.enable_grad():
            x, y = torch.randn(2, 40, 9001, device=device)
            labels = torch.randint(9001, (40,), device=device)
            for more in ((None, 1.0, 1.0, 8998), (y, 2.0, 0.3, 9001)):
                got = []
                for run in (plain, Fused.apply):
                    leaf = x.clone().requires_grad_(True)
                    loss = run(leaf, labels, *more)
                    loss.backward()
                    got.append((loss.detach(), leaf.grad))
                torch.testing.assert_close(got[1], got[0], rtol=1e-3, atol=1e-6)
        return True
    except Exception as problem:  # a slower run is better than none
        print(f"without the vocabulary kernel ({type(problem).__name__}: {str(problem)[:200]})", file=sys.stderr)
        return False


def vocabulary_loss(logits, labels, goal=None, temperature=1.0, hard=1.0, width=None):
    if agrees(logits.device):
        return Fused.apply(logits, labels, goal, temperature, hard, width or logits.shape[1])
    return plain(logits, labels, goal, temperature, hard, width)
