#!/usr/bin/env python3
"""Writes golden/bpe.jsonl from Hugging Face tokenizers 0.23.3: small tokenizers of byte-pair encoding in every
setting, and what they answer. A line is a tokenizer, a line of encode_lines with its answer, or the CRC-32 of the
answers over every scalar value ("scalars") or over a file of data/text.

usage: make_bpe_golden.py [--data FOLDER]
"""
import argparse
import json
import pathlib
import random
import sys

import tokenizers
from tokenizers import Tokenizer

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "live"))
import bpe_cases as cases  # noqa: E402
import bpe_stand_ins as stand_ins  # noqa: E402
import compare_tokenizers as live  # noqa: E402
import make_golden  # noqa: E402

TEXTS = ["", " ", "  ", "\n", " \n ", "a", "'", "'s", "''s", " 's", "'S", "it's 'll'", "x  y   z", "\u00a0x\u2003 y", "x \n",
         "e\u0301 e\u0301", "12ab ½Ⅷ²", "👍🏽👨‍👩‍👧", "<s>a</s> <mask> b", "a   <mask>", "[MASK] a  [MASK]", "İ ﬁ Å",
         "Ġthe", "<|endoftext|>", "\u0000\ufffd\ufeff", "a" * 70, "ab" * 40, "é" * 33, "the" * 30]
WHOLE = ("roberta", "modernbert", "bytes that the vocabulary lacks")  # over every scalar value
TEXT_FILES = ("blns.txt", "UTF-8-demo.txt", "tatoeba.fra.txt", "tatoeba.kor.txt", "tatoeba.tha.txt")


def documents(data):
    few = 220
    yield "roberta", stand_ins.stand_in(data, "roberta", few)
    yield "roberta, prefix space", stand_ins.stand_in(data, "roberta", few, add_prefix_space=True)
    yield "roberta, no trimming", stand_ins.stand_in(data, "roberta", few, trim_offsets=False)
    yield "gpt2", stand_ins.stand_in(data, "gpt2", few)
    yield "modernbert", stand_ins.stand_in(data, "modernbert", few)
    yield "llama3", stand_ins.stand_in(data, "llama3", few)
    yield "added tokens", cases.with_added_tokens(stand_ins.stand_in(data, "gpt2", 20))
    document = cases.with_added_tokens(stand_ins.stand_in(data, "gpt2", 20))
    yield "added tokens after NFC", document | {"normalizer": {"type": "NFC"}}
    yield from cases.small_documents(data, 300)


def lines_for(rng, size):
    lines = [{"text": text} for text in TEXTS]
    lines += [{"text": text, "options": {"add_special_tokens": False}} for text in TEXTS[10:24]]
    lines += [{"text": "the 's", "pair": " of\nthe"}]
    lines += list(cases.spaced_lines(rng, 12)) + list(cases.windows_of(rng, cases.spaced_lines(rng, 14)))
    return lines + list(live.decode_lines(rng, size, 6)) + [{"decode": [], "skip_special_tokens": True}]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=pathlib.Path, default=live.ROOT.parent / "shared/data")
    args = parser.parse_args()
    if tokenizers.__version__ != "0.23.3":
        sys.exit(f"tokenizers 0.23.3 is the reference, found {tokenizers.__version__}")
    rng = random.Random(16)
    with open(HERE / "golden/bpe.jsonl", "w", encoding="utf-8") as out:
        def write(entry):
            out.write(json.dumps(entry, separators=(",", ":")) + "\n")

        for name, document in documents(args.data):
            tok = Tokenizer.from_str(json.dumps(document))
            write({"tokenizer": name, "json": json.dumps(document, separators=(",", ":"))})
            for line in lines_for(rng, tok.get_vocab_size()):
                entry = {"line": line, "answer": live.reference(tok, line)}
                if len(json.dumps(entry)) < 1600:  # windows of windows add nothing
                    write(entry)
            tok.no_truncation()
            tok.encode_special_tokens = False
            if name not in WHOLE:
                continue
            crc, n = make_golden.answer_crc(tok, live.scalar_lines(32, False))
            write({"scalars": f"{crc:08x}", "tokens": n})
            for text in TEXT_FILES:
                lines = (args.data / "text" / text).read_text(encoding="utf-8").split("\n")
                crc, n = make_golden.answer_crc(tok, ({"text": line} for line in lines))
                write({"text": text, "crc": f"{crc:08x}", "tokens": n})


if __name__ == "__main__":
    main()
