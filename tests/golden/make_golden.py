#!/usr/bin/env python3
"""Makes the golden checkpoints: small Hugging Face directories with random weights, and what transformers
answers for each (expected.json). Seeded: the same versions write the same bytes.

    python tests/golden/make_golden.py [--only NAME ...] [--output DIR]

README.md beside this file says what each directory is for. Packages: requirements.txt.
"""

import argparse
import json
import logging
import os
import shutil
import zlib
from pathlib import Path

import numpy
import safetensors.torch
import tokenizers
import torch
import transformers
from transformers import (
    AutoTokenizer,
    BertConfig,
    BertTokenizerFast,
    CamembertConfig,
    DistilBertConfig,
    DistilBertTokenizerFast,
    ElectraConfig,
    ElectraTokenizerFast,
    ModernBertConfig,
    MPNetConfig,
    MPNetTokenizerFast,
    RobertaConfig,
    XLMRobertaConfig,
)

import subwords
import texts
from checkpoints import LEGACY, LIKE_ROBERTA, MAX_POSITIONS, PICKLED, Checkpoint, checkpoints
from expectations import AUTO, Oracle, expect
from feed_forward import install

LOGIT_NOISE = 5e-4  # no label, token, span or order may change when every logit moves by this much
FFF_MARGIN = 1e-4  # the smallest |z| that a decision may have


def config_of(spec: Checkpoint, vocab_size: int, pad_token_id: int):
    common = {"vocab_size": vocab_size, "max_position_embeddings": MAX_POSITIONS}
    if spec.labels:
        common["id2label"] = dict(enumerate(spec.labels))
        common["label2id"] = {label: i for i, label in enumerate(spec.labels)}
    if spec.problem_type:
        common["problem_type"] = spec.problem_type
    if spec.fff:
        common["feed_forward"] = {"type": "fff", "depth": spec.fff[0], "trees": spec.fff[1]}
        if spec.dense_width:
            common["feed_forward"]["dense_width"] = spec.dense_width
    if spec.kind == "distilbert":
        return DistilBertConfig(
            dim=spec.hidden,
            n_heads=spec.heads,
            n_layers=spec.layers,
            hidden_dim=spec.width,
            activation=spec.activation,
            **common,
        )
    kind = BertConfig
    if spec.kind == "electra":
        kind = ElectraConfig
        common["embedding_size"] = spec.embedding_size or spec.hidden
    if spec.kind in LIKE_ROBERTA:
        kind = {
            "roberta": RobertaConfig,
            "xlm-roberta": XLMRobertaConfig,
            "camembert": CamembertConfig,
        }[spec.kind]
        # The first token has the position behind the padding's.
        common["max_position_embeddings"] += pad_token_id + 1
        common["pad_token_id"] = pad_token_id
        common["type_vocab_size"] = 1
    if spec.kind == "mpnet":
        kind = MPNetConfig
        common["max_position_embeddings"] += pad_token_id + 1
    if spec.kind == "nomic_bert":
        kind = transformers.NomicBertConfig  # since transformers 5
    if spec.kind == "modernbert":
        special = ("cls", "sep", "bos", "eos")
        common.update({f"{name}_token_id": None for name in special}, **spec.config)
        return ModernBertConfig(
            hidden_size=spec.hidden,
            num_attention_heads=spec.heads,
            num_hidden_layers=spec.layers,
            intermediate_size=spec.width,
            hidden_activation=spec.activation,
            pad_token_id=pad_token_id,
            **common,
        )
    return kind(
        hidden_size=spec.hidden,
        num_attention_heads=spec.heads,
        num_hidden_layers=spec.layers,
        intermediate_size=spec.width,
        hidden_act="silu" if spec.kind == "nomic_bert" else spec.activation,
        **common,
    )


def fill(model: torch.nn.Module, seed: int) -> None:
    """Weights large enough that every part of the network shows in the result."""
    random = torch.Generator().manual_seed(seed)

    def normal(parameter, scale, mean=0.0):
        parameter.copy_(mean + scale * torch.randn(parameter.shape, generator=random))

    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.dim() == 1:
                gain = "norm" in name.lower() and name.endswith("weight")
                normal(parameter, 0.25, mean=1.0 if gain else 0.0)
            elif "embeddings" in name:
                word = "word" in name or "tok_embeddings" in name
                normal(parameter, 0.8 if word else 0.4)
            else:  # a matrix [outputs, inputs]: unit variance in gives about `gain` out
                inner = ("layer.", "transform", "pooler", "pre_classifier", "lm_head.dense")
                inner += ("layers.", "head.dense")
                head = not any(part in name for part in inner)
                attention = any(
                    part in name
                    for part in ("q_lin", "k_lin", "query", "key", "q_proj", "k_proj", "qkv")
                    + ("attn.q.", "attn.k.")
                )
                gain = 2.5 if head else 1.6 if attention else 1.2
                normal(parameter, gain / parameter.shape[1] ** 0.5)
        for name, parameter in model.named_parameters():
            if name.endswith(
                "ffn.linear_out.weight"
            ):  # only depth + 1 inputs of a tree are ever summed
                nodes = parameter.shape[1]
                parameter.mul_((nodes / 8) ** 0.5)


