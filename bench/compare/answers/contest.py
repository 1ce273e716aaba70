"""Each engine's best way is found on a sample, then the best ways take turns on all texts."""

import json
import os
import sys
import tempfile
from pathlib import Path

from .. import rounds
from ..contestants import Refused, Worker, convert, sapwood, thread_environment
from ..engines import PEERS, WITHOUT
from ..paths import OPTIMUM, WORK
from ..rounds import HOPELESS
from ..serving.processes import Library
from ..verify import LEAST_COSINE
from . import sets, ways

PARTS = tuple(sets.SETS)
FOLDER = WORK / "texts"
CHECKED, SAMPLE, ROUNDS = 64, 128, 3
F32_COSINE = 0.99999
# Of the scores of pairs, whose weights are random: all are alike, so that int8's errors are as large as their differences.
PAIR_CORRELATION = {"f32": 0.9999, "bf16": 0.9, "int8": 0.5}
ASKED_FOR = ("fastembed",)  # a goal is set against it, so that it stays however slow


class Sapwood(Library):
    """All texts in one call of the library."""

    ours = True

    def __init__(self, name: str, file: Path, chosen: sets.TextSet, texts: list, threads: int):
        lines = ["\t".join(text) if chosen.pairs else text for text in texts]
        self.file, self.text_file = file, FOLDER / f"{chosen.part}.txt"
        self.text_file.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
        self.task = "classify" if chosen.pairs else "embed"
        super().__init__(file, self.task, self.text_file, threads, f"{chosen.part}-{name}".replace(" ", "-"))
        self.name, self.threads, self.texts, self.way = name, threads, texts, None

    def time(self, every: int = 1) -> dict:
        found = self.all(0.01)  # one call at least
        count = 1e3 * len(self.texts)
        return {"wall": count / found["texts_per_s"], "processor": count * found["processor_s"]}

    def warm(self) -> None:
        self.time()

    def answers(self, count: int):
        import numpy

        if self.task == "embed":
            out = FOLDER / "ours.npy"
            sapwood("embed", "-m", self.file, "-i", self.text_file, "--normalize", "-q", "-o", out)
            return numpy.load(out)[:count]
        records = FOLDER / "pairs.jsonl"
        pairs = [json.dumps({"text": q, "text_pair": p}) + "\n" for q, p in self.texts[:count]]
        records.write_text("".join(pairs), encoding="utf-8")
        out = sapwood("classify", "-m", self.file, "-i", records, "--function-to-apply", "none", "-q")
        return numpy.array([[json.loads(line)["score"]] for line in out.splitlines()])


class Other:
    """Another engine, with so many calls side by side."""

    ours = False

    def __init__(self, engine: str, streams: int, dtype: str, threads: int, chosen: sets.TextSet, texts: Path):
        self.name, self.threads, self.rate = engine, threads, 0.0
        self.way = {"batch": 1, "streams": streams}
        settings = {"engine": engine, "model": chosen.model, "dtype": dtype, "threads": threads}
        settings |= {"streams": streams, "limit": chosen.limit, "pairs": chosen.pairs}
        command = [sys.executable, "-m", "compare.answers.worker", json.dumps(settings), str(texts)]
        environment = thread_environment(threads) | environment_of(engine)
        self.process = Worker(f"texts-{engine}-{dtype}", command, environment)
        try:
            self.process.wait_ready()
        except Refused:
            self.close()
            raise

    def ask(self, **question) -> dict:
        return self.process.answer(**question)

    def time(self, every: int = 1) -> dict:
        return self.ask(do="time", every=every)

    def batches(self, of: int) -> None:
        self.way["batch"] = of
        self.ask(do="batches", of=of)

    def warm(self) -> None:
        """Every shape once, where each needs code of its own; the sample has warmed the others."""
        if self.name in ways.STATIC:
            self.ask(do="warm")

    def answers(self, count: int):
        import numpy

        with tempfile.NamedTemporaryFile(suffix=".npy") as file:
            self.ask(do="answers", count=count, path=file.name)
            return numpy.load(file.name)

    def close(self) -> None:
        self.process.close()


def run(part: str, dtype: str, threads: int, settings, store, data: Path) -> None:
    key = f"{part}.{dtype}.t{threads}"
    if store.has(key):
        return
    settings.require_time()
    texts = sets.load(part, data, settings.quick)
    if texts is None:
        return
    print(f"{part}, {dtype}, threads {threads}", flush=True)
    FOLDER.mkdir(parents=True, exist_ok=True)
    field = Field(sets.SETS[part], texts, dtype, threads, settings)
    try:
        store.put(key, field.cell() | {"part": part, "dtype": dtype, "threads": threads})
    finally:
        field.close()


