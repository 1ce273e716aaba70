#!/usr/bin/env python3
"""Compares the tokenizer with Hugging Face tokenizers 0.23.3, live; exits 1 on any difference.

Ids, tokens, offsets, type ids, special-token masks, word ids, windows and decoded text are compared over all of
data/text, every Unicode scalar value, random mixes, pairs with truncation and stride, added tokens and
normalizer variants, for the three BERT vocabularies, all-MiniLM-L6-v2 and the tokenizers of
data/golden/crammed. Needs the Python package tokenizers and the data folder.

usage: compare_tokenizers.py [--encode-lines BINARY] [--data FOLDER] [--quick] [--seed N]
"""
import argparse
import itertools
import json
import pathlib
import random
import subprocess
import sys
import tempfile
import time
import unicodedata

import tokenizers
from tokenizers import Tokenizer

import bpe_cases

ROOT = pathlib.Path(__file__).resolve().parents[2]
STRATEGIES = ("longest_first", "only_first", "only_second")
TRICKY = (
    "aeiouzAEIOUZßİıſŁøéñÅ\u0041\u0300\u0301\u0308\u0323\u0327\u0344\u0345\u093c\u094d\u0e33\u0f73\u0f71\u0f72"
    "\u1100\u1161\u11a8\uac00\uac01\ud55c\u3042\u304b\u3099\u30ac\uff76\uff9e\u4e2d\u6587\U00020000\U0002b820"
    "\U0002b740\u2028\u2029\u00a0\u3000\u200b\u200d\u200e\ufeff\ufffd\u0000\u0001\u000b\u000c\u001f\u0085\t\r\n"
    "    .,!?'\"-_`$#@^~«»“”…—·।\u061f\U0001f600\U0001f468\u200d\U0001f469\ufe0f\U0001f1e9\ue000\U000f0000"
    "\u0378\u1e9b\ufb01\u2460\u00bd\u2126\u212b\u01c4\u1fb3\u1f80\u03a3\u03c2\U0001d160\U00011938\U00011935"
    "\U0001e900\u10a0\u13a0\u1c90\ua64a\ufdfa0123456789[]<>/abcdefghijklmnopqrstuvwxyz"
)
WORDS = ("the quick brown fox unaffable running it's don't Kantō naïve résumé 東京 München сегодня "
         "[MASK] [SEP] [CLS] [UNK] <mask> <cls> ## ##ing embeddings antidisestablishmentarianism "
         "''quoted'' ``ticks`` ... -- @-@ 3.14 $5 C++ e.g. ﬁnance ǜ").split()


def scalars():
    return (c for c in range(0x110000) if not 0xD800 <= c < 0xE000)


def window(e):
    return {
        "ids": e.ids,
        "tokens": e.tokens,
        "offsets": [list(o) for o in e.offsets],
        "type_ids": e.type_ids,
        "special_tokens_mask": e.special_tokens_mask,
        "word_ids": [-1 if w is None else w for w in e.word_ids],
    }


def reference(tok, line):
    """What tokenizers answers to a line of encode_lines; {"error"} where it raises or panics."""
    if "decode" in line:
        return {"text": tok.decode(line["decode"],
                                   skip_special_tokens=line.get("skip_special_tokens", True))}
    o = line.get("options", {})
    try:
        tok.no_truncation()
        if "max_length" in o:
            tok.enable_truncation(o["max_length"], stride=o.get("stride", 0),
                                  strategy=o.get("truncation", "longest_first"),
                                  direction=o.get("direction", "right"))
        tok.encode_special_tokens = not o.get("parse_special_tokens", True)
        e = tok.encode(line["text"], line.get("pair"),
                       add_special_tokens=o.get("add_special_tokens", True))
    except BaseException as error:  # a Rust panic is not an Exception
        if isinstance(error, (KeyboardInterrupt, MemoryError)):
            raise
        return {"error": str(error)}
    answer = window(e)
    answer["overflowing"] = [window(w) for w in e.overflowing]
    return answer


