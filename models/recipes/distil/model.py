"""The encoder: BERT's post-norm layers with a replaceable feedforward part.

It is written out here rather than taken from transformers so that a student is one screen of code and rows
need no padding masks (batches hold rows of one length). `export.py` writes it in DistilBERT's shape, and
the tests compare that with transformers.
"""

import lzma
import os
import pathlib

import torch
from safetensors import safe_open
from torch import nn
from torch.nn import functional as F

from distil.feedforward import FeedForward, Spec
from distil.int8 import Product

HIDDEN, HEADS, EPS, VOCAB = 384, 12, 1e-12, 30522
TEACHER_LAYERS, TEACHER_WIDTH = 6, 1536


class Layer(nn.Module):
    def __init__(self, spec: Spec, out_bias: bool, flip: float):
        super().__init__()
        self.qkv = Product(HIDDEN, 3 * HIDDEN)
        self.out = Product(HIDDEN, HIDDEN)
        self.norm1 = nn.LayerNorm(HIDDEN, EPS)
        self.ffn = FeedForward(spec, HIDDEN, out_bias, flip)
        self.norm2 = nn.LayerNorm(HIDDEN, EPS)
        self.drop = 0.0  # of both parts' outputs, when a teacher is tuned

    def attend(self, x: torch.Tensor) -> torch.Tensor:
        """The half layer before the feedforward part, [rows, length, HIDDEN]."""
        rows, length, _ = x.shape
        q, k, v = self.qkv(x).view(rows, length, 3, HEADS, -1).permute(2, 0, 3, 1, 4)
        y = F.scaled_dot_product_attention(q, k, v)
        y = self.out(y.transpose(1, 2).reshape(rows, length, HIDDEN))
        return self.norm1(x + F.dropout(y, self.drop, self.training))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.attend(x)
        y = self.ffn(x)
        return self.norm2(x if y is None else x + F.dropout(y, self.drop, self.training))


class Embeddings(nn.Module):
    """Word and position embeddings with their norm. Frozen, and shared by the teacher and all students."""

    def __init__(self, word: torch.Tensor, position: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor):
        super().__init__()
        for name, tensor in dict(word=word, position=position, weight=weight, bias=bias).items():
            self.register_buffer(name, tensor)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        x = F.embedding(ids, self.word) + self.position[: ids.shape[1]]
        return F.layer_norm(x, (HIDDEN,), self.weight, self.bias, EPS)


class Encoder(nn.Module):
    def __init__(self, embeddings: Embeddings, specs: list[Spec], out_bias: bool = False, flip: float = 0.0):
        super().__init__()
        self.shared = [embeddings]  # in a list: not this module's own parameters
        self.layers = nn.ModuleList(Layer(spec, out_bias, flip) for spec in specs)

    def forward(self, ids: torch.Tensor) -> list[torch.Tensor]:
        """Hidden states after each layer for ids [rows, length], none padded."""
        return self.after_embeddings(self.shared[0](ids))

    def after_embeddings(self, x: torch.Tensor) -> list[torch.Tensor]:
        states = []
        for layer in self.layers:
            x = layer(x)
            states.append(x)
        return states

    def last(self, ids: torch.Tensor) -> torch.Tensor:
        return self(ids)[-1]


def pool(last: torch.Tensor) -> torch.Tensor:
    """The sentence embedding: mean over tokens, unit length, fp32."""
    return F.normalize(last.float().mean(1), dim=1)


