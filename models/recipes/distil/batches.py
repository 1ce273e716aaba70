"""What the tasks are tuned on: batches of one length, each a function of the random generator that draws it."""

import numpy as np
import torch
from torch.nn import functional as F

from distil.data import CLS, MASK, SEP, SEPARATE, Questions, corrupt, corrupt_tail, crops, frame, reword
from distil.pairs import Pairs


class Labelled:
    """Batches of one length of SST-2 or NER with labels, and unlabelled rows of that length: half of the labelled ones again,
    reworded or corrupted, and as many sentences."""

    def __init__(self, prepared, task, plan):
        self.pieces, self.labels = prepared[task]
        self.neighbours, self.sentences = prepared["neighbours"], prepared["wiki"] if task == "ner" else prepared["sentences"]
        self.task, self.rows = task, plan.rows
        self.groups, self.others = self.pieces.by_length(), self.sentences.by_length()
        self.lengths = np.array(sorted(self.groups))
        count = np.array([len(self.groups[n]) * (n if plan.by_tokens else 1) for n in self.lengths], float)
        self.share = count / count.sum()

    def batch(self, rng, unlabelled: bool):
        n = int(rng.choice(self.lengths, p=self.share))
        pick = rng.choice(self.groups[n], min(self.rows, len(self.groups[n])), replace=False)
        ids = self.pieces.rows(pick)
        if self.task == "sst2":
            labels = torch.from_numpy(self.labels[pick])
        else:
            labels = F.pad(torch.from_numpy(np.stack([self.labels[i] for i in pick])), (1, 1), value=SEPARATE)
        if unlabelled:
            again = ids[: -(-len(ids) // 2)]
            extra = [reworded(again, self.neighbours, rng) if rng.random() < 0.5 else corrupt(again, rng, self.pieces.flat)]
            if n in self.others:
                extra.append(self.sentences.rows(rng.choice(self.others[n], min(len(ids) // 2 + 1, len(self.others[n])))))
            ids = torch.cat([ids, *extra])
        return ids, labels, None


def reworded(rows: torch.Tensor, neighbours, rng) -> torch.Tensor:
    return torch.from_numpy(reword(rows.numpy(), neighbours, rng))


class Unlabelled:
    """Rows of one length without labels. Half of the batches are the task's training text: for NER sentences set end to end in
    changing order, for SST-2 reworded sentences. All others are sentences of the corpus and of every task's training text."""

    def __init__(self, prepared, task, tokens):
        self.task, self.tokens, self.stream, self.neighbours = task, tokens, prepared["stream"], prepared["neighbours"]
        self.sentences = Lengths(prepared["sentences"])
        self.own = prepared[task][0] if task in ("ner", "sst2") else None
        self.reviews = Lengths(self.own) if task == "sst2" else None

    def batch(self, rng):
        own = self.own is not None and rng.random() < 0.5
        if own and self.task == "ner":
            width = 62
            rows = max(1, self.tokens // (width + 2))
            picked = []
            while len(picked) < rows * width:
                picked.extend(self.own[rng.integers(len(self.own))])
            ids = frame(torch.from_numpy(np.array(picked[: rows * width], np.int64)).view(rows, width))
        elif own:
            return [reworded(self.reviews.rows(self.tokens, rng), self.neighbours, rng)]
        else:
            ids = self.sentences.rows(self.tokens, rng)
        half = len(ids) // 2
        return [torch.cat([ids[half:], corrupt(ids[:half], rng, self.stream, 0.1)]) if half else ids]


class Lengths:
    """Texts by length, which is drawn by its share of the tokens."""

    def __init__(self, pieces):
        self.pieces, self.groups = pieces, {n: i for n, i in pieces.by_length().items() if n >= 5}
        self.lengths = np.array(sorted(self.groups))
        share = np.array([n * len(self.groups[n]) for n in self.lengths], float)
        self.share = share / share.sum()

    def rows(self, tokens: int, rng, least: int = 1) -> torch.Tensor:
        n = int(rng.choice(self.lengths, p=self.share))
        count = min(max(least, tokens // (n + 2)), len(self.groups[n]))
        return self.pieces.rows(rng.choice(self.groups[n], count, replace=False))


class Masked:
    """Rows of the corpus, a sixth of them [MASK] (85 %), another piece (5 %) or themselves (10 %): 128 pieces of novels and
    wikitext-2; with plan.open of open text (corpus.py), one length a batch, so that short and long texts are both seen."""

    LENGTHS = {14: 0.05, 30: 0.1, 62: 0.15, 126: 0.35, 254: 0.2, 510: 0.15}  # pieces of a row: share of the batches

    def __init__(self, prepared, plan):
        self.rows, self.open = plan.rows, plan.open
        self.stream = prepared["open" if plan.open else "stream"]
        self.wiki = prepared["wiki"].flat

    def texts(self, rng) -> np.ndarray:
        if self.open:
            n = int(rng.choice(list(self.LENGTHS), p=list(self.LENGTHS.values())))
            start = rng.integers(0, len(self.stream) - n, max(1, self.rows * 128 // (n + 2)))
            return self.stream[start[:, None] + np.arange(n)]
        parts = []
        for stream, rows in ((self.stream, self.rows * 2 // 3), (self.wiki, self.rows - self.rows * 2 // 3)):
            start = rng.integers(0, max(1, len(stream) - 126), rows)
            parts.append(stream[(start[:, None] + np.arange(126)) % len(stream)])
        return np.concatenate(parts)

    def batch(self, rng, unlabelled: bool):
        ids = frame(torch.from_numpy(self.texts(rng).astype(np.int64)))
        where = torch.from_numpy(rng.random(tuple(ids.shape)) < 0.16) & (ids != CLS) & (ids != SEP)
        u = torch.from_numpy(rng.random(tuple(ids.shape)))
        other = torch.from_numpy(rng.choice(self.stream, tuple(ids.shape)).astype(np.int64))
        labels = ids[where]
        seen = torch.where(where & (u < 0.85), MASK, torch.where(where & (u < 0.9), other, ids))
        return seen, labels, where


class Search:
    """For embeddings, one batch in two: texts of one length; the last quarter is the first, corrupted. The other: crops of
    which four in turn are neighbours, as paragraphs of one article are, and a pseudo-question about each; with open text, half of
    all batches are pairs of the open corpus instead (pairs.py)."""

    KINDS = ("encyclopaedia", "reworded", "varied", "varied", "stream")

    def __init__(self, prepared, tokens):
        self.prepared, self.tokens, self.stream = prepared, tokens, prepared["stream"]
        self.sentences, self.questions = Lengths(prepared["sentences"]), Questions(prepared["starters"])
        self.pairs = Pairs(*prepared["pairs"]["train"]) if "pairs" in prepared else None

    def batch(self, rng):
        """[ids] or [questions, texts]"""
        if self.pairs is not None and rng.random() < 0.5:
            return self.pairs.batch(self.tokens, rng)
        kind = self.KINDS[rng.integers(len(self.KINDS))]
        if rng.random() < 0.5:
            n = (94, 126, 190, 254)[rng.integers(4)]
            texts = crops(self.prepared, kind, n, max(4, self.tokens // (n + 2)), rng, in_turn=4)
            asked = self.questions.ask(texts, int(rng.integers(8, 25)), rng)
            return [frame(torch.from_numpy(rows)) for rows in (asked, texts)]
        if rng.random() < 0.5:
            ids = self.sentences.rows(self.tokens, rng, least=2)
        else:
            n = (62, 126, 254)[rng.integers(3)]
            ids = frame(torch.from_numpy(crops(self.prepared, kind, n, max(2, self.tokens // (n + 2)), rng)))
        return [corrupt_tail(ids, rng, self.stream)]
