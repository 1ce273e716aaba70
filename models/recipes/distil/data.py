"""Training text and tasks, checked by hash, tokenised once, served as rows of one length.

Training text: 100 English novels (public domain), wikitext-2 valid, WikiANN train, SST-2 train, STS-B train. A sentence
of these that equals, letters and digits compared, one of a test or dev split is left out and counted. The
tests: SST-2 dev, STS-B test, WikiANN test, XQuAD-en, wikitext-2 test.

    python -m distil.data --data ../../../shared/data --teacher DIR --out .cache/prepared
"""

import argparse
import csv
import functools
import hashlib
import json
import lzma
import os
import pathlib
import re
import sys

import numpy as np
import torch

CLS, SEP, MASK, QUESTION_MARK = 101, 102, 103, 1029
MAX_LENGTH = 254  # word pieces of a text between [CLS] and [SEP]

# SHA-256, first 16 digits, of every file that is read.
SOURCES = json.loads((pathlib.Path(__file__).parent / "sources.json").read_text())

TAGS = ["O", "B-PER", "I-PER", "B-ORG", "I-ORG", "B-LOC", "I-LOC"]
SEPARATE = -100  # label of a piece that is not a word's first

# How pseudo-questions begin.
STARTERS = """what|who|when|where|which|how|why|what is|who was|what was|what did|how many|how much|how did|in what|when did
where was|why did|who did|which of|what is the|what was the|who was the|how many of|in what year|what are the|what kind of
along with|what type of|what is the name|in what year did|what was the name|what is the name of|what did the|where did the""".replace("\n", "|")


def sha256(path: pathlib.Path) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def check_sources(folder: pathlib.Path, sources: dict[str, str] = SOURCES) -> None:
    """Stops with one list of everything that is missing or changed."""
    wrong = []
    for name, expected in sources.items():
        path = folder / name
        if not path.exists():
            wrong.append(f"{path} is missing")
        elif (found := sha256(path)[:16]) != expected:
            wrong.append(f"{path} has SHA-256 {found}..., expected {expected}...")
    if wrong:
        sys.exit("data: " + "\n      ".join(wrong))


def normalised(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.lower())


def read_tsv(path, **options):
    with open(path, encoding="utf-8") as file:
        return list(csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE, **options))


def read_ner(path):
    """[(words, tags)] of a WikiANN file."""
    sentences, words, tags = [], [], []
    for line in open(path, encoding="utf-8").read().split("\n") + [""]:
        if not line.strip():
            if words:
                sentences.append((words, tags))
            words, tags = [], []
        else:
            word, tag = line.rsplit("\t", 1)
            words.append(word.split(":", 1)[1])
            tags.append(tag)
    return sentences


def read_wikitext(path):
    """Sentences and the whole text of wikitext-2; headings are left out of the sentences."""
    lines = [l.strip() for l in open(path, encoding="utf-8") if l.strip() and not l.strip().startswith("=")]
    text = [l.replace(" @-@ ", "-").replace(" @,@ ", ",").replace(" @.@ ", ".") for l in lines]
    return [s for l in text for s in split_sentences(l)], text


def split_sentences(text: str):
    return [s.strip() for s in re.split(r"(?<=[.!?])\s+(?=[A-Z\"'(])", text) if 20 <= len(s.strip()) <= 400]


def read_xquad(path):
    paragraphs, questions = [], []
    for article in json.load(open(path, encoding="utf-8"))["data"]:
        for paragraph in article["paragraphs"]:
            questions += [(q["question"], len(paragraphs)) for q in paragraph["qas"]]
            paragraphs.append(paragraph["context"])
    return paragraphs, questions


