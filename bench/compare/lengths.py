"""Real lengths: the sentences of SST-2 dev in batches of 32, in arrival order and sorted by length."""

import csv
from pathlib import Path

from . import rounds, verify
from .contestants import Peer, Sapwood
from .engines import takes_part
from .grid import start
from .paths import TOKENIZER

PART, MODEL, BATCH, QUICK_TEXTS = "lengths", "distilbert", 32, 128
ENGINES = (
    "onnxruntime", "openvino", "openvino-bf16", "openvino-static", "ctranslate2", "ctranslate2-mkl",
)  # fmt: skip


def sentences(data: Path, quick: bool) -> list[list[int]] | None:
    """Token ids in the order of the file; None where the data is not there."""
    path = data / "sst2" / "dev.tsv"
    if not path.exists():
        print(f"skip {PART}: {path} does not exist (--data names the folder)", flush=True)
        return None
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(TOKENIZER / "tokenizer.json"))
    with open(path, encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE))[1:]
    return [tokenizer.encode(row[0]).ids for row in rows][: QUICK_TEXTS if quick else None]


def run(dtype: str, threads: int, settings, store, data: Path) -> None:
    orders = {order: f"{PART}.{dtype}.t{threads}.{order}" for order in ("arrival", "sorted")}
    if all(map(store.has, orders.values())):
        return
    arrival = sentences(data, settings.quick)
    if arrival is None:
        return
    print(f"{PART}, {dtype}, threads {threads}", flush=True)
    contestants, refused = enter(dtype, threads, settings.quick)
    try:
        for order, key in orders.items():
            if not any(c.ours for c in contestants):
                return
            settings.require_time()
            texts = arrival if order == "arrival" else sorted(arrival, key=len)
            left = rounds.attempt(contestants, refused, lambda c: warm_up(c, texts))
            cell = rounds.interleave(
                left, settings, lambda c: c.time_texts(texts, BATCH, 1), min(3, settings.rounds)
            )
            refused |= cell["refused"]
            contestants = [c for c in left if c.name not in refused]
            cell |= {"part": PART, "dtype": dtype, "threads": threads, "order": order}
            cell |= {"texts": len(texts), "tokens": sum(map(len, texts)), "refused": dict(refused)}
            store.put(key, cell)
            rates = {name: 1e3 * len(texts) / ms for name, ms in cell["median_ms"].items()}
            print(f"  {order}: " + ", ".join(f"{n} {r:.0f}" for n, r in rates.items()), "texts/s")
    finally:
        for contestant in contestants:
            contestant.close()
        verify.close_references()


def enter(dtype: str, threads: int, quick: bool) -> tuple[list, dict]:
    refused: dict = {}
    contestants = start({"sapwood": lambda: Sapwood(MODEL, dtype, threads)}, refused)
    if not contestants:
        return [], refused
    makers = {
        name: lambda name=name: Peer(name, MODEL, dtype, threads, masked=True)
        for name in ENGINES
        if takes_part(name, dtype, None, quick, refused)
    }
    contestants += start(makers, refused)

    def ready(contestant):
        contestant.prepare(-1, -1)  # any shape
        verify.check_padded(contestant)

    return rounds.attempt(contestants, refused, ready), refused


def warm_up(contestant, texts: list) -> None:
    """Every shape once: engines prepare code for each."""
    batches = [texts[i : i + BATCH] for i in range(0, len(texts), BATCH)]
    distinct = {(len(batch), max(map(len, batch))): batch for batch in batches}
    ordered = sorted(distinct.values(), key=len, reverse=True)  # a short last batch stays the last
    if not contestant.ours:
        contestant.time_texts([text for batch in ordered for text in batch], BATCH, 1)
