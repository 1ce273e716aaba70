"""What the clients send: the sentences of SST-2 dev in one shuffled order, and texts of a given length."""

import csv
import json
import random
from dataclasses import dataclass
from pathlib import Path

from ..contestants import vocabulary_words
from ..paths import ROOT, TOKENIZER, WORK

FOLDER = WORK / "serve"
SEED = 3


def sst2(data: Path) -> list[str] | None:
    path = data / "sst2" / "dev.tsv"
    if not path.exists():
        return None
    with open(path, encoding="utf-8", newline="") as file:
        return [row[0] for row in csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)][1:]


def stand_in() -> list[str]:
    """Pieces of this repository's own English, with lengths as those of SST-2 dev (mean 19.5 words, deviation 8.8)."""
    pages = [*sorted(ROOT.glob("*/README.md")), *sorted(ROOT.glob("*.md"))]
    words = " ".join(page.read_text(encoding="utf-8") for page in pages).split()
    words = [word for word in words if word.strip(",.;:()").isalpha()]
    chosen, texts, at = random.Random(SEED), [], 0
    while len(texts) < 872:
        count = min(47, max(2, round(chosen.gauss(19.5, 8.8))))
        at = at if at + count < len(words) else 0
        texts.append(" ".join(words[at : at + count]))
        at += count
    return texts


@dataclass(frozen=True)
class Mix:
    """Texts, their tokens with [CLS] and [SEP], and files of them for the programs that send them."""

    name: str
    texts: list[str]
    tokens: list[int]

    @staticmethod
    def load(data: Path, quick: bool) -> "Mix":
        texts, name = sst2(data), "SST-2 dev"
        if texts is None:
            name = "this repository's documents, cut to lengths as in SST-2 dev"
            print(f"  {data / 'sst2' / 'dev.tsv'} does not exist: the texts are {name}", flush=True)
            texts = stand_in()
        random.Random(SEED).shuffle(texts)
        return Mix.of(name, texts[:256] if quick else texts)

    @staticmethod
    def of(name: str, texts: list[str]) -> "Mix":
        from tokenizers import Tokenizer

        tokenizer = Tokenizer.from_file(str(TOKENIZER / "tokenizer.json"))
        tokenizer.no_truncation()
        return Mix(name, texts, [len(tokenizer.encode(text).ids) for text in texts])

    @staticmethod
    def of_length(tokens: int, count: int = 64) -> "Mix":
        """Whole words of the vocabulary: each is one token."""
        words, chosen = sorted(vocabulary_words().values()), random.Random(tokens)
        texts = [" ".join(chosen.sample(words, tokens - 2)) for _ in range(count)]
        mix = Mix.of(f"{tokens}-tokens", texts)
        assert set(mix.tokens) == {tokens}, "not one token a word"
        return mix

    def file(self) -> Path:
        return write("texts", self.texts)

    def bodies(self, field: str = "inputs", **others) -> Path:
        return write("bodies", [json.dumps({field: text, **others}) for text in self.texts])

    def with_lists(
        self, size: int, share: float, count: int, pairs: bool
    ) -> "tuple[Path, list[float], list[bool]]":
        """`count` bodies of one text or of `size` texts, at random so that lists are this share of all texts; of each body
        its tokens, and whether it is a single. `pairs`: /predict takes a flat list for a pair, and texts as lists of one."""
        probability = share / (share + size * (1 - share))
        chosen, bodies, work, single = random.Random(SEED), [], [], []
        for _ in range(count):
            texts = size if chosen.random() < probability else 1
            of = [chosen.randrange(len(self.texts)) for _ in range(texts)]
            inputs = [[self.texts[i]] if pairs and texts > 1 else self.texts[i] for i in of]
            bodies.append(json.dumps({"inputs": inputs if texts > 1 else inputs[0]}))
            work.append(float(sum(self.tokens[i] for i in of)))
            single.append(texts == 1)
        return write("mixed", bodies), work, single


def write(name: str, lines: list[str]) -> Path:
    """A file named by what is in it, so that different ones live side by side."""
    import hashlib

    content = "".join(line + "\n" for line in lines).encode()
    FOLDER.mkdir(parents=True, exist_ok=True)
    path = FOLDER / f"{name}-{hashlib.sha256(content).hexdigest()[:12]}.txt"
    path.write_bytes(content)
    return path
