"""Triton kernels of feedforward.PathActivation for trees whose leaves are one neuron: one walk instead of thirty passes.

A thread takes one (token, tree) pair, walks its path and writes the path's entries of a zeroed tensor. Backward walks
again; with gradients of decisions it also walks, from every decision, the path that the token would have taken. Sums
are fp32 whatever the tensors are.
"""

import triton
import triton.language as tl

BLOCK = 128


@triton.jit
def gelu(v):
    return 0.5 * v * (1.0 + tl.erf(v * 0.7071067811865476))


@triton.jit
def slope(v):
    """d gelu / dv"""
    return 0.5 * (1.0 + tl.erf(v * 0.7071067811865476)) + v * 0.3989422804014327 * tl.exp(-0.5 * v * v)


@triton.jit
def forward(z, a, pairs, stride, TREES: tl.constexpr, NODES: tl.constexpr, DEPTH: tl.constexpr, SIZE: tl.constexpr):
    pair = tl.program_id(0) * SIZE + tl.arange(0, SIZE)
    inside = pair < pairs
    base = (pair // TREES).to(tl.int64) * stride + (pair % TREES) * NODES
    node = tl.zeros((SIZE,), tl.int32)
    for _ in range(DEPTH + 1):
        v = tl.load(z + base + node, mask=inside, other=0.0).to(tl.float32)
        tl.store(a + base + node, gelu(v).to(a.dtype.element_ty), mask=inside)
        node = 2 * node + 1 + (v > 0).to(tl.int32)


@triton.jit
def backward(z, grad, out, pairs, stride, flip, TREES: tl.constexpr, NODES: tl.constexpr, DEPTH: tl.constexpr,
             FLIP: tl.constexpr, SIZE: tl.constexpr):
    pair = tl.program_id(0) * SIZE + tl.arange(0, SIZE)
    inside = pair < pairs
    base = (pair // TREES).to(tl.int64) * stride + (pair % TREES) * NODES
    below = tl.zeros((SIZE,), tl.float32)  # change of the loss by the rest of the path that was taken
    node = tl.zeros((SIZE,), tl.int32)
    if FLIP:
        for _ in range(DEPTH + 1):
            v = tl.load(z + base + node, mask=inside, other=0.0).to(tl.float32)
            g = tl.load(grad + base + node, mask=inside, other=0.0).to(tl.float32)
            below += gelu(v) * g
            node = 2 * node + 1 + (v > 0).to(tl.int32)
        node = tl.zeros((SIZE,), tl.int32)
    for level in range(DEPTH + 1):
        v = tl.load(z + base + node, mask=inside, other=0.0).to(tl.float32)
        g = tl.load(grad + base + node, mask=inside, other=0.0).to(tl.float32)
        d = slope(v) * g
        right = (v > 0).to(tl.int32)
        if FLIP:
            below -= gelu(v) * g
            other = 2 * node + 2 - right
            turned = tl.zeros((SIZE,), tl.float32)
            for _ in range(DEPTH - level):
                v2 = tl.load(z + base + other, mask=inside, other=0.0).to(tl.float32)
                g2 = tl.load(grad + base + other, mask=inside, other=0.0).to(tl.float32)
                turned += gelu(v2) * g2
                other = 2 * other + 1 + (v2 > 0).to(tl.int32)
            s = 1.0 / (1.0 + tl.exp(-v / flip))
            gain = tl.where(right > 0, below - turned, turned - below) * s * (1.0 - s) / flip
            d += tl.where(level < DEPTH, gain, 0.0)
        tl.store(out + base + node, d.to(out.dtype.element_ty), mask=inside)
        node = 2 * node + 1 + right


def launch(kernel, tensors, spec, *flip):
    """`tensors`: [tokens, rows] of one layout, the last zeroed; their first columns are the trees'."""
    pairs = tensors[0].shape[0] * spec.trees
    more = {"FLIP": flip[0] > 0} if flip else {}
    kernel[(-(-pairs // BLOCK),)](*tensors, pairs, tensors[0].stride(0), *flip, TREES=spec.trees,
                                  NODES=spec.rows_per_tree, DEPTH=spec.depth, SIZE=BLOCK, num_warps=4, **more)
