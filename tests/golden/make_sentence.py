#!/usr/bin/env python3
"""Makes the sentence-transformers directories in sentence/: small ones with random weights, one for each thing that such
files say, and what sentence-transformers itself answers for each (expected.json). Seeded.

    python tests/golden/make_sentence.py [--only NAME ...] [--output DIR]

README.md beside this file says what each is for. Packages: sentence-transformers 6.2.0 with transformers 5.24.0.
"""

import argparse
import json
import logging
import os
import shutil
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import sentence_transformers
import torch
import transformers
from safetensors.torch import load_file, save_file
from sentence_transformers import CrossEncoder, MultiVectorEncoder, SentenceTransformer, SparseEncoder
from sentence_transformers.base.modules import Router, Transformer
from sentence_transformers.sparse_encoder.modules import SparseStaticEmbedding, SpladePooling
from transformers import (
    BertConfig,
    BertForMaskedLM,
    BertForSequenceClassification,
    BertModel,
    DistilBertConfig,
    DistilBertForMaskedLM,
    DistilBertModel,
)


HIDDEN = 16
TEXTS = [
    "heartwood and sapwood",
    "A tree drinks water; the city drinks tea.",
    "rings",
    "the river carries wood to the city and the music of the water rises in the tree",
]
QUERY = "what drinks water"
PREFIX = "sentence_transformers"


def tokens() -> list[str]:
    words = "what drinks water heartwood and sapwood a tree the city tea rings river carries wood to music of rises in query passage search document".split()
    letters = [chr(c) for c in range(ord("a"), ord("z") + 1)]
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    return list(dict.fromkeys(special + letters + ["##" + c for c in letters] + list(".,;:-") + words))


def write_json(path: Path, content) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def write_tokenizer(folder: Path, kind: str) -> None:
    (folder / "vocab.txt").write_text("".join(t + "\n" for t in tokens()), encoding="utf-8")
    settings = {"do_lower_case": True, "tokenizer_class": kind, "model_max_length": 64}
    write_json(folder / "tokenizer_config.json", settings)


def scatter(model, seed: int):
    """Numbers large enough that every part of the network shows in the result."""
    random = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, p in model.named_parameters():
            gain = 1.0 if p.ndim == 1 and "norm" in name.lower() and name.endswith("weight") else 0.0
            scale = 0.25 if p.ndim == 1 else 0.8 if "embeddings" in name else 1.2 / p.shape[1] ** 0.5
            p.copy_(gain + scale * torch.randn(p.shape, generator=random))
    return model.eval()


def write_encoder(folder: Path, seed: int, kind: str = "bert", labels: int = 0, masked: bool = False) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    size = len(tokens())
    if kind == "bert":
        config = BertConfig(vocab_size=size, hidden_size=HIDDEN, num_attention_heads=2, intermediate_size=24,
                            num_hidden_layers=1, max_position_embeddings=64)
        if masked:
            model = BertForMaskedLM(config)
        elif labels:
            config.num_labels = labels
            model = BertForSequenceClassification(config)
        else:
            model = BertModel(config, add_pooling_layer=False)
    else:
        config = DistilBertConfig(vocab_size=size, dim=HIDDEN, n_heads=2, hidden_dim=24, n_layers=1,
                                  max_position_embeddings=64)
        model = (DistilBertForMaskedLM if masked else DistilBertModel)(config)
    scatter(model, seed).save_pretrained(folder)
    write_tokenizer(folder, "BertTokenizer" if kind == "bert" else "DistilBertTokenizer")


def pooling(modes) -> dict:
    """1_Pooling/config.json as versions before 5.4 wrote it."""
    keys = {"cls": "cls_token", "mean": "mean_tokens", "max": "max_tokens", "mean_sqrt_len_tokens": "mean_sqrt_len_tokens",
            "weightedmean": "weightedmean_tokens", "lasttoken": "lasttoken"}
    return {"word_embedding_dimension": HIDDEN, **{f"pooling_mode_{keys[k]}": k in modes for k in keys}}


def write_modules(folder: Path, modules: list[tuple[str, str, dict | None]], prefix=f"{PREFIX}.models.") -> None:
    entries = []
    for i, (kind, path, config) in enumerate(modules):
        entries.append({"idx": i, "name": str(i), "path": path, "type": prefix + kind})
        if config is not None:
            write_json(folder / path / "config.json", config)
    write_json(folder / "modules.json", entries)


