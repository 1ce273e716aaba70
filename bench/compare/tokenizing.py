"""Text to ids and offsets on one thread, beside Hugging Face tokenizers, the same text and vocabulary."""

import json
import os
import subprocess
import sys
from pathlib import Path

from . import rounds
from .contestants import Refused, thread_environment
from .paths import BINARIES, ROOT, TOKENIZER, WORK
from .worker import medians, now, since

PART, NAME = "tokenizer", "tokenize_lines"


def text_file(data: Path) -> Path:
    """wikitext-2 where the data folder has it; else this repository's own English."""
    real = data / "corpus" / "wikitext-2.test.txt"
    if real.exists():
        return real
    print(f"  {real} does not exist: the text is the repository's own documents", flush=True)
    pages = sorted(ROOT.glob("*/README.md")) + sorted(ROOT.glob("*.md")) + [ROOT / "LICENSE"]
    path = WORK / "documents.txt"
    path.write_text("\n".join(page.read_text(encoding="utf-8") for page in pages), encoding="utf-8")
    return path


class Tokenizers:
    threads = 1

    def __init__(self, name: str, text: Path):
        self.name, self.ours, self.text = name, name == "sapwood", text
        self.tokens = self.bytes = None

    def turn(self) -> dict:
        return self.sapwood() if self.name == "sapwood" else self.hugging_face()

    def sapwood(self) -> dict:
        environment = {"SAPWOOD_BENCH_TEXT": self.text, "SAPWOOD_BENCH_TOKENIZER": TOKENIZER}
        command = [BINARIES / "bench" / "bench_tokenizer", f"--benchmark_filter={NAME}$"]
        answer = self.ask([*command, "--benchmark_format=json"], environment)["benchmarks"][0]
        self.tokens = int(answer["tokens"])
        return {"wall": answer["real_time"], "processor": answer["cpu_time"]}  # in ms, by its unit

    def hugging_face(self) -> dict:
        command = [sys.executable, "-m", "compare.tokenizing", self.text]
        answer = self.ask(command, thread_environment(1))
        self.tokens, self.bytes = answer["tokens"], answer["bytes"]
        return answer["clocks"]

    def ask(self, command: list, environment: dict) -> dict:
        environment = {**os.environ, **{name: str(value) for name, value in environment.items()}}
        done = subprocess.run(
            list(map(str, command)), capture_output=True, cwd=ROOT / "bench", env=environment
        )
        if done.returncode != 0:
            raise Refused(f"status {done.returncode}: {done.stderr.decode()[-300:]}")
        return json.loads(done.stdout)

    def close(self) -> None:
        pass


def run(settings, store, data: Path) -> None:
    if store.has(PART):
        return
    print(PART, flush=True)
    text, refused = text_file(data), {}
    pair = [Tokenizers(name, text) for name in ("sapwood", "tokenizers")]
    pair = rounds.attempt(pair, refused, Tokenizers.turn)
    if len(pair) == 2 and pair[0].tokens != pair[1].tokens:
        raise RuntimeError(f"{pair[0].tokens} and {pair[1].tokens} tokens: not the same work")
    cell = rounds.interleave(pair, settings, Tokenizers.turn)
    cell |= {"part": PART, "text": text.name, "tokens": pair[0].tokens, "threads": 1}
    cell["bytes"] = next((p.bytes for p in pair if p.bytes), 0)
    cell["refused"] |= refused
    store.put(PART, cell)
    print(f"  {cell['median_ms']} ms for {cell['bytes']} bytes", flush=True)


def main() -> None:
    """Hugging Face's process: all lines, one call, one thread; offsets come with every encoding."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(TOKENIZER / "tokenizer.json"))
    lines = Path(sys.argv[1]).read_text(encoding="utf-8").removesuffix("\n").split("\n")
    tokenizer.encode_batch(lines[:100])
    times = []
    for _ in range(3):
        start = now()
        encodings = tokenizer.encode_batch(lines)
        times.append(since(start))
    size = sum(len(line.encode()) for line in lines)
    tokens = sum(len(encoding.ids) for encoding in encodings)
    print(json.dumps({"clocks": medians(times), "tokens": tokens, "bytes": size}))


if __name__ == "__main__":
    main()
