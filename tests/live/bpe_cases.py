"""The part of compare_tokenizers.py that is about byte-pair encoding: byte-level stand-ins of every size and
setting, and what the model alone can do with unknown characters, prefixes and suffixes."""
import itertools
import json

from tokenizers import Tokenizer, models, pre_tokenizers, trainers

import bpe_stand_ins as stand_ins

GLUE = ["", " ", "  ", "   ", "\n", "\n\n", "\t", " \n ", "\u00a0", "\u2003 ", "\u0085", "'", "’", ".", "  \n"]
PARTS = ("don't we'll they've I'm he'd it's you're 'S 're ''s 'tis 'd' s't ' '' hello Hello héllo HÉLLO naïve 東京 "
         "한국어 ไทย мир 12 1234 ½ ² Ⅷ ٣٤ a1b2 x_y -- ... !? €5 $9.99 👍🏽 👨‍👩‍👧 e\u0301 \u0301 \u200d \ufeff <s> </s> <mask> "
         "<pad> <unk> [CLS] [SEP] [MASK] <|endoftext|> |||IP_ADDRESS||| Ġ Ċ Ġthe <0x0A> </w> ## ▁").split()


def spaced_lines(rng, n):
    """Contractions, numbers, added tokens and white space of all kinds next to each other."""
    for _ in range(n):
        text = "".join(rng.choice(PARTS) + rng.choice(GLUE) for _ in range(rng.randrange(0, 14)))
        line = {"text": rng.choice(GLUE) + text}
        if rng.random() < 0.3:
            line["options"] = {"add_special_tokens": rng.random() < 0.5,
                               "parse_special_tokens": rng.random() < 0.5}
        if rng.random() < 0.2:
            line["pair"] = rng.choice(GLUE) + rng.choice(PARTS)
        yield line