def write_dense(folder: Path, seed: int, inputs: int, outputs: int, bias=True, pickled=False, residual=False) -> None:
    random = torch.Generator().manual_seed(seed)
    state = {"linear.weight": torch.randn(outputs, inputs, generator=random) / inputs**0.5}
    if bias:
        state["linear.bias"] = torch.randn(outputs, generator=random) * 0.3
    if residual and inputs != outputs:
        state["residual.weight"] = torch.randn(outputs, inputs, generator=random) / inputs**0.5
    folder.mkdir(exist_ok=True)
    if pickled:
        torch.save(state, folder / "pytorch_model.bin")
    else:
        save_file(state, folder / "model.safetensors", metadata={"format": "pt"})


def plain(folder: Path, seed: int, modes=("mean",), kind: str = "bert", normalize=False, extra: dict | None = None) -> None:
    """A directory with one pooling, and `extra` in its configuration."""
    write_encoder(folder, seed, kind)
    modules = [("Transformer", "", None), ("Pooling", "1_Pooling", {**pooling(modes), **(extra or {})})]
    if normalize:
        modules.append(("Normalize", "2_Normalize", None))
    write_modules(folder, modules)
    write_json(folder / "sentence_bert_config.json", {"max_seq_length": 20, "do_lower_case": False})


def dense_config(inputs: int, outputs: int, function: str, **more) -> dict:
    return {"in_features": inputs, "out_features": outputs, "bias": True,
            "activation_function": f"torch.nn.modules.{function}", **more}


PROMPTS = {"query": "query: ", "passage": "passage: ", "empty": ""}


def st_config(folder: Path, **content) -> None:
    write_json(folder / "config_sentence_transformers.json",
               {"__version__": {PREFIX: "3.0.0", "transformers": "4.41.0", "pytorch": "2.3.0"}, **content})


def vectors(model: SentenceTransformer, **options) -> list[dict]:
    found = model.encode(TEXTS, batch_size=1, **options)
    kept = {k: v for k, v in options.items()}
    return [{"text": text, **kept, "embedding": vector.tolist()} for text, vector in zip(TEXTS, found)]


def ranking(model: SentenceTransformer) -> dict:
    scores = model.similarity(model.encode_query([QUERY]), model.encode_document(TEXTS, batch_size=1))[0].tolist()
    order = sorted(range(len(TEXTS)), key=lambda i: -scores[i])
    return {"query": QUERY, "texts": TEXTS, "ranking": [{"index": i, "score": scores[i]} for i in order]}


def expect(folder: Path, options=({},), rerank=True) -> dict:
    model = SentenceTransformer(str(folder), device="cpu")
    expected = {"embed": [entry for each in options for entry in vectors(model, **each)]}
    if rerank:
        expected["rerank"] = [ranking(model)]
    return expected


# --- the directories


def make_poolings(folder: Path, mode: str) -> dict:
    plain(folder, 1, (mode,))
    return expect(folder)


def make_all_poolings(folder: Path) -> dict:
    plain(folder, 2, ("cls", "mean", "max", "mean_sqrt_len_tokens", "weightedmean", "lasttoken"))
    return expect(folder)


def make_no_pooling(folder: Path) -> dict:
    plain(folder, 3, ())
    return expect(folder)


def make_listed_poolings(folder: Path) -> dict:
    """The newer form: a list, whose order counts."""
    write_encoder(folder, 4)
    config = {"embedding_dimension": HIDDEN, "pooling_mode": ["max", "cls"], "include_prompt": True}
    write_modules(folder, [("base.modules.transformer.Transformer", "", None),
                           ("sentence_transformer.modules.pooling.Pooling", "1_Pooling", config),
                           ("base.modules.normalize.Normalize", "2_Normalize", {"module_input_name": "sentence_embedding",
                            "module_output_name": "sentence_embedding"})], f"{PREFIX}.")
    write_json(folder / "sentence_bert_config.json",
               {"transformer_task": "feature-extraction", "modality_config": {"text": {"method": "forward",
                "method_output_name": "last_hidden_state"}}, "module_output_name": "token_embeddings"})
    return expect(folder)


