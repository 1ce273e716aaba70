"""Writes a checkpoint as a Hugging Face directory in DistilBERT's shape, fp16, for the engine.

    python -m distil.export --checkpoint FOLDER/NAME --teacher model.safetensors --tokenizer tokenizer.json --out DIR

The checkpoint's name begins with its task: general or embed (a sentence-transformers directory), sst2, ner or mlm. Layers with trees
have `ffn.linear_in.weight/bias` and `ffn.linear_out.weight` and the config says `"feed_forward": {"type": "fff", ...}`; dense
ones are DistilBERT's own and load in transformers. A removed feedforward is written as one neuron of zeros. The word
embeddings are the teacher's, and its token type 0 is part of the positions: 512, and 256 for sentence embeddings, which read no more.
"""

import argparse
import json
import pathlib
import shutil

import torch
from safetensors.torch import save_file

from distil import checkpoint
from distil.data import TAGS
from distil.feedforward import Spec
from distil.model import HEADS, HIDDEN, VOCAB, load_teacher

ARCHITECTURES = {
    "general": "DistilBertModel",
    "embed": "DistilBertModel",
    "sst2": "DistilBertForSequenceClassification",
    "ner": "DistilBertForTokenClassification",
    "mlm": "DistilBertForMaskedLM",
}
LABELS = {"sst2": ["NEGATIVE", "POSITIVE"], "ner": TAGS}


def layer_tensors(state: dict, old: str, spec: Spec) -> dict:
    """One layer's tensors under DistilBERT's names."""
    out = {}
    for kind in ("weight", "bias"):
        for name, part in zip("qkv", state[f"{old}qkv.{kind}"].chunk(3)):
            out[f"attention.{name}_lin.{kind}"] = part
        out[f"attention.out_lin.{kind}"] = state[f"{old}out.{kind}"]
        out[f"sa_layer_norm.{kind}"] = state[f"{old}norm1.{kind}"]
        out[f"output_layer_norm.{kind}"] = state[f"{old}norm2.{kind}"]
    if not spec.rows:
        out["ffn.lin1.weight"], out["ffn.lin1.bias"] = torch.zeros(1, HIDDEN), torch.zeros(1)
        out["ffn.lin2.weight"], out["ffn.lin2.bias"] = torch.zeros(HIDDEN, 1), torch.zeros(HIDDEN)
    elif not spec.trees:
        for kind in ("weight", "bias"):
            out[f"ffn.lin1.{kind}"] = state[f"{old}ffn.linear_in.{kind}"]
        out["ffn.lin2.weight"] = state[f"{old}ffn.linear_out.weight"]
        out["ffn.lin2.bias"] = state.get(f"{old}ffn.linear_out.bias", torch.zeros(HIDDEN))
    else:
        for name in ("linear_in.weight", "linear_in.bias", "linear_out.weight"):
            out[f"ffn.{name}"] = state[f"{old}ffn.{name}"]
    return out


def export(path: pathlib.Path, teacher: pathlib.Path, words, tokenizer: pathlib.Path, out: pathlib.Path, dtype=torch.float16):
    state, about = checkpoint.load(path.parent, path.name)
    task = path.name.split("-")[0]
    specs = [Spec.parse(s) for s in about["specs"]]
    if len(set(specs)) != 1:
        raise ValueError(f"{path.name}: layers differ ({about['specs']}); config.json has one feed_forward for all")
    spec = specs[0]
    embeddings, _ = load_teacher(teacher, words)
    bare = ARCHITECTURES[task] == "DistilBertModel"
    longest = 256 if bare else 512
    prefix, encoder = "" if bare else "distilbert.", "" if task == "general" else "encoder."
    tensors = {
        f"{prefix}embeddings.word_embeddings.weight": embeddings.word,
        f"{prefix}embeddings.position_embeddings.weight": embeddings.position[:longest],
        f"{prefix}embeddings.LayerNorm.weight": embeddings.weight,
        f"{prefix}embeddings.LayerNorm.bias": embeddings.bias,
    }
    for i in range(len(specs)):
        for name, tensor in layer_tensors(state, f"{encoder}layers.{i}.", spec).items():
            tensors[f"{prefix}transformer.layer.{i}.{name}"] = tensor
    for name, tensor in state.items():
        if name.startswith("head."):
            tensors[name.removeprefix("head.").replace("vocab_projector_bias", "vocab_projector.bias")] = tensor
    config = {
        "architectures": [ARCHITECTURES[task]], "model_type": "distilbert", "vocab_size": VOCAB,
        "max_position_embeddings": longest, "dim": HIDDEN, "n_layers": len(specs), "n_heads": HEADS,
        "hidden_dim": max(spec.rows, 1) if not spec.trees else spec.rows, "activation": "gelu",
        "sinusoidal_pos_embds": False, "pad_token_id": 0, "tie_word_embeddings": True, "torch_dtype": str(dtype)[6:],
    }
    if task in LABELS:
        config["id2label"] = {str(i): label for i, label in enumerate(LABELS[task])}
        config["label2id"] = {label: i for i, label in enumerate(LABELS[task])}
    if spec.trees:
        config["feed_forward"] = spec.config()
    out.mkdir(parents=True, exist_ok=True)
    save_file({k: v.to(dtype).contiguous() for k, v in tensors.items()}, out / "model.safetensors", {"format": "pt"})
    write_json(out / "config.json", config)
    shutil.copyfile(tokenizer, out / "tokenizer.json")
    strip_limits(out / "tokenizer.json")
    write_json(out / "tokenizer_config.json", {
        "tokenizer_class": "BertTokenizer", "do_lower_case": True, "strip_accents": None, "tokenize_chinese_chars": True,
        "model_max_length": longest, "unk_token": "[UNK]", "sep_token": "[SEP]",
        "pad_token": "[PAD]", "cls_token": "[CLS]", "mask_token": "[MASK]",
    })
    if bare:
        kinds = [("", "Transformer"), ("1_Pooling", "Pooling"), ("2_Normalize", "Normalize")]
        write_json(out / "modules.json", [
            {"idx": i, "name": str(i), "path": p, "type": f"sentence_transformers.models.{k}"} for i, (p, k) in enumerate(kinds)
        ])
        (out / "1_Pooling").mkdir(exist_ok=True)
        write_json(out / "1_Pooling/config.json", {"word_embedding_dimension": HIDDEN, "pooling_mode_mean_tokens": True})
        write_json(out / "sentence_bert_config.json", {"max_seq_length": longest, "do_lower_case": False})
    write_json(out / "training.json", about)


def strip_limits(path: pathlib.Path) -> None:
    """The teacher's tokenizer.json cuts at 128 pieces and pads; ours leaves both to the engine."""
    content = json.loads(path.read_text(encoding="utf-8"))
    content["truncation"] = content["padding"] = None
    path.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")


def write_json(path: pathlib.Path, value) -> None:
    path.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--checkpoint", type=pathlib.Path, required=True)
    p.add_argument("--teacher", type=pathlib.Path, required=True)
    p.add_argument("--embeddings", type=pathlib.Path)
    p.add_argument("--tokenizer", type=pathlib.Path, required=True)
    p.add_argument("--out", type=pathlib.Path, required=True)
    args = p.parse_args()
    export(args.checkpoint, args.teacher, args.embeddings, args.tokenizer, args.out)
    print(args.out)


if __name__ == "__main__":
    main()
