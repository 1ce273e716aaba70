"""Text to ids and offsets on one thread, beside Hugging Face tokenizers and tokie: the same text and vocabulary."""

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
BPE = WORK / "tokenizer-bpe"  # GPT-2's settings, 50,000 merges, trained on the data folder's texts

UNIGRAM = ROOT / "build" / "unigram" / "unigram-250k"  # where tests/live/unigram_models.py writes it


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


def folders(data: Path) -> dict:
    """The tokenizers by the names of their cells; byte-pair encoding where there is something to train one on."""
    found = {PART: TOKENIZER}
    if not (BPE / "tokenizer.json").exists() and (data / "corpus").is_dir():
        script = ROOT / "tests" / "live" / "bpe_stand_ins.py"
        command = [sys.executable, script, BPE, "--kind", "gpt2", "--data", data]
        subprocess.run(list(map(str, command)), check=True)
    if (BPE / "tokenizer.json").exists():
        found[f"{PART}-bpe"] = BPE
    else:
        print(f"  {data / 'corpus'} does not exist: byte-pair encoding is left out", flush=True)
    if (UNIGRAM / "tokenizer.json").exists():
        found[f"{PART}-unigram"] = UNIGRAM
    else:
        print(f"  {UNIGRAM} does not exist (tests/live/unigram_models.py trains it): Unigram is left out", flush=True)
    return found


class Tokenizers:
    threads = 1

    def __init__(self, name: str, text: Path, folder: Path):
        self.name, self.ours, self.text, self.folder = name, name == "sapwood", text, folder
        self.tokens = self.bytes = None

    def turn(self) -> dict:
        return self.sapwood() if self.ours else self.peer()

    def sapwood(self) -> dict:
        environment = {"SAPWOOD_BENCH_TEXT": self.text, "SAPWOOD_BENCH_TOKENIZER": self.folder}
        command = [BINARIES / "bench" / "bench_tokenizer", f"--benchmark_filter={NAME}$"]
        answer = self.ask([*command, "--benchmark_format=json"], environment)["benchmarks"][0]
        self.tokens = int(answer["tokens"])
        return {"wall": answer["real_time"], "processor": answer["cpu_time"]}  # in ms, by its unit

    def peer(self) -> dict:
        command = [sys.executable, "-m", "compare.tokenizing", self.name, self.folder, self.text]
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
    text = text_file(data)
    for part, folder in folders(data).items():
        if not store.has(part):
            run_one(part, text, folder, settings, store)


def run_one(part: str, text: Path, folder: Path, settings, store) -> None:
    print(part, flush=True)
    refused: dict = {}
    everyone = [Tokenizers(name, text, folder) for name in ("sapwood", "tokenizers", "tokie")]
    everyone = rounds.attempt(everyone, refused, Tokenizers.turn)
    counts = {each.name: each.tokens for each in everyone}
    right = counts.get("tokenizers", counts["sapwood"])
    if counts["sapwood"] != right:
        raise RuntimeError(f"{counts} tokens: not the same work")
    refused |= {name: f"{count} tokens, not {right}" for name, count in counts.items() if count != right}
    everyone = [each for each in everyone if each.tokens == right]
    # Nobody is hopeless here: each ratio is of interest.
    cell = rounds.interleave(everyone, settings, Tokenizers.turn, keep_all=True)
    cell |= {"part": part, "text": text.name, "tokens": everyone[0].tokens, "threads": 1}
    cell["bytes"] = next((each.bytes for each in everyone if each.bytes), 0)
    cell["refused"] |= refused
    store.put(part, cell)
    print(f"  {cell['median_ms']} ms for {cell['bytes']} bytes", flush=True)


def hugging_face(file: str):
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(file)
    return lambda lines: [len(encoding.ids) for encoding in tokenizer.encode_batch(lines)]


def tokie(file: str):
    import tokie

    tokenizer = tokie.Tokenizer.from_json(file)
    return lambda lines: [len(tokenizer.encode_with_offsets(line).ids) for line in lines]


def main() -> None:
    """A peer's process: all lines, one thread, with offsets."""
    name, folder, text = sys.argv[1:]
    encode = {"tokenizers": hugging_face, "tokie": tokie}[name](str(Path(folder) / "tokenizer.json"))
    lines = Path(text).read_text(encoding="utf-8").removesuffix("\n").split("\n")
    encode(lines[:100])
    times = []
    for _ in range(3):
        start = now()
        counts = encode(lines)
        times.append(since(start))
    size = sum(len(line.encode()) for line in lines)
    print(json.dumps({"clocks": medians(times), "tokens": sum(counts), "bytes": size}))


if __name__ == "__main__":
    main()
