#!/usr/bin/env python3
"""Writes golden/ from Hugging Face tokenizers 0.23.3, so that the C++ tests need no Python.

  scalars.txt   every Unicode scalar value alone and between letters, through normalizer and pre-tokenizer of
                several settings: a CRC-32 a block of code points
  texts.jsonl   tricky texts, pairs, windows, added tokens, with small tokenizers of our own
  data.txt      CRC-32 of what the tokenizers of ../shared/data answer over data/text and every scalar value

usage: make_golden.py [--data FOLDER]
"""
import argparse
import json
import pathlib
import random
import sys
import zlib

import tokenizers
from tokenizers import PreTokenizedString, Tokenizer

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "live"))
import compare_tokenizers as live  # noqa: E402

BERT = {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True}
CRAMMED = {"type": "Sequence", "normalizers": [
    {"type": "Replace", "pattern": {"String": "``"}, "content": '"'}, {"type": "NFD"}, {"type": "Lowercase"},
    {"type": "StripAccents"}, {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "}]}
# name: normalizer, pre-tokenizer
SETTINGS = {
    "uncased": (dict(BERT, strip_accents=None, lowercase=True), {"type": "BertPreTokenizer"}),
    "cased": (dict(BERT, strip_accents=None, lowercase=False), {"type": "BertPreTokenizer"}),
    "cased-no-accents": (dict(BERT, strip_accents=True, lowercase=False), {"type": "BertPreTokenizer"}),
    "lowercase": ({"type": "Lowercase"}, {"type": "Whitespace"}),
    "strip-accents": ({"type": "StripAccents"}, {"type": "WhitespaceSplit"}),
    "nfc": ({"type": "NFC"}, {"type": "Whitespace"}),
    "nfd": ({"type": "NFD"}, {"type": "Punctuation", "behavior": "Contiguous"}),
    "nfkc": ({"type": "NFKC"}, {"type": "Whitespace"}),
    "nfkd": ({"type": "NFKD"}, {"type": "Whitespace"}),
    "crammed": (CRAMMED, {"type": "Whitespace"}),
}
# Marks between which the reference reorders, and letters with which it composes.
AROUND = (("", ""), ("a", "b"), ("a\u0323", "\u0301"), ("\u1100", "\u11a8"))


def small_tokenizer(**changes):
    """A tokenizer.json with a few hundred tokens, enough to cut words into pieces."""
    vocab = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    letters = [chr(c) for c in range(33, 127)] + list("éöüßñ中文東京日本語сегодня«»“”…。，\u0301\u00a0 ı")
    for letter in letters:
        for token in (letter, "##" + letter):
            if token not in vocab and token.strip():
                vocab.append(token)
    for word in ("the quick brown fox un ##aff ##able run ##ning it don don't Kant ##ō kanto naive resume "
                 "##ing ##ed embed ##ding ##s abc hello anti ##dis quoted ticks new york xyz 00 ##00").split():
        if word not in vocab:
            vocab.append(word)
    ids = {t: i for i, t in enumerate(vocab)}
    piece = lambda t, n: {"SpecialToken": {"id": t, "type_id": n}}
    text = lambda t, n: {"Sequence": {"id": t, "type_id": n}}
    document = {
        "version": "1.0", "truncation": None, "padding": None,
        "added_tokens": [{"id": ids[t], "content": t, "single_word": False, "lstrip": False, "rstrip": False,
                          "normalized": False, "special": True} for t in vocab[:5]],
        "normalizer": dict(BERT, strip_accents=None, lowercase=True),
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [piece("[CLS]", 0), text("A", 0), piece("[SEP]", 0)],
            "pair": [piece("[CLS]", 0), text("A", 0), piece("[SEP]", 0), text("B", 1), piece("[SEP]", 1)],
            "special_tokens": {t: {"id": t, "ids": [ids[t]], "tokens": [t]} for t in ("[CLS]", "[SEP]")}},
        "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": True},
        "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
                  "max_input_chars_per_word": 100, "vocab": ids}}
    document.update(changes)
    return document


def blocks():
    """Code points in blocks of 256; beyond U+2FFFF, where little is assigned, in planes."""
    for first in list(range(0, 0x30000, 0x100)) + list(range(0x30000, 0x110000, 0x10000)):
        last = first + (0xFF if first < 0x30000 else 0xFFFF)
        if not 0xD800 <= first < 0xE000:
            yield first, last


def write_scalars(path):
    with open(path, "w") as out:
        out.write("# setting, then first code point and CRC-32 of each block; see make_golden.py\n")
        for name, (normalizer, pre_tokenizer) in SETTINGS.items():
            tok = Tokenizer.from_str(json.dumps(small_tokenizer(normalizer=normalizer,
                                                                pre_tokenizer=pre_tokenizer)))
            out.write(f"setting {name} {json.dumps(normalizer)} {json.dumps(pre_tokenizer)}\n")
            for first, last in blocks():
                crc = 0
                for c in range(first, last + 1):
                    for before, after in AROUND if first < 0x30000 else AROUND[:2]:
                        text = PreTokenizedString(before + chr(c) + after)
                        text.normalize(tok.normalizer.normalize)
                        tok.pre_tokenizer.pre_tokenize(text)
                        splits = text.get_splits("original", "char")
                        data = "".join(f"{w}\x1f{a},{b}\x1e" for w, (a, b), _ in splits) + "\n"
                        crc = zlib.crc32(data.encode(), crc)
                out.write(f"{first:x} {crc:08x}\n")