def make_dense(folder: Path) -> dict:
    """As distiluse-base-multilingual-cased has it: DistilBERT, mean, 512 numbers by Tanh."""
    plain(folder, 5, kind="distilbert")
    (folder / "sentence_bert_config.json").rename(folder / "sentence_distilbert_config.json")
    write_modules(folder, [("Transformer", "", None), ("Pooling", "1_Pooling", pooling(("mean",))),
                           ("Dense", "2_Dense", dense_config(HIDDEN, 10, "activation.Tanh"))])
    write_dense(folder / "2_Dense", 6, HIDDEN, 10, pickled=True)
    return expect(folder, ({}, {"truncate_dim": 4}))


def make_dense_chain(folder: Path) -> dict:
    """As LaBSE has it, and more: cls and mean, Dense, Normalize, Dense with a residual, Dropout, Normalize."""
    write_encoder(folder, 7)
    write_modules(folder, [
        ("Transformer", "", None), ("Pooling", "1_Pooling", pooling(("cls", "mean"))),
        ("Dense", "2_Dense", dense_config(2 * HIDDEN, 18, "activation.GELU")), ("Normalize", "3_Normalize", None),
        ("Dense", "4_Dense", dense_config(18, 12, "linear.Identity", bias=False, use_residual=True)),
        ("Dropout", "5_Dropout", {"dropout": 0.1}), ("Normalize", "6_Normalize", None)])
    write_dense(folder / "2_Dense", 8, 2 * HIDDEN, 18)
    write_dense(folder / "4_Dense", 9, 18, 12, bias=False, residual=True)
    return expect(folder, ({}, {"truncate_dim": 5}, {"truncate_dim": 5, "normalize_embeddings": True}))


def make_prompts(folder: Path, include: bool) -> dict:
    modes = ("cls", "max", "mean", "mean_sqrt_len_tokens", "weightedmean", "lasttoken")
    plain(folder, 10, ("mean",) if include else modes, normalize=include, extra={"include_prompt": include})
    st_config(folder, prompts=PROMPTS, default_prompt_name="query", similarity_fn_name="cosine")
    named = [{"prompt_name": name} for name in PROMPTS]
    return expect(folder, ({}, *named, {"prompt": "search for the "}, {"prompt": ""}))


def make_similarity(folder: Path, name: str) -> dict:
    plain(folder, 11, ("cls",), normalize=False)
    st_config(folder, prompts={"query": "query: "}, default_prompt_name=None, similarity_fn_name=name, truncate_dim=9)
    return expect(folder)


def make_old_layout(folder: Path) -> dict:
    """Before version 2.0: the encoder in a folder of its own, and a class for it."""
    write_encoder(folder / "0_DistilBERT", 12, "distilbert")
    write_json(folder / "0_DistilBERT" / "sentence_distilbert_config.json", {"max_seq_length": 8, "do_lower_case": False})
    modules = [("Transformer", "0_DistilBERT", None), ("Pooling", "1_Pooling", pooling(("max",)))]
    write_modules(folder, modules)
    expected = expect(folder)
    # The class is gone from sentence-transformers; what it did is what Transformer does.
    entries = json.loads((folder / "modules.json").read_text(encoding="utf-8"))
    entries[0]["type"] = f"{PREFIX}.models.DistilBERT"
    write_json(folder / "modules.json", entries)
    return expected


def make_cross_encoder(folder: Path, where: str, function: str) -> dict:
    write_encoder(folder, 13, labels=1)
    function = f"torch.nn.modules.{function}"
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    if where == "older":
        config["sbert_ce_default_activation_function"] = function
    elif where == "newer":
        config[PREFIX] = {"activation_fn": function, "version": "4.0.1"}
    write_json(folder / "config.json", config)
    if where == "files":  # as version 6 saves it
        saved = CrossEncoder(str(folder), device="cpu", activation_fn=torch.nn.Identity(), prompts={"ask": "search: "},
                             default_prompt_name="ask")
        saved.save_pretrained(str(folder), create_model_card=False)
    model = CrossEncoder(str(folder), device="cpu")
    scores = [float(s) for s in model.predict([(QUERY, text) for text in TEXTS], batch_size=1)]
    order = sorted(range(len(TEXTS)), key=lambda i: -scores[i])
    return {"rerank": [{"query": QUERY, "texts": TEXTS, "ranking": [{"index": i, "score": scores[i]} for i in order]}]}


