#!/usr/bin/env python3
"""Writes ../src/grapheme_tables.inc by asking Hugging Face tokenizers where it ends grapheme clusters.

Its normalizer Precompiled takes text cluster by cluster: one of less than 6 bytes whose beginning is in the map
is replaced as a whole, longer ones character by character. So with a map that has X, "Xy" becomes the replacement
alone where X and y are one cluster, and else the replacement and y. That shows the classes of the rules of Unicode
Standard Annex 29 for every scalar value, as far as they can make a difference to that normalizer: regional
indicators make clusters of 8 bytes or stand alone, which is the same to it.

usage: make_grapheme_tables.py   (needs the Python package tokenizers 0.23.3)
"""
import json
import pathlib
import sys

import tokenizers
from tokenizers import Tokenizer
from tokenizers.models import BPE

from charsmap import normalizer_json

VERSION = "0.23.3"
# The flags of graphemes.h.
JOINS, EXTEND, PREPEND, CONTROL, PICTURE, L, V, T, CONSONANT, LINKER, LINKS = (1 << i for i in range(11))
ACCENT, ZWJ, MARK = "\u0300", "\u200d", "\u0301"
KA, VIRAMA = "\u0915", "\u094d"
HANGUL_L, HANGUL_V, HANGUL_T = "\u1100", "\u1161", "\u11a8"


def normalizer(rules):
    document = json.loads(Tokenizer(BPE()).to_str())
    document["normalizer"] = normalizer_json(rules)
    return Tokenizer.from_str(json.dumps(document)).normalizer


class Probe:
    """Makes a text for each character, and says of what it becomes whether the answer is yes."""

    def __init__(self, text, key, yes):
        self.text, self.yes = text, yes
        self.normalizer = normalizer({key: "R"})

    def ask(self, characters):
        text = "\n".join(self.text(c) for c in characters)
        answers = self.normalizer.normalize_str(text).split("\n")
        assert len(answers) == len(characters)
        return [self.yes(answer) for answer in answers]


def ends_with(mark):
    return lambda answer: answer.endswith(mark)


def fixed_probes():
    yield JOINS, Probe(lambda c: "a" + c, "a", lambda answer: answer == "R")
    # A picture, c and a joiner are one cluster with the picture after them where c is an extender.
    yield EXTEND, Probe(lambda c: "©" + c + ZWJ + "©" + ACCENT, "©", ends_with(ACCENT))
    yield CONTROL, Probe(lambda c: c + ACCENT + MARK, ACCENT, lambda answer: not answer.endswith(MARK))
    yield PICTURE, Probe(lambda c: "©" + ZWJ + c, "©", lambda answer: ZWJ in answer)
    yield V, Probe(lambda c: c + HANGUL_T + ACCENT, HANGUL_T, ends_with(ACCENT))
    yield L, Probe(lambda c: c + HANGUL_V + ACCENT, HANGUL_V, ends_with(ACCENT))
    yield CONSONANT, Probe(lambda c: c + VIRAMA + KA + ACCENT, KA, ends_with(ACCENT))
    yield LINKER, Probe(lambda c: KA + c + KA + ACCENT, KA, ends_with(ACCENT))
    yield LINKS, Probe(lambda c: KA + VIRAMA + c + KA + ACCENT, KA, ends_with(ACCENT))


def hangul(before_v, before_t, after_l, after_v, size):
    """The classes of a syllable or its parts, from what it joins with. Of LV and LVT the flags are both."""
    if size == 4:  # what comes before cannot be seen, and makes no difference
        after_l, after_v = before_v or before_t, before_t
    if before_v and not before_t:
        return L
    if before_v and before_t:
        return V if after_v else L | V
    if before_t:
        return T if after_v else L | T
    assert not after_l and not after_v
    return 0


def clean(bits):
    """Without the answers that some other flag explains."""
    if bits & JOINS:
        return bits & (JOINS | EXTEND | LINKER | LINKS)
    if bits & PREPEND:
        return PREPEND
    return bits & ~(EXTEND | LINKER | LINKS)


def measure():
    flags = [0] * 0x110000
    probes = list(fixed_probes())
    for block in range(0, 0x110000, 256):
        if 0xD800 <= block < 0xE000:
            continue
        characters = [chr(c) for c in range(block, block + 256) if c != 10]
        own = normalizer({c: "R" for c in characters})
        found = {flag: probe.ask(characters) for flag, probe in probes}
        for i, c in enumerate(characters):
            bits = sum(flag for flag, answers in found.items() if answers[i] and flag not in (L, V))
            if own.normalize_str(c + "a") == "R":
                bits |= PREPEND
            after_l = own.normalize_str(HANGUL_L + c + ACCENT).endswith(ACCENT)
            after_v = own.normalize_str(HANGUL_V + c + ACCENT).endswith(ACCENT)
            if not bits & (JOINS | PREPEND | CONTROL):
                bits |= hangul(found[L][i], found[V][i], after_l, after_v, len(c.encode()))
            flags[ord(c)] = clean(bits)
    flags[10] = CONTROL
    return flags


def main():
    if tokenizers.__version__ != VERSION:
        sys.exit(f"tokenizers {VERSION} is the reference; {tokenizers.__version__} is installed")
    flags = measure()
    starts = [c for c in range(0x110000) if c == 0 or flags[c] != flags[c - 1]]
    items = [f"{{0x{c:05x}, 0x{flags[c]:03x}}}," for c in starts]
    rows = "\n".join("    " + " ".join(items[i:i + 6]) for i in range(0, len(items), 6))
    out = f"""// Generated by tables/make_grapheme_tables.py from tokenizers {VERSION}; do not edit.

// Runs of equal flags: the first code point and its flags. A run lasts until the next one.
constexpr FlagRun kGraphemeRuns[] = {{
{rows}
}};
"""
    pathlib.Path(__file__).resolve().parent.parent.joinpath("src/grapheme_tables.inc").write_text(out)
    print(len(starts), "runs")


if __name__ == "__main__":
    main()
