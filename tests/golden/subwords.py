"""Tokenizers of other kinds than WordPiece, trained on the golden texts by their own trainers: byte-level BPE
as RoBERTa has it, and SentencePiece's Unigram as XLM-RoBERTa and CamemBERT have it. transformers' own classes
write the files, as they write those that people download."""

import io
import json
import tempfile
import unicodedata
from pathlib import Path

import sentencepiece
from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from transformers import CamembertTokenizerFast, RobertaTokenizerFast, XLMRobertaTokenizerFast

import texts

SPECIAL = ["<s>", "<pad>", "</s>", "<unk>"]  # RoBERTa's first ids; <mask> is the last
MERGES = 220
PIECES = 420


def corpus() -> list[str]:
    pairs = texts.PAIRS + texts.QUESTIONS + [(query, " ".join(list)) for query, list in texts.RANKINGS]
    lines = texts.TEXTS + texts.NER_TEXTS + [texts.NER_LONG_TEXT]
    lines += [text for pair in pairs for text in pair]
    lines += [text.replace("[MASK]", "") for text in texts.MASKED_TEXTS]
    lines += texts.WORDS + texts.NAMES
    return [line for line in lines if line.strip()]


def byte_level(folder: Path, options: dict) -> RobertaTokenizerFast:
    """With vocab.json and merges.txt in `folder`, which save_pretrained writes as well."""
    trained = Tokenizer(models.BPE())
    trained.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(
        vocab_size=len(SPECIAL) + len(alphabet) + MERGES,
        special_tokens=SPECIAL,
        initial_alphabet=alphabet,
        show_progress=False,
    )
    trained.train_from_iterator(corpus(), trainer)
    trained.model.save(str(folder))
    vocabulary = json.loads((folder / "vocab.json").read_text(encoding="utf-8"))
    vocabulary["<mask>"] = len(vocabulary)
    (folder / "vocab.json").write_text(
        json.dumps(vocabulary, ensure_ascii=False) + "\n", encoding="utf-8"
    )
    return RobertaTokenizerFast(
        str(folder / "vocab.json"), str(folder / "merges.txt"), **options
    )


def character_rules() -> str:
    """NFKC, in SentencePiece's form, of what the texts have; and what is no space but looks like one."""
    rules = {"\t": " ", "\n": " ", "\u200b": " "}
    characters = {c for line in corpus() for c in line} | set("ｆｕｌｌ①²")
    for composed in texts.ACCENTED:
        rules[unicodedata.normalize("NFD", composed)] = composed
    for character in characters:
        rules[character] = unicodedata.normalize("NFKC", character)
    coded = {
        " ".join(f"{ord(c):X}" for c in source): " ".join(f"{ord(c):X}" for c in target)
        for source, target in rules.items()
        if source != target
    }
    return "".join(f"{source}\t{target}\n" for source, target in sorted(coded.items()))


def split_whitespace(tokenizer: dict) -> None:
    """tokenizer.json as the first conversions of XLM-RoBERTa have it, which most of its descendants still do."""
    tokenizer["normalizer"] = tokenizer["normalizer"]["normalizers"][0]
    metaspace = {"type": "Metaspace", "replacement": "▁", "add_prefix_space": True}
    split = {"type": "Sequence", "pretokenizers": [{"type": "WhitespaceSplit"}, metaspace]}
    tokenizer["pre_tokenizer"] = split
    tokenizer["decoder"] = metaspace


def unigram(kind: str, options: dict) -> XLMRobertaTokenizerFast | CamembertTokenizerFast:
    with tempfile.TemporaryDirectory() as temporary:
        rules, model = Path(temporary) / "rules.tsv", Path(temporary) / "spiece.model"
        rules.write_text(character_rules(), encoding="utf-8")
        written = io.BytesIO()
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(corpus()),
            model_writer=written,
            vocab_size=PIECES,
            hard_vocab_limit=False,
            normalization_rule_tsv=str(rules),
            num_threads=1,
            unk_id=0,
            bos_id=1,
            eos_id=2,
            pad_id=-1,
            minloglevel=2,
        )
        model.write_bytes(written.getvalue())
        made = CamembertTokenizerFast if kind == "camembert" else XLMRobertaTokenizerFast
        return made(str(model), **options)