def strip(answer):
    """Ours without what the reference does not give."""
    if "error" in answer:
        return answer
    for w in answer.get("overflowing", []):
        w.pop("overflowing")
    return answer


def first_difference(expected, got):
    if isinstance(expected, list) and isinstance(got, list):
        for i, (a, b) in enumerate(zip(expected, got)):
            if a != b:
                return f"element {i} is {str(b)[:150]}, the reference has {str(a)[:150]}"
        return f"{len(got)} elements, the reference has {len(expected)}"
    return f"{str(got)[:150]}, the reference has {str(expected)[:150]}"


def old_characters(lines):
    """The lines without characters newer than this Python's Unicode tables.

    Character classes of a file's own regular expressions are those of the installed Oniguruma (Unicode 14 in
    Debian 12), not of the one inside the reference.
    """
    for line in lines:
        text = "".join(c for c in line["text"] if unicodedata.category(c) != "Cn")
        yield dict(line, text=text)


class Comparison:
    def __init__(self, binary):
        self.binary = binary
        self.compared = self.different = 0

    def run(self, name, path, lines, tok=None):
        """`path`: what our tokenizer loads; `tok`: the reference, from the same file by default."""
        started = time.time()
        tok = tok or Tokenizer.from_file(str(path))
        tok.no_padding()
        tok.no_truncation()
        lines = list(lines)
        text = "".join(json.dumps(l) + "\n" for l in lines)
        done = subprocess.run([str(self.binary), str(path)], input=text.encode(), stdout=subprocess.PIPE,
                              check=True)
        ours = done.stdout.decode().split("\n")
        assert ours[-1] == "" and len(ours) == len(lines) + 1, "one answer a line"
        bad = 0
        for line, answer in zip(lines, ours):
            expected, got = reference(tok, line), strip(json.loads(answer))
            same = ("error" in got) == ("error" in expected) and ("error" in got or got == expected)
            if not same:
                bad += 1
                if bad <= 3:
                    print(f"DIFFERENT {name}: {json.dumps(line)[:200]}")
                    for key in expected:
                        if got.get(key) != expected[key]:
                            print(f"  {key}: {first_difference(expected[key], got.get(key, got))}")
        self.compared += len(lines)
        self.different += bad
        print(f"{'ok ' if not bad else 'BAD'} {name}: {len(lines)} lines, {bad} different, "
              f"{time.time() - started:.1f} s", flush=True)


def text_lines(data, quick):
    for path in sorted((data / "text").iterdir()):
        lines = path.read_text(encoding="utf-8").split("\n")
        if quick and len(lines) > 400:
            lines = random.sample(lines, 400)
        for line in lines:
            yield {"text": line}
        if path.name == "blns.json":
            for text in json.loads(path.read_text(encoding="utf-8")):
                yield {"text": text}
        if path.name == "NormalizationTest.txt":  # the characters themselves
            for line in lines:
                fields = line.split("#")[0].split(";")
                if len(fields) > 5:
                    for field in fields[:5]:
                        yield {"text": "".join(chr(int(c, 16)) for c in field.split())}


def scalar_lines(pack, quick):
    """Every scalar value alone and between letters; `pack` of them in a line, apart by spaces."""
    chosen = list(scalars())
    if quick:
        chosen = [c for c in chosen if c < 0x3400 or c % 61 == 0]
    for i in range(0, len(chosen), pack):
        part = [chr(c) for c in chosen[i:i + pack]]
        yield {"text": " ".join(part)}
        yield {"text": " ".join(f"a{c}b" for c in part)}


