#!/usr/bin/env python3
"""Compares Unigram tokenizers with Hugging Face tokenizers 0.23.3, live; exits 1 on any difference.

As compare_tokenizers.py: ids, tokens, offsets, masks, word ids, windows and decoded text, over all of data/text,
every Unicode scalar value and random strings. The models are those that unigram_models.py has trained, and the
small one of tests/tokenizer/golden; other normalizers, pre-tokenizers and decoders that such files have take the
place of their own in turn.

usage: compare_unigram.py [--models DIR] [--encode-lines BINARY] [--data FOLDER] [--quick] [--seed N]
"""
import argparse
import copy
import itertools
import json
import pathlib
import random
import sys
import tempfile

import tokenizers
from tokenizers import Tokenizer

from compare_tokenizers import ROOT, TRICKY, Comparison, scalar_lines, text_lines, truncation_lines

sys.path.insert(0, str(ROOT / "tokenizer/tables"))
from charsmap import normalizer_json  # noqa: E402

METASPACE = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True}
MARKS = "\u0300\u0301\u0308\u0338\u20dd\u200d\u200c\ufe0f\u094d\u0903\u0e33\u1160\u11a8\u3099\u0600\u0d4e"


def random_lines(rng, n, pieces):
    """Pieces of the vocabulary, their parts, spaces of all kinds, marks, and characters of every block."""
    spaces = [" ", "  ", "   ", "▁", " ▁", "\t", "\n", "\r\n", "\u00a0", "\u3000", "\u2581\u2581"]
    for _ in range(n):
        parts = []
        for _ in range(rng.randrange(1, 14)):
            kind = rng.random()
            if kind < 0.45:
                parts.append(rng.choice(pieces).replace("▁", rng.choice([" ", " ", "▁"])))
            elif kind < 0.6:
                piece = rng.choice(pieces)
                parts.append(piece[:rng.randrange(1, len(piece) + 1)])
            elif kind < 0.75:
                parts.append(rng.choice(spaces))
            elif kind < 0.85:
                parts.append(rng.choice(TRICKY))
            elif kind < 0.93:
                parts.append(rng.choice(TRICKY) + rng.choice(MARKS) * rng.choice([1, 1, 2]))
            else:
                c = rng.choice([rng.randrange(0x250), rng.randrange(0x3000), rng.randrange(0x110000)])
                parts.append(chr(c) if not 0xD800 <= c < 0xE000 else "x")
        yield {"text": "".join(parts)}


def decode_lines(rng, size, n):
    for _ in range(n):
        low = rng.choice([0, 0, 0, rng.randrange(size)])
        ids = [min(low + rng.randrange(rng.choice([12, 300, size])), size - 1)
               for _ in range(rng.randrange(0, 20))]
        yield {"decode": ids, "skip_special_tokens": rng.random() < 0.5}


def roomy(lines):
    """With room for the template's special tokens, 4 for a pair: the reference goes wrong below that."""
    for line in lines:
        line["options"]["max_length"] += 1
        yield line


def map_variants(rng):
    """Maps of few characters, with what real ones hardly have: removed ones, long ones, clusters, prefixes."""
    letters = "aé中\u0301\u0300\u0308 \u200d©"
    yield {"a": "", "é": "", "中": "", "\u0301": ""}
    yield {"a": "xyz", "b": "", "c": "12", "\u0301": "", " ": ""}
    yield {"a\u0301": "á", "e\u0301": "", "\r": " ", "\r\n": "", "©": "(c)", "\u1100": "k", "\u0915": "ka"}
    for _ in range(6):
        rules = {}
        for _ in range(rng.randrange(1, 12)):
            key = "".join(rng.choice(letters) for _ in range(rng.randrange(1, 4)))
            rules[key] = "".join(rng.choice("xyé文 ") for _ in range(rng.choice([0, 0, 1, 1, 2, 3, 9])))
        yield rules