class Pieces:
    """Texts as word pieces without [CLS] and [SEP]: one flat uint16 array with offsets."""

    def __init__(self, lists):
        self.offsets = np.cumsum([0] + [len(l) for l in lists])
        self.flat = np.fromiter((p for l in lists for p in l), np.uint16, self.offsets[-1])

    def __len__(self):
        return len(self.offsets) - 1

    def __getitem__(self, i):
        return self.flat[self.offsets[i] : self.offsets[i + 1]]

    def by_length(self) -> dict[int, np.ndarray]:
        lengths = np.diff(self.offsets)
        return {int(n): np.flatnonzero(lengths == n) for n in np.unique(lengths) if n > 0}

    def rows(self, index) -> torch.Tensor:
        """[CLS] pieces [SEP] of texts that have one length, int64 [rows, length + 2]."""
        n = int(self.offsets[index[0] + 1] - self.offsets[index[0]])
        body = self.flat[self.offsets[index][:, None] + np.arange(n)]
        return frame(torch.from_numpy(body.astype(np.int64)))


def frame(body: torch.Tensor) -> torch.Tensor:
    return torch.nn.functional.pad(torch.nn.functional.pad(body, (1, 0), value=CLS), (0, 1), value=SEP)


def whole_tokenizer(path: pathlib.Path):
    """A tokenizer.json without its padding and truncation."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


def pieces_of(tokenizer, texts, limit_length: bool = True) -> Pieces:
    cut = MAX_LENGTH if limit_length else None
    encoded = tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)
    return Pieces([e.ids[:cut] for e in encoded])


def labelled_pieces(tokenizer, sentences) -> tuple[Pieces, list[np.ndarray]]:
    """Pieces and labels of sentences of words with tags: a word's first piece has its tag's number."""
    encoded = tokenizer.encode_batch([w for w, _ in sentences], is_pretokenized=True, add_special_tokens=False)
    ids, labels = [], []
    for e, (_, tags) in zip(encoded, sentences):
        first = [w != p for w, p in zip(e.word_ids, [None] + e.word_ids)]
        ids.append(e.ids[:MAX_LENGTH])
        row = [TAGS.index(tags[w]) if f else SEPARATE for w, f in zip(e.word_ids, first)]
        labels.append(np.array(row[:MAX_LENGTH], np.int64))
    return Pieces(ids), labels


def prepare(folder: pathlib.Path, tokenizer_json: pathlib.Path, limit: int | None = None) -> dict:
    """Reads and tokenises everything. `limit` shortens it for a smoke test."""
    check_sources(folder)
    tokenizer = whole_tokenizer(tokenizer_json)
    pieces, words = functools.partial(pieces_of, tokenizer), functools.partial(labelled_pieces, tokenizer)

    sst_dev = [(r[0].strip(), int(r[1])) for r in read_tsv(folder / "sst2/dev.tsv")[1:]]
    sts_test = [(r[5], r[6], float(r[4])) for r in read_tsv(folder / "stsb/sts-test.tsv")]
    sts_dev = [(r[5], r[6]) for r in read_tsv(folder / "stsb/sts-dev.tsv")]
    ner_test, ner_dev = read_ner(folder / "ner/test.txt"), read_ner(folder / "ner/dev.txt")
    paragraphs, questions = read_xquad(folder / "qa/xquad.en.json")
    wiki_test, wiki_test_text = read_wikitext(folder / "corpus/wikitext-2.test.txt")

    if limit:
        sst_dev, sts_test, wiki_test, wiki_test_text = sst_dev[:limit], sts_test[:limit], wiki_test[:limit], wiki_test_text[:20]
        paragraphs, questions = paragraphs[:5], [q for q in questions if q[1] < 5]

    held_out = {normalised(t) for t in wiki_test + wiki_test_text + paragraphs + [q for q, _ in questions]}
    held_out |= {normalised(t) for t, _ in sst_dev} | {normalised(t) for p in sts_test for t in p[:2]}
    held_out |= {normalised(t) for p in sts_dev for t in p}
    held_out |= {normalised(" ".join(w)) for s in (ner_test, ner_dev) for w, _ in s}
    held_out |= {normalised(s) for p in paragraphs for s in split_sentences(p)}
    dropped = {}

    def allowed(name, items, text=lambda t: t):
        kept = [i for i in items if normalised(text(i)) not in held_out]
        dropped[name] = len(items) - len(kept)
        return kept[:limit]

    sst = allowed("sst2", [(r[0].strip(), int(r[1])) for r in read_tsv(folder / "sst2/train.tsv")[1:]], lambda r: r[0])
    ner = allowed("ner", read_ner(folder / "ner/train.txt"), lambda s: " ".join(s[0]))
    sts = allowed("stsb", [t for r in read_tsv(folder / "stsb/sts-train.tsv") for t in (r[5], r[6])])
    wiki, wiki_text = read_wikitext(folder / "corpus/wikitext-2.valid.txt")
    wiki = allowed("wikitext", wiki)
    with lzma.open(folder / "corpus/english_novels.txt.xz", "rt", encoding="utf-8") as file:
        novels = [line[:200000] for line in file.readlines(2_000_000 if limit else -1)]
    paragraphs_of_novels = [c for line in novels for c in chunks(line)]
    if limit:
        paragraphs_of_novels = paragraphs_of_novels[:limit]
    novel_sentences = allowed("novels", [s for p in paragraphs_of_novels[::3] for s in split_sentences(p)])
    stream = pieces(paragraphs_of_novels + wiki_text[: limit or None], limit_length=False).flat
    wiki_pieces = pieces(wiki)

    ner_train, ner_train_labels = words(ner)
    entities = entity_spans(ner_train, ner_train_labels)
    kinds = [np.array(sorted(i for t, i in tokenizer.get_vocab().items() if re.fullmatch(kind, t)), np.uint16)
             for kind in ("[a-z]+", "##[a-z]+")]
    ner_test_ids, ner_test_labels = words(ner_test[: limit or None])
    ner_dev_ids, ner_dev_labels = words(ner_dev[: limit or None])
    return {
        "dropped": dropped,
        "stream": stream,
        "encyclopaedia": np.concatenate([wiki_pieces.flat, ner_train.flat]),
        "varied": varied(stream, entities, np.sort(np.concatenate(kinds)), np.random.default_rng(0)),
        "kinds": kinds,
        "starters": pieces(STARTERS.split("|")),
        "sentences": pieces(novel_sentences + 4 * wiki + 2 * sts + [t for t, _ in sst] + [" ".join(w) for w, _ in ner]),
        "wiki": wiki_pieces,
        "sst2": (pieces([t for t, _ in sst]), np.array([l for _, l in sst])),
        "sst2_dev": (pieces([t for t, _ in sst_dev]), np.array([l for _, l in sst_dev])),
        "ner": (ner_train, ner_train_labels),
        "ner_test": (ner_test_ids, ner_test_labels),
        "ner_dev": (ner_dev_ids, ner_dev_labels),
        "stsb_test": (pieces([p[0] for p in sts_test]), pieces([p[1] for p in sts_test]), [p[2] for p in sts_test]),
        "xquad": (pieces(paragraphs), pieces([q for q, _ in questions]), [p for _, p in questions]),
        "wiki_test": pieces(wiki_test),
        "wiki_test_stream": pieces(wiki_test_text, limit_length=False).flat,
    }


def entity_spans(pieces: Pieces, labels) -> list[np.ndarray]:
    """The word pieces of every entity of labelled sentences."""
    found = []
    for i, row in enumerate(labels):
        inside = np.flatnonzero(np.isin(row, [TAGS.index(t) for t in TAGS if t.startswith("B-")]))
        outside = np.flatnonzero(np.isin(row, [TAGS.index(t) for t in TAGS if not t.startswith("I-")]))
        for begin in inside:
            later = outside[outside > begin]
            found.append(pieces[i][begin : later[0] if len(later) else len(row)])
    return found


def varied(stream, entities, vocabulary, rng, every: int = 14, share: float = 0.05) -> np.ndarray:
    """The running text with an entity put in after every 14 pieces on average and a twentieth of its pieces drawn from the
    whole vocabulary: words that novels never use."""
    text = np.where(rng.random(len(stream)) < share, rng.choice(vocabulary, len(stream)), stream).astype(np.uint16)
    cuts = np.cumsum(rng.geometric(1 / every, len(text) // every))
    cuts = cuts[cuts < len(text)]
    picks = rng.integers(0, len(entities), len(cuts))
    parts = [part for run, pick in zip(np.split(text, cuts), picks) for part in (run, entities[pick])]
    return np.concatenate(parts)


@torch.no_grad()
def neighbours(words: torch.Tensor, kinds, count: int = 15) -> np.ndarray:
    """int64 [vocabulary, count]: the pieces of the same kind (first or later in a word, letters only) whose embeddings are
    nearest by cosine; all others stand for themselves."""
    table = np.repeat(np.arange(len(words))[:, None], count, 1)
    for kind in kinds:
        ids = torch.from_numpy(kind.astype(np.int64)).to(words.device)
        vectors = torch.nn.functional.normalize(words[ids].float(), dim=1)
        for part in torch.arange(len(ids), device=words.device).split(4096):
            near = (vectors[part] @ vectors.T).topk(count + 1, 1).indices[:, 1:]  # the first is the piece itself
            table[kind[part.cpu().numpy()]] = ids[near].cpu().numpy()
    return table


def reword(rows: np.ndarray, table: np.ndarray, rng, share: float = 0.4) -> np.ndarray:
    """A share of the pieces replaced by one of their neighbours, as in TinyBERT (arXiv 1909.10351)."""
    return np.where(rng.random(rows.shape) < share, table[rows, rng.integers(0, table.shape[1], rows.shape)], rows)


def chunks(line: str, size: int = 4000):
    """A novel's line in parts that end at a space, so that tokenising uses every core."""
    while line:
        cut = line.rfind(" ", 0, size) if len(line) > size else len(line)
        cut = cut if cut > 0 else size
        yield line[:cut]
        line = line[cut:].lstrip()


