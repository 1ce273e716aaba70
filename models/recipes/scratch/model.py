"""crammedBERT (pre-norm, no biases, scaled sinusoidal positions, tied decoder) with dense or FFF feedforward, as in the
UltraFastBERT authors' modelling code; the tests compare it with that code's answers."""

import math

import torch
from torch import nn
from torch.nn import functional as F

from distil.feedforward import FeedForward, Spec

EPS = 1e-12


def sinusoids(length: int, hidden: int) -> torch.Tensor:
    frequency = torch.exp(torch.arange(0, hidden, 2) * (-math.log(10000.0) / hidden))
    angle = torch.arange(length)[:, None] * frequency
    return torch.stack([angle.sin(), angle.cos()], 2).flatten(1)


class Layer(nn.Module):
    def __init__(self, hidden: int, heads: int, spec: Spec, flip: float):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(hidden, EPS), nn.LayerNorm(hidden, EPS)
        self.qkv = nn.Linear(hidden, 3 * hidden, bias=False)
        self.out = nn.Linear(hidden, hidden, bias=False)
        self.ffn = FeedForward(spec, hidden, flip=flip)
        if spec.rows and not spec.trees:  # the dense twin has no biases at all; trees have them in linear_in
            self.ffn.linear_in = nn.Linear(hidden, spec.rows, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        rows, length, hidden = x.shape
        # GPT-NeoX order: q, k, v of one head lie together
        q, k, v = self.qkv(self.norm1(x)).view(rows, length, self.heads, 3, -1).permute(3, 0, 2, 1, 4)
        y = F.scaled_dot_product_attention(q, k, v)
        x = x + self.out(y.transpose(1, 2).reshape(rows, length, hidden))
        y = self.ffn(self.norm2(x))
        return x if y is None else x + y


class MaskedLM(nn.Module):
    def __init__(self, vocab: int, hidden: int, heads: int, specs: list[Spec], positions: int = 512, flip: float = 0.0):
        super().__init__()
        self.word = nn.Parameter(torch.empty(vocab, hidden))
        self.scale = nn.Parameter(torch.tensor([1 / math.sqrt(hidden)]))
        self.register_buffer("table", sinusoids(positions, hidden), persistent=False)
        self.norm = nn.LayerNorm(hidden, EPS)
        self.layers = nn.ModuleList(Layer(hidden, heads, spec, flip) for spec in specs)
        self.final_norm = nn.LayerNorm(hidden, EPS)

    def start(self) -> None:
        """Normal weights of 0.02, as in the authors' configuration; a tree's output rows are wider, as few are summed."""
        for name, p in self.named_parameters():
            if p.dim() == 2:
                nn.init.normal_(p, std=0.02)
            elif name.endswith("bias"):
                nn.init.zeros_(p)
        for layer in self.layers:
            spec = layer.ffn.spec
            if spec.trees:
                hidden = layer.ffn.linear_in.weight.shape[1]
                nn.init.normal_(layer.ffn.linear_in.weight, std=1 / math.sqrt(hidden))
                nn.init.normal_(layer.ffn.linear_out.weight, std=1 / math.sqrt(spec.active * hidden))

    def encode(self, ids: torch.Tensor) -> torch.Tensor:
        x = self.norm(F.embedding(ids, self.word) + self.scale * self.table[: ids.shape[1]])
        for layer in self.layers:
            x = layer(x)
        return self.final_norm(x)

    def forward(self, ids: torch.Tensor, where: torch.Tensor | None = None) -> torch.Tensor:
        """Logits of the positions `where`, or of all."""
        last = self.encode(ids)
        return F.linear(last if where is None else last[where], self.word)


def names(layers: int, spec: Spec) -> dict[str, str]:
    """This module's parameters under the names of a crammedBERT checkpoint."""
    found = {
        "word": "encoder.embedding.word_embedding.weight",
        "scale": "encoder.embedding.pos_embedding.scale_factor",
        "norm.weight": "encoder.embedding.norm.weight", "norm.bias": "encoder.embedding.norm.bias",
        "final_norm.weight": "encoder.final_norm.weight", "final_norm.bias": "encoder.final_norm.bias",
    }
    for i in range(layers):
        mine, theirs = f"layers.{i}.", f"encoder.layers.{i}."
        for norm in ("norm1", "norm2"):
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
