"""Feedforward layers of a student: none, dense, or fast feedforward (FFF) trees.

A specification is one short word, the same in file names, tables and command lines:

    none         no feedforward at all (control)
    d64          dense, 64 neurons
    f8d7         8 trees of depth 7: a path visits 8 nodes of 255 in each tree
    f1d5l64      1 tree of depth 5 whose 32 leaves are blocks of 64 neurons
    f4d7+32      4 trees of depth 7 beside 32 neurons that are always on

A tree of depth D has 2^D - 1 inner nodes and 2^D leaves. An inner node is a neuron that also decides:
z = w.x + b adds gelu(z) * out and sends the token to the right child where z > 0. A leaf is `leaf_width`
neurons and decides nothing. With leaf_width 1 this is exactly the tree of UltraFastBERT (arXiv 2311.10770);
wider leaves are those of the first FFF paper (arXiv 2308.14711). The rows of `linear_in`: for each tree its inner
nodes in heap order (children of n are 2n+1, 2n+2), then its leaves, `leaf_width` rows each; after the trees
the always-on neurons.
"""

import dataclasses
import functools
import re
import sys

import torch
from torch import nn
from torch.nn import functional as F

from distil.int8 import Product, TreeOutput


@dataclasses.dataclass(frozen=True)
class Spec:
    """What stands in the place of a feedforward layer."""

    trees: int = 0
    depth: int = 0
    leaf_width: int = 1
    dense: int = 0  # always-on neurons: all of a dense layer, or beside the trees

    @staticmethod
    def parse(text: str) -> "Spec":
        if text == "none":
            return Spec()
        if m := re.fullmatch(r"d(\d+)", text):
            return Spec(dense=int(m[1]))
        if m := re.fullmatch(r"f(\d+)d(\d+)(?:l(\d+))?(?:\+(\d+))?", text):
            return Spec(int(m[1]), int(m[2]), int(m[3] or 1), int(m[4] or 0))
        raise ValueError(f"feedforward {text!r} is none of: none, d64, f8d7, f1d5l64, f4d7+32")

    def __str__(self) -> str:
        if not self.trees:
            return f"d{self.dense}" if self.dense else "none"
        leaf = f"l{self.leaf_width}" if self.leaf_width > 1 else ""
        return f"f{self.trees}d{self.depth}{leaf}" + (f"+{self.dense}" if self.dense else "")

    @property
    def inner(self) -> int:
        """Deciding nodes of one tree."""
        return 2**self.depth - 1

    @property
    def rows_per_tree(self) -> int:
        return self.inner + 2**self.depth * self.leaf_width

    @property
    def rows(self) -> int:
        """Neurons in all."""
        return self.trees * self.rows_per_tree + self.dense

    @property
    def active(self) -> int:
        """Neurons that one token pays for."""
        return self.trees * (self.depth + self.leaf_width) + self.dense

    def config(self) -> dict:
        """The entry `feed_forward` of config.json, for layers with trees."""
        entry = {"type": "fff", "depth": self.depth, "trees": self.trees}
        if self.leaf_width > 1:
            entry["leaf_width"] = self.leaf_width
        if self.dense:
            entry["dense_width"] = self.dense
        return entry


def walk(z: torch.Tensor, spec: Spec) -> torch.Tensor:
    """Rows on each token's paths. z [N, trees, rows_per_tree] -> [N, trees, depth + leaf_width] (int64)."""
    node = torch.zeros(z.shape[:2], dtype=torch.int64, device=z.device)
    path = []
    for _ in range(spec.depth):
        path.append(node)
        right = z.gather(2, node.unsqueeze(2)).squeeze(2) > 0
        node = 2 * node + 1 + right
    first = spec.inner + (node - spec.inner) * spec.leaf_width
    leaf = first.unsqueeze(2) + torch.arange(spec.leaf_width, device=z.device)
    return torch.cat([torch.stack(path, 2), leaf], 2) if path else leaf


def leaves(z: torch.Tensor, spec: Spec) -> torch.Tensor:
    """The leaf that each token reaches in each tree, [N, trees], counted from 0."""
    last = walk(z, dataclasses.replace(spec, leaf_width=1))[..., -1] if spec.leaf_width == 1 else None
    if last is None:
        last = spec.inner + (walk(z, spec)[..., spec.depth] - spec.inner) // spec.leaf_width
    return last - spec.inner


