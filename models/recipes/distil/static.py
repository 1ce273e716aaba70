"""A static embedding model of the teacher: a vector for each piece of the vocabulary, a text's embedding is their mean at unit length.

It starts as model2vec makes one (https://github.com/MinishLab/model2vec): every piece by itself through the teacher, the
teacher's principal components, and weights that fall with a piece's frequency (SIF, Arora et al., ICLR 2017). Then the
table is fitted to the teacher's embeddings of texts, with the losses of the embedding stage (`tuning.py`): the embeddings,
their similarities, and what each query chooses among the passages of its batch; beside the teacher's choice stands the
passage that belongs to it.

    python -m distil.static --data DIR --teacher DIR/model.safetensors --tokenizer DIR/tokenizer.json --sapwood BIN --out DIR

writes OUT/models/embed-static (a model2vec directory, fp16) and OUT/static.json: figures of the start and of the fitted table.
"""

import argparse
import dataclasses
import json
import pathlib
import shutil
import types

import numpy as np
import torch
from safetensors.torch import save_file
from torch.nn import functional as F

from distil import data, embedded, evaluate, pairs
from distil.data import Pieces
from distil.export import strip_limits, write_json
from distil.model import Encoder, load_teacher, pool
from distil.setup import parser, say, seed


@dataclasses.dataclass
class Plan:
    dimensions: int = 240  # in int8 with its scales, its vocabulary and its header a file below 8 MB
    shards: int = 12  # of embedded.SHARD queries, passages and sentences each
    epochs: int = 10
    rows: int = 1024  # texts of each kind in a batch
    lr: float = 1e-2  # the table's first rows have about unit length
    temperature: float = 0.05
    right: float = 0.3  # weight of the passage that belongs to a query, beside the teacher's choice
    sif: float = 1e-3  # a piece of this frequency has half the weight of a rare one


class Static(torch.nn.Module):
    """As an encoder of `evaluate.py`: the rows of a text, without those of [CLS] and [SEP]."""

    def __init__(self, table: torch.Tensor):
        super().__init__()
        self.shared = [types.SimpleNamespace(word=table)]

    def last(self, ids: torch.Tensor) -> torch.Tensor:
        return self.shared[0].word[ids[:, 1:-1]]


class Bags:
    """Texts as what embedding_bag reads."""

    def __init__(self, pieces: Pieces):
        self.flat = torch.from_numpy(pieces.flat.astype(np.int64))
        self.offsets = torch.from_numpy(np.asarray(pieces.offsets, np.int64))

    def means(self, table: torch.Tensor, index: torch.Tensor) -> torch.Tensor:
        """[index, dimensions] of unit length."""
        starts, lengths = self.offsets[index], self.offsets[index + 1] - self.offsets[index]
        ends = lengths.cumsum(0)
        place = torch.arange(int(ends[-1])) + torch.repeat_interleave(starts - ends + lengths, lengths)
        return F.normalize(F.embedding_bag(self.flat[place], table, ends - lengths, mode="mean"), dim=1)


@torch.no_grad()
def first_table(teacher: Encoder, components: torch.Tensor, frequency: torch.Tensor, sif: float) -> torch.Tensor:
    """[vocabulary, dimensions]: model2vec's table; the mean length of its rows is 1."""
    vocabulary = Pieces([[i] for i in range(len(frequency))])
    alone = torch.cat([pool(teacher.last(vocabulary.rows(part))) for part in torch.arange(len(frequency)).split(1024)])
    table = (alone - alone.mean(0)) @ components * (sif / (sif + frequency))[:, None]
    return table / table.norm(dim=1).mean()


def principal(vectors: torch.Tensor, count: int) -> torch.Tensor:
    """[width, count]: the directions that keep most of the vectors' products."""
    _, directions = torch.linalg.eigh(vectors.T @ vectors)  # by rising eigenvalue
    return directions[:, -count:].flip(1)


def loss_of(plan: Plan, mine: list[torch.Tensor], goals: list[torch.Tensor]) -> torch.Tensor:
    """Of a batch's queries, passages and sentences."""
    loss = 10 * (1 - torch.stack([(a * b).sum(1).mean() for a, b in zip(mine, goals)]).mean())
    loss = loss + 100 * sum((a @ a.T - b @ b.T).square().mean() for a, b in zip(mine, goals)) / len(mine)
    choice, goal = (F.log_softmax(asked @ texts.T / plan.temperature, -1) for asked, texts, *_ in (mine, goals))
    loss = loss + F.kl_div(choice, goal, reduction="none", log_target=True).sum(-1).mean()
    return loss - plan.right * choice.diagonal().mean()