def sparse_vectors(model: SparseEncoder, encode=None, **options) -> list[dict]:
    found = (encode or model.encode)(TEXTS, batch_size=1, convert_to_sparse_tensor=False, **options)
    entries = []
    for text, vector in zip(TEXTS, found):
        values = [{"index": i, "value": v} for i, v in enumerate(vector.tolist()) if v != 0]
        entries.append({"text": text, **options, "values": values})
    return entries


def expect_sparse(folder: Path, options=({},)) -> dict:
    model = SparseEncoder(str(folder), device="cpu")
    entries = [entry for each in options for entry in sparse_vectors(model, **each)]
    for route, encode in (("query", model.encode_query), ("document", model.encode_document)):
        entries += [{"route": route, **entry} for entry in sparse_vectors(model, encode)]
    return {"sparse": entries}


def make_splade(folder: Path, strategy: str, function: str) -> dict:
    write_encoder(folder, 14, masked=True)
    config = {"pooling_strategy": strategy, "activation_function": function, "word_embedding_dimension": None}
    write_modules(folder, [("MLMTransformer", "", None), ("SpladePooling", "1_SpladePooling", config)],
                  f"{PREFIX}.sparse_encoder.models.")
    write_json(folder / "sentence_bert_config.json", {"max_seq_length": 16, "do_lower_case": False})
    st_config(folder, model_type="SparseEncoder", prompts={"query": "query: ", "document": ""}, default_prompt_name=None,
              similarity_fn_name="dot")
    return expect_sparse(folder, ({}, {"max_active_dims": 7}, {"prompt_name": "query"}))


def make_masked_lm(folder: Path) -> dict:
    """A masked-LM model alone, which SparseEncoder takes for SPLADE."""
    write_encoder(folder, 15, "distilbert", masked=True)
    return expect_sparse(folder)


def make_router(folder: Path, in_root: bool) -> dict:
    """As OpenSearch's inference-free models have it: documents by SPLADE, queries by a weight for each token."""
    parts = folder.parent / f"{folder.name}-parts"
    write_encoder(parts, 16, "distilbert", masked=True)
    transformer = Transformer(str(parts), transformer_task="fill-mask")
    weights = torch.rand(len(tokens()), generator=torch.Generator().manual_seed(17))
    weights[tokens().index("a")] = 0.0
    router = Router.for_query_document(
        query_modules=[SparseStaticEmbedding(transformer.tokenizer, weight=weights, frozen=True)],
        document_modules=[transformer, SpladePooling("max", activation_function="log1p_relu")])
    SparseEncoder(modules=[router], device="cpu").save_pretrained(str(folder), create_model_card=False)
    shutil.rmtree(parts)
    if in_root:  # the encoder in the model's own folder
        name = next(p.name for p in folder.iterdir() if p.name.startswith("document_0"))
        for file in (folder / name).iterdir():
            file.rename(folder / file.name)
        (folder / name).rmdir()
        text = (folder / "router_config.json").read_text(encoding="utf-8")
        (folder / "router_config.json").write_text(text.replace(f'"{name}"', '""') + "\n", encoding="utf-8")
    return expect_sparse(folder)


def token_vectors(model: MultiVectorEncoder) -> dict:
    entries = []
    for text in TEXTS:
        found = model.encode([text], batch_size=1)[0]
        entries.append({"text": text, "embedding": found.tolist()})
    return {"tokens": entries}


def make_token_vectors(folder: Path) -> dict:
    """Late interaction (ColBERT): each token's vector projected and made of length 1."""
    write_encoder(folder, 18)
    dense = dense_config(HIDDEN, 6, "linear.Identity", bias=False, module_input_name="token_embeddings",
                         module_output_name="token_embeddings")
    dense["bias"] = False
    write_modules(folder, [
        ("base.modules.transformer.Transformer", "", None), ("base.modules.dense.Dense", "1_Dense", dense),
        ("multi_vector_encoder.modules.multi_vector_mask.MultiVectorMask", "2_MultiVectorMask", {"skiplist_words": []}),
        ("base.modules.normalize.Normalize", "3_Normalize", {"module_input_name": "token_embeddings",
         "module_output_name": "token_embeddings"})], f"{PREFIX}.")
    write_dense(folder / "1_Dense", 19, HIDDEN, 6, bias=False)
    write_json(folder / "sentence_bert_config.json", {"max_seq_length": 20})
    st_config(folder, model_type="MultiVectorEncoder", prompts={"query": "", "document": ""}, similarity_fn_name="maxsim")
    return token_vectors(MultiVectorEncoder(str(folder), device="cpu"))


