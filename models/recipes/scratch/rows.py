"""Rows of 128 pieces on the device: batches that are a function of seed and step, and fixed rows to measure loss on."""

import numpy as np
import torch
from torch.nn import functional as F

from distil.data import CLS, MASK, SEP, frame

LENGTH, BODY = 128, 126
ASKED = 19  # of a row's 126 pieces, 15 %: the same number in every row, as a CUDA graph's sizes are fixed


class Rows:
    """Every epoch cuts the stream at another offset into rows and shuffles them. Of the pieces asked for 80 % are masked,
    10 % replaced by one drawn from the text, 10 % stay."""

    def __init__(self, stream: np.ndarray, rows: int, seed: int, device: torch.device):
        self.stream = torch.from_numpy(stream.astype(np.int32)).to(device)
        self.rows, self.seed, self.device = rows, seed, device
        self.in_epoch = (len(stream) - BODY) // BODY // rows
        self.epoch, self.order = -1, None
        if self.in_epoch < 1:
            raise ValueError(f"{len(stream)} pieces are too few for a batch of {rows} rows of {BODY}")

    def starts(self, step: int) -> torch.Tensor:
        epoch, at = divmod(step, self.in_epoch)
        if epoch != self.epoch:
            g = torch.Generator().manual_seed(self.seed * 1000 + epoch)
            offset = int(torch.randint(BODY, (1,), generator=g))
            self.order = (torch.randperm(self.in_epoch * self.rows, generator=g) * BODY + offset).to(self.device)
            self.epoch = epoch
        return self.order[at * self.rows : (at + 1) * self.rows]

    def __call__(self, first: int, count: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Steps first to first + count: ids [count, rows, 128], where [count, rows * 19] (flat positions), labels of these."""
        starts = torch.stack([self.starts(step) for step in range(first, first + count)])
        g = torch.Generator(self.device).manual_seed(self.seed * 1_000_000 + first)
        body = self.stream[starts[..., None] + torch.arange(BODY, device=self.device)].long()
        ids = F.pad(F.pad(body, (1, 0), value=CLS), (0, 1), value=SEP)
        chosen = torch.rand(body.shape, generator=g, device=self.device).topk(ASKED, -1).indices + 1
        labels = ids.gather(2, chosen)
        u = torch.rand(labels.shape, generator=g, device=self.device)
        other = self.stream[torch.randint(len(self.stream), labels.shape, generator=g, device=self.device)].long()
        ids = ids.scatter(2, chosen, torch.where(u < 0.8, MASK, torch.where(u < 0.9, other, labels)))
        where = chosen + torch.arange(self.rows, device=self.device)[:, None] * LENGTH
        return ids, where.flatten(1), labels.flatten(1)


def fixed_rows(stream: np.ndarray, limit: int, device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    """(true ids [n, 128], masked bool [n, 128]): the first rows of a text, 15 % of the pieces masked, the same every time."""
    n = min(len(stream) // BODY, limit)
    ids = frame(torch.from_numpy(stream[: n * BODY].astype(np.int64)).view(n, BODY))
    masked = torch.from_numpy(np.random.default_rng(0).random(tuple(ids.shape)) < 0.15)
    masked[:, 0] = masked[:, -1] = False
    return ids.to(device), masked.to(device)


def held_out_sets(prepared: dict, device: torch.device) -> dict:
    """Of each source at most 400 held-out rows; wikitext-2 test whole."""
    held = {source: fixed_rows(stream, 400, device) for source, stream in prepared["held"].items() if len(stream) >= BODY}
    return {**held, "wikitext-2": fixed_rows(prepared["wiki_test_stream"], len(prepared["wiki_test_stream"]), device)}


@torch.no_grad()
def measure(model, sets: dict) -> dict:
    """{set: [loss, accuracy in %, pieces asked]} with every asked piece masked; "held out" is over all but wikitext-2."""
    out, sums = {}, np.zeros(3)
    for name, (ids, masked) in sets.items():
        loss = torch.zeros((), device=ids.device)
        right = torch.zeros((), dtype=torch.int64, device=ids.device)
        for true, m in zip(ids.split(512), masked.split(512)):
            where = m.flatten().nonzero().squeeze(1)
            labels = true.flatten()[where]
            logits = model(true.masked_fill(m, MASK), where)[:, : model.vocab].float()
            loss += F.cross_entropy(logits, labels, reduction="sum")
            right += (logits.argmax(-1) == labels).sum()
        found = np.array([loss.item(), right.item(), int(masked.sum())])
        sums += found * (name != "wikitext-2")
        out[name] = shares(found)
    return {**out, "held out": shares(sums)}


def shares(sums) -> list:
    loss, right, count = map(float, sums)  # a state that is kept holds no numpy numbers
    return [round(loss / max(count, 1), 4), round(100 * right / max(count, 1), 2), int(count)]


@torch.no_grad()
def leaf_entropy(model, ids: torch.Tensor) -> list[float | None]:
    """Entropy of the leaves in bits, mean over a layer's trees; None for a layer without trees."""
    counts, hooks = {}, []
    for i, layer in enumerate(model.layers):
        if layer.ffn and layer.ffn.spec.trees:
            def count(ffn, inputs, _, i=i):
                counts[i] = counts.get(i, 0) + ffn.leaf_counts(inputs[0])
            hooks.append(layer.ffn.register_forward_hook(count))
    if hooks:
        for part in ids.split(256):
            model.encode(part)
    for hook in hooks:
        hook.remove()
    share = {i: c / c.sum(1, keepdim=True) for i, c in counts.items()}
    bits = {i: round(-(p * p.clamp_min(1e-12).log2()).sum(1).mean().item(), 2) for i, p in share.items()}
    return [bits.get(i) for i in range(len(model.layers))]
