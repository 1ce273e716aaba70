#!/usr/bin/env python3
"""Writes the parts of golden/ that are about Unigram, from Hugging Face tokenizers 0.23.3.

  unigram.json         a model of 1,000 pieces with XLM-R's character map, as unigram_models.py makes it
  unigram.jsonl        tricky texts, pairs, windows, added tokens and decoding with it, and with smaller ones that
                       have other normalizers, pre-tokenizers and decoders
  unigram_scalars.txt  CRC-32 of its answers over every Unicode scalar value, as in data.txt

usage: make_unigram_golden.py MODEL   (a tokenizer.json; golden/unigram.json to keep that one)
"""
import json
import pathlib
import random
import sys

import tokenizers
from tokenizers import Tokenizer

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "live"))
import compare_tokenizers as live  # noqa: E402
import compare_unigram as unigram  # noqa: E402
from charsmap import normalizer_json  # noqa: E402
from make_golden import answer_crc  # noqa: E402

RULES = {"Ａ": "A", "ﬁ": "fi", "\u00a0": " ", "\u3000": " ", "\t": " ", "\n": " ", "\r": "", "e\u0301": "é", "½": "1/2",
         "\u200b": "", "e": "e", "\u0308": ""}


def small(base):
    """The special tokens and 300 pieces, and a map that the repository can hold many times."""
    document = json.loads(json.dumps(base))
    vocab = document["model"]["vocab"]
    mask = [piece for piece in vocab if piece[0] == "<mask>"]
    document["model"]["vocab"] = vocab[:304] + mask
    for token in document["added_tokens"]:
        if token["content"] == "<mask>":
            token["id"] = 304
    document["normalizer"]["normalizers"][0] = normalizer_json(RULES)
    return document


def with_bytes(document):
    model = dict(document["model"], byte_fallback=True)
    last = model["vocab"][-1]
    model["vocab"] = model["vocab"][:-1] + [[f"<0x{b:02X}>", 0.0] for b in range(256)]
    added = [t for t in document["added_tokens"] if t["content"] != last[0]]
    return dict(document, model=model, added_tokens=added)


def documents(base, rng):
    document = small(base)
    yield "unigram-bytes", with_bytes(document)
    for what, normalizer in unigram.normalizer_variants(document, rng):
        yield f"unigram-normalizer-{what}", dict(document, normalizer=normalizer)
    for what, pre_tokenizer in unigram.pre_tokenizer_variants():
        yield f"unigram-pre-tokenizer-{what}", dict(document, pre_tokenizer=pre_tokenizer)
    for i, decoder in enumerate(unigram.decoder_variants()):
        yield f"unigram-decoder-{i}", dict(with_bytes(document), decoder=decoder)
    yield "unigram-no-unknown", dict(document, model=dict(document["model"], unk_id=None))
    few = [[piece, float(rng.choice([-1, -2, 0, 3]))] for piece, _ in document["model"]["vocab"]]
    yield "unigram-equal-scores", dict(document, model=dict(document["model"], vocab=few))
    yield "unigram-added", unigram.with_added_tokens(document)


def lines_for(name, document, pieces, rng):
    if "decoder" in name:
        return unigram.decode_lines(rng, len(pieces), 12)
    lines = [{"text": t} for t in ("", " ", "   ", "▁", "<unk>", "x<unk>y", "\r\n", "e\u0301\u0301")]
    lines += list(unigram.random_lines(rng, 40 if name.count("-") < 2 else 10, pieces))
    if name.count("-") < 2:
        lines += list(unigram.roomy(live.truncation_lines(rng, 10)))
    if name == "unigram-added":
        lines += list(unigram.added_lines(rng, 40, pieces))
    return lines


def write_texts(path, base):
    rng = random.Random(5)
    with open(path, "w", encoding="utf-8") as out:
        def write(lines, tok):
            for line in lines:
                entry = json.dumps({"line": line, "answer": live.reference(tok, line)}, separators=(",", ":"))
                if len(entry) < 2500:
                    out.write(entry + "\n")

        out.write(json.dumps({"tokenizer": "unigram.json", "file": "unigram.json"}) + "\n")
        pieces = [piece for piece, _ in base["model"]["vocab"]]
        write(unigram.random_lines(rng, 150, pieces), Tokenizer.from_str(json.dumps(base)))
        # One after the other is the same but for some of its members.
        common = small(base)
        out.write(json.dumps({"tokenizer": "unigram", "json": json.dumps(common)}) + "\n")
        write(lines_for("unigram", common, pieces[:304], rng), Tokenizer.from_str(json.dumps(common)))
        for name, document in documents(base, rng):
            changes = {key: value for key, value in document.items() if value != common[key]}
            out.write(json.dumps({"tokenizer": name, "changes": changes}) + "\n")
            pieces = [piece for piece, _ in document["model"]["vocab"]]
            write(lines_for(name, document, pieces, rng), Tokenizer.from_str(json.dumps(document)))


def main():
    if tokenizers.__version__ != "0.23.3":
        sys.exit(f"tokenizers 0.23.3 is the reference, found {tokenizers.__version__}")
    base = json.loads(pathlib.Path(sys.argv[1]).read_text(encoding="utf-8"))
    golden = HERE / "golden"
    (golden / "unigram.json").write_text(json.dumps(base, ensure_ascii=False, separators=(",", ":")) + "\n",
                                         encoding="utf-8")
    write_texts(golden / "unigram.jsonl", base)
    crc, n = answer_crc(Tokenizer.from_str(json.dumps(base)), live.scalar_lines(32, False))
    (golden / "unigram_scalars.txt").write_text(f"{crc:08x} {n}\n")


if __name__ == "__main__":
    main()
