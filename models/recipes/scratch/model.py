"""crammedBERT (pre-norm, no biases, scaled sinusoidal positions, tied decoder) with dense or FFF feedforward, as in the
UltraFastBERT authors' modelling code; the tests compare it with that code's answers.

The vocabulary is filled up to a multiple of 64 rows and each feedforward to a multiple of 8 neurons, for fast products.
Neurons that fill up are always on, zero, and stay zero. `load` and `stored` speak of the model without them.
"""

import dataclasses
import math

import torch
from torch import nn
from torch.nn import functional as F

from distil.feedforward import Spec, leaves
from scratch import kernels
from scratch.trees import activation

EPS = 1e-12


def up(n: int, step: int) -> int:
    return -(-n // step) * step


def sinusoids(length: int, hidden: int) -> torch.Tensor:
    frequency = torch.exp(torch.arange(0, hidden, 2) * (-math.log(10000.0) / hidden))
    angle = torch.arange(length)[:, None] * frequency
    return torch.stack([angle.sin(), angle.cos()], 2).flatten(1)


class Norm(nn.LayerNorm):
    """x: [n, hidden]"""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return kernels.LayerNorm.apply(x, self.weight, self.bias, self.eps) if x.is_cuda else super().forward(x)


class FeedForward(nn.Module):
    """[n, hidden] added to x; `filled`: the specification with the neurons that fill up."""

    def __init__(self, spec: Spec, hidden: int, flip: float):
        super().__init__()
        self.spec, self.flip = spec, flip
        self.filled = dataclasses.replace(spec, dense=spec.dense + up(spec.rows, 8) - spec.rows)
        self.linear_in = nn.Linear(hidden, self.filled.rows, bias=spec.trees > 0)
        self.linear_out = nn.Linear(self.filled.rows, hidden, bias=False)

    def forward(self, y: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        z = self.linear_in(y)
        a = activation(z, self.filled, self.flip) if self.spec.trees else F.gelu(z)
        return torch.addmm(x, a, self.linear_out.weight.t())

    @torch.no_grad()
    def leaf_counts(self, y: torch.Tensor) -> torch.Tensor:
        """How many of the tokens y [n, hidden] reach each leaf, [trees, leaves]."""
        spec, count = self.spec, 2**self.spec.depth
        z = self.linear_in(y)[:, : spec.trees * spec.rows_per_tree].unflatten(1, (spec.trees, spec.rows_per_tree))
        flat = leaves(z, spec) + torch.arange(spec.trees, device=y.device) * count
        return torch.bincount(flat.flatten(), minlength=spec.trees * count).view(spec.trees, -1)


class Layer(nn.Module):
    def __init__(self, hidden: int, heads: int, spec: Spec, flip: float):
        super().__init__()
        self.heads = heads
        self.norm1 = Norm(hidden, EPS)
        self.qkv = nn.Linear(hidden, 3 * hidden, bias=False)
        self.out = nn.Linear(hidden, hidden, bias=False)
        self.ffn = None
        if spec.rows:
            self.norm2 = Norm(hidden, EPS)
            self.ffn = FeedForward(spec, hidden, flip)

    def forward(self, x: torch.Tensor, shape, mask) -> torch.Tensor:
        # GPT-NeoX order: q, k, v of one head lie together
        q, k, v = (t.transpose(1, 2) for t in self.qkv(self.norm1(x)).view(*shape, self.heads, 3, -1).unbind(3))
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        x = torch.addmm(x, y.transpose(1, 2).reshape(x.shape), self.out.weight.t())
        return x if self.ffn is None else self.ffn(self.norm2(x), x)


class MaskedLM(nn.Module):
    def __init__(self, vocab: int, hidden: int, heads: int, specs: list[Spec], flip: float = 0.0, positions: int = 256):
        super().__init__()
        self.vocab = vocab
        self.word = nn.Parameter(torch.empty(up(vocab, 64), hidden))
        self.scale = nn.Parameter(torch.tensor([1 / math.sqrt(hidden)]))
        self.register_buffer("table", sinusoids(positions, hidden), persistent=False)
        self.norm = Norm(hidden, EPS)
        self.layers = nn.ModuleList(Layer(hidden, heads, spec, flip) for spec in specs)
        self.final_norm = Norm(hidden, EPS)

    @torch.no_grad()
    def start(self) -> None:
        """One rule for every member: 0.02, feedforward in 1 / sqrt(hidden) and out 0.125 / sqrt(hidden)."""
        hidden = self.word.shape[1]
        for p in self.parameters():
            if p.dim() == 2:
                nn.init.normal_(p, std=0.02)
        for ffn in (layer.ffn for layer in self.layers if layer.ffn):
            nn.init.normal_(ffn.linear_in.weight, std=1 / math.sqrt(hidden))
            nn.init.normal_(ffn.linear_out.weight, std=0.125 / math.sqrt(hidden))
            ffn.linear_in.weight[ffn.spec.rows :] = 0
            ffn.linear_out.weight[:, ffn.spec.rows :] = 0
            if ffn.spec.trees:
                ffn.linear_in.bias.zero_()

    def encode(self, ids: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
        """ids [rows, length] -> [rows * length, hidden]; mask: as scaled_dot_product_attention takes it."""
        x = F.embedding(ids, self.word) + self.scale * self.table[: ids.shape[1]].to(self.word.dtype)
        x = self.norm(x.flatten(0, 1))
        for layer in self.layers:
            x = layer(x, ids.shape, mask)
        return self.final_norm(x)

    def forward(self, ids: torch.Tensor, where: torch.Tensor) -> torch.Tensor:
        """Logits [len(where), filled vocabulary] of the flat positions `where`."""
        return F.linear(self.encode(ids).index_select(0, where), self.word)

    def sizes(self) -> dict[str, tuple[int, int]]:
        """{parameter: (dimension, its size in the model without what fills up)}"""
        found = {"word": (0, self.vocab)}
        for i, ffn in ((i, layer.ffn) for i, layer in enumerate(self.layers) if layer.ffn):
            for name, dim in (("linear_in.weight", 0), ("linear_in.bias", 0), ("linear_out.weight", 1)):
                found[f"layers.{i}.ffn.{name}"] = (dim, ffn.spec.rows)
        return found

    def load(self, state: dict[str, torch.Tensor]) -> None:
        own, filled = self.state_dict(), {}
        sizes = self.sizes()
        for name, tensor in state.items():
            if name in sizes:
                dim, size = sizes[name]
                if tensor.shape[dim] != size:
                    raise ValueError(f"{name} has {tensor.shape[dim]} rows, expected {size}")
                missing = own[name].shape[dim] - size
                tensor = F.pad(tensor, (0, missing) if dim == tensor.dim() - 1 else (0, 0, 0, missing))
            filled[name] = tensor
        self.load_state_dict(filled)

    def stored(self, state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """`state`, of this model, without what fills up."""
        sizes = self.sizes()
        return {n: t.narrow(sizes[n][0], 0, sizes[n][1]) if n in sizes else t for n, t in state.items()}


def names(specs: list[Spec]) -> dict[str, str]:
    """This module's parameters under the names of a crammedBERT checkpoint."""
    found = {
        "word": "encoder.embedding.word_embedding.weight",
        "scale": "encoder.embedding.pos_embedding.scale_factor",
        "norm.weight": "encoder.embedding.norm.weight", "norm.bias": "encoder.embedding.norm.bias",
        "final_norm.weight": "encoder.final_norm.weight", "final_norm.bias": "encoder.final_norm.bias",
    }
    for i, spec in enumerate(specs):
        mine, theirs = f"layers.{i}.", f"encoder.layers.{i}."
        for norm in ("norm1", "norm2") if spec.rows else ("norm1",):
            for kind in ("weight", "bias"):
                found[f"{mine}{norm}.{kind}"] = f"{theirs}{norm}.{kind}"
        found[mine + "qkv.weight"] = theirs + "attn.self_attention.query_key_value.weight"
        found[mine + "out.weight"] = theirs + "attn.dense.weight"
        if spec.trees:
            for name in ("linear_in.weight", "linear_in.bias", "linear_out.weight"):
                found[f"{mine}ffn.{name}"] = f"{theirs}ffn.{name}"
        elif spec.rows:
            found[mine + "ffn.linear_in.weight"] = theirs + "ffn.dense_in.weight"
            found[mine + "ffn.linear_out.weight"] = theirs + "ffn.dense_out.weight"
    return found
