"""The open corpus's pairs: a title, heading, word or question, and the passage that answers it.

One pair in a hundred, chosen by a hash of its passage, is held out, so that a passage with several queries is not split.
Batches have rows of one length: queries of one length, and so many first pieces of their passages.
"""

import hashlib
import json
import lzma
import pathlib

import numpy as np
import torch

from distil import data
from distil.data import Pieces, frame

FILE = "corpus/open/pairs.jsonl.xz"
SOURCES = {FILE: "6a16d007120ac785"}
LENGTHS = (30, 54, 94, 158)  # pieces of a passage in a batch


def prepare(folder: pathlib.Path, tokenizer_json: pathlib.Path, limit: int | None) -> dict:
    """{"train": (queries, passages), "held": {source: (queries, passages)}}, each a Pieces."""
    data.check_sources(folder, SOURCES)
    tokenizer = data.whole_tokenizer(tokenizer_json)
    with lzma.open(folder / FILE, "rt", encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    rows = rows[:: max(1, len(rows) // limit)] if limit else rows
    train, held = [], {}
    for row in rows:
        digest = hashlib.blake2b(row["passage"].encode(), digest_size=8).digest()
        into = held.setdefault(row["source"], []) if int.from_bytes(digest, "big") % 100 == 0 else train
        into.append(row)
    pieces = lambda every: tuple(data.pieces_of(tokenizer, [row[key] for row in every]) for key in ("query", "passage"))
    return {"train": pieces(train), "held": {source: pieces(every) for source, every in sorted(held.items())}}


def load(folder: pathlib.Path, tokenizer_json: pathlib.Path, cache: pathlib.Path, limit: int | None = None) -> dict:
    """prepare(), kept in `cache`."""
    code = data.sha256(pathlib.Path(data.__file__))[:16] + data.sha256(pathlib.Path(__file__))[:16]
    return data.cached(cache, code + json.dumps(SOURCES) + str(limit), lambda: prepare(folder, tokenizer_json, limit))


class Pairs:
    def __init__(self, queries: Pieces, passages: Pieces):
        self.queries, self.passages = queries, passages
        asked, told = np.diff(queries.offsets), np.diff(passages.offsets)
        self.groups = {}  # {pieces of a passage: {pieces of a query: pairs}}
        for n in LENGTHS:
            groups = {int(m): np.flatnonzero((asked == m) & (told >= n)) for m in np.unique(asked[told >= n])}
            groups = {m: pairs for m, pairs in groups.items() if m > 0 and len(pairs) > 1}
            if groups:
                self.groups[n] = groups

    def batch(self, tokens: int, rng) -> list[torch.Tensor]:
        """[queries, passages], int64 with [CLS] and [SEP], row for row a pair; a query's length by its share of the pairs."""
        n = list(self.groups)[rng.integers(len(self.groups))]
        lengths = list(self.groups[n])
        share = np.array([len(self.groups[n][m]) for m in lengths], float)
        pairs = self.groups[n][int(rng.choice(lengths, p=share / share.sum()))]
        pick = rng.choice(pairs, min(len(pairs), max(2, tokens // (n + 2))), replace=False)
        first = self.passages.offsets[pick][:, None] + np.arange(n)
        return [self.queries.rows(pick), frame(torch.from_numpy(self.passages.flat[first].astype(np.int64)))]
