"""Static embeddings on one thread: texts to vectors, beside model2vec. BERT's vocabulary, a random table."""

import json
import os
import subprocess
import sys
from pathlib import Path

from . import rounds
from .contestants import Refused, thread_environment
from .paths import BINARIES, ROOT, TOKENIZER, WORK
from .tokenizing import text_file
from .worker import medians, now, since

PART, DIMENSIONS = "static", 256
MODEL, TEXTS = WORK / "models" / "static", WORK / "static-texts.txt"


def write_model() -> None:
    """As potion-base-8M: 256 dimensions, normalized, at most 512 tokens of a text."""
    import numpy
    from safetensors.numpy import save_file

    tokenizer = json.loads((TOKENIZER / "tokenizer.json").read_text(encoding="utf-8"))
    shape = len(tokenizer["model"]["vocab"]), DIMENSIONS
    MODEL.mkdir(parents=True, exist_ok=True)
    table = numpy.random.default_rng(7).normal(size=shape).astype(numpy.float32)
    save_file({"embeddings": table}, MODEL / "model.safetensors")
    (MODEL / "tokenizer.json").write_text(json.dumps(tokenizer), encoding="utf-8")
    config = {"model_type": "model2vec", "architectures": ["StaticModel"], "normalize": True}
    (MODEL / "config.json").write_text(json.dumps(config) + "\n")


class Static:
    threads = 1

    def __init__(self, name: str, texts: int):
        self.name, self.ours, self.texts = name, name == "sapwood", texts

    def turn(self) -> dict:
        command, given = [sys.executable, "-m", "compare.static_embedding"], ""
        if self.ours:
            command = [BINARIES / "bench" / "load_library", "-m", MODEL, "--texts", TEXTS, "--threads", "1"]
            given = "all 1\n"
        done = subprocess.run(
            list(map(str, command)), input=given, capture_output=True, cwd=ROOT / "bench", text=True,
            env={**os.environ, "HF_HUB_OFFLINE": "1", **thread_environment(1)},
        )  # fmt: skip
        if done.returncode != 0:
            raise Refused(f"status {done.returncode}: {done.stderr[-300:]}")
        answer = json.loads(done.stdout)
        if not self.ours:
            return answer
        return {"wall": 1e3 * self.texts / answer["texts_per_s"], "processor": 1e3 * self.texts * answer["processor_s"]}

    def close(self) -> None:
        pass


def compare_outputs(lines: list[str]) -> None:
    """Vectors of both, before anything is timed."""
    import numpy
    from model2vec import StaticModel

    command = [BINARIES / "sapwood", "embed", "-m", MODEL, "--format", "jsonl"]
    done = subprocess.run(list(map(str, command)), input="\n".join(lines), capture_output=True, text=True, check=True)
    ours = [json.loads(line)["embedding"] for line in done.stdout.splitlines()]
    theirs = StaticModel.from_pretrained(MODEL).encode(lines)
    most = float(numpy.abs(numpy.array(ours, numpy.float32) - theirs).max())
    if most > 1e-6:
        raise RuntimeError(f"the vectors differ by {most}")


def run(settings, store, data: Path) -> None:
    if store.has(PART):
        return
    print(PART, flush=True)
    write_model()
    lines = [line for line in text_file(data).read_text(encoding="utf-8").split("\n") if line.strip()]
    TEXTS.write_text("\n".join(lines) + "\n", encoding="utf-8")
    refused: dict = {}
    try:
        compare_outputs(lines[:500])
    except ImportError as reason:
        refused["model2vec"] = str(reason)
    names = ["sapwood"] + ([] if refused else ["model2vec"])
    cell = rounds.interleave([Static(name, len(lines)) for name in names], settings, Static.turn, keep_all=True)
    cell |= {"part": PART, "text": TEXTS.name, "texts": len(lines), "threads": 1}
    cell["refused"] |= refused
    store.put(PART, cell)
    print(f"  {cell['median_ms']} ms for {len(lines)} texts", flush=True)


def main() -> None:
    """model2vec's process: all texts in one call, one thread."""
    from model2vec import StaticModel

    model = StaticModel.from_pretrained(MODEL)
    lines = TEXTS.read_text(encoding="utf-8").removesuffix("\n").split("\n")
    model.encode(lines[:100], use_multiprocessing=False)
    times = []
    for _ in range(3):
        start = now()
        model.encode(lines, use_multiprocessing=False)
        times.append(since(start))
    print(json.dumps(medians(times)))


if __name__ == "__main__":
    main()