def vocabulary_of(spec: Checkpoint) -> list[str]:
    tokens = texts.vocabulary(spec.cased)
    if spec.kind == "roberta":  # RoBERTa's order of special tokens: [PAD] has id 1
        assert tokens[:5] == texts.SPECIAL
        tokens[:5] = ["[CLS]", "[PAD]", "[SEP]", "[UNK]", "[MASK]"]
    if spec.kind == "mpnet":  # one special token more in the cased vocabulary's place of two unused
        special = texts.vocabulary(spec.cased).index("[MASK]") + 1
        tokens[:special] = ["<s>", "<pad>", "</s>", "[UNK]", "<mask>"]
    return tokens


def make_word_piece(spec: Checkpoint, path: Path):
    vocabulary = path / "vocab.txt"
    vocabulary.write_text(
        "".join(token + "\n" for token in vocabulary_of(spec)), encoding="utf-8"
    )
    kind = {
        "distilbert": DistilBertTokenizerFast,
        "electra": ElectraTokenizerFast,
        "mpnet": MPNetTokenizerFast,
    }.get(spec.kind, BertTokenizerFast)
    options = {}
    if spec.kind in (*LIKE_ROBERTA, "modernbert"):  # models of one type; the tokenizer still tells two of a pair
        options["model_input_names"] = ["input_ids", "attention_mask"]
    return kind(
        str(vocabulary),
        do_lower_case=not spec.cased,
        model_max_length=MAX_POSITIONS,
        **options,
    )


def save_tokenizer(spec: Checkpoint, path: Path) -> None:
    options = {"model_max_length": MAX_POSITIONS, **spec.tokenizer_options}
    if spec.subwords == "byte_level" and spec.kind == "modernbert":
        tokenizer = subwords.modernbert(options)
    elif spec.subwords == "byte_level":
        tokenizer = subwords.byte_level(path, options)
    elif spec.subwords == "unigram":
        tokenizer = subwords.unigram(spec.kind, options)
    else:
        tokenizer = make_word_piece(spec, path)
    tokenizer.save_pretrained(path)
    settings = json.loads((path / "tokenizer_config.json").read_text(encoding="utf-8"))
    settings["clean_up_tokenization_spaces"] = spec.clean_up
    if spec.clean_up is None:
        del settings["clean_up_tokenization_spaces"]
    write_json(path / "tokenizer_config.json", settings)
    if spec.vocab_only:
        (path / "tokenizer.json").unlink()
    else:
        for name in ("vocab.txt", "vocab.json", "merges.txt"):
            (path / name).unlink(missing_ok=True)
        content = json.loads((path / "tokenizer.json").read_text(encoding="utf-8"))
        if spec.published and spec.kind == "mpnet":
            publish_mpnet_tokenizer(content)
        if spec.splits_whitespace:
            subwords.split_whitespace(content)
        write_json(path / "tokenizer.json", content, indent=None)


def publish_mpnet_tokenizer(content: dict) -> None:
    """As in the file of all-mpnet-base-v2: another kind of post-processor, and a length that sentence-transformers has left."""
    content["post_processor"] = {
        "type": "RobertaProcessing",
        "sep": ["</s>", 2],
        "cls": ["<s>", 0],
        "trim_offsets": True,
        "add_prefix_space": False,
    }
    content["truncation"] = {
        "direction": "Right",
        "max_length": 20,
        "strategy": "LongestFirst",
        "stride": 0,
    }
    content["padding"] = {
        "strategy": {"Fixed": 20},
        "direction": "Right",
        "pad_to_multiple_of": None,
        "pad_id": 1,
        "pad_type_id": 0,
        "pad_token": "<pad>",
    }