def fit(plan: Plan, table: torch.Tensor, shards: list[dict], run: int) -> torch.Tensor:
    """The table after all epochs. `shards`: {kind: (Bags, goals)} of embedded.py, goals fp32 of the table's width."""
    table = table.clone().requires_grad_(True)
    optimizer = torch.optim.Adam([table], plan.lr, betas=(0.9, 0.99), fused=True)
    rows = [(shard, part) for shard in range(len(shards)) for part in range(-(-len(shards[0]["queries"][1]) // plan.rows))]
    steps = plan.epochs * len(rows)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda s: min(1, (s + 1) / 20) * (0.5 + 0.5 * np.cos(np.pi * s / steps)))
    for epoch in range(plan.epochs):
        rng, total = np.random.default_rng((run, epoch)), 0.0
        orders = [torch.from_numpy(rng.permutation(len(shard["queries"][1]))).split(plan.rows) for shard in shards]
        for number, part in rng.permutation(rows):
            index = orders[number][part]
            every = [shards[number][kind] for kind in embedded.KINDS]
            loss = loss_of(plan, [bags.means(table, index) for bags, _ in every], [goals[index] for _, goals in every])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.item() / len(rows)
        say(f"epoch {epoch}: loss {total:.3f}")
    return table.detach()


def figures(table: torch.Tensor, prepared: dict) -> dict:
    found = evaluate.sentence_tasks(Static(table), prepared)
    return {k: round(v, 2) if isinstance(v, float) else v for k, v in found.items()}


def write(table: torch.Tensor, tokenizer: pathlib.Path, out: pathlib.Path, about: dict) -> None:
    """A directory that model2vec and the engine load. Texts are not cut."""
    out.mkdir(parents=True, exist_ok=True)
    save_file({"embeddings": table.half().contiguous()}, out / "model.safetensors", {"format": "pt"})
    write_json(out / "config.json", {"model_type": "model2vec", "architectures": ["StaticModel"], "normalize": True, "max_length": None,
                                     "hidden_dim": table.shape[1], "embedding_dtype": "float16"})
    shutil.copyfile(tokenizer, out / "tokenizer.json")
    strip_limits(out / "tokenizer.json")
    write_json(out / "training.json", about)


def main() -> None:
    p = parser(__doc__)
    p.add_argument("--sapwood", type=pathlib.Path, required=True, help="the program that embeds the training texts as the teacher does")
    for field in dataclasses.fields(Plan):
        p.add_argument(f"--{field.name}", type=type(field.default), default=field.default)
    args = p.parse_args()
    plan = Plan(**{field.name: getattr(args, field.name) for field in dataclasses.fields(Plan)})
    seed(args.seed)
    prepared = data.load(args.data, args.tokenizer, args.work / "data.pt", args.limit)
    prepared["pairs"] = pairs.load(args.data, args.tokenizer, args.work / "pairs.pt", args.limit)
    shards = []
    for number in range(plan.shards):
        shards.append(embedded.shard(args, prepared, number))
        say(f"shard {number + 1} of {plan.shards}: the teacher has embedded its texts")
    _, teacher = load_teacher(args.teacher, args.embeddings)
    every = [shard[kind] for shard in shards for kind in embedded.KINDS]
    components = principal(torch.cat([goals for _, goals in every]).float(), plan.dimensions)
    counts = torch.from_numpy(np.bincount(np.concatenate([pieces.flat for pieces, _ in every]), minlength=len(teacher.shared[0].word)))
    start = first_table(teacher, components, counts / counts.sum(), plan.sif)
    goals = [{k: (Bags(pieces), F.normalize(e.float() @ components, dim=1)) for k, (pieces, e) in shard.items()} for shard in shards]
    results = {"plan": dataclasses.asdict(plan), "seed": args.seed, "seen": int((counts > 0).sum()), "first": figures(start, prepared)}
    say(json.dumps(results))
    table = fit(plan, start, goals, args.seed)
    results["static"] = figures(table, prepared)
    say(json.dumps(results["static"]))
    write(table, args.tokenizer, args.out / "models/embed-static", results)
    write_json(args.out / "static.json", results)


if __name__ == "__main__":
    main()
