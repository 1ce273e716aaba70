"""Open text, for training from scratch and for masked LM: the open corpus and the novels, checked by hash, tokenised once on every core.

One document in a hundred, chosen by a hash of its text, is held out to measure loss. A document that shares 13 words in a
row with wikitext-2 test, SST-2 dev, WikiANN dev or test is left out and counted, as the corpus's README has it for its own
parts. The multilingual part and the pairs are not read.
"""

import hashlib
import json
import lzma
import multiprocessing
import os
import pathlib
import re

import numpy as np

from distil import data, pairs

SOURCES = json.loads((pathlib.Path(__file__).parent / "open_sources.json").read_text())
RUN = 13  # words
BLOCK = 40  # lines that make a document of a file without blank lines
JOB = 400_000  # characters that a process takes at a time

shared = {}  # what every process of the pool needs: tokenizer, runs of words of the tests


def documents(path: pathlib.Path) -> list[list[str]]:
    """Lists of paragraphs, one a line; a blank line ends a document."""
    with lzma.open(path, "rt", encoding="utf-8", errors="replace") as file:
        lines = [line.strip() for line in file]
    if all(lines):
        return [lines[i : i + BLOCK] for i in range(0, len(lines), BLOCK)]
    found = [[]]
    for line in lines:
        if line:
            found[-1].append(line)
        elif found[-1]:
            found.append([])
    return found if found[-1] else found[:-1]


def runs(text: str) -> set[int]:
    """Hashes of every RUN words in a row: lower case, words of letters and digits only."""
    words = re.findall(r"[a-z0-9]+", text.lower())
    return {hash(tuple(words[i : i + RUN])) for i in range(len(words) - RUN + 1)}


def source_of(path: str) -> str:
    """wiki_en of wiki_en_1.txt.xz"""
    return re.sub(r"_\d+$", "", pathlib.Path(path).name.split(".")[0])


def pieces(job: list[list[str]]) -> tuple[np.ndarray, np.ndarray, int]:
    """Word pieces of the documents that train and of those held out, and how many were left out."""
    streams, left_out = ([], []), 0
    for paragraphs in job:
        text = "\n".join(paragraphs)
        if not shared["tests"].isdisjoint(runs(text)):
            left_out += 1
            continue
        held = int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big") % 100 == 0
        encoded = shared["tokenizer"].encode_batch_fast(paragraphs, add_special_tokens=False)
        streams[held].extend(np.array(e.ids, np.uint16) for e in encoded)
    join = lambda parts: np.concatenate(parts) if parts else np.zeros(0, np.uint16)
    return join(streams[0]), join(streams[1]), left_out


def jobs_of(every: list[list[str]]) -> list[list[list[str]]]:
    jobs, size = [[]], 0
    for document in every:
        jobs[-1].append(document)
        size += sum(map(len, document))
        if size > JOB:
            jobs.append([])
            size = 0
    return jobs


def streams(folder: pathlib.Path, limit: int | None) -> dict:
    """{"stream": the training text, "held": {source: text}, "left_out": {source: documents}}; hashes of words are those of
    one process, so the pool is forked."""
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    files = [name for name in SOURCES if name.endswith(".txt.xz")]
    train, held, left_out = [], {}, {}
    with multiprocessing.get_context("fork").Pool() as pool:
        texts = dict(zip(files, pool.map(documents, [folder / name for name in files], chunksize=1)))
        for source in dict.fromkeys(map(source_of, files)):
            every = [d for name in files if source_of(name) == source for d in texts[name][:limit]]
            found = pool.map(pieces, jobs_of(every), chunksize=1)
            train += [f[0] for f in found]
            held[source] = np.concatenate([f[1] for f in found])
            left_out[source] = sum(f[2] for f in found)
    return {"stream": np.concatenate(train), "held": held, "left_out": left_out}


def prepare(folder: pathlib.Path, tokenizer_json: pathlib.Path, limit: int | None) -> dict:
    data.check_sources(folder, SOURCES)
    tokenizer = data.whole_tokenizer(tokenizer_json)
    _, wikitext = data.read_wikitext(folder / "corpus/wikitext-2.test.txt")
    sst2 = {split: [(r[0].strip(), int(r[1])) for r in data.read_tsv(folder / f"sst2/{split}.tsv")[1:]] for split in ("train", "dev")}
    ner = {split: data.read_ner(folder / f"ner/{split}.txt") for split in ("train", "dev", "test")}
    tests = wikitext + [t for t, _ in sst2["dev"]] + [" ".join(w) for split in ("dev", "test") for w, _ in ner[split]]
    shared.update(tokenizer=tokenizer, tests=set().union(*map(runs, tests)))
    found = streams(folder, limit)
    os.environ["TOKENIZERS_PARALLELISM"] = "true"
    equal = {data.normalised(t) for t in tests}
    kept = {
        "sst2": [(t, y) for t, y in sst2["train"] if data.normalised(t) not in equal],
        "ner": [(w, t) for w, t in ner["train"] if data.normalised(" ".join(w)) not in equal],
    }
    for task, every in (("sst2", sst2), ("ner", ner)):
        found["left_out"][task] = len(every["train"]) - len(kept[task])
    for name, texts in (("sst2", kept["sst2"]), ("sst2_dev", sst2["dev"])):
        found[name] = data.pieces_of(tokenizer, [t for t, _ in texts[:limit]]), np.array([y for _, y in texts[:limit]])
    for name, sentences in (("ner", kept["ner"]), ("ner_test", ner["test"])):
        found[name] = data.labelled_pieces(tokenizer, sentences[:limit])
    found["wiki_test_stream"] = data.pieces_of(tokenizer, wikitext[:limit], limit_length=False).flat
    return found


def add(prepared: dict, args) -> None:
    """The open corpus joins `prepared`: it is the encyclopaedic text from now on, and its pairs are there, too."""
    prepared["open"] = prepared["encyclopaedia"] = load(args.data, args.tokenizer, args.work / "open.pt", args.limit)["stream"]
    prepared["pairs"] = pairs.load(args.data, args.tokenizer, args.work / "pairs.pt", args.limit)


def load(folder: pathlib.Path, tokenizer_json: pathlib.Path, cache: pathlib.Path, limit: int | None = None) -> dict:
    """prepare(), kept in `cache`."""
    code = data.sha256(pathlib.Path(data.__file__))[:16] + data.sha256(pathlib.Path(__file__))[:16]
    return data.cached(cache, code + json.dumps(SOURCES, sort_keys=True) + str(limit), lambda: prepare(folder, tokenizer_json, limit))
