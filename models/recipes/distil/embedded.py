"""Training texts with the teacher's embeddings, which the engine computes: queries and passages of the open corpus's pairs,
and sentences (`data.py`).

A shard holds as many of each, and its number says which; a passage is cut after 30, 62 or 126 pieces. Texts that are
held out, or equal one of a test, are in none, as `data.py` and `pairs.py` have it.
"""

import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import torch

from distil import data, pairs
from distil.data import Pieces

SHARD = 4096  # texts of each kind
CROPS, SHARES = (30, 62, 126), (0.4, 0.4, 0.2)  # pieces of a passage
KINDS = ("queries", "passages", "sentences")


def as_lines(tokenizer, pieces: Pieces) -> list[str]:
    """The texts of word pieces, as one line each; the tokenizer makes the same pieces of them."""
    return [" ".join(text.split()) for text in tokenizer.decode_batch([pieces[i].tolist() for i in range(len(pieces))], skip_special_tokens=False)]


def embed(sapwood: pathlib.Path, model: pathlib.Path, lines: list[str], dtype: str = "int8") -> torch.Tensor:
    """fp16 [lines, dimensions], of unit length if the model says so."""
    with tempfile.TemporaryDirectory() as folder:
        texts, vectors = pathlib.Path(folder) / "texts.txt", pathlib.Path(folder) / "vectors.npy"
        texts.write_text("\n".join(lines) + "\n", encoding="utf-8")
        command = [sapwood, "embed", "-m", model, "--dtype", dtype, "-i", texts, "--input-format", "text", "-o", vectors, "--format", "npy", "-q"]
        done = subprocess.run([str(c) for c in command], capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"{' '.join(map(str, command))}: {done.stderr.strip()}")
        found = torch.from_numpy(np.load(vectors)).half()
    if len(found) != len(lines):
        sys.exit(f"{sapwood} made {len(found)} vectors of {len(lines)} texts")
    return found


def texts_of(prepared: dict, number: int) -> dict[str, Pieces]:
    """The texts of a shard; the row of a query is that of its passage."""
    queries, passages = prepared["pairs"]["train"]
    used = np.flatnonzero((np.diff(queries.offsets) > 0) & (np.diff(passages.offsets) > 0))
    count = min(SHARD, len(used), len(prepared["sentences"]))
    rng = np.random.default_rng(0)
    place = np.arange(number * count, (number + 1) * count)
    pick = rng.permutation(used)[place % len(used)]
    whole = np.flatnonzero(np.diff(prepared["sentences"].offsets) > 0)
    pick_sentences = rng.permutation(whole)[place % len(whole)]
    cuts = np.random.default_rng((1, number)).choice(CROPS, count, p=SHARES)
    return {
        "queries": Pieces([queries[i] for i in pick]),
        "passages": Pieces([passages[i][:cut] for i, cut in zip(pick, cuts)]),
        "sentences": Pieces([prepared["sentences"][i] for i in pick_sentences]),
    }


def shard(args, prepared: dict, number: int) -> dict:
    """{kind: (texts, fp16 embeddings of the teacher)}, kept in args.work / "embedded"."""

    def make():
        tokenizer = data.whole_tokenizer(args.tokenizer)
        return {kind: (pieces, embed(args.sapwood, args.teacher.parent, as_lines(tokenizer, pieces)))
                for kind, pieces in texts_of(prepared, number).items()}

    code = "".join(data.sha256(pathlib.Path(module.__file__))[:16] for module in (data, pairs, sys.modules[__name__]))
    return data.cached(args.work / f"embedded/{number:03}.pt", f"{code} {args.limit}", make)
