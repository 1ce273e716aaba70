"""Text to ids and offsets on one thread, beside Hugging Face tokenizers, the same text and vocabulary."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

from . import rounds
from .contestants import Refused, thread_environment
from .paths import BINARIES, ROOT, TOKENIZER, WORK

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
    process, threads = None, 1

    def __init__(self, name: str, text: Path):
        self.name, self.ours, self.text = name, name == "sapwood", text
        self.tokens = self.bytes = None

    def turn(self) -> float:
        return self.sapwood() if self.name == "sapwood" else self.hugging_face()

    def sapwood(self) -> float:
        environment = {"SAPWOOD_BENCH_TEXT": self.text, "SAPWOOD_BENCH_TOKENIZER": TOKENIZER}
        command = [BINARIES / "bench" / "bench_tokenizer", f"--benchmark_filter={NAME}$"]
        answer = self.ask([*command, "--benchmark_format=json"], environment)["benchmarks"][0]
        self.tokens = int(answer["tokens"])
        return answer["real_time"]  # the benchmark's unit is ms

    def hugging_face(self) -> float:
        command = [sys.executable, "-m", "compare.tokenizing", self.text]
        answer = self.ask(command, thread_environment(1))
        self.tokens, self.bytes = answer["tokens"], answer["bytes"]
        return answer["ms"]

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
    times, _, late = rounds.interleave(pair, settings, Tokenizers.turn)
    size = next((p.bytes for p in pair if p.bytes), 0)
    cell = {"part": PART, "text": text.name, "bytes": size, "refused": refused | late}
    cell |= {"tokens": pair[0].tokens, "rounds_ms": times}
    cell["median_ms"] = {name: round(median(ms), 3) for name, ms in times.items()}
    store.put(PART, cell)
    print(f"  {cell['median_ms']} ms for {size} bytes", flush=True)


def main() -> None:
    """Hugging Face's process: all lines, one call, one thread; offsets come with every encoding."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(TOKENIZER / "tokenizer.json"))
    lines = Path(sys.argv[1]).read_text(encoding="utf-8").removesuffix("\n").split("\n")
    tokenizer.encode_batch(lines[:100])
    times = []
    for _ in range(3):
        start = time.perf_counter()
        encodings = tokenizer.encode_batch(lines)
        times.append(1e3 * (time.perf_counter() - start))
    size = sum(len(line.encode()) for line in lines)
    tokens = sum(len(encoding.ids) for encoding in encodings)
    print(json.dumps({"ms": median(times), "tokens": tokens, "bytes": size}))


if __name__ == "__main__":
    main()