def windows_of(rng, lines):
    """The same lines cut into windows."""
    for line in lines:
        length = rng.choice([5, 6, 7, 8, 12, 20])
        options = dict(line.get("options", {}), max_length=length, stride=rng.choice([0, 0, length // 8]),
                       direction=rng.choice(["right", "left"]),
                       truncation=rng.choice(["longest_first", "only_first", "only_second"]))
        yield dict(line, options=options)


def trained_small(data, alphabet, size, **settings):
    """A model trained on part of data/corpus in the reference's other settings."""
    tok = Tokenizer(models.BPE(**settings))
    tok.pre_tokenizer = pre_tokenizers.Whitespace()
    names = {k: v for k, v in settings.items() if k.endswith("fix")}
    trainer = trainers.BpeTrainer(vocab_size=size, show_progress=False, special_tokens=["<unk>"],
                                  limit_alphabet=alphabet, **names)
    text = (data / "corpus/wikitext-2.valid.txt").read_text(encoding="utf-8")[:300_000]
    tok.train_from_iterator([text], trainer)
    return tok


def small_documents(data, size=2000):
    for unk, fuse in itertools.product((None, "<unk>"), (False, True)):
        tok = trained_small(data, 40, size, unk_token=unk, fuse_unk=fuse)
        yield f"unk {unk}, fuse {fuse}", json.loads(tok.to_str())
    for prefix, suffix in (("##", None), (None, "</w>"), ("##", "</w>"), ("@", "")):
        settings = {"continuing_subword_prefix": prefix, "end_of_word_suffix": suffix}
        tok = trained_small(data, 60, size, unk_token="<unk>", **{k: v for k, v in settings.items() if v is not None})
        document = json.loads(tok.to_str())
        document["decoder"] = {"type": "BPEDecoder", "suffix": suffix or ""}
        yield f"prefix {prefix}, suffix {suffix}", document
    # As SentencePiece's BPE: unknown characters are bytes.
    for missing in (0, 1):
        tok = trained_small(data, 40, size, unk_token="<unk>", fuse_unk=True)
        document = json.loads(tok.to_str())
        vocab = document["model"]["vocab"]
        for byte in range(256):
            if not (missing and byte == 0xC3):
                vocab.setdefault(f"<0x{byte:02X}>", len(vocab))
        document["model"]["byte_fallback"] = True
        yield f"byte fallback, {missing} missing", document
    # An alphabet that lacks bytes: what nothing stands for is left out, and offsets move.
    tok = trained_small(data, 30, size)
    document = json.loads(tok.to_str())
    document["pre_tokenizer"] = stand_ins.byte_level()
    document["post_processor"] = stand_ins.byte_level()
    yield "bytes that the vocabulary lacks", document


def with_added_tokens(document):
    """Added tokens of all flags, some of which a shortcut for plain text must not pass by."""
    vocab = document["model"]["vocab"]
    fresh = len(vocab)
    for content, flags in (("hello", "n"), ("  ", "n"), ("new york", "nl"), ("é", "nw"), ("12", "wr"),
                           ("\u0301", "l"), ("don", "nwlr")):
        document["added_tokens"].append(stand_ins.added(
            vocab.get(content, fresh), content, normalized="n" in flags, lstrip="l" in flags,
            rstrip="r" in flags, single_word="w" in flags, special=False))
        fresh += content not in vocab
    return document


def settings_of(data, quick):
    """(name, document) of the byte-level stand-ins."""
    sizes = (1000, 50000) if quick else (1000, 4000, 16000, 50000)
    for merges in sizes:
        yield f"roberta, {merges} merges", stand_ins.stand_in(data, "roberta", merges)
    for prefix, trim in ((True, True), (True, False), (False, False)):
        yield (f"roberta, prefix space {prefix}, trim {trim}",
               stand_ins.stand_in(data, "roberta", 4000, add_prefix_space=prefix, trim_offsets=trim))
    yield "gpt2", stand_ins.stand_in(data, "gpt2")
    yield "gpt2, 100 merges", stand_ins.stand_in(data, "gpt2", 100)
    yield "modernbert", stand_ins.stand_in(data, "modernbert", 20000)
    yield "llama3", stand_ins.stand_in(data, "llama3", 8000)
    # Normalizers besides NFC, and pieces that another pre-tokenizer cut first.
    for name in ("NFKC", "Lowercase"):
        document = stand_ins.stand_in(data, "roberta", 2000)
        document["normalizer"] = {"type": name}
        yield f"roberta after {name}", document
    document = stand_ins.stand_in(data, "roberta", 2000)
    document["pre_tokenizer"] = {"type": "Sequence", "pretokenizers": [
        {"type": "Punctuation", "behavior": "Isolated"}, stand_ins.byte_level(True)]}
    yield "punctuation before bytes, each with a space", document
    document = stand_ins.stand_in(data, "gpt2", 2000)
    document["pre_tokenizer"]["use_regex"] = False
    yield "without the pattern", document
    document = with_added_tokens(stand_ins.stand_in(data, "gpt2", 2000))
    yield "added tokens", document
    yield "added tokens after NFC", document | {"normalizer": {"type": "NFC"}}


def run(live, comparison, folder, args, rng):
    """`live`: the module compare_tokenizers."""
    few, many = (100, 500) if args.quick else (2000, 10000)
    path = folder / "bpe.json"
    for name, document in itertools.chain(settings_of(args.data, args.quick), small_documents(args.data)):
        path.write_text(json.dumps(document), encoding="utf-8")
        size = Tokenizer.from_file(str(path)).get_vocab_size()
        keep = live.old_characters if name == "llama3" else lambda lines: lines  # a pattern of the file's own
        lines = list(live.random_lines(rng, few)) + list(spaced_lines(rng, few))
        comparison.run(f"BPE, {name}: random", path, keep(lines))
        comparison.run(f"BPE, {name}: windows", path, keep(windows_of(rng, lines[-few:])))
        comparison.run(f"BPE, {name}: decode", path, live.decode_lines(rng, size, few))
        if not args.quick or name in ("gpt2", "modernbert"):
            comparison.run(f"BPE, {name}: every scalar", path, keep(live.scalar_lines(32, args.quick)))
            comparison.run(f"BPE, {name}: data/text", path, keep(live.text_lines(args.data, args.quick)))
    for kind in ("roberta", "modernbert"):
        path.write_text(json.dumps(stand_ins.stand_in(args.data, kind)), encoding="utf-8")
        for start in range(0, 50 * many, many):  # 10^6 random texts of the two unless --quick
            if args.quick and start:
                break
            lines = itertools.chain(live.random_lines(rng, many // 2), spaced_lines(rng, many // 2))
            comparison.run(f"BPE, {kind}: {start} random texts and more", path, lines)
