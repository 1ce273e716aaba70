"""Training against the engine's int8: products read what they would read there, and gradients pass straight through.

The engine (`kernels/README.md`) keeps weights as -127..127 with a scale for each output, word embeddings and FFF nodes with
a scale for each row (of a node: one for its input row, one for its output row), and makes bytes of a product's inputs
with a scale and a zero point for each token. What trees add up, attention, norms and classifiers stay floats.

`narrow(model, trainer)` makes a model compute so: its products round their inputs, and the trainer hands it rounded copies
of its fp32 weights, so that a gradient taken at the rounded weights moves the exact ones. `widen(model)` ends it.
"""

import copy
import functools
import sys

import torch
import triton
import triton.language as tl
from torch import nn

LARGEST = 127.0
LEAST_RANGE = 1e-30
LEAST_OUTPUTS = 64  # narrower products are floats in every file


def rounded(weight: torch.Tensor, dim: int = 1) -> torch.Tensor:
    """`weight` on its int8 grid, one scale for each index of the other dimension."""
    scale = weight.abs().amax(dim, keepdim=True).div_(LARGEST).clamp_min_(LEAST_RANGE)
    return (weight / scale).round_().mul_(scale)


@triton.jit
def kernel(x, y, width, SIZE: tl.constexpr):
    column = tl.arange(0, SIZE)
    inside = column < width
    at = tl.program_id(0).to(tl.int64) * width + column
    v = tl.load(x + at, mask=inside, other=0.0).to(tl.float32)
    least, largest = tl.minimum(tl.min(v, 0), 0.0), tl.maximum(tl.max(v, 0), 0.0)
    extent = tl.maximum(largest - least, 1e-30)
    inverse, magic = 255.0 / extent, 12582912.0  # adding 1.5 * 2^23 leaves no fraction bits
    zero = (-least * inverse + magic) - magic
    q = tl.minimum(tl.maximum((v * inverse + magic) - magic + zero, 0.0), 255.0)
    tl.store(y + at, ((q - zero) * (extent / 255.0)).to(y.dtype.element_ty), mask=inside)


def fast(x: torch.Tensor) -> torch.Tensor:
    x = x.contiguous()
    y, width = torch.empty_like(x), x.shape[-1]
    kernel[(x.numel() // width,)](x, y, width, SIZE=triton.next_power_of_2(width), num_warps=4 if width > 512 else 1)
    return y


def plain(x: torch.Tensor) -> torch.Tensor:
    v = x.float()
    least, largest = v.amin(-1, keepdim=True).clamp_max(0.0), v.amax(-1, keepdim=True).clamp_min(0.0)
    extent = (largest - least).clamp_min(LEAST_RANGE)
    inverse = 255.0 / extent
    zero = (-least * inverse).round()
    q = ((v * inverse).round() + zero).clamp(0.0, 255.0)
    return ((q - zero) * (extent / 255.0)).to(x.dtype)


@functools.cache
def agrees(device: torch.device) -> bool:
    """Whether the kernel computes on this GPU what the plain version does; says so where not."""
    if device.type != "cuda":
        return False
    try:
        with torch.random.fork_rng([device]):
            for width in (64, 384, 1536):
                x = torch.randn(300, width, device=device)
                # an input halfway between two bytes may become either
                torch.testing.assert_close(fast(x), plain(x), rtol=0, atol=0.05)
                assert ((fast(x) - plain(x)).abs() > 1e-5).float().mean() < 1e-3
        return True
    except Exception as problem:  # a slower run is better than none
        print(f"without the int8 kernel ({type(problem).__name__}: {str(problem)[:200]})", file=sys.stderr)
        return False


class Bytes(torch.autograd.Function):
    """Each row of x as bytes and back."""

    @staticmethod
    def forward(ctx, x):
        return fast(x) if agrees(x.device) else plain(x)

    @staticmethod
    def backward(ctx, grad):
        return grad


class Product(nn.Linear):
    int8 = False

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(self.inputs(x) if self.int8 else x)

    def inputs(self, x: torch.Tensor) -> torch.Tensor:
        return Bytes.apply(x)

    def stored(self, weight: torch.Tensor) -> torch.Tensor:
        return rounded(weight)


class TreeOutput(Product):
    """The output rows of trees, whose activations stay floats, beside those of `always` always-on neurons: a product."""

    def __init__(self, rows: int, hidden: int, bias: bool, always: int):
        super().__init__(rows, hidden, bias)
        self.parts = (rows - always, always)

    def inputs(self, a):
        trees, always = a.split(self.parts, -1)
        return torch.cat([trees, Bytes.apply(always)], -1) if self.parts[1] else a

    def stored(self, weight):
        trees, always = weight.split(self.parts, 1)
        return torch.cat([rounded(trees, 0), rounded(always)] if self.parts[1] else [rounded(trees, 0)], 1)


def products(model: nn.Module) -> list[Product]:
    return [m for m in model.modules() if isinstance(m, Product) and m.out_features >= LEAST_OUTPUTS]


def narrow(model: nn.Module, trainer) -> None:
    for product in products(model):
        product.int8 = True
    trainer.round({product.weight: product.stored for product in products(model)})


def widen(model: nn.Module) -> None:
    for product in products(model):
        product.int8 = False


def narrow_embeddings(embeddings: nn.Module) -> nn.Module:
    """A copy with the word embeddings rounded."""
    embeddings = copy.deepcopy(embeddings)
    embeddings.word.copy_(rounded(embeddings.word.float()))
    return embeddings