def load_teacher(path: pathlib.Path, words: pathlib.Path | None = None) -> tuple[Embeddings, Encoder]:
    """all-MiniLM-L6-v2 from its model.safetensors, or from the packed form of pack_teacher.py (.xz) and the
    word embeddings of any DistilBERT-type student in `words`; fp32 on the CPU.

    The token type embedding of segment 0 is added to the positions (exact: every token is segment 0), as
    DistilBERT has no token types. The pooler is left out: the model's embedding is the mean.
    """
    path = plain(path)
    with safe_open(path, "pt") as file:
        get = lambda name: unpack(file, name).float()
        position = get("embeddings.position_embeddings.weight") + get("embeddings.token_type_embeddings.weight")[0]
        embeddings = Embeddings(
            get("embeddings.word_embeddings.weight") if words is None else read_words(words),
            position,
            get("embeddings.LayerNorm.weight"),
            get("embeddings.LayerNorm.bias"),
        )
        teacher = Encoder(embeddings, [Spec(dense=TEACHER_WIDTH)] * TEACHER_LAYERS, out_bias=True)
        state = {}
        for i in range(TEACHER_LAYERS):
            old, new = f"encoder.layer.{i}.", f"layers.{i}."
            for kind in ("weight", "bias"):
                parts = [get(f"{old}attention.self.{p}.{kind}") for p in ("query", "key", "value")]
                state[f"{new}qkv.{kind}"] = torch.cat(parts)
                state[f"{new}out.{kind}"] = get(f"{old}attention.output.dense.{kind}")
                state[f"{new}norm1.{kind}"] = get(f"{old}attention.output.LayerNorm.{kind}")
                state[f"{new}ffn.linear_in.{kind}"] = get(f"{old}intermediate.dense.{kind}")
                state[f"{new}ffn.linear_out.{kind}"] = get(f"{old}output.dense.{kind}")
                state[f"{new}norm2.{kind}"] = get(f"{old}output.LayerNorm.{kind}")
    teacher.load_state_dict(state)
    return embeddings, teacher.eval().requires_grad_(False)


def plain(path: pathlib.Path) -> pathlib.Path:
    """The file that a packed one (.xz) holds, unpacked beside it."""
    if path.suffix != ".xz":
        return path
    unpacked = path.with_suffix("")
    if not unpacked.exists():
        part = unpacked.with_suffix(f".{os.getpid()}.part")  # several processes may do this at once
        part.write_bytes(lzma.decompress(path.read_bytes()))
        part.replace(unpacked)
    return unpacked


def read_words(path: pathlib.Path) -> torch.Tensor:
    with safe_open(plain(path), "pt") as file:
        return unpack(file, "distilbert.embeddings.word_embeddings.weight").float()


def unpack(file, name: str) -> torch.Tensor:
    """A tensor, or its fp16 form whose high and low bytes were stored apart (pack_teacher.py)."""
    if name in file.keys():
        return file.get_tensor(name)
    planes = file.get_tensor(name + ".planes")
    shape = file.get_tensor(name + ".shape").tolist()
    return planes.view(2, -1).T.contiguous().view(torch.float16).view(shape)


def make_student(teacher: Encoder, specs: list[Spec], flip: float = 0.0) -> tuple[Encoder, list[int]]:
    """A student with the teacher's attention and norms, and the teacher's layer that each of its layers imitates.

    Dense feedforward as wide as the teacher's is copied, too; anything else starts at random until
    tree_init.fit() has seen data. Half the layers start from the first, middle and last, as in DistilBERT.
    """
    depth = len(specs)
    if depth not in (TEACHER_LAYERS, TEACHER_LAYERS // 2):
        raise ValueError(f"a student has {TEACHER_LAYERS} or {TEACHER_LAYERS // 2} layers, not {depth}")
    start = list(range(TEACHER_LAYERS)) if depth == TEACHER_LAYERS else [0, 2, 5]
    imitates = start if depth == TEACHER_LAYERS else [1, 3, 5]
    full = Spec(dense=TEACHER_WIDTH)
    student = Encoder(teacher.shared[0], specs, out_bias=False, flip=flip)
    for i, (layer, spec) in enumerate(zip(student.layers, specs)):
        if spec == full:
            layer.ffn = FeedForward(full, HIDDEN, out_bias=True)
        source = teacher.layers[start[i]].state_dict()
        keep = {k: v for k, v in source.items() if spec == full or not k.startswith("ffn.")}
        layer.load_state_dict(keep, strict=False)
    device = next(teacher.parameters()).device
    return student.to(device).requires_grad_(True), imitates