def normalizer_variants(base, rng):
    own = base["normalizer"]
    precompiled = next(n for n in own["normalizers"] if n["type"] == "Precompiled")
    spaces = {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "}
    yield "as XLM-R's", {"type": "Sequence", "normalizers": [precompiled, spaces]}
    yield "the map alone", precompiled
    yield "Nmt and NFKC", {"type": "Sequence", "normalizers": [{"type": "Nmt"}, {"type": "NFKC"}, spaces]}
    yield "Llama's", {"type": "Sequence", "normalizers": [
        {"type": "Prepend", "prepend": "▁"}, {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}]}
    yield "ALBERT's", {"type": "Sequence", "normalizers": [
        {"type": "Replace", "pattern": {"String": "``"}, "content": '"'}, {"type": "NFKD"},
        {"type": "StripAccents"}, {"type": "Lowercase"}, precompiled, spaces]}
    yield "none", None
    for i, rules in enumerate(map_variants(rng)):
        yield f"small map {i}", normalizer_json(rules)
        yield f"small map {i} twice", {"type": "Sequence", "normalizers": [normalizer_json(rules)] * 2}


def pre_tokenizer_variants():
    for scheme, split in itertools.product(("always", "first", "never"), (True, False)):
        changed = dict(METASPACE, prepend_scheme=scheme, split=split)
        yield f"Metaspace {scheme} {split}", changed
        yield f"WhitespaceSplit, Metaspace {scheme} {split}", {
            "type": "Sequence", "pretokenizers": [{"type": "WhitespaceSplit"}, changed]}
    yield "old Metaspace", {"type": "Metaspace", "replacement": "▁", "add_prefix_space": True}
    yield "old Metaspace without", {"type": "Metaspace", "replacement": "▁", "add_prefix_space": False,
                                    "prepend_scheme": "never"}
    for parts in ([{"type": "Digits", "individual_digits": True}], [{"type": "Digits", "individual_digits": False}],
                  [{"type": "CharDelimiterSplit", "delimiter": "e"}], [{"type": "FixedLength", "length": 3}],
                  [{"type": "Punctuation", "behavior": "Isolated"}],
                  [{"type": "Split", "pattern": {"Regex": "[aeiou]+"}, "behavior": "MergedWithNext", "invert": False}]):
        for first in (True, False):
            both = parts + [METASPACE] if first else [METASPACE] + parts
            yield " ".join(p["type"] for p in both), {"type": "Sequence", "pretokenizers": both}
    yield "none", None


def decoder_variants():
    for scheme in ("always", "first", "never"):
        yield dict(METASPACE, prepend_scheme=scheme)
    llama = [{"type": "Replace", "pattern": {"String": "▁"}, "content": " "}, {"type": "ByteFallback"},
             {"type": "Fuse"}, {"type": "Strip", "content": " ", "start": 1, "stop": 0}]
    yield {"type": "Sequence", "decoders": llama}
    yield {"type": "Sequence", "decoders": [{"type": "ByteFallback"}, METASPACE]}
    yield {"type": "Replace", "pattern": {"Regex": "[aeiou▁]"}, "content": "é "}
    yield {"type": "Strip", "content": "s", "start": 2, "stop": 0}
    yield {"type": "Sequence", "decoders": [{"type": "WordPiece", "prefix": "▁", "cleanup": True}, {"type": "Fuse"}]}
    yield {"type": "ByteFallback"}
    yield None


def with_added_tokens(base):
    """Added tokens of the usual kinds: <mask> takes the space before it, others are looked for after normalizing."""
    document = copy.deepcopy(base)
    size = len(document["model"]["vocab"])
    for content, flags in (("[new]", {}), ("zwei Worte", {"normalized": True}), ("Ё", {"normalized": True}),
                           ("<l>", {"lstrip": True}), ("<r>", {"rstrip": True}), ("<w>", {"single_word": True})):
        token = {"id": size, "content": content, "single_word": False, "lstrip": False, "rstrip": False,
                 "normalized": False, "special": False, **flags}
        document["added_tokens"].append(token)
        size += 1
    document["added_tokens"].sort(key=lambda t: t["id"])
    return document


def added_lines(rng, n, pieces):
    extra = ["[new]", " [new] ", "zwei Worte", "Ё", " <l>", "<r> ", "<w>", "<mask>", " <mask> ", "<s>", "</s>"]
    for line in random_lines(rng, n, pieces):
        words = [line["text"]]
        for _ in range(rng.randrange(1, 5)):
            words.insert(rng.randrange(len(words) + 1), rng.choice(extra))
        yield {"text": "".join(words), "options": {"parse_special_tokens": rng.random() < 0.7}}


def compare_variants(comparison, name, base, pieces, rng, lines, file):
    def run(what, changes, own_lines):
        file.write_text(json.dumps(dict(base, **changes)))
        comparison.run(f"{name}: {what}", file, own_lines)

    for what, normalizer in normalizer_variants(base, rng):
        run(f"normalizer {what}", {"normalizer": normalizer},
            itertools.chain(random_lines(rng, lines, pieces), scalar_lines(64, True)))
    for what, pre_tokenizer in pre_tokenizer_variants():
        run(f"pre-tokenizer {what}", {"pre_tokenizer": pre_tokenizer}, random_lines(rng, lines, pieces))
    for decoder in decoder_variants():
        run(f"decoder {json.dumps(decoder)[:60]}", {"decoder": decoder},
            decode_lines(rng, len(base["model"]["vocab"]), lines))
    for normalizer in (base["normalizer"], None):
        document = dict(with_added_tokens(base), normalizer=normalizer)
        for scheme in ("always", "first"):
            document["pre_tokenizer"] = dict(METASPACE, prepend_scheme=scheme)
            file.write_text(json.dumps(document))
            comparison.run(f"{name}: added tokens, {scheme}", file, added_lines(rng, lines, pieces))
    model = base["model"]
    run("bytes for unknown ones", {"model": dict(model, byte_fallback=True)}, random_lines(rng, lines, pieces))
    run("no unknown token", {"model": dict(model, unk_id=None)}, random_lines(rng, lines, pieces))
    random_scores = [[piece, round(-15 * rng.random(), rng.choice([1, 5, 19]))] for piece, _ in model["vocab"]]
    run("scores of all lengths", {"model": dict(model, vocab=random_scores)}, random_lines(rng, lines, pieces))
    few = [[piece, float(rng.choice([-1, -2, 0, 3]))] for piece, _ in model["vocab"]]
    run("many equal scores", {"model": dict(model, vocab=few)}, random_lines(rng, lines, pieces))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--models", type=pathlib.Path, default=ROOT / "build/unigram",
                        help="where unigram_models.py wrote them")
    parser.add_argument("--only", nargs="+", help="names of models")
    parser.add_argument("--encode-lines", type=pathlib.Path,
                        default=ROOT / "build/release/tests/tokenizer/encode_lines")
    parser.add_argument("--data", type=pathlib.Path, default=ROOT.parent / "shared/data")
    parser.add_argument("--quick", action="store_true", help="samples instead of everything")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    if tokenizers.__version__ != "0.23.3":
        sys.exit(f"tokenizers 0.23.3 is the reference, found {tokenizers.__version__}")
    if not args.encode_lines.is_file():
        sys.exit(f"{args.encode_lines} is missing: build the target encode_lines, or give --encode-lines")
    files = {"golden": ROOT / "tests/tokenizer/golden/unigram.json"}
    files.update({p.parent.name: p for p in sorted(args.models.glob("*/tokenizer.json"))})
    if len(files) == 1:
        print(f"no trained models in {args.models} (unigram_models.py makes them): the golden one alone")
    files = {n: p for n, p in files.items() if p.is_file() and (not args.only or n in args.only)}
    rng = random.Random(args.seed)
    random.seed(args.seed)
    comparison = Comparison(args.encode_lines)
    # 10^6 random strings over all models.
    many = 400 if args.quick else 1_000_000 // max(len(files), 1)

    with tempfile.TemporaryDirectory() as folder:
        for name, path in files.items():
            base = json.loads(path.read_text(encoding="utf-8"))
            # By itself: what stands beside it (XLM-R gets no token types) the reference does not read.
            alone = pathlib.Path(folder) / "tokenizer.json"
            alone.write_bytes(path.read_bytes())
            path = alone
            pieces = [piece for piece, _ in base["model"]["vocab"] if piece]
            if args.data.is_dir():
                comparison.run(f"{name}: data/text", path, text_lines(args.data, args.quick))
            else:
                print(f"skipped: no texts at {args.data}")
            comparison.run(f"{name}: every scalar", path, scalar_lines(32, args.quick))
            if name == "golden":
                comparison.run(f"{name}: every scalar by itself", path, scalar_lines(1, args.quick))
            comparison.run(f"{name}: truncation", path, roomy(truncation_lines(rng, 300 if args.quick else 3000)))
            comparison.run(f"{name}: decode", path, decode_lines(rng, len(pieces), 300 if args.quick else 3000))
            for _ in range(0, many, 50_000):
                comparison.run(f"{name}: random", path, random_lines(rng, min(many, 50_000), pieces))
            if len(pieces) < 20_000:
                compare_variants(comparison, name, base, pieces, rng, 200 if args.quick else 2000,
                                 pathlib.Path(folder) / "variant.json")

    print(f"{comparison.compared} lines compared, {comparison.different} different")
    sys.exit(1 if comparison.different else 0)


if __name__ == "__main__":
    main()
