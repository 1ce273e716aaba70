"""Tokenizers of other kinds than WordPiece, trained on the golden texts by their own trainers: byte-level BPE
as RoBERTa has it, and SentencePiece's Unigram as XLM-RoBERTa and CamemBERT have it. transformers' own classes
write the files, as they write those that people download."""

import io
import json
import tempfile
import unicodedata
from pathlib import Path

import sentencepiece
from tokenizers import AddedToken, Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
from tokenizers import decoders
from transformers import (
    CamembertTokenizerFast,
    PreTrainedTokenizerFast,
    RobertaTokenizerFast,
    XLMRobertaTokenizerFast,
)

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


def train_byte_level(special: list[str]) -> Tokenizer:
    trained = Tokenizer(models.BPE())
    trained.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(
        vocab_size=len(special) + len(alphabet) + MERGES,
        special_tokens=special,
        initial_alphabet=alphabet,
        show_progress=False,
    )
    trained.train_from_iterator(corpus(), trainer)
    return trained


def modernbert(options: dict) -> PreTrainedTokenizerFast:
    """ModernBERT's: NFC, GPT-NeoX's byte-level BPE, runs of spaces as tokens, and BERT's special tokens behind them all."""
    trained = train_byte_level(["<|padding|>", "<|endoftext|>"])
    trained.normalizer = normalizers.NFC()
    trained.decoder = decoders.ByteLevel()
    trained.add_tokens([AddedToken(" " * count, normalized=True) for count in (4, 3, 2)])
    trained.add_special_tokens(["[UNK]", "[CLS]", "[SEP]", "[PAD]", AddedToken("[MASK]", lstrip=True)])
    trained.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B [SEP]",
        special_tokens=[(token, trained.token_to_id(token)) for token in ("[CLS]", "[SEP]")],
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=trained,
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        pad_token="[PAD]",
        mask_token=AddedToken("[MASK]", lstrip=True),
        model_input_names=["input_ids", "attention_mask"],
        **options,
    )


def byte_level(folder: Path, options: dict) -> RobertaTokenizerFast:
    """With vocab.json and merges.txt in `folder`, which save_pretrained writes as well."""
    trained = train_byte_level(SPECIAL)
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
