#!/usr/bin/env python3
"""Byte-pair encoding's stand-ins: tokenizer.json files in the settings of GPT-2, RoBERTa, ModernBERT and others.

The real vocabularies cannot be had without a hub, so one is trained with the reference's own trainer on
data/corpus (and data/text, so that bytes of other scripts merge too); smaller ones are its first merges.

usage: bpe_stand_ins.py OUT [--merges N] [--kind KIND] [--data FOLDER]   (writes OUT/tokenizer.json)
"""
import argparse
import json
import lzma
import pathlib

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

ROOT = pathlib.Path(__file__).resolve().parents[2]
MOST = 50000
NOVELS = 24_000_000  # bytes of the novels that are enough


def corpus(data):
    yield (data / "corpus/wikitext-2.valid.txt").read_text(encoding="utf-8")
    with lzma.open(data / "corpus/english_novels.txt.xz") as novels:
        text = novels.read(NOVELS).decode("utf-8", errors="ignore")
    for i in range(0, len(text), 1 << 16):
        yield text[i:i + (1 << 16)]
    for path in sorted((data / "text").glob("tatoeba.*")):
        yield path.read_text(encoding="utf-8")


def trained(data, cache=ROOT / "build/stand-ins/byte_level.json"):
    """(tokens, merges) of byte-level BPE in the order in which they were found; the first 256 are the bytes."""
    if not cache.is_file():
        tok = Tokenizer(models.BPE())
        tok.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        tok.decoder = decoders.ByteLevel()
        trainer = trainers.BpeTrainer(vocab_size=256 + MOST, show_progress=False,
                                      initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()))
        tok.train_from_iterator(corpus(data), trainer)
        model = json.loads(tok.to_str())["model"]
        cache.parent.mkdir(parents=True, exist_ok=True)
        cache.write_text(json.dumps(model), encoding="utf-8")
    model = json.loads(cache.read_text(encoding="utf-8"))
    tokens = sorted(model["vocab"], key=model["vocab"].get)
    return tokens, [tuple(pair) for pair in model["merges"]]


def added(id, content, **flags):
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True} | flags
    return {"id": id, "content": content, **flags}


def byte_level(add_prefix_space=False, trim_offsets=True, use_regex=True):
    return {"type": "ByteLevel", "add_prefix_space": add_prefix_space, "trim_offsets": trim_offsets,
            "use_regex": use_regex}


def piece(token, type_id):
    return {"SpecialToken": {"id": token, "type_id": type_id}}


def sequence(name, type_id):
    return {"Sequence": {"id": name, "type_id": type_id}}


def template(cls, cls_id, sep, sep_id):
    return {"type": "TemplateProcessing",
            "single": [piece(cls, 0), sequence("A", 0), piece(sep, 0)],
            "pair": [piece(cls, 0), sequence("A", 0), piece(sep, 0), sequence("B", 1), piece(sep, 1)],
            "special_tokens": {t: {"id": t, "ids": [i], "tokens": [t]} for t, i in ((cls, cls_id), (sep, sep_id))}}


def bpe(vocab, merges, **changes):
    model = {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None,
             "end_of_word_suffix": None, "fuse_unk": False, "byte_fallback": False, "ignore_merges": False,
             "vocab": vocab, "merges": [list(pair) for pair in merges]}
    return model | changes


def document(model, **parts):
    empty = {"version": "1.0", "truncation": None, "padding": None, "added_tokens": [], "normalizer": None,
             "pre_tokenizer": None, "post_processor": None, "decoder": None}
    return empty | parts | {"model": model}


def numbered(first, tokens, last=()):
    return {token: i for i, token in enumerate([*first, *tokens, *last])}


def gpt2(tokens, merges):
    """As gpt2: no template; its one special token is looked for in normalized text."""
    vocab = numbered([], tokens, ["<|endoftext|>"])
    return document(bpe(vocab, merges), pre_tokenizer=byte_level(), decoder=byte_level(),
                    post_processor=byte_level(add_prefix_space=True, trim_offsets=False),
                    added_tokens=[added(vocab["<|endoftext|>"], "<|endoftext|>", normalized=True)])