def random_text(rng):
    kind = rng.random()
    if kind < 0.4:
        return "".join(rng.choice(TRICKY) for _ in range(rng.randrange(1, 40)))
    if kind < 0.6:
        return "".join(chr(rng.choice([rng.randrange(0xD800), rng.randrange(0xE000, 0x110000),
                                       rng.randrange(0x300, 0x370)])) for _ in range(rng.randrange(1, 20)))
    parts = []
    for _ in range(rng.randrange(1, 25)):
        word = rng.choice(WORDS)
        if rng.random() < 0.2:
            word = "".join(rng.choice(TRICKY) for _ in range(rng.randrange(1, 6)))
        parts.append(word + rng.choice(["", " ", " ", " ", "  ", "\n"]))
    return "".join(parts)


def random_lines(rng, n):
    for _ in range(n):
        line = {"text": random_text(rng)}
        if rng.random() < 0.3:
            line["options"] = {"add_special_tokens": rng.random() < 0.5,
                               "parse_special_tokens": rng.random() < 0.5}
        yield line


def truncation_lines(rng, n):
    for _ in range(n):
        options = {"max_length": rng.choice([3, 4, 5, 6, 7, 8, 11, 16, 30]),
                   "stride": rng.choice([0, 0, 1, 2, 3, 5]),
                   "truncation": rng.choice(STRATEGIES),
                   "direction": rng.choice(["right", "left"]),
                   "add_special_tokens": rng.random() < 0.8}
        # The reference compares stride and length even of a text that fits; here only a cut one fails.
        if options["max_length"] - 3 <= options["stride"]:
            options["stride"] = 0
        words = [rng.choice(WORDS) for _ in range(rng.randrange(0, 14))]
        line = {"text": " ".join(words), "options": options}
        if rng.random() < 0.7:
            line["pair"] = " ".join(rng.choice(WORDS) for _ in range(rng.randrange(0, 14)))
        yield line


def decode_lines(rng, size, n):
    for _ in range(n):
        low = rng.choice([0, 0, 999, 1996])
        yield {"decode": [min(rng.randrange(low, low + rng.choice([110, 2000, size])), size - 1)
                          for _ in range(rng.randrange(0, 20))],
               "skip_special_tokens": rng.random() < 0.5}


def bert_json(base, vocab_path=None, **changes):
    """A copy of all-MiniLM's tokenizer.json with another vocabulary or other components."""
    document = json.loads(base)
    document["truncation"] = document["padding"] = None
    if vocab_path:
        vocab = {t: i for i, t in enumerate(vocab_path.read_text(encoding="utf-8").split("\n")) if t}
        document["model"]["vocab"] = vocab
        for token in document["added_tokens"]:
            token["id"] = vocab[token["content"]]
        for name, token in document["post_processor"]["special_tokens"].items():
            token["ids"] = [vocab[name]]
    document.update(changes)
    return json.dumps(document)


def normalizer_variants():
    for clean, chinese, accents, lower in itertools.product((True, False), (True, False),
                                                            (None, True, False), (True, False)):
        yield {"type": "BertNormalizer", "clean_text": clean, "handle_chinese_chars": chinese,
               "strip_accents": accents, "lowercase": lower}
    for name in ("NFC", "NFD", "NFKC", "NFKD", "Lowercase", "StripAccents"):
        yield {"type": name}
    for left, right in itertools.product((True, False), repeat=2):
        yield {"type": "Strip", "strip_left": left, "strip_right": right}
    yield {"type": "Prepend", "prepend": "ab "}
    for pattern, content in (({"String": "a"}, "ö "), ({"String": "``"}, '"'), ({"Regex": " {2,}"}, " "),
                             ({"Regex": "[^\\x00-\\x7F]+"}, ""), ({"Regex": "(a|e)\\w"}, "xyz"),
                             ({"Regex": "\\p{L}\\p{M}+"}, "é"), ({"Regex": "\\s+$"}, "!")):
        yield {"type": "Replace", "pattern": pattern, "content": content}
    sequence = [{"type": n} for n in ("NFD", "Lowercase", "StripAccents", "NFC")]
    yield {"type": "Sequence", "normalizers": sequence}
    yield {"type": "Sequence", "normalizers": [
        {"type": "NFKC"}, {"type": "Replace", "pattern": {"Regex": "\\d+"}, "content": "0"},
        {"type": "Strip", "strip_left": True, "strip_right": True}, {"type": "Prepend", "prepend": "q"},
        {"type": "Sequence", "normalizers": [{"type": "Lowercase"}, {"type": "NFD"}]}]}
    yield None


