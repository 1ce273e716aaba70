"""Triton kernels of training from scratch: layer norm, the trees' activation with its gradients from the leaves up, AdamW.

Sums are fp32 whatever the tensors are. The tests compare each kernel with a plain version.
"""

import torch
import triton
import triton.language as tl

from distil.path_kernel import BLOCK, gelu, slope


@triton.jit
def tree_forward(z, a, leaf, pairs, stride, TREES: tl.constexpr, NODES: tl.constexpr, DEPTH: tl.constexpr, SIZE: tl.constexpr):
    """gelu(z) on the paths into a zeroed `a`; `leaf` [tokens, trees] keeps the leaf that a path ends at."""
    pair = tl.program_id(0) * SIZE + tl.arange(0, SIZE)
    inside = pair < pairs
    base = (pair // TREES).to(tl.int64) * stride + (pair % TREES) * NODES
    node = tl.zeros((SIZE,), tl.int32)
    for level in range(DEPTH + 1):
        v = tl.load(z + base + node, mask=inside, other=0.0).to(tl.float32)
        tl.store(a + base + node, gelu(v).to(a.dtype.element_ty), mask=inside)
        if level == DEPTH:
            tl.store(leaf + pair, (node - ((1 << DEPTH) - 1)).to(tl.int16), mask=inside)
        node = 2 * node + 1 + (v > 0).to(tl.int32)


@triton.jit
def tree_backward(z, grad, out, leaf, tokens, stride, flip, TREES: tl.constexpr, NODES: tl.constexpr, DEPTH: tl.constexpr,
                  T: tl.constexpr):
    """Into a zeroed `out`. A program takes T tokens and one tree, level by level from the leaves: `value` is what each
    subtree's own path would add to the loss, so that right less left is what a decision would change."""
    tree, token = tl.program_id(0) % TREES, (tl.program_id(0) // TREES) * T + tl.arange(0, T)
    inside = token < tokens
    first = (tl.program_id(0) // TREES).to(tl.int64) * T * stride + tree * NODES
    z, grad, out = z + first, grad + first, out + first
    base = tl.arange(0, T) * stride
    end = tl.load(leaf + token * TREES + tree, mask=inside, other=0).to(tl.int32)
    LEAVES: tl.constexpr = 1 << DEPTH
    column = tl.arange(0, LEAVES)
    at = base[:, None] + (LEAVES - 1) + column[None, :]
    v = tl.load(z + at, mask=inside[:, None], other=0.0).to(tl.float32)
    g = tl.load(grad + at, mask=inside[:, None], other=0.0).to(tl.float32)
    value = gelu(v) * g
    here = base + (LEAVES - 1) + end
    v1 = tl.load(z + here, mask=inside, other=0.0).to(tl.float32)
    g1 = tl.load(grad + here, mask=inside, other=0.0).to(tl.float32)
    tl.store(out + here, (slope(v1) * g1).to(out.dtype.element_ty), mask=inside)
    for k in tl.static_range(DEPTH):
        left, right = tl.split(tl.reshape(value, (T, 1 << (DEPTH - 1 - k), 2)))
        column = tl.arange(0, 1 << (DEPTH - 1 - k))
        at = base[:, None] + ((1 << (DEPTH - 1 - k)) - 1) + column[None, :]
        v = tl.load(z + at, mask=inside[:, None], other=0.0).to(tl.float32)
        g = tl.load(grad + at, mask=inside[:, None], other=0.0).to(tl.float32)
        value = gelu(v) * g + tl.where(v > 0, right, left)
        on_path = column[None, :] == (end >> (k + 1))[:, None]
        difference = tl.sum(tl.where(on_path, right - left, 0.0), 1)
        here = base + ((1 << (DEPTH - 1 - k)) - 1) + (end >> (k + 1))
        v1 = tl.load(z + here, mask=inside, other=0.0).to(tl.float32)
        g1 = tl.load(grad + here, mask=inside, other=0.0).to(tl.float32)
        s = 1.0 / (1.0 + tl.exp(-v1 / flip))
        d = slope(v1) * g1 + difference * s * (1.0 - s) / flip
        tl.store(out + here, d.to(out.dtype.element_ty), mask=inside)


def trees_forward(z, a, leaf, spec) -> None:
    """z, a: [tokens, spec.rows], the trees' columns first; a zeroed; leaf: int16 [tokens, spec.trees]."""
    pairs = z.shape[0] * spec.trees
    tree_forward[(-(-pairs // BLOCK),)](z, a, leaf, pairs, z.stride(0), TREES=spec.trees, NODES=spec.rows_per_tree,
                                       DEPTH=spec.depth, SIZE=BLOCK, num_warps=4)


def trees_backward(tensors, spec, flip: float, tokens_a_program: int) -> None:
    """`tensors`: z, grad, out (zeroed) [tokens, spec.rows] and leaf of trees_forward."""
    z = tensors[0]
    grid = (-(-z.shape[0] // tokens_a_program) * spec.trees,)
    tree_backward[grid](*tensors, z.shape[0], z.stride(0), flip, TREES=spec.trees, NODES=spec.rows_per_tree, DEPTH=spec.depth,
                        T=tokens_a_program, num_warps=4)


@triton.jit
def norm_forward(x, w, b, y, stats, n, eps, H: tl.constexpr, SIZE: tl.constexpr, R: tl.constexpr):
    row, column = tl.program_id(0) * R + tl.arange(0, R), tl.arange(0, SIZE)
    ok = (row[:, None] < n) & (column[None, :] < H)
    at = row.to(tl.int64)[:, None] * H + column[None, :]
    v = tl.load(x + at, mask=ok, other=0.0).to(tl.float32)
    mean = tl.sum(v, 1) / H
    c = tl.where(ok, v - mean[:, None], 0.0)
    rstd = 1.0 / tl.sqrt(tl.sum(c * c, 1) / H + eps)
    weight = tl.load(w + column, mask=column < H, other=0.0).to(tl.float32)
    bias = tl.load(b + column, mask=column < H, other=0.0).to(tl.float32)
    tl.store(y + at, (c * rstd[:, None] * weight[None, :] + bias[None, :]).to(y.dtype.element_ty), mask=ok)
    tl.store(stats + row * 2, mean, mask=row < n)
    tl.store(stats + row * 2 + 1, rstd, mask=row < n)


@triton.jit
def norm_backward(x, w, dy, dx, stats, parts, n, H: tl.constexpr, SIZE: tl.constexpr, R: tl.constexpr):
    """dx, and each program's sums for the weight and the bias: parts [programs, 2, H]."""
    column = tl.arange(0, SIZE)
    weight = tl.load(w + column, mask=column < H, other=0.0).to(tl.float32)
    dw, db = tl.zeros((R, SIZE), tl.float32), tl.zeros((R, SIZE), tl.float32)
    for start in range(tl.program_id(0) * R, n, tl.num_programs(0) * R):
        row = start + tl.arange(0, R)
        ok = (row[:, None] < n) & (column[None, :] < H)
        at = row.to(tl.int64)[:, None] * H + column[None, :]
        v = tl.load(x + at, mask=ok, other=0.0).to(tl.float32)
        d = tl.load(dy + at, mask=ok, other=0.0).to(tl.float32)
        mean = tl.load(stats + row * 2, mask=row < n, other=0.0)
        rstd = tl.load(stats + row * 2 + 1, mask=row < n, other=0.0)
        hat = tl.where(ok, (v - mean[:, None]) * rstd[:, None], 0.0)
        dw += d * hat
        db += d
        d = d * weight[None, :]
        c1, c2 = tl.sum(d * hat, 1) / H, tl.sum(d, 1) / H
        tl.store(dx + at, ((d - hat * c1[:, None] - c2[:, None]) * rstd[:, None]).to(dx.dtype.element_ty), mask=ok)
    at = tl.program_id(0) * 2 * H + column
    tl.store(parts + at, tl.sum(dw, 0), mask=column < H)
    tl.store(parts + at + H, tl.sum(db, 0), mask=column < H)


class LayerNorm(torch.autograd.Function):
    """Layer norm over the last dimension of x [n, H]."""

    @staticmethod
    def forward(ctx, x, w, b, eps):
        x = x.contiguous()
        n, width = x.shape
        y, stats = torch.empty_like(x), torch.empty(n, 2, device=x.device)
        norm_forward[(-(-n // 4),)](x, w, b, y, stats, n, eps, H=width, SIZE=triton.next_power_of_2(width), R=4, num_warps=4)
        ctx.save_for_backward(x, w, stats)
        return y

    @staticmethod
    def backward(ctx, dy):
        x, w, stats = ctx.saved_tensors
        n, width = x.shape
        programs = min(-(-n // 4), 1056)  # 8 for each of 132 multiprocessors
        dx, parts = torch.empty_like(x), torch.empty(programs, 2, width, device=x.device)
        norm_backward[(programs,)](x, w, dy.contiguous(), dx, stats, parts, n, H=width, SIZE=triton.next_power_of_2(width), R=4,
                                   num_warps=4)
        dw, db = parts.sum(0).to(w.dtype).unbind(0)
        return dx, dw, db, None


@triton.jit
def adamw_step(master, weights, grad, m, v, table, t, clip, n, decayed, decay, B1, B2, EPS, SIZE: tl.constexpr):
    at = tl.program_id(0) * SIZE + tl.arange(0, SIZE)
    inside = at < n
    now = tl.load(t)
    rate, c1, c2 = tl.load(table + now * 3), tl.load(table + now * 3 + 1), tl.load(table + now * 3 + 2)
    g = tl.load(grad + at, mask=inside, other=0.0).to(tl.float32) * tl.load(clip)
    a = B1 * tl.load(m + at, mask=inside, other=0.0) + (1.0 - B1) * g
    b = B2 * tl.load(v + at, mask=inside, other=0.0) + (1.0 - B2) * g * g
    p = tl.load(master + at, mask=inside, other=0.0)
    p = p * (1.0 - tl.where(at < decayed, rate * decay, 0.0)) - rate * (a / c1) / (tl.sqrt(b) / c2 + EPS)
    tl.store(m + at, a, mask=inside)
    tl.store(v + at, b, mask=inside)
    tl.store(master + at, p, mask=inside)
    tl.store(weights + at, p.to(weights.dtype.element_ty), mask=inside)


def adamw(flat, table, t, clip, decay: float, betas) -> None:
    """One step on trainer.Flat; table [steps, 3]: rate, 1 - beta1^t, sqrt(1 - beta2^t); t, clip: tensors of one number."""
    n = len(flat.master)
    adamw_step[(-(-n // 1024),)](flat.master, flat.weights, flat.grad, flat.m, flat.v, table, t, clip, n, flat.decayed, decay,
                                 *betas, 1e-8, SIZE=1024, num_warps=4)