def roberta(tokens, merges, add_prefix_space=False, trim_offsets=True):
    """As roberta-base, whose file is older than the member "type" and than merges as pairs."""
    vocab = numbered(["<s>", "<pad>", "</s>", "<unk>"], tokens, ["<mask>"])
    model = bpe(vocab, merges, continuing_subword_prefix="", end_of_word_suffix="")
    model["merges"] = ["#version: 0.2"] + [" ".join(pair) for pair in merges]
    for member in ("type", "byte_fallback", "ignore_merges"):
        del model[member]
    tokens = [added(vocab[t], t) for t in ("<s>", "<pad>", "</s>", "<unk>")]
    tokens.append(added(vocab["<mask>"], "<mask>", lstrip=True))
    processor = {"type": "RobertaProcessing", "sep": ["</s>", 2], "cls": ["<s>", 0],
                 "trim_offsets": trim_offsets, "add_prefix_space": add_prefix_space}
    return document(model, added_tokens=tokens, pre_tokenizer=byte_level(add_prefix_space),
                    post_processor=processor, decoder=byte_level())


def modernbert(tokens, merges):
    """As ModernBERT-base: NFC, [CLS] and [SEP], and runs of spaces that are tokens."""
    vocab = numbered(["|||IP_ADDRESS|||", "<|padding|>"], tokens)
    extra = [added(0, "|||IP_ADDRESS|||", normalized=True, special=False), added(1, "<|padding|>")]
    size = len(vocab)
    for n in range(24, 1, -1):
        extra.append(added(size, " " * n, normalized=True, special=False))
        size += 1
    for name in ("[UNK]", "[CLS]", "[SEP]", "[PAD]"):
        extra.append(added(size, name))
        size += 1
    extra.append(added(size, "[MASK]", lstrip=True))
    ids = {t["content"]: t["id"] for t in extra}
    return document(bpe(vocab, merges), added_tokens=extra, normalizer={"type": "NFC"},
                    pre_tokenizer=byte_level(), decoder=byte_level(),
                    post_processor=template("[CLS]", ids["[CLS]"], "[SEP]", ids["[SEP]"]))


LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
          r"|\s*[\r\n]+|\s+(?!\S)|\s+")


def llama3(tokens, merges):
    """As later models: a pattern of the file's own, whole words first, two post-processors in a row."""
    vocab = numbered(["<s>", "</s>"], tokens)
    split = {"type": "Split", "pattern": {"Regex": LLAMA3}, "behavior": "Isolated", "invert": False}
    return document(bpe(vocab, merges, ignore_merges=True), decoder=byte_level(),
                    added_tokens=[added(0, "<s>"), added(1, "</s>")],
                    pre_tokenizer={"type": "Sequence", "pretokenizers": [split, byte_level(use_regex=False)]},
                    post_processor={"type": "Sequence", "processors": [
                        byte_level(), template("<s>", 0, "</s>", 1)]})


KINDS = {"gpt2": gpt2, "roberta": roberta, "modernbert": modernbert, "llama3": llama3}


def stand_in(data, kind, merges=MOST, **settings):
    tokens, pairs = trained(data)
    found = dict.fromkeys(tokens[:256] + [left + right for left, right in pairs[:merges]])
    return KINDS[kind](list(found), pairs[:merges], **settings)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--merges", type=int, default=MOST)
    parser.add_argument("--kind", choices=KINDS, default="roberta")
    parser.add_argument("--data", type=pathlib.Path, default=ROOT.parent / "shared/data")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    tokenizer = json.dumps(stand_in(args.data, args.kind, args.merges), ensure_ascii=False)
    (args.out / "tokenizer.json").write_text(tokenizer, encoding="utf-8")


if __name__ == "__main__":
    main()
