"""Short tuning of a model from scratch on SST-2 and WikiANN, the same steps for all: what its features are good for."""

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from distil import evaluate
from distil.data import CLS, SEP, SEPARATE, TAGS
from scratch.trainer import Trainer, triangle

LENGTH, ROWS = 64, 64  # longer texts are cut in tuning, not in the test
TASKS = {"sst2": (2000, 2e-4, 2), "ner": (1500, 3e-4, len(TAGS))}  # steps, rate, classes


class Tuned(nn.Module):
    """SST-2: a classifier of the mean over a text; WikiANN: of each piece."""

    def __init__(self, encoder, task: str):
        super().__init__()
        self.encoder, self.task = encoder, task
        self.head = nn.Linear(encoder.word.shape[1], TASKS[task][2])
        nn.init.normal_(self.head.weight, std=0.02)
        nn.init.zeros_(self.head.bias)

    def forward(self, ids: torch.Tensor, valid: torch.Tensor | None = None) -> torch.Tensor:
        mask = None if valid is None else valid[:, None, None, :].expand(-1, 1, ids.shape[1], -1)
        x = self.encoder.encode(ids, mask).view(*ids.shape, -1)
        if self.task == "sst2":
            w = torch.ones_like(x[..., :1]) if valid is None else valid.to(x.dtype)[..., None]
            x = (x * w).sum(1) / w.sum(1)
        return self.head(x).float()


def padded(pieces, labels, device) -> list[torch.Tensor]:
    """ids [n, 64], which of them are there, labels [n] or [n, 64]."""
    n = len(pieces)
    ids, valid = np.zeros((n, LENGTH), np.int64), np.zeros((n, LENGTH), bool)
    y = np.full((n, LENGTH), SEPARATE, np.int64) if isinstance(labels, list) else labels
    for i in range(n):
        body = pieces[i][: LENGTH - 2]
        ids[i, : len(body) + 2] = [CLS, *body, SEP]
        valid[i, : len(body) + 2] = True
        if isinstance(labels, list):
            y[i, 1 : len(body) + 1] = labels[i][: LENGTH - 2]
    return [torch.from_numpy(a).to(device) for a in (ids, valid, y)]


def tune(make, task: str, prepared: dict, device: torch.device, seed: int, steps: int | None = None) -> float:
    """Accuracy on SST-2 dev or F1 on WikiANN test of `make()`, an encoder, after tuning."""
    planned, rate, _ = TASKS[task]
    steps = steps or planned
    torch.manual_seed(seed)
    model = Tuned(make(), task)
    loss = lambda ids, valid, y: F.cross_entropy(model(ids, valid).flatten(0, -2), y.flatten(), ignore_index=SEPARATE)
    trainer = Trainer(model, loss, triangle(rate, steps), device)
    if task + "_padded" not in prepared:
        prepared[task + "_padded"] = padded(*prepared[task], device)
    learn = prepared[task + "_padded"]
    g, n = torch.Generator().manual_seed(seed), len(learn[0])
    order = torch.cat([torch.randperm(n, generator=g) for _ in range(steps * ROWS // n + 1)])[: steps * ROWS]
    for index in order.view(steps, ROWS).to(device).split(100):
        trainer.run([t[index] for t in learn])
    model.eval()
    if task == "sst2":
        return round(evaluate.sst2_accuracy(model, prepared, device), 2)
    return round(evaluate.ner_f1(model, prepared, device), 2)
