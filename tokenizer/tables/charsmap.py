"""Makes character maps in SentencePiece's format (`precompiled_charsmap`), for tables and tests.

The format: the trie's size in bytes (32 bits, little-endian), the trie, then the replacements, each ended by a
zero byte. The trie is a double array of 32-bit units as darts-clone has it; a key's value is where its replacement
begins. Source: Builder in src/normalizer.cc of sentencepiece, and darts.h of darts-clone.
"""
import base64
import struct


def unit(label, offset, leaf):
    assert offset < 1 << 21
    return label | offset << 10 | leaf << 8


def trie(entries):
    """The units of a trie for {key bytes: value}. A unit that is free has label 0, which no child has."""
    root = {}
    for key, value in entries.items():
        node = root
        for byte in key:
            node = node.setdefault(byte, {})
        node[None] = value
    units, taken, bases = {0: 0}, {0}, {0}
    queue = [(0, 0, root)]  # where a node's own unit is, its label
    for place, label, node in queue:
        labels = [0 if byte is None else byte for byte in node]
        base = next(b for b in range(1, 1 << 21) if b not in bases and not any(b ^ c in taken for c in labels))
        bases.add(base)
        taken.update(base ^ c for c in labels)
        units[place] = unit(label, place ^ base, None in node)
        for byte, child in node.items():
            if byte is None:
                units[base] = child | 1 << 31
            else:
                queue.append((base ^ byte, byte, child))
    # Every byte leads from every node to a unit that is there.
    size = (max(max(units), max(bases)) | 0xFF) + 1
    return [units.get(i, 0) for i in range(size)]


def charsmap(rules):
    """The bytes of a map for {text: replacement}."""
    texts, at = b"", {}
    for replacement in rules.values():
        if replacement not in at:
            at[replacement] = len(texts)
            texts += replacement.encode() + b"\0"
    units = trie({key.encode(): at[replacement] for key, replacement in rules.items()})
    return struct.pack(f"<I{len(units)}I", 4 * len(units), *units) + texts


def normalizer_json(rules):
    return {"type": "Precompiled", "precompiled_charsmap": base64.b64encode(charsmap(rules)).decode()}
