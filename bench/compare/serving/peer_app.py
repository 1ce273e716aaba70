"""A FastAPI server over one of the other engines, for uvicorn: POST /embed and /predict with {"inputs": text}.

The environment variable SERVE_PEER says in JSON which: engine, model, dtype, threads, and batch, the most texts of one run.
With batch 1 a text is computed where its request is answered; else a batcher takes all that wait, up to batch, whenever the
engine is free, and never waits for more.
"""

import asyncio
import json
import os
from concurrent.futures import ThreadPoolExecutor

import numpy
import orjson
from fastapi import FastAPI, Response
from pydantic import BaseModel
from tokenizers import Tokenizer

from .. import models
from ..engines import create

SETTINGS = json.loads(os.environ["SERVE_PEER"])


class Encoder:
    """Texts to (mean of the last hidden state, of length 1; first token's row)."""

    def __init__(self):
        folder = models.directory(SETTINGS["model"])
        self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.tokenizer.no_padding()
        self.tokenizer.enable_truncation(512)
        names = (SETTINGS[name] for name in ("engine", "model", "dtype", "threads"))
        self.engine = create(*names, True)
        self.engine.prepare(-1, -1)
        self(["a charming and often affecting journey"] * SETTINGS["batch"])

    def __call__(self, texts: list[str]) -> list[tuple]:
        encoded = [encoding.ids for encoding in self.tokenizer.encode_batch(texts)]
        shape = len(texts), max(map(len, encoded))
        ids, mask = numpy.zeros(shape, numpy.int64), numpy.zeros(shape, numpy.int64)
        for row, text in enumerate(encoded):
            ids[row, : len(text)], mask[row, : len(text)] = text, 1
        hidden = self.engine.run(ids, mask)
        weights = mask.astype(numpy.float32)
        mean = numpy.einsum("bth,bt->bh", hidden, weights) / weights.sum(1, keepdims=True)
        mean /= numpy.linalg.norm(mean, axis=1, keepdims=True)
        return list(zip(mean, hidden[:, 0].copy()))


class Batcher:
    def __init__(self, encoder: Encoder, most: int):
        self.encoder, self.most = encoder, most
        self.waiting, self.busy = [], False
        self.thread = ThreadPoolExecutor(1)

    async def __call__(self, text: str) -> tuple:
        if self.most == 1:
            return self.encoder([text])[0]
        future = asyncio.get_running_loop().create_future()
        self.waiting.append((text, future))
        if not self.busy:
            self.busy = True
            self.task = asyncio.create_task(self.work())
        return await future

    async def work(self) -> None:
        loop = asyncio.get_running_loop()
        while self.waiting:
            batch, self.waiting = self.waiting[: self.most], self.waiting[self.most :]
            texts = [text for text, _ in batch]
            rows = await loop.run_in_executor(self.thread, self.encoder, texts)
            for (_, future), row in zip(batch, rows):
                future.set_result(row)
        self.busy = False


class Inputs(BaseModel):
    inputs: str


app = FastAPI()
answer_of = Batcher(Encoder(), SETTINGS["batch"])
# A classifier's head: what its weights are costs nothing.
HEAD = numpy.random.default_rng(0).normal(0, 0.05, (models.SPECS[SETTINGS["model"]].hidden, 2))


def json_answer(value) -> Response:
    content = orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY)
    return Response(content, media_type="application/json")


@app.get("/health")
async def health() -> Response:
    return json_answer({"process": os.getpid()})


@app.post("/embed")
async def embed(request: Inputs) -> Response:
    mean, _ = await answer_of(request.inputs)
    return json_answer([mean])


@app.post("/predict")
async def predict(request: Inputs) -> Response:
    _, first = await answer_of(request.inputs)
    scores = numpy.exp(first @ HEAD)
    scores /= scores.sum()
    return json_answer([{"label": f"LABEL_{i}", "score": float(scores[i])} for i in (0, 1)])