class Field:
    """Everyone of one cell."""

    def __init__(self, chosen: sets.TextSet, texts: list, dtype: str, threads: int, settings):
        self.chosen, self.texts, self.dtype, self.threads = chosen, texts, dtype, threads
        self.settings, self.path = settings, FOLDER / f"{chosen.part}.json"
        self.path.write_text(json.dumps(texts), encoding="utf-8")
        self.every = max(1, len(texts) // SAMPLE)
        self.running, self.refused, self.checks, self.tried = [], {}, {}, []

    def cell(self) -> dict:
        self.wanted = self.reference()
        for name, model in {"sapwood": self.chosen.model, **self.students()}.items():
            ours = Sapwood(name, convert(model, self.dtype), self.chosen, self.texts, self.threads)
            self.running.append(ours)
            self.check(ours)
            ours.warm()
        for engine in self.engines():
            self.add_best_way(engine)
        self.drop_hopeless()
        self.running = rounds.attempt(self.running, self.refused, lambda c: c.warm())
        count = min(ROUNDS, self.settings.rounds)
        cell = rounds.interleave(self.running, self.settings, lambda c: c.time(), count, keep_all=True)
        rates = {name: 1e3 * len(self.texts) / ms for name, ms in cell["median_ms"].items()}
        print("  " + ", ".join(f"{name} {rate:.0f}" for name, rate in rates.items()), "texts/s", flush=True)
        cell["refused"] |= self.refused
        ways = {c.name: c.way for c in self.running if c.way}
        cell |= {"texts": len(self.texts), "title": self.chosen.title, "ways": ways}
        return cell | {"tried": self.tried, "checks": self.checks}

    def students(self) -> dict:
        return {"sapwood fff": model for model in self.chosen.ours} if self.dtype == "int8" else {}

    def engines(self) -> list[str]:
        fits = ways.contestants(self.chosen.pairs, self.dtype)
        fits = [name for name in fits if not self.settings.quick or name not in PEERS or PEERS[name].quick]
        self.refused |= {name: "by --without" for name in fits if name in WITHOUT}
        return [name for name in fits if name not in WITHOUT]

    def reference(self):
        """PyTorch's answers in f32, text by text."""
        torch = Other(ways.REFERENCE, 1, "f32", 1, self.chosen, self.path)
        try:
            return torch.answers(CHECKED)
        finally:
            torch.close()

    def check(self, contestant) -> None:
        found = likeness(self.wanted, contestant.answers(CHECKED), self.chosen.pairs)
        least = ({"f32": F32_COSINE} | LEAST_COSINE)[self.dtype]
        if contestant.ours and contestant.name != "sapwood":
            least = 0  # a student: models/recipes measures how well it learned
        if self.chosen.pairs:
            least = PAIR_CORRELATION[self.dtype]
        if not found >= least:
            raise Refused(f"its answers differ from PyTorch's in f32: {found:.5f}")
        self.checks[contestant.name] = {"cosine": round(found, 6)}

    def add_best_way(self, engine: str) -> None:
        """The fastest of a sample of the texts takes part."""
        entrants = []
        try:
            for streams in ways.streams(engine, self.threads):
                self.settings.require_time()
                other = Other(engine, streams, self.dtype, self.threads, self.chosen, self.path)
                entrants.append(other)
                self.find_batch(other)
        except Refused as reason:
            print(f"  {engine}: left out: {reason}", flush=True)
            self.refused[engine] = str(reason)
            entrants = close_all(entrants)
        except BaseException:
            close_all(entrants)
            raise
        if entrants:
            best = max(entrants, key=lambda other: other.rate)
            close_all([other for other in entrants if other is not best])
            self.running.append(best)
            print(f"  {engine}: {best.way}, {best.rate:.0f} texts/s of a sample", flush=True)

    def find_batch(self, other: Other) -> None:
        self.check(other)
        rates = {}
        for batch in ways.batches(self.settings.quick):
            other.batches(batch)
            other.time(self.every)  # prepares
            rates[batch] = self.rate(other)
            self.tried.append({"name": other.name, "way": dict(other.way), "per_s": round(rates[batch], 1)})
        best = max(rates, key=rates.get)
        other.batches(best)
        other.rate = rates[best]

    def rate(self, other: Other) -> float:
        with self.settings.quiet_machine():
            found = other.time(self.every)
        rounds.pause()
        return 1e3 * found["texts"] / found["processor" if self.threads == 1 else "wall"]

    def drop_hopeless(self) -> None:
        """Before any of its long turns; the sample says what such a one gave."""
        others = [c for c in self.running if not c.ours]
        limit = max((c.rate for c in others), default=0) / HOPELESS
        for other in others:
            if other.rate < limit and other.name not in ASKED_FOR:
                other.close()
                self.running.remove(other)

    def close(self) -> None:
        close_all(self.running)


def close_all(contestants: list) -> list:
    for contestant in contestants:
        contestant.close()
    return []


def environment_of(engine: str) -> dict:
    """Where packages are that this engine needs beside the others'."""
    if engine not in ways.OLDER:
        return {}
    if not OPTIMUM.is_dir():
        raise Refused(f"{OPTIMUM} does not exist: bench/requirements-optimum.txt says how it is made")
    return {"PYTHONPATH": os.pathsep.join([str(OPTIMUM), os.environ.get("PYTHONPATH", "")])}


def likeness(want, got, pairs: bool) -> float:
    """Mean cosine similarity of vectors; of scores, one a pair, their correlation."""
    import numpy

    if want.shape != got.shape:
        raise Refused(f"its answers have the shape {got.shape}, expected {want.shape}")
    want, got = want.astype(numpy.float64), got.astype(numpy.float64)
    if pairs:
        return float(numpy.corrcoef(want.ravel(), got.ravel())[0, 1])
    norms = numpy.linalg.norm(want, axis=1) * numpy.linalg.norm(got, axis=1)
    return float(((want * got).sum(1) / norms).mean())