def make_colbert(folder: Path) -> dict:
    """Stanford's ColBERT: the projection beside the encoder, and none of sentence-transformers' files."""
    write_encoder(folder, 20)
    state = {f"bert.{name}": tensor for name, tensor in load_file(folder / "model.safetensors").items()}
    random = torch.Generator().manual_seed(21)
    state["linear.weight"] = torch.randn(6, HIDDEN, generator=random) / HIDDEN**0.5
    save_file(state, folder / "model.safetensors", metadata={"format": "pt"})
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    config["architectures"] = ["HF_ColBERT"]
    write_json(folder / "config.json", config)
    model = MultiVectorEncoder(str(folder), device="cpu")
    # It leaves punctuation out of documents.
    texts = [text for text in TEXTS if "." not in text]
    found = [model.encode([text], batch_size=1)[0] for text in texts]
    return {"tokens": [{"text": text, "embedding": rows.tolist()} for text, rows in zip(texts, found)]}


DIRECTORIES = {
    "pooling-mean-sqrt-len": lambda f: make_poolings(f, "mean_sqrt_len_tokens"),
    "pooling-weighted-mean": lambda f: make_poolings(f, "weightedmean"),
    "pooling-last-token": lambda f: make_poolings(f, "lasttoken"),
    "pooling-all": make_all_poolings,
    "pooling-none-chosen": make_no_pooling,
    "pooling-listed": make_listed_poolings,
    "dense": make_dense,
    "dense-chain": make_dense_chain,
    "prompts": lambda f: make_prompts(f, True),
    "prompts-not-pooled": lambda f: make_prompts(f, False),
    "similarity-dot": lambda f: make_similarity(f, "dot"),
    "similarity-euclidean": lambda f: make_similarity(f, "euclidean"),
    "similarity-manhattan": lambda f: make_similarity(f, "manhattan"),
    "old-layout": make_old_layout,
    "cross-encoder-older-key": lambda f: make_cross_encoder(f, "older", "linear.Identity"),
    "cross-encoder-newer-key": lambda f: make_cross_encoder(f, "newer", "linear.Identity"),
    "cross-encoder-sigmoid": lambda f: make_cross_encoder(f, "newer", "activation.Sigmoid"),
    "cross-encoder-saved": lambda f: make_cross_encoder(f, "files", "activation.Sigmoid"),
    "sparse-max": lambda f: make_splade(f, "max", "relu"),
    "sparse-sum-twice": lambda f: make_splade(f, "sum", "log1p_relu"),
    "sparse-masked-lm": make_masked_lm,
    "sparse-router": lambda f: make_router(f, False),
    "sparse-router-root": lambda f: make_router(f, True),
    "token-vectors": make_token_vectors,
    "token-vectors-colbert": make_colbert,
}


def rounded(value):
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [rounded(item) for item in value]
    return float(f"{value:.8g}") if isinstance(value, float) else value


def write_expected(path: Path, expected: dict) -> None:
    made_with = {"sentence_transformers": sentence_transformers.__version__, "transformers": transformers.__version__,
                 "torch": torch.__version__}
    parts = [f'"made_with": {json.dumps(made_with)}']
    for key, entries in rounded(expected).items():
        lines = ",\n".join(json.dumps(entry, ensure_ascii=False, separators=(",", ":")) for entry in entries)
        parts.append(f"{json.dumps(key)}: [\n{lines}\n]")
    path.write_text("{\n" + ",\n".join(parts) + "\n}\n", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", help="names of directories; default: all")
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "sentence")
    arguments = parser.parse_args()
    logging.disable(logging.WARNING)
    transformers.logging.disable_progress_bar()
    torch.set_num_threads(1)
    for name, make in DIRECTORIES.items():
        if arguments.only and name not in arguments.only:
            continue
        folder = arguments.output / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        expected = make(folder)
        write_expected(folder / "expected.json", expected)
        for file in folder.rglob("*"):
            if file.is_file():
                file.chmod(0o644)
        size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
        print(f"{name}: {size / 1000:.0f} kB", flush=True)


if __name__ == "__main__":
    main()