def pre_tokenizer_variants():
    for name in ("BertPreTokenizer", "Whitespace", "WhitespaceSplit"):
        yield {"type": name}
    behaviors = ("Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous")
    for behavior in behaviors:
        yield {"type": "Punctuation", "behavior": behavior}
        for invert in (False, True):
            yield {"type": "Split", "pattern": {"Regex": "[aeiou]+|\\s"}, "behavior": behavior,
                   "invert": invert}
    yield {"type": "Split", "pattern": {"String": "--"}, "behavior": "Isolated", "invert": False}
    yield {"type": "Sequence", "pretokenizers": [
        {"type": "WhitespaceSplit"}, {"type": "Punctuation", "behavior": "Contiguous"}]}
    yield None


def added_token_cases(base):
    """tokenizer.json texts with added tokens of all flags, and the strings to build texts of."""
    contents = ["ABC", "abc", "Éa", "new york", "x", "[MASK]", "<e>", "  y", "ab"]
    size = len(json.loads(base)["model"]["vocab"])
    flags = list(itertools.product((False, True), repeat=5))
    for start in range(0, len(flags), 2):
        added = [dict(t) for t in json.loads(base)["added_tokens"]]
        fresh = size
        seen = set()
        for i, content in enumerate(contents):
            single, left, right, normalized, special = flags[(start + i * 5) % len(flags)]
            form = content.strip().lower().replace("é", "e")
            if normalized and form in seen:
                normalized = False
            if normalized:
                seen.add(form)
            token = {"id": 103 if content == "[MASK]" else fresh, "content": content,
                     "single_word": single, "lstrip": left, "rstrip": right, "normalized": normalized,
                     "special": special}
            vocab_id = json.loads(base)["model"]["vocab"].get(content) if content != "[MASK]" else 103
            if vocab_id is not None:
                token["id"] = vocab_id
            else:
                fresh += 1
            added.append(token)
        yield bert_json(base, added_tokens=added), contents


def added_lines(rng, contents, n):
    glue = ["", " ", "  ", "z", "É", "\u00a0", ".", "\u0301", "_", "1"]
    for _ in range(n):
        text = "".join(rng.choice(contents + ["abC", "éA", "New  York", "hello"]) + rng.choice(glue)
                       for _ in range(rng.randrange(1, 10)))
        yield {"text": rng.choice(glue) + text,
               "options": {"parse_special_tokens": rng.random() < 0.7}}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--encode-lines", type=pathlib.Path,
                        default=ROOT / "build/release/tests/tokenizer/encode_lines")
    parser.add_argument("--data", type=pathlib.Path, default=ROOT.parent / "shared/data")
    parser.add_argument("--quick", action="store_true", help="samples instead of everything")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", choices=("bert", "bpe"), help="one part instead of all")
    args = parser.parse_args()
    if tokenizers.__version__ != "0.23.3":
        sys.exit(f"tokenizers 0.23.3 is the reference, found {tokenizers.__version__}")
    if not args.data.is_dir():
        print(f"skipped: no data at {args.data}")
        return
    if not args.encode_lines.is_file():
        sys.exit(f"{args.encode_lines} is missing: build the target encode_lines, or give --encode-lines")
    rng = random.Random(args.seed)
    random.seed(args.seed)
    few, many = (200, 1000) if args.quick else (1500, 20000)
    comparison = Comparison(args.encode_lines)
    if args.only in (None, "bpe"):
        with tempfile.TemporaryDirectory() as folder:
            bpe_cases.run(sys.modules[__name__], comparison, pathlib.Path(folder), args, rng)
    if args.only in (None, "bert"):
        compare_bert(comparison, args, rng, few, many)
    print(f"{comparison.compared} lines compared, {comparison.different} different")
    sys.exit(1 if comparison.different else 0)


