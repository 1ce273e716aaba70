"""Writes a checkpoint of scratch.train as a crammedBERT directory (config.json, model.safetensors, tokenizer.json).

    python -m scratch.export --checkpoint out/scratch-f8d7-flip-s0-20000 --tokenizer TEACHER/tokenizer.json --out DIR

The vocabulary is bert-base-uncased's, so that figures of masked LM are about the same pieces as every other model's; the
special tokens take crammedBERT's names at their old ids.
"""

import argparse
import json
import pathlib

import torch
from safetensors.torch import save_file

from distil import checkpoint
from distil.export import strip_limits, write_json
from distil.feedforward import Spec
from scratch.model import names

SPECIAL = {"[PAD]": "<pad>", "[UNK]": "<unk>", "[CLS]": "<cls>", "[SEP]": "<sep>", "[MASK]": "<mask>"}


def config(about: dict, vocab: int) -> dict:
    spec, hidden = Spec.parse(about["specs"][0]), about["hidden"]
    return {
        "architectures": ["ScriptableLMForPreTraining"], "model_type": "crammedBERT", "torch_dtype": "float16",
        "arch": {
            "architectures": ["ScriptableCrammedBERT"], "num_transformer_layers": len(about["specs"]),
            "intermed_type": "fff" if spec.trees else "ff", "hidden_size": hidden,
            "intermed_size": spec.trees or spec.rows, "intermed_depth": spec.depth or 1, "hidden_dropout_prob": 0.0,
            "norm": "LayerNorm", "norm_eps": 1e-12, "norm_scheme": "pre", "nonlin": "GELU", "tie_weights": True,
            "decoder_bias": False, "sparse_prediction": 0.15, "loss": "cross-entropy", "objective_layout": "MLM",
            "embedding": {"vocab_size": vocab, "pos_embedding": "scaled-sinusoidal", "dropout_prob": 0.0, "pad_token_id": 0,
                          "max_seq_length": 512, "embedding_dim": hidden, "normalization": True,
                          "stable_low_precision": False},
            "attention": {"type": "self-attention", "causal_attention": False, "num_attention_heads": about["heads"],
                          "dropout_prob": 0.0, "skip_output_projection": False, "qkv_bias": False,
                          "rotary_embedding": False, "seq_op_in_fp32": False, "sequence_op": "torch-softmax"},
            "init": {"type": "normal", "std": 0.02}, "ffn_layer_frequency": 1, "skip_head_transform": True,
            "use_bias": False, "final_norm": True, "num_labels": None,
            "classification_head": {"pooler": "avg", "include_ff_layer": True, "head_dim": 1024, "nonlin": "Tanh",
                                    "classifier_dropout": 0.1},
        },
    }


def tokenizer(source: pathlib.Path, out: pathlib.Path) -> None:
    text = source.read_text(encoding="utf-8")
    for old, new in SPECIAL.items():
        text = text.replace(json.dumps(old), json.dumps(new))
    out.write_text(text, encoding="utf-8")
    strip_limits(out)


def export(path: pathlib.Path, tokenizer_json: pathlib.Path, out: pathlib.Path) -> None:
    state, about = checkpoint.load(path.parent, path.name)
    if len(set(about["specs"])) > 1:
        raise ValueError(f"{path.name}: its layers differ ({', '.join(about['specs'])}); a crammedBERT configuration has one "
                         "feedforward for all layers")
    out.mkdir(parents=True, exist_ok=True)
    specs = [Spec.parse(spec) for spec in about["specs"]]
    tensors = {theirs: state[mine].half().contiguous() for mine, theirs in names(specs).items()}
    tensors["decoder.weight"] = tensors["encoder.embedding.word_embedding.weight"].clone()
    for i in range(len(specs)):
        tensors[f"encoder.layers.{i}.attn.self_attention.norm_factor"] = torch.tensor((about["hidden"] // about["heads"]) ** -0.5)
    save_file(tensors, out / "model.safetensors", {"format": "pt"})
    write_json(out / "config.json", config(about, len(state["word"])))
    tokenizer(tokenizer_json, out / "tokenizer.json")
    write_json(out / "tokenizer_config.json", {
        "cls_token": "<cls>", "mask_token": "<mask>", "model_max_length": 512, "pad_token": "<pad>", "sep_token": "<sep>",
        "tokenizer_class": "PreTrainedTokenizerFast", "unk_token": "<unk>",
    })
    write_json(out / "training.json", about)


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--checkpoint", type=pathlib.Path, required=True)
    p.add_argument("--tokenizer", type=pathlib.Path, required=True)
    p.add_argument("--out", type=pathlib.Path, required=True)
    args = p.parse_args()
    export(args.checkpoint, args.tokenizer, args.out)
    print(args.out)


if __name__ == "__main__":
    main()
