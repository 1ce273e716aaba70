"""The encoders as plain PyTorch: the source of the random weights and of what is exported to the peers.

Attention is written out in the form that onnxruntime's optimizer knows to fuse; biases that a family
lacks are zeros, for the same reason.
"""

import math
import sys

import torch
from torch import nn

from .paths import GOLDEN
from .specs import Spec


def fast_feed_forward(hidden: int, depth: int) -> nn.Module:
    sys.path.insert(0, str(GOLDEN))
    from feed_forward import FastFeedForward  # the reference of the tests

    return FastFeedForward(hidden, depth, 1)


class Layer(nn.Module):
    def __init__(self, spec: Spec):
        super().__init__()
        h = spec.hidden
        self.heads, self.pre_norm = spec.heads, spec.crammed
        self.q, self.k, self.v, self.out = (nn.Linear(h, h) for _ in range(4))
        self.norm1 = nn.LayerNorm(h, eps=1e-12)
        self.norm2 = nn.LayerNorm(h, eps=1e-12)
        if spec.depth is None:
            self.ffn = nn.Sequential(nn.Linear(h, spec.width), nn.GELU(), nn.Linear(spec.width, h))
        else:
            self.ffn = fast_feed_forward(h, spec.depth)

    def attention(self, x, mask, bias):
        batch, tokens, hidden = x.shape
        size = hidden // self.heads

        def split(y):
            return y.view(batch, tokens, self.heads, size).permute(0, 2, 1, 3)

        scores = torch.matmul(split(self.q(x)), split(self.k(x)).transpose(-1, -2))
        scores = scores / math.sqrt(size)
        if bias is not None:
            scores = scores + bias
        if mask is not None:
            scores = scores + mask
        y = torch.matmul(torch.softmax(scores, -1), split(self.v(x)))
        return self.out(y.permute(0, 2, 1, 3).contiguous().view(batch, tokens, hidden))

    def forward(self, x, mask, bias):
        if self.pre_norm:
            x = x + self.attention(self.norm1(x), mask, bias)
            return x + self.ffn(self.norm2(x))
        x = self.norm1(self.attention(x, mask, bias) + x)
        return self.norm2(self.ffn(x) + x)


class Encoder(nn.Module):
    """ids [batch, tokens] (and mask, 1 for real tokens) -> last hidden state; with labels, and types, -> logits."""

    def __init__(self, spec: Spec):
        super().__init__()
        self.word = nn.Embedding(spec.vocabulary, spec.hidden)
        self.position = nn.Embedding(spec.positions, spec.hidden)
        self.norm = nn.LayerNorm(spec.hidden, eps=1e-12)
        self.layers = nn.ModuleList(Layer(spec) for _ in range(spec.layers))
        self.final_norm = nn.LayerNorm(spec.hidden, eps=1e-12) if spec.crammed else nn.Identity()

        if spec.labels:  # BERT's head over the first token
            self.types = nn.Embedding(2, spec.hidden)
            self.pooler = nn.Linear(spec.hidden, spec.hidden)
            self.classifier = nn.Linear(spec.hidden, spec.labels)
        self.relative = None
        if spec.like == "mpnet":
            # The bias of every query and key, made once, for the peers to read: they compute nothing for it.
            self.relative = nn.Embedding(32, spec.heads)
            shape = (1, spec.heads, spec.positions, spec.positions)
            self.bias = nn.Parameter(torch.zeros(shape))

    def forward(self, ids, mask=None, types=None):
        if mask is not None:
            mask = (1.0 - mask[:, None, None, :].to(self.norm.weight.dtype)) * -10000.0
        x = self.word(ids) + self.position.weight[: ids.shape[1]]
        x = self.norm(x if types is None else x + self.types(types))
        n = ids.shape[1]
        bias = None if self.relative is None else self.bias[:, :, :n, :n]
        for layer in self.layers:
            x = layer(x, mask, bias)
        x = self.final_norm(x)
        return x if types is None else self.classifier(torch.tanh(self.pooler(x[:, 0])))


def sinusoids(positions: int, hidden: int, scale: float) -> torch.Tensor:
    even = torch.arange(0, hidden, 2, dtype=torch.float32)
    angle = torch.arange(positions)[:, None] * torch.exp(even * (-math.log(10000.0) / hidden))
    return scale * torch.stack([angle.sin(), angle.cos()], -1).reshape(positions, hidden)


@torch.no_grad()
def random_encoder(spec: Spec, seed: int = 4) -> tuple[Encoder, float]:
    """Written weights of a scale that keeps every part of the network alive, and the positions' scale."""
    torch.manual_seed(seed)
    model, scale = Encoder(spec), 0.6
    for name, parameter in model.named_parameters():
        matrix = parameter.dim() == 2
        if "norm" in name:
            parameter.normal_(1.0 if name.endswith("weight") else 0.0, 0.1)
        elif name in ("word.weight", "position.weight", "types.weight"):
            parameter.normal_(0, 0.5)
        elif matrix:
            parameter.normal_(0, parameter.shape[1] ** -0.5)
        elif spec.crammed and "linear_in" not in name:
            parameter.zero_()
        else:
            parameter.normal_(0, 0.05)
        if name.endswith("linear_out.weight"):  # only depth + 1 nodes of a tree are ever summed
            parameter.mul_((parameter.shape[1] / 8) ** 0.5)
    if model.relative is not None:
        from transformers.models.mpnet.modeling_mpnet import MPNetEncoder

        at = torch.arange(spec.positions)
        buckets = MPNetEncoder.relative_position_bucket(at[None, :] - at[:, None])
        model.bias.copy_(model.relative(buckets).permute(2, 0, 1)[None])
    if spec.crammed:
        model.position.weight.copy_(sinusoids(spec.positions, spec.hidden, scale))
    return model.eval(), scale
