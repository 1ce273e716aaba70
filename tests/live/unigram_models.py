#!/usr/bin/env python3
"""Trains stand-ins for the SentencePiece models that people use, and writes them as tokenizer.json.

Real ones are large and belong to others. These have the same parts: pieces and scores by the trainer of
sentencepiece, its character map nmt_nfkc (XLM-R's), and a tokenizer.json that transformers' own class for
them wrote from the model. Nothing of it is committed; tests/tokenizer/golden has a small one of the same making.

usage: unigram_models.py [--data DIR] [--only NAME ...] [--threads N] [--encoder] OUT
Writes OUT/NAME/spiece.model, once, and OUT/NAME/tokenizer.json. NAME and what it stands for: see MODELS.
With --encoder, OUT/NAME also gets what makes it a model of paraphrase-multilingual-MiniLM-L12-v2's shape, with
random weights: the time from start to first answer needs no others.
"""
import argparse
import lzma
import pathlib
import sys
from dataclasses import dataclass

ROOT = pathlib.Path(__file__).resolve().parents[2]


@dataclass
class Model:
    pieces: int
    text: int  # bytes of each file of the corpus
    like: str  # the tokenizer class of transformers that writes tokenizer.json
    byte_fallback: bool = False
    map: str = "nmt_nfkc"


MODELS = {
    "unigram-1k": Model(1_000, 500_000, "XLMRoberta"),
    "unigram-1k-bytes": Model(1_000, 500_000, "XLMRoberta", byte_fallback=True),
    "unigram-8k-camembert": Model(8_000, 2_000_000, "Camembert"),
    "unigram-8k-cased-map": Model(8_000, 2_000_000, "T5", map="nmt_nfkc_cf"),
    "unigram-32k-bytes": Model(32_000, 4_000_000, "XLMRoberta", byte_fallback=True),
    "unigram-250k": Model(249_999, 1 << 30, "XLMRoberta"),  # XLM-R has 250,002 entries with <mask>
}
FILES = ("multilingual", "wiki_en_3", "techdocs_oss")


def write_text(data, model, path):
    """One paragraph a line, the first bytes of each file; and the sentences of data/text in 21 languages."""
    with path.open("w", encoding="utf-8") as out:
        for name in FILES:
            left = model.text if name == "multilingual" else model.text // 2
            with lzma.open(data / f"corpus/open/{name}.txt.xz", "rt", encoding="utf-8") as lines:
                for line in lines:
                    left -= len(line.encode("utf-8"))
                    if left < 0:
                        break
                    out.write(line)
        if model.pieces < 5_000:
            return  # the characters of so many scripts would be all that there is room for
        for sentences in sorted((data / "text").glob("tatoeba.*.txt")):
            out.write(sentences.read_text(encoding="utf-8"))


def train(data, name, model, folder, threads):
    import sentencepiece

    text = folder / "text.txt"
    write_text(data, model, text)
    large = model.pieces > 100_000
    sentencepiece.SentencePieceTrainer.train(
        input=str(text), model_prefix=str(folder / "new"), model_type="unigram", vocab_size=model.pieces,
        normalization_rule_name=model.map, byte_fallback=model.byte_fallback, num_threads=threads,
        character_coverage=0.98 if model.pieces < 5_000 else 0.9995, max_sentence_length=20_000, hard_vocab_limit=False,
        seed_sentencepiece_size=1_000_000, shuffle_input_sentence=False,
        # A large vocabulary is what counts here, not how good it is.
        num_sub_iterations=1 if large else 2, shrinking_factor=0.5 if large else 0.75,
        # T5 has its own order of these, and no token for a beginning.
        bos_id=1 if model.like != "T5" else -1, eos_id=2 if model.like != "T5" else 1,
        unk_id=0 if model.like != "T5" else 2, pad_id=-1 if model.like != "T5" else 0,
        minloglevel=1)
    (folder / "new.vocab").unlink()
    text.unlink()
    (folder / "new.model").rename(folder / "spiece.model")


def convert(model, folder):
    """tokenizer.json and its companions by the fast class of transformers 4.57, which converts the model."""
    import transformers

    fast = getattr(transformers, model.like + "TokenizerFast")(vocab_file=str(folder / "spiece.model"))
    fast.save_pretrained(str(folder))


def encoder(folder):
    """BERT of 12 layers, 384 wide, with mean pooling."""
    import json

    import torch
    import transformers

    entries = len(transformers.AutoTokenizer.from_pretrained(str(folder)))
    torch.manual_seed(1)
    transformers.BertModel(transformers.BertConfig(
        vocab_size=entries, hidden_size=384, num_hidden_layers=12, num_attention_heads=12,
        intermediate_size=1536)).save_pretrained(str(folder))
    modules = (("", "Transformer"), ("1_Pooling", "Pooling"))
    (folder / "modules.json").write_text(json.dumps([
        {"idx": i, "name": str(i), "path": path, "type": f"sentence_transformers.models.{kind}"}
        for i, (path, kind) in enumerate(modules)]))
    (folder / "1_Pooling").mkdir(exist_ok=True)
    (folder / "1_Pooling/config.json").write_text(json.dumps(
        {"word_embedding_dimension": 384, "pooling_mode_mean_tokens": True}))
    (folder / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": 128, "do_lower_case": False}))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--data", type=pathlib.Path, default=ROOT.parent / "shared/data")
    parser.add_argument("--only", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--encoder", action="store_true", help="an encoder beside the tokenizer")
    args = parser.parse_args()
    if not args.data.is_dir():
        sys.exit(f"no data at {args.data}")
    for name in args.only:
        folder = args.out / name
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / "spiece.model").is_file():
            train(args.data, name, MODELS[name], folder, args.threads)
        convert(MODELS[name], folder)
        if args.encoder:
            encoder(folder)
        print(f"{folder}/tokenizer.json: {(folder / 'tokenizer.json').stat().st_size} bytes", flush=True)


if __name__ == "__main__":
    main()
