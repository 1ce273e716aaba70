"""One engine in one process, asked in JSON lines: python -m compare.worker ENGINE MODEL DTYPE THREADS MASKED

Libraries print what they like: standard output goes to the log, answers through a descriptor of their own.
"""

import json
import os
import sys
import time
from statistics import median

from .engines import Unavailable, create
from .specs import VOCABULARY


class Worker:
    def __init__(self, engine: str, model: str, dtype: str, threads: int, masked: bool):
        import numpy

        self.numpy, self.masked = numpy, masked
        self.engine = create(engine, model, dtype, threads, masked)
        self.random = numpy.random.default_rng(7)

    def prepare(self, batch: int, tokens: int) -> dict:
        self.engine.prepare(batch, tokens)
        if batch > 0:
            self.engine.run(*self._inputs(batch, tokens))
        return {}

    def output(self, ids: list, lengths: list | None, path: str) -> dict:
        """The last hidden state of these texts, padded where they are shorter, as an npy file."""
        ids = self.numpy.array(ids, self.numpy.int64)
        mask = self.numpy.ones_like(ids) if self.masked else None
        for row, length in enumerate(lengths or []):
            mask[row, length:] = 0
        self.numpy.save(path, self.numpy.asarray(self.engine.run(ids, mask), self.numpy.float32))
        return {}

    def time(self, batch: int, tokens: int, seconds: float, runs: int) -> dict:
        """The median call by both clocks; ids are fresh at each."""
        times, begin = [], time.perf_counter()
        while True:  # a quarter of the time warms up, as in `sapwood bench`
            self._timed(batch, tokens)
            if time.perf_counter() - begin >= seconds / 4:
                break
        while len(times) < runs or time.perf_counter() - begin < seconds:
            times.append(self._timed(batch, tokens))
        return medians(times)

    def texts(self, path: str, batch: int, runs: int) -> dict:
        """Milliseconds for all texts of the file (a JSON list of id lists), in batches, padded."""
        with open(path, encoding="utf-8") as file:
            texts = json.load(file)
        batches = [self._padded(texts[i : i + batch]) for i in range(0, len(texts), batch)]
        times = []
        for _ in range(runs):
            start = now()
            for ids, mask in batches:
                self.engine.run(ids, mask)
            times.append(since(start))
        return medians(times)

    def _inputs(self, batch, tokens):
        ids = self.random.integers(0, VOCABULARY, (batch, tokens))
        return ids, self.numpy.ones_like(ids) if self.masked else None

    def _timed(self, batch, tokens) -> tuple:
        inputs = self._inputs(batch, tokens)
        start = now()
        self.engine.run(*inputs)
        return since(start)

    def _padded(self, texts):
        longest = max(map(len, texts))
        ids = self.numpy.zeros((len(texts), longest), self.numpy.int64)
        mask = self.numpy.zeros_like(ids)
        for row, text in enumerate(texts):
            ids[row, : len(text)] = text
            mask[row, : len(text)] = 1
        return ids, mask


def now() -> tuple:
    """Seconds: the wall's clock, and the processor's for all threads of this process."""
    return time.perf_counter(), time.process_time()


def since(start: tuple) -> tuple:
    end = now()
    return end[0] - start[0], end[1] - start[1]


def medians(times: list[tuple]) -> dict:
    wall, processor = (1e3 * median(clock) for clock in zip(*times))
    return {"wall": wall, "processor": processor}


def main() -> None:
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)

    def answer(value: dict) -> None:
        answers.write(json.dumps(value) + "\n")

    engine, model, dtype, threads, masked = sys.argv[1:]
    try:
        worker = Worker(engine, model, dtype, int(threads), masked == "masked")
    except (Unavailable, ImportError) as reason:
        return answer({"unavailable": str(reason)})
    answer({"ready": engine})
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer(getattr(worker, request.pop("do"))(**request))
        except Exception as error:  # whatever a library raises ends this question, not the others
            answer({"error": f"{type(error).__name__}: {error}"[:500]})


if __name__ == "__main__":
    main()
    sys.stdout.flush()
    os._exit(0)  # some libraries are slow to unload