def compare_bert(comparison, args, rng, few, many):
    minilm = args.data / "tokenizer/all-MiniLM-L6-v2/tokenizer.json"
    base = minilm.read_text(encoding="utf-8")

    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        files = {"MiniLM": minilm}
        for name, lower in (("uncased", True), ("cased", False), ("multilingual-cased", False)):
            vocab = args.data / f"tokenizer/bert-base-{name}.vocab.txt"
            normalizer = dict(json.loads(base)["normalizer"], lowercase=lower)
            directory = folder / name
            directory.mkdir()
            (directory / "vocab.txt").write_bytes(vocab.read_bytes())
            (directory / "tokenizer_config.json").write_text(json.dumps({"do_lower_case": lower}))
            reference_file = folder / f"{name}.json"
            reference_file.write_text(bert_json(base, vocab, normalizer=normalizer))
            comparison.run(f"{name} from vocab.txt", directory, random_lines(rng, many),
                           Tokenizer.from_file(str(reference_file)))
            files[name] = reference_file
        for directory in sorted((args.data / "golden/crammed").iterdir()):
            files[directory.name] = directory / "tokenizer.json"

        for name, path in files.items():
            size = Tokenizer.from_file(str(path)).get_vocab_size()
            comparison.run(f"{name}: data/text", path, text_lines(args.data, args.quick))
            comparison.run(f"{name}: every scalar", path, scalar_lines(32, args.quick))
            comparison.run(f"{name}: random", path, random_lines(rng, many))
            comparison.run(f"{name}: truncation", path, truncation_lines(rng, many))
            comparison.run(f"{name}: decode", path, decode_lines(rng, size, few))
        comparison.run("uncased: every scalar by itself", files["uncased"], scalar_lines(1, args.quick))

        variant = folder / "variant.json"
        for normalizer in normalizer_variants():
            variant.write_text(bert_json(base, normalizer=normalizer))
            lines = itertools.chain(random_lines(rng, few), scalar_lines(64, True))
            if any(c in json.dumps(normalizer) for c in ("\\\\w", "\\\\d", "\\\\p")):
                lines = old_characters(lines)
            comparison.run(f"normalizer {json.dumps(normalizer)[:100]}", variant, lines)
        for pre_tokenizer in pre_tokenizer_variants():
            variant.write_text(bert_json(base, pre_tokenizer=pre_tokenizer))
            comparison.run(f"pre-tokenizer {json.dumps(pre_tokenizer)[:100]}", variant,
                           itertools.chain(random_lines(rng, few), scalar_lines(64, True)))
        processors = (None, {"type": "BertProcessing", "sep": ["[SEP]", 102], "cls": ["[CLS]", 101]},
                      {"type": "TemplateProcessing",
                       "single": [{"Sequence": {"id": "A", "type_id": 3}},
                                  {"SpecialToken": {"id": "[SEP]", "type_id": 2}}],
                       "pair": [{"Sequence": {"id": "B", "type_id": 5}},
                                {"SpecialToken": {"id": "[CLS]", "type_id": 1}},
                                {"Sequence": {"id": "A", "type_id": 4}}],
                       "special_tokens": {t: {"id": t, "ids": [i], "tokens": [t]}
                                          for t, i in (("[CLS]", 101), ("[SEP]", 102))}})
        for processor in processors:
            variant.write_text(bert_json(base, post_processor=processor))
            comparison.run(f"post-processor {processor and processor['type']}", variant,
                           truncation_lines(rng, few * 2))
        for i, (text, contents) in enumerate(added_token_cases(base)):
            variant.write_text(text)
            comparison.run(f"added tokens {i}", variant, added_lines(rng, contents, few))


if __name__ == "__main__":
    main()