class Text:
    """Unlabelled rows for general distillation: every step's batch is a function of (seed, step) alone.

    CYCLE says what a step reads: crops of the running text, of its varied form (`varied`), of encyclopaedic text or of its
    reworded form (`reword`), of so many pieces; whole sentences of one length; or pseudo-questions. The last quarter of a
    batch repeats its first with a fifth of the pieces masked or replaced, so that near-equal texts are seen side by side.
    """

    CYCLE = (("stream", 126), ("varied", 126), ("reworded", 62), ("sentences", 0), ("encyclopaedia", 126), ("stream", 254),
             ("varied", 254), ("sentences", 0), ("reworded", 126), ("varied", 126), ("stream", 126), ("questions", 0),
             ("encyclopaedia", 254), ("reworded", 126), ("stream", 62), ("sentences", 0))

    def __init__(self, prepared: dict, tokens: int, seed: int):
        self.prepared, self.stream, self.sentences = prepared, prepared["stream"], prepared["sentences"]
        self.questions = Questions(prepared["starters"])
        self.tokens, self.seed = tokens, seed
        self.groups = {n: i for n, i in self.sentences.by_length().items() if n >= 5 and len(i) >= 256}
        if not self.groups:
            self.groups = {n: i for n, i in self.sentences.by_length().items() if len(i) >= 2}
        self.lengths = np.array(sorted(self.groups))
        share = np.array([n * len(self.groups[n]) for n in self.lengths], float)
        self.share = share / share.sum()

    def batch(self, step: int) -> torch.Tensor:
        rng = np.random.default_rng((self.seed, step))
        kind, n = self.CYCLE[step % len(self.CYCLE)]
        if kind == "sentences":
            n = int(rng.choice(self.lengths, p=self.share))
            count = min(self.tokens // (n + 2), len(self.groups[n]), 2048)
            rows = self.sentences.rows(rng.choice(self.groups[n], count, replace=False))
        elif kind == "questions":
            n = int(rng.integers(8, 25))
            kind = ("varied", "encyclopaedia")[rng.integers(2)]
            about = crops(self.prepared, kind, 62, min(self.tokens // (n + 2), 2048), rng)
            rows = frame(torch.from_numpy(self.questions.ask(about, n, rng)))
        else:
            rows = frame(torch.from_numpy(crops(self.prepared, kind, n, self.tokens // (n + 2), rng)))
        return corrupt_tail(rows, rng, self.stream)


def crops(prepared: dict, kind: str, n: int, rows: int, rng, in_turn: int = 1) -> np.ndarray:
    """int64 [rows, n]: crops at random places of a stream, `in_turn` of them following each other there."""
    stream = prepared["encyclopaedia" if kind == "reworded" else kind]
    start = rng.integers(0, max(1, len(stream) - n * in_turn), -(-rows // in_turn))
    start = (start[:, None] + n * np.arange(in_turn)).reshape(-1)[:rows]
    found = stream[(start[:, None] + np.arange(n)) % len(stream)].astype(np.int64)
    return reword(found, prepared["neighbours"], rng) if kind == "reworded" else found


class Questions:
    """Pseudo-questions: a question's first words, pieces of a text in their order, and a question mark."""

    def __init__(self, starters: Pieces):
        self.starters = [starters.flat[starters.offsets[i][:, None] + np.arange(n)] for n, i in starters.by_length().items()]

    def ask(self, texts: np.ndarray, n: int, rng) -> np.ndarray:
        """int64 [rows, n], one for each row of texts [rows, m]: its pieces are a span, or half of one twice as long."""
        starters = self.starters[rng.integers(len(self.starters))]
        rows, rest = len(texts), n - starters.shape[1] - 1
        reach = min(rest * int(rng.integers(1, 3)), texts.shape[1])
        begin = rng.integers(0, texts.shape[1] - reach + 1, rows)
        kept = np.sort(np.argsort(rng.random((rows, reach)), 1)[:, :rest], 1)
        body = np.take_along_axis(texts, begin[:, None] + kept, 1)
        first = starters[rng.integers(0, len(starters), rows)].astype(np.int64)
        return np.concatenate([first, body, np.full((rows, 1), QUESTION_MARK)], 1)


def corrupt(rows: torch.Tensor, rng, stream, share: float = 0.2) -> torch.Tensor:
    """Half of the chosen pieces become [MASK], half a piece drawn from the running text."""
    inside = (rng.random(tuple(rows.shape)) < share) & (rows.numpy() != CLS) & (rows.numpy() != SEP)
    new = stream[rng.integers(0, len(stream), tuple(rows.shape))].astype(np.int64)
    new[rng.random(new.shape) < 0.5] = MASK
    return torch.from_numpy(np.where(inside, new, rows.numpy()))


def corrupt_tail(rows: torch.Tensor, rng, stream) -> torch.Tensor:
    quarter = len(rows) // 4
    if quarter:
        rows[-quarter:] = corrupt(rows[:quarter], rng, stream)
    return rows


def load(folder: pathlib.Path, tokenizer_json: pathlib.Path, cache: pathlib.Path, limit: int | None = None) -> dict:
    """prepare(), kept in `cache`."""
    key = sha256(pathlib.Path(__file__))[:16] + json.dumps(SOURCES, sort_keys=True) + str(limit)
    return cached(cache, key, lambda: prepare(folder, tokenizer_json, limit))


def cached(cache: pathlib.Path, key: str, make) -> dict:
    """make(), kept in `cache` beside its hash and `key`; a damaged or foreign cache is made again."""
    mark = cache.with_suffix(".sha256")
    if cache.exists() and mark.exists() and mark.read_text() == sha256(cache) + key:
        return torch.load(cache, weights_only=False)
    prepared = make()
    cache.parent.mkdir(parents=True, exist_ok=True)
    part = cache.with_suffix(f".{os.getpid()}.part")
    torch.save(prepared, part)
    part.replace(cache)
    mark.write_text(sha256(cache) + key)
    return prepared


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--teacher", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    args = parser.parse_args()
    prepared = load(args.data, args.teacher / "tokenizer.json", args.out / "data.pt")
    print(f"{len(prepared['stream']) / 1e6:.1f} M word pieces, {len(prepared['sentences'])} sentences; left out as")
    print(f"equal to test or dev text: {prepared['dropped']}")


if __name__ == "__main__":
    from distil import data  # not __main__: the cache names the classes by their module

    data.main()