def save_weights(spec: Checkpoint, model, path: Path) -> None:
    dtype = {"F16": torch.float16, "BF16": torch.bfloat16}.get(spec.storage, torch.float32)
    model = model.to(dtype)
    if spec.storage == "sharded":
        model.save_pretrained(path, max_shard_size="100KB")
        return
    model.save_pretrained(path)  # also writes config.json
    if spec.storage not in (PICKLED, LEGACY):
        return
    (path / "model.safetensors").unlink()
    state = model.state_dict()  # tied weights: two names, one storage
    if spec.kind == "bert":  # older versions of transformers saved this buffer too
        state["bert.embeddings.position_ids"] = torch.arange(MAX_POSITIONS).unsqueeze(0)
    torch.save(state, path / PICKLED, _use_new_zipfile_serialization=spec.storage == PICKLED)


# Keys of the published NomicBERT checkpoints, by those of transformers.
NOMIC_KEYS = {
    "hidden_size": "n_embd",
    "num_hidden_layers": "n_layer",
    "num_attention_heads": "n_head",
    "intermediate_size": "n_inner",
    "max_position_embeddings": "n_positions",
    "layer_norm_eps": "layer_norm_epsilon",
    "attention_probs_dropout_prob": "attn_pdrop",
    "hidden_dropout_prob": "resid_pdrop",
}


def publish(path: Path) -> None:
    """NomicBERT as its authors publish it: keys of GPT-2's configuration, and "bert." before the encoder of a head.
    transformers 5 gives the tensors the authors' names, but for this prefix."""
    config = json.loads((path / "config.json").read_text(encoding="utf-8"))
    theta = config.pop("rope_parameters")["rope_theta"]
    for key in ("hidden_act", "head_dim", "classifier_dropout"):
        config.pop(key, None)
    config = {NOMIC_KEYS.get(key, key): value for key, value in config.items()}
    config.update(
        activation_function="swiglu",
        causal=False,
        fused_bias_fc=True,
        mlp_fc1_bias=False,
        mlp_fc2_bias=False,
        pad_vocab_size_multiple=1,
        parallel_block=False,
        prenorm=False,
        qkv_proj_bias=False,
        rotary_emb_base=int(theta),
        rotary_emb_fraction=1.0,
        rotary_emb_interleaved=False,
        rotary_emb_scale_base=None,
        rotary_scaling_factor=None,
        use_rms_norm=False,
    )
    write_json(path / "config.json", dict(sorted(config.items())))
    tensors = safetensors.torch.load_file(path / "model.safetensors")
    renamed = {name.replace("nomic_bert.", "bert.", 1): tensors[name] for name in tensors}
    safetensors.torch.save_file(renamed, path / "model.safetensors", {"format": "pt"})


def save_sentence(spec: Checkpoint, path: Path) -> None:
    modes = {
        "pooling_mode": spec.tasks["pooling"],
        "embedding_dimension": spec.hidden,
        "include_prompt": True,
    }
    prefix = {"Transformer": "base", "Pooling": "sentence_transformer", "Normalize": "base"}
    kinds = {
        name: f"sentence_transformers.{prefix[name]}.modules.{name.lower()}.{name}"
        for name in prefix
    }
    if spec.sentence["legacy"]:
        names = {
            "cls": "cls_token",
            "mean": "mean_tokens",
            "max": "max_tokens",
            "mean_sqrt_len": "mean_sqrt_len_tokens",
        }
        modes = {f"pooling_mode_{names[mode]}": mode == spec.tasks["pooling"] for mode in names}
        modes["word_embedding_dimension"] = spec.hidden
        kinds = {name: f"sentence_transformers.models.{name}" for name in prefix}
    folders = {"Transformer": "", "Pooling": "1_Pooling"}
    if spec.tasks["normalize"]:
        folders["Normalize"] = "2_Normalize"
    modules = [
        {"idx": i, "name": str(i), "path": folder, "type": kinds[name]}
        for i, (name, folder) in enumerate(folders.items())
    ]
    write_json(path / "modules.json", modules)
    (path / "1_Pooling").mkdir()
    write_json(path / "1_Pooling" / "config.json", modes)
    write_json(
        path / "sentence_bert_config.json",
        {"max_seq_length": spec.sentence["max_seq_length"], "do_lower_case": False},
    )


def write_json(path: Path, content, indent: int | None = 2) -> None:
    separators = None if indent else (",", ":")
    path.write_text(
        json.dumps(content, ensure_ascii=False, indent=indent, separators=separators) + "\n",
        encoding="utf-8",
    )


