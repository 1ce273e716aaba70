#!/usr/bin/env python3
"""Writes ../src/unicode_tables.inc by asking Hugging Face tokenizers about every Unicode scalar value.

The reference mixes tables of several Unicode versions (its normalization crate is at 9.0, its category
crate older still, lowercase and \\w newer than that), so no library has all of them. What it answers is
measured here and stored as run-length ranges; only decompositions, which Unicode guarantees never to
change for a character once assigned, are left to utf8proc, and the kNormal flag says which
characters had been assigned in the reference's version.

What GPT-2's pattern (\\p{L}, \\p{N}, \\s) asks is kept beside it, as the regular expressions inside the reference
have it.

usage: make_unicode_tables.py   (needs the Python package tokenizers 0.23.3)
"""
import pathlib
import sys

import tokenizers
from tokenizers import Regex, normalizers, pre_tokenizers

VERSION = "0.23.3"
REMOVED, SPACE, MN, MARK, PUNCT, WORD, NORMAL, CASED = (1 << i for i in range(8))
LETTER, NUMBER, WHITE = 1, 2, 4


def scalars():
    return (c for c in range(0x110000) if not 0xD800 <= c < 0xE000)


def measure():
    """Returns flags[0x110000] and {code point: lowercase string}."""
    clean = normalizers.BertNormalizer(True, False, False, False).normalize_str
    strip_mn = normalizers.BertNormalizer(False, False, True, False).normalize_str
    strip_marks = normalizers.StripAccents().normalize_str
    nfd, nfkd = normalizers.NFD().normalize_str, normalizers.NFKD().normalize_str
    lower = normalizers.Lowercase().normalize_str
    space_split = pre_tokenizers.WhitespaceSplit().pre_tokenize_str
    punct_split = pre_tokenizers.Punctuation("isolated").pre_tokenize_str
    word_split = pre_tokenizers.Whitespace().pre_tokenize_str

    flags = bytearray(0x110000)
    lowercase = {}
    for c in scalars():
        ch = chr(c)
        text = "a" + ch + "a"
        f = 0
        if clean(text) == "aa":
            f |= REMOVED
        if len(space_split(text)) == 2:
            f |= SPACE
        if nfd(ch) == ch and strip_mn(text) == "aa":
            f |= MN
        if strip_marks(text) == "aa":
            f |= MARK
        if len(punct_split(text)) == 3:
            f |= PUNCT
        words = len(word_split(text))
        if words == 1:
            f |= WORD
        assert (words == 2) == bool(f & SPACE), hex(c)
        # A combining class shows as reordering against marks of the classes 1 and 240.
        reordered = nfd("a" + ch + "\u0334") == "a\u0334" + ch
        reordered |= nfd("a\u0345" + ch) == "a" + ch + "\u0345"
        if nfkd(ch) != ch or reordered or c in (0x334, 0x345):
            f |= NORMAL
        low = lower(ch)
        if low != ch:
            f |= CASED
            lowercase[c] = low
        if c in (0, 0xFFFD):
            assert f & REMOVED
        flags[c] = f
    return flags, lowercase


def measure_classes():
    """What GPT-2's pattern asks of a character, as the reference's regular expressions have it."""
    def splits(pattern):
        return pre_tokenizers.Split(Regex(pattern), "removed").pre_tokenize_str

    letter, number, space = splits(r"\p{L}"), splits(r"\p{N}"), splits(r"\s")
    other = splits(r"[^\s\p{L}\p{N}]")
    classes = bytearray(0x110000)
    for c in scalars():
        text = "\u0001" + chr(c) + "\u0001"
        classes[c] = (LETTER * (len(letter(text)) == 2) | NUMBER * (len(number(text)) == 2)
                      | WHITE * (len(space(text)) == 2))
        assert (classes[c] == 0) == (len(other("a" + chr(c) + "a")) == 2), hex(c)
    return classes


def runs(flags):
    starts = (c for c in range(0x110000) if c == 0 or flags[c] != flags[c - 1])
    return [f"0x{c << 8 | flags[c]:08x}," for c in starts]


def lowercase_runs(lowercase):
    """[(first, last, stride, delta)] for the one-to-one mappings."""
    singles = sorted((c, ord(s) - c) for c, s in lowercase.items() if len(s) == 1)
    runs = []
    for c, delta in singles:
        if runs:
            first, last, stride, d = runs[-1]
            if d == delta and (c - last == stride or (first == last and c - last <= 2)):
                runs[-1] = (first, c, c - last, d)
                continue
        runs.append((c, c, 1, delta))
    return runs


def numeric_runs():
    """[(first, last)] of the characters that the reference takes for numbers."""
    split = pre_tokenizers.Digits(individual_digits=True).pre_tokenize_str
    runs = []
    for c in scalars():
        if len(split("a" + chr(c))) != 2:
            continue
        if runs and runs[-1][1] == c - 1:
            runs[-1] = (runs[-1][0], c)
        else:
            runs.append((c, c))
    return runs


def rows(items, per_line):
    items = list(items)
    return "\n".join("    " + " ".join(items[i:i + per_line]) for i in range(0, len(items), per_line))


def main():
    if tokenizers.__version__ != VERSION:
        sys.exit(f"tokenizers {VERSION} is the reference; {tokenizers.__version__} is installed")
    flags, lowercase = measure()
    assert {c: s for c, s in lowercase.items() if len(s) != 1} == {0x130: "i\u0307"}
    flag_runs, class_runs = runs(flags), runs(measure_classes())
    out = f"""// Generated by tables/make_unicode_tables.py from tokenizers {VERSION}; do not edit.

// Runs of equal flags: first code point << 8 | flags. A run lasts until the next one.
constexpr uint32_t kFlagRuns[] = {{
{rows(flag_runs, 8)}
}};

// The same of classes.
constexpr uint32_t kClassRuns[] = {{
{rows(class_runs, 8)}
}};

// One-to-one lowercase mappings: every `stride`-th of [first, last] maps to itself + delta.
constexpr LowercaseRun kLowercaseRuns[] = {{
{rows((f"{{0x{a:05x}, 0x{b:05x}, {s}, {d}}}," for a, b, s, d in lowercase_runs(lowercase)), 3)}
}};

// Numbers: [first, last].
constexpr NumericRun kNumericRuns[] = {{
{rows((f"{{0x{a:05x}, 0x{b:05x}}}," for a, b in numeric_runs()), 6)}
}};
"""
    pathlib.Path(__file__).resolve().parent.parent.joinpath("src/unicode_tables.inc").write_text(out)
    print(len(flag_runs), "and", len(class_runs), "runs,", len(lowercase), "lowercase mappings")


if __name__ == "__main__":
    main()
