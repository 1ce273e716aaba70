#!/usr/bin/env python3
"""Writes static/: directories of static embeddings with random tables, as model2vec and sentence-transformers save
them, and the vectors that those two make of texts (expected.json).

usage: static_embeddings.py   (needs model2vec 0.10, sentence-transformers 6 and tokenizers 0.23.3)
"""
import json
import pathlib
import shutil
import sys

import numpy as np
from tokenizers import Tokenizer

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "tokenizer"))
import make_golden  # noqa: E402

TEXTS = ["the quick brown fox", "The QUICK brown fox, running it!", "", "   ", "\u2603 \u2603", "unaffable \u2603 hello",
         "hello " * 12, "abc xyz " * 300, "naive r\u00e9sum\u00e9 \u6771\u4eac", "a" * 101 + " the",
         "antidisestablishmentarianism " * 9, "[MASK] [CLS] new york"]
DIM = 12


def tables(seed, rows):
    return np.random.default_rng(seed).normal(size=(rows, DIM)).astype(np.float32)


def model2vec(name, tok, seed, dtype=np.float32, clusters=None, weights=False, **settings):
    from model2vec import StaticModel

    size = tok.get_vocab_size()
    table = tables(seed, clusters or size)
    if dtype == np.int8:
        table = np.clip(np.round(table * 40), -127, 127)
    options = {}
    if clusters:
        options["token_mapping"] = np.random.default_rng(seed + 1).integers(0, clusters, size)
    if weights:
        options["weights"] = np.random.default_rng(seed + 2).random(size).astype(np.float32)
    folder = HERE / "static" / name
    model = StaticModel(table.astype(dtype), tok, config={"model_type": "model2vec", "architectures": ["StaticModel"]},
                        **options, **settings)
    model.save_pretrained(folder)
    (folder / "README.md").unlink(missing_ok=True)
    return folder, StaticModel.from_pretrained(folder).encode(TEXTS)


def sentence_transformers(name, tok, seed, normalize):
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Normalize, StaticEmbedding

    folder = HERE / "static" / name
    modules = [StaticEmbedding(tok, embedding_weights=tables(seed, tok.get_vocab_size()))]
    if normalize:
        modules.append(Normalize())
    SentenceTransformer(modules=modules, device="cpu").save(str(folder), create_model_card=False)
    return folder, SentenceTransformer(str(folder), device="cpu").encode(TEXTS)


def in_a_folder(folder):
    """The same with the module's files in a folder of its own, as older versions have it."""
    other = folder.with_name(folder.name + "-folder")
    shutil.copytree(folder, other)
    modules = json.loads((other / "modules.json").read_text())
    modules[0] |= {"path": "0_StaticEmbedding", "type": "sentence_transformers.models.StaticEmbedding"}
    (other / "modules.json").write_text(json.dumps(modules))
    (other / "0_StaticEmbedding").mkdir()
    for name in ("model.safetensors", "tokenizer.json"):
        (other / name).rename(other / "0_StaticEmbedding" / name)
    return other


def tokenizer(**changes):
    return Tokenizer.from_str(json.dumps(make_golden.small_tokenizer(**changes)))


def main():
    shutil.rmtree(HERE / "static", ignore_errors=True)
    (HERE / "static").mkdir()
    made = [
        model2vec("model2vec", tokenizer(), 1, normalize=True),
        model2vec("model2vec-f16", tokenizer(), 2, np.float16),
        model2vec("model2vec-int8", tokenizer(), 3, np.int8, normalize=True),
        model2vec("model2vec-mapping", tokenizer(), 4, clusters=20, weights=True, normalize=True),
        model2vec("model2vec-weights", tokenizer(), 5, weights=True, max_length=4),
        model2vec("model2vec-whole-texts", tokenizer(), 6, max_length=None),
        sentence_transformers("sentence-transformers", tokenizer(), 7, False),
        sentence_transformers("sentence-transformers-normalize", tokenizer(), 8, True),
    ]
    made.append((in_a_folder(made[-1][0]), made[-1][1]))
    for folder, vectors in made:
        expected = {"texts": TEXTS, "tolerance": 1e-3 if vectors.dtype == np.float16 else 1e-6,
                    "vectors": [[float(np.float32(x)) for x in row] for row in vectors]}
        (folder / "expected.json").write_text(json.dumps(expected) + "\n")
        print(folder.name, sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()))


if __name__ == "__main__":
    main()