def plain(value):
    """JSON's types; floats to 8 digits, an order finer than any comparison here."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, (float, numpy.floating)):
        return float(f"{float(value):.8g}")
    if isinstance(value, numpy.integer):
        return int(value)
    return value


def write_expected(path: Path, expected: dict) -> None:
    """One entry a line, so that differences can be read."""
    parts = []
    for key, value in plain(expected).items():
        if isinstance(value, list) and value:
            lines = ",\n".join(
                json.dumps(item, ensure_ascii=False, separators=(",", ":")) for item in value
            )
            parts.append(f"{json.dumps(key)}: [\n{lines}\n]")
        else:
            parts.append(f"{json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}")
    path.write_text("{\n" + ",\n".join(parts) + "\n}\n", encoding="utf-8")


def agrees(a, b) -> bool:
    """Whether two expectations differ in nothing but the little that noisy logits move a score."""
    if isinstance(a, float) and isinstance(b, float):
        return abs(a - b) <= 0.01 * max(abs(a), abs(b)) + 2 * LOGIT_NOISE
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(agrees(a[key], b[key]) for key in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(agrees(x, y) for x, y in zip(a, b))
    return a == b


def dull(spec: Checkpoint, expected: dict) -> bool:
    """Whether the answers are too much alike to tell a right engine from a wrong one."""
    rows = []
    if spec.head == "token_classification":
        rows = [row for case in expected["cases"] for row in case["logits"]]
    elif spec.head == "sequence_classification":
        rows = [case["logits"] for case in expected["cases"]]
    if not rows or len(rows[0]) == 1:
        return False
    counts = numpy.bincount([numpy.argmax(row) for row in rows], minlength=len(rows[0]))
    wanted = len(counts) if spec.head == "token_classification" else 2
    return (counts > 0).sum() < wanted or counts.max() > 0.6 * len(rows)


def why_unfit(spec: Checkpoint, path: Path, expected: dict) -> str | None:
    """A reason to try the next seed, or None."""
    expected = plain(expected)
    if min((case.get("fff_margin", 1) for case in expected["cases"]), default=1) < FFF_MARGIN:
        return "an FFF decision too close to zero"
    if dull(spec, expected):
        return "answers too much alike"
    if spec.head == "none":
        return None
    for noise_seed in range(2):
        noisy = expect(Oracle(path, spec.head, spec.limit, LOGIT_NOISE, noise_seed), spec.tasks)
        if not agrees(plain(noisy), expected):
            return "an answer changes under noise"
    return None


def make(spec: Checkpoint, output: Path) -> None:
    path = output / spec.name
    for attempt in range(500):
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir(parents=True)
        save_tokenizer(spec, path)
        options = (
            {"add_pooling_layer": spec.pooler}
            if spec.kind in ("bert", "mpnet", "nomic_bert", *LIKE_ROBERTA) and spec.head == "none"
            else {}
        )
        tokenizer = AutoTokenizer.from_pretrained(path)
        config = config_of(spec, len(tokenizer), tokenizer.pad_token_id)
        torch.manual_seed(0)
        model = AUTO[spec.head].from_config(config, **options)
        fill(model, zlib.crc32(spec.name.encode()) + attempt)
        save_weights(spec, model, path)
        if spec.sentence:
            save_sentence(spec, path)
        expected = expect(Oracle(path, spec.head, spec.limit), spec.tasks)
        reason = why_unfit(spec, path, expected)
        if reason is None:
            break
        print(f"{spec.name}: seed {attempt}: {reason}", flush=True)
    else:
        raise RuntimeError(f"{spec.name}: no seed fits")
    if spec.published and spec.kind == "nomic_bert":
        publish(path)
    made_with = {
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "tokenizers": tokenizers.__version__,
    }
    write_expected(path / "expected.json", {"head": spec.head, "made_with": made_with, **expected})
    for file in path.rglob("*"):
        if file.is_file():
            file.chmod(0o644)  # safetensors writes 0600
    size = sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
    print(f"{spec.name}: seed {attempt}, {size / 1000:.0f} kB", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", help="names of checkpoints; default: all")
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "data")
    arguments = parser.parse_args()
    logging.disable(logging.WARNING)
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    torch.set_num_threads(1)
    install()
    for spec in checkpoints():
        if arguments.only and spec.name not in arguments.only:
            continue
        if (spec.kind == "nomic_bert") != (transformers.__version__ >= "5"):
            print(f"{spec.name}: not with transformers {transformers.__version__}", flush=True)
        else:
            make(spec, arguments.output)


if __name__ == "__main__":
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    main()
