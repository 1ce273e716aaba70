"""Who is timed: each contestant is a process that lives through all rounds and answers `time` and `output`."""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from . import models
from .engines import PEERS
from .paths import LOGS, ROOT, SAPWOOD, WORK
from .specs import SPECS


# As the other engines do, which read their weights into memory. Start-up is measured with mapped weights.
COPIED = ["--copy-weights"]


class Refused(Exception):
    """This contestant does not take part; the message says why."""


def thread_environment(threads: int) -> dict:
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS")
    return {name: str(threads) for name in names} | {"TOKENIZERS_PARALLELISM": "false"}


class Process:
    """Questions and answers in lines."""

    def __init__(self, name: str, command: list, environment: dict):
        LOGS.mkdir(parents=True, exist_ok=True)
        self.name, self.log = name, LOGS / f"{name.replace(' ', '-')}.log"
        with open(self.log, "w", encoding="utf-8") as log:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                cwd=ROOT / "bench",
                env={**os.environ, "HF_HUB_OFFLINE": "1", **environment},
            )

    def read(self) -> dict:
        line = self.process.stdout.readline()
        if not line:
            self.process.wait()
            said = self.log.read_text(errors="replace").strip().splitlines()[-1:] or ["nothing"]
            raise Refused(f"ended with status {self.process.returncode}; it said: {said[0]}")
        return json.loads(line)

    def ask(self, line: str) -> dict:
        try:
            self.process.stdin.write(line + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass  # read() says how it ended
        return self.read()

    def close(self) -> None:
        self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()


class Worker(Process):
    """A process that runs another engine: what that cannot do is Refused."""

    def wait_ready(self) -> None:
        answer = self.read()
        if "unavailable" in answer:
            raise Refused(answer["unavailable"])

    def answer(self, **question) -> dict:
        answer = self.ask(json.dumps(question))
        if "error" in answer:
            raise Refused(answer["error"])
        return answer


class Peer:
    """Another engine, in a Python process of its own."""

    def __init__(self, engine: str, model: str, dtype: str, threads: int, masked=False, label=None):
        self.name, self.model, self.dtype, self.ours = label or engine, model, dtype, False
        self.threads = threads
        kind = "masked" if masked else "plain"
        command = [sys.executable, "-m", "compare.worker", engine, model, dtype, threads, kind]
        environment = thread_environment(threads) | PEERS[engine].environment
        self.process = Worker(f"{engine}-{model}-{dtype}", list(map(str, command)), environment)

    def wait_ready(self) -> None:
        self.process.wait_ready()

    def prepare(self, batch: int, tokens: int) -> None:
        self.process.answer(do="prepare", batch=batch, tokens=tokens)

    def time(self, batch: int, tokens: int, seconds: float, runs: int) -> dict:
        return self.process.answer(do="time", batch=batch, tokens=tokens, seconds=seconds, runs=runs)

    def time_texts(self, texts: list, batch: int, runs: int) -> dict:
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump(texts, file)
            file.flush()
            return self.process.answer(do="texts", path=file.name, batch=batch, runs=runs)

    def output(self, ids, lengths: list | None = None):
        """The last hidden state; rows may be padded to the longest of `lengths`."""
        import numpy

        with tempfile.TemporaryDirectory() as folder:
            path = f"{folder}/hidden.npy"
            self.process.answer(do="output", ids=ids.tolist(), lengths=lengths, path=path)
            return numpy.load(path)

    def close(self) -> None:
        self.process.close()


class Sapwood:
    """The command line tool on a converted file: what a user runs."""

    def __init__(self, model: str, dtype: str, threads: int, label: str = "sapwood"):
        self.name, self.model, self.dtype, self.ours = label, model, dtype, True
        self.threads, self.seconds_runs, self.process = threads, None, None
        self.file = convert(model, dtype)

    def wait_ready(self) -> None:
        pass

    def prepare(self, batch: int, tokens: int) -> None:
        pass

    def time(self, batch: int, tokens: int, seconds: float, runs: int) -> dict:
        if self.seconds_runs != (seconds, runs):
            self.close()
            options = ["--threads", self.threads, "--seconds", seconds, "--runs", runs]
            command = [SAPWOOD, "bench", "-m", self.file, "--shapes", "-", "--json", *options, *COPIED]
            name = f"sapwood-{self.model}-{self.dtype}"
            self.process = Process(name, list(map(str, command)), {})
            self.seconds_runs = (seconds, runs)
        answer = self.process.ask(f"{batch}x{tokens}")
        check_answer(answer, self.dtype, self.threads)
        self.isa = answer["isa"]
        return clocks(answer, f"{batch}x{tokens}")

    def time_texts(self, texts: list, batch: int, runs: int) -> dict:
        with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
            file.write("".join(f"{len(text)}\n" for text in texts))
            file.flush()
            options = ["--batch", batch, "--threads", self.threads, "--runs", runs]
            command = ["bench", "-m", self.file, "--lengths", file.name, "--json", *options, *COPIED]
            answer = json.loads(sapwood(*command, "--seconds", 0.5))
        check_answer(answer, self.dtype, self.threads)
        return clocks(answer, "lengths")

    def output(self, ids, lengths: list | None = None):
        """Text of whole words of the vocabulary, so that the ids are those asked for; padded where asked."""
        import numpy

        vocabulary, width = vocabulary_words(), ids.shape[1]
        rows = [row[:n] for row, n in zip(ids.tolist(), lengths or [width] * len(ids))]
        records = [" ".join(vocabulary[i] for i in row[1:-1]) for row in rows]
        with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
            file.write("".join(record + "\n" for record in records))
            file.flush()
            options = ["--threads", self.threads, "--pooling", "none", "--no-normalize", "--format", "jsonl"]
            options += ["--max-length", SPECS[self.model].positions]
            lines = sapwood("embed", "-m", self.file, "-i", file.name, *options).splitlines()
        hidden = [numpy.array(json.loads(line)["embedding"], numpy.float32) for line in lines]
        return numpy.stack([numpy.pad(rows, ((0, width - len(rows)), (0, 0))) for rows in hidden])

    def close(self) -> None:
        if self.process:
            self.process.close()
        self.process = self.seconds_runs = None


def check_answer(answer: dict, dtype: str, threads: int) -> None:
    """An engine that quietly computes in another precision would be timed as what it is not."""
    if answer["dtype"] != dtype or answer["threads"] != threads:
        raise Refused(
            f"asked for {dtype} on {threads} threads, sapwood bench said {answer['dtype']} on "
            f"{answer['threads']}"
        )


def clocks(answer: dict, name: str) -> dict:
    return {"wall": answer["median_ms"][name], "processor": answer["processor_ms"][name]}


def sapwood(*arguments) -> str:
    done = subprocess.run([SAPWOOD, *map(str, arguments)], capture_output=True, text=True)
    if done.returncode != 0:
        said = done.stderr.strip().splitlines()[-1:] or [f"status {done.returncode}"]
        raise Refused(said[0].removeprefix("sapwood: "))
    return done.stdout


def convert(model: str, dtype: str) -> Path:
    """The converted file, made again where the program is newer; a shipped model's own."""
    if SPECS[model].shipped:
        return ROOT / "models" / SPECS[model].shipped / "model.safetensors"
    source, target = models.directory(model), WORK / "converted" / f"{model}-{dtype}.safetensors"
    if not target.exists() or target.stat().st_mtime < SAPWOOD.stat().st_mtime:
        target.parent.mkdir(parents=True, exist_ok=True)
        sapwood("convert", source, "-o", target, "--dtype", dtype)
    return target


def vocabulary_words() -> dict[int, str]:
    """Ids whose token is a whole lower-case word: a text of them is tokenised word by word."""
    from .paths import TOKENIZER

    content = json.loads((TOKENIZER / "tokenizer.json").read_text(encoding="utf-8"))
    words = content["model"]["vocab"].items()
    return {i: word for word, i in words if word.isascii() and word.isalpha() and word.islower()}


def pause() -> None:
    """Libraries keep their threads spinning for a while after a call: let them come to rest."""
    time.sleep(0.25)
