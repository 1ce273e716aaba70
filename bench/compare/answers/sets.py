"""The texts, in the order in which they arrive."""

import csv
import json
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class TextSet:
    part: str
    title: str
    file: str  # in the data folder
    model: str  # of SPECS
    limit: int  # tokens: the model's own
    ours: tuple[str, ...] = ()  # further models of ours, int8: label and model

    @property
    def pairs(self) -> bool:
        return self.part == "texts-pairs"


SETS = {
    one.part: one
    for one in (
        TextSet("texts-stsb", "sentences of STS-B test", "stsb/sts-test.tsv", "minilm", 256, ("fff-embed",)),
        TextSet("texts-sst2", "sentences of SST-2 dev", "sst2/dev.tsv", "minilm", 256, ("fff-embed",)),
        TextSet("texts-xquad", "paragraphs of XQuAD", "qa/xquad.en.json", "minilm", 256, ("fff-embed",)),
        TextSet("texts-pairs", "questions of XQuAD with their paragraphs", "qa/xquad.en.json", "ms-marco", 512),
    )
}


def load(part: str, data: Path, quick: bool) -> list | None:
    """Texts, or [question, paragraph]; None where the data is not there."""
    path = data / SETS[part].file
    if not path.exists():
        print(f"skip {part}: {path} does not exist (--data names the folder)", flush=True)
        return None
    if path.suffix == ".json":
        found = paragraphs(path)
        found = found if SETS[part].pairs else [paragraph for _, paragraph in found]
    else:
        columns = slice(5, 7) if part == "texts-stsb" else slice(0, 1)
        found = column(path, columns)[0 if part == "texts-stsb" else 1 :]  # one has a header
    found = [one_line(text) for text in found]
    return found[:: max(1, len(found) // 128)] if quick else found


def column(path: Path, columns: slice) -> list[str]:
    with open(path, encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    return [text for row in rows for text in row[columns]]


def paragraphs(path: Path) -> list[list[str]]:
    """Each paragraph with its first question."""
    articles = json.loads(path.read_text(encoding="utf-8"))["data"]
    return [[p["qas"][0]["question"], p["context"]] for article in articles for p in article["paragraphs"]]


def one_line(text):
    return [one_line(part) for part in text] if isinstance(text, list) else " ".join(text.split())