def write_texts(path):
    rng = random.Random(3)
    bert = {"type": "BertProcessing", "sep": ["[SEP]", 3], "cls": ["[CLS]", 2]}
    tokenizers_ = {
        "uncased": small_tokenizer(),
        "cased": small_tokenizer(normalizer=dict(BERT, strip_accents=None, lowercase=False)),
        "crammed": small_tokenizer(normalizer=CRAMMED, pre_tokenizer={"type": "Whitespace"}),
        "nfkc": small_tokenizer(normalizer={"type": "Sequence", "normalizers": [
            {"type": "NFKC"}, {"type": "Strip", "strip_left": True, "strip_right": True},
            {"type": "Prepend", "prepend": "ab "}]}, pre_tokenizer={"type": "Sequence", "pretokenizers": [
                {"type": "WhitespaceSplit"}, {"type": "Punctuation", "behavior": "MergedWithNext"}]}),
        "split": small_tokenizer(pre_tokenizer={"type": "Split", "pattern": {"Regex": "[aeiou]+|\\s"},
                                                "behavior": "MergedWithPrevious", "invert": False}),
        "bert-processing": small_tokenizer(post_processor=bert, decoder=None),
        "no-template": small_tokenizer(post_processor=None, normalizer=None),
    }
    fresh = len(tokenizers_["uncased"]["model"]["vocab"])
    extra = []
    for content, flags in (("ABC", "n"), ("<e>", "lr"), ("new york", "ns"), ("Éa", "w"), ("[x]", "wlrs")):
        known = tokenizers_["uncased"]["model"]["vocab"].get(content)
        extra.append({"id": fresh if known is None else known, "content": content,
                      "single_word": "w" in flags, "lstrip": "l" in flags, "rstrip": "r" in flags,
                      "normalized": "n" in flags, "special": "s" in flags})
        fresh += known is None
    tokenizers_["added"] = small_tokenizer(added_tokens=small_tokenizer()["added_tokens"] + extra)
    with open(path, "w", encoding="utf-8") as out:
        for name, document in tokenizers_.items():
            tok = Tokenizer.from_str(json.dumps(document))
            size = tok.get_vocab_size()
            out.write(json.dumps({"tokenizer": name, "json": json.dumps(document)}) + "\n")
            lines = [{"text": t} for t in ("", " ", "\t\n", "a" * 100, "a" * 101, "é" * 100, "é" * 101,
                                           "\u0000\ufffd\u200d\ufeff", "İstanbul STRASSE Σίσυφος",
                                           "Kantō lǜshì 한국 \u0344", "\U0002b820\U0002b91f\U0002b740",
                                           "[MASK][SEP]<e> [x] new  york Éa éa")]
            lines += list(live.random_lines(rng, 20)) + list(live.truncation_lines(rng, 30))
            lines += list(live.decode_lines(rng, size, 8))
            if name == "added":
                contents = ["ABC", "abc", "Éa", "new york", "<e>", "[x]", "[MASK]", "New York"]
                lines += list(live.added_lines(rng, contents, 40))
            for line in lines:
                answer = live.reference(tok, line)
                entry = json.dumps({"line": line, "answer": answer}, separators=(",", ":"))
                if len(entry) < 2500:  # windows of windows add nothing
                    out.write(entry + "\n")


def answer_crc(tok, lines):
    crc = tokens = 0
    for line in lines:
        e = tok.encode(line["text"])
        data = " ".join(f"{i}:{a}:{b}" for i, (a, b) in zip(e.ids, e.offsets)) + "\n"
        crc = zlib.crc32(data.encode(), crc)
        tokens += len(e.ids)
    return crc, tokens


def write_data(path, data):
    minilm = (data / "tokenizer/all-MiniLM-L6-v2/tokenizer.json").read_text(encoding="utf-8")
    toks = {"tokenizer/all-MiniLM-L6-v2/tokenizer.json": Tokenizer.from_str(minilm)}
    for name, lower in (("uncased", True), ("cased", False), ("multilingual-cased", False)):
        file = f"tokenizer/bert-base-{name}.vocab.txt"
        normalizer = dict(json.loads(minilm)["normalizer"], lowercase=lower)
        toks[file] = Tokenizer.from_str(live.bert_json(minilm, data / file, normalizer=normalizer))
    for directory in sorted((data / "golden/crammed").iterdir()):
        file = f"golden/crammed/{directory.name}/tokenizer.json"
        toks[file] = Tokenizer.from_file(str(data / file))
    with open(path, "w") as out:
        out.write("# tokenizer, text (of data/text, a text a line) or 'scalars', CRC-32 of the answers, tokens\n")
        for name, tok in toks.items():
            tok.no_padding()
            tok.no_truncation()
            crc, n = answer_crc(tok, live.scalar_lines(32, False))
            out.write(f"{name} scalars {crc:08x} {n}\n")
            for text in sorted((data / "text").iterdir()):
                lines = [{"text": t} for t in text.read_text(encoding="utf-8").split("\n")]
                crc, n = answer_crc(tok, lines)
                out.write(f"{name} {text.name} {crc:08x} {n}\n")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=pathlib.Path, default=live.ROOT.parent / "shared/data")
    parser.add_argument("--only", choices=("texts", "data", "scalars"), help="write one file only")
    args = parser.parse_args()
    if tokenizers.__version__ != "0.23.3":
        sys.exit(f"tokenizers 0.23.3 is the reference, found {tokenizers.__version__}")
    golden = HERE / "golden"
    golden.mkdir(exist_ok=True)
    if args.only in (None, "texts"):
        write_texts(golden / "texts.jsonl")
    if args.only in (None, "data") and args.data.is_dir():
        write_data(golden / "data.txt", args.data)
    if args.only in (None, "scalars"):
        write_scalars(golden / "scalars.txt")


if __name__ == "__main__":
    main()