class PathActivation(torch.autograd.Function):
    """gelu(z) on the path, 0 elsewhere.

    The true gradient of a decision is zero. With `flip` > 0 each decision on the path also receives the
    first-order change of the loss had it fallen the other way (the sum of gelu(z) * dL/da along the path that
    would have been taken, minus that of the path that was), times the slope of a sigmoid of width `flip`. All
    of these come from one bottom-up pass over the tree.
    """

    @staticmethod
    def forward(ctx, z, spec, flip):
        path = walk(z, spec)
        on_path = z.gather(2, path)
        ctx.spec, ctx.flip = spec, flip
        ctx.save_for_backward(path, on_path, z if flip > 0 else None)
        return torch.zeros_like(z).scatter_(2, path, F.gelu(on_path))

    @staticmethod
    def backward(ctx, grad):
        path, on_path, z = ctx.saved_tensors
        spec = ctx.spec
        grad_path = torch.ops.aten.gelu_backward(grad.gather(2, path), on_path)
        if ctx.flip > 0 and spec.depth:
            grad_path[..., : spec.depth] += PathActivation._decisions(z, grad, path, on_path, spec, ctx.flip)
        return torch.zeros_like(grad).scatter_(2, path, grad_path), None, None

    @staticmethod
    def _decisions(z, grad, path, on_path, spec, flip):
        change = F.gelu(z) * grad  # first-order change of the loss by each neuron's output
        value = change[..., spec.inner :].unflatten(2, (-1, spec.leaf_width)).sum(3)
        differences = []
        for level in range(spec.depth - 1, -1, -1):
            here = slice(2**level - 1, 2 ** (level + 1) - 1)
            left, right = value[..., 0::2], value[..., 1::2]
            differences.append(right - left)
            value = change[..., here] + torch.where(z[..., here] > 0, right, left)
        difference = torch.cat(differences[::-1], 2).gather(2, path[..., : spec.depth])
        s = torch.sigmoid(on_path[..., : spec.depth] / flip)
        return difference * s * (1 - s) / flip


class PathKernel(torch.autograd.Function):
    """PathActivation and the always-on part over rows [N, spec.rows], by path_kernel.py."""

    @staticmethod
    def forward(ctx, z, spec, flip):
        from distil import path_kernel

        a = torch.zeros_like(z)
        path_kernel.launch(path_kernel.forward, (z, a), spec)
        if spec.dense:
            a[:, -spec.dense :] = F.gelu(z[:, -spec.dense :])
        ctx.spec, ctx.flip = spec, flip
        ctx.save_for_backward(z)
        return a

    @staticmethod
    def backward(ctx, grad):
        from distil import path_kernel

        (z,), spec, grad = ctx.saved_tensors, ctx.spec, grad.contiguous()
        out = torch.zeros_like(z)
        path_kernel.launch(path_kernel.backward, (z, grad, out), spec, ctx.flip)
        if spec.dense:
            out[:, -spec.dense :] = torch.ops.aten.gelu_backward(grad[:, -spec.dense :], z[:, -spec.dense :])
        return out, None, None


def plain_activation(z: torch.Tensor, spec: Spec, flip: float) -> torch.Tensor:
    """gelu on the paths and of the always-on part, z [N, spec.rows]."""
    in_trees = spec.trees * spec.rows_per_tree
    tree = z[:, :in_trees].unflatten(1, (spec.trees, spec.rows_per_tree))
    a = PathActivation.apply(tree, spec, flip).flatten(1)
    return torch.cat([a, F.gelu(z[:, in_trees:])], 1) if spec.dense else a


@functools.cache
def kernel_agrees(spec: Spec, flip: float, device: torch.device) -> bool:
    """Whether path_kernel.py computes on this GPU what the plain version does; says so where not."""
    if device.type != "cuda" or spec.leaf_width > 1 or not spec.depth:
        return False
    try:
        with torch.random.fork_rng([device]), torch.enable_grad():
            z, g = torch.randn(2, 300, spec.rows, device=device)
            got = []
            for run in (plain_activation, PathKernel.apply):
                leaf = z.clone().requires_grad_(True)
                a = run(leaf, spec, flip)
                a.backward(g)
                got.append((a.detach(), leaf.grad))
            for plain, fast in zip(*got):
                torch.testing.assert_close(fast, plain, rtol=1e-3, atol=1e-4)
        return True
    except Exception as problem:  # a slower run is better than none
        print(f"{spec}: without the path kernel ({type(problem).__name__}: {str(problem)[:200]})", file=sys.stderr)
        return False


class FeedForward(nn.Module):
    """y = W_out gelu_on_the_paths(W_in x + b) (+ out_bias, for the teacher's own layers only)."""

    def __init__(self, spec: Spec, hidden: int, out_bias: bool = False, flip: float = 0.0):
        super().__init__()
        self.spec, self.flip = spec, flip
        if spec.rows:
            self.linear_in = Product(hidden, spec.rows)
            self.linear_out = (TreeOutput(spec.rows, hidden, out_bias, spec.dense) if spec.trees
                               else Product(spec.rows, hidden, out_bias))

    def forward(self, x: torch.Tensor) -> torch.Tensor | None:
        spec = self.spec
        if not spec.rows:
            return None
        z = self.linear_in(x)
        if not spec.trees:
            return self.linear_out(F.gelu(z))
        return self.linear_out(self.activation(z))

    def activation(self, z: torch.Tensor) -> torch.Tensor:
        run = PathKernel.apply if kernel_agrees(self.spec, self.flip, z.device) else plain_activation
        return run(z.reshape(-1, self.spec.rows), self.spec, self.flip).view(z.shape)

    @torch.no_grad()
    def leaf_counts(self, x: torch.Tensor) -> torch.Tensor:
        """How many of the tokens x [N, hidden] reach each leaf, [trees, leaves]."""
        spec = self.spec
        z = self.linear_in(x)[:, : spec.trees * spec.rows_per_tree]
        reached = leaves(z.unflatten(1, (spec.trees, spec.rows_per_tree)), spec)
        flat = reached + torch.arange(spec.trees, device=x.device) * 2**spec.depth
        return torch.bincount(flat.flatten(), minlength=spec.trees * 2**spec.depth).view(spec.trees, -1)
