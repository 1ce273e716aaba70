"""Writes the models as Hugging Face directories, and once more as the plain encoder's weights."""

import json
import shutil
from pathlib import Path

from .paths import MODELS, TOKENIZER
from .specs import SPECS, VOCABULARY, Spec

PLAIN = "encoder.safetensors"


def distilbert_config(spec: Spec) -> dict:
    config = {
        "architectures": ["DistilBertModel"],
        "model_type": "distilbert",
        "activation": "gelu",
        "dim": spec.hidden,
        "hidden_dim": spec.width,
        "n_heads": spec.heads,
        "n_layers": spec.layers,
        "max_position_embeddings": spec.positions,
        "vocab_size": spec.vocabulary,
        "pad_token_id": 0,
    }
    if spec.depth is not None:
        config["feed_forward"] = {"type": "fff", "depth": spec.depth, "trees": 1}
    return config


CLASSES = {"bert": "BertModel", "mpnet": "MPNetModel", "xlm-roberta": "XLMRobertaModel"}


def bert_config(spec: Spec) -> dict:
    """BERT's, and MPNet's and XLM-RoBERTa's, whose positions begin behind the padding's."""
    before = 0 if spec.like == "bert" else 2
    return {
        "architectures": ["BertForSequenceClassification" if spec.labels else CLASSES[spec.like]],
        "model_type": spec.like,
        "hidden_act": "gelu",
        "hidden_size": spec.hidden,
        "intermediate_size": spec.width,
        "num_attention_heads": spec.heads,
        "num_hidden_layers": spec.layers,
        "max_position_embeddings": spec.positions + before,
        "layer_norm_eps": 1e-12,
        "type_vocab_size": 2 if spec.labels else 1,
        "vocab_size": spec.vocabulary,
        "pad_token_id": before // 2,
        "position_embedding_type": "absolute",  # CTranslate2's converter asks for it
    } | ({"id2label": {i: f"LABEL_{i}" for i in range(spec.labels)}} if spec.labels else {})


def crammed_config(spec: Spec) -> dict:
    dense = spec.depth is None
    arch = {
        "num_transformer_layers": spec.layers,
        "hidden_size": spec.hidden,
        "intermed_type": "ff" if dense else "fff",
        "intermed_size": spec.width if dense else 1,
        "intermed_depth": spec.depth or 0,
        "nonlin": "GELU",
        "norm": "LayerNorm",
        "norm_eps": 1e-12,
        "norm_scheme": "pre",
        "final_norm": True,
        "use_bias": False,
        "ffn_layer_frequency": 1,
        "embedding": {
            "vocab_size": VOCABULARY,
            "embedding_dim": spec.hidden,
            "pos_embedding": "scaled-sinusoidal",
            "max_seq_length": spec.positions,
            "normalization": True,
        },
        "attention": {
            "type": "self-attention",
            "num_attention_heads": spec.heads,
            "qkv_bias": False,
            "rotary_embedding": False,
            "sequence_op": "torch-softmax",
        },
    }
    return {"architectures": ["ScriptableLM"], "model_type": "crammedBERT", "arch": arch}


def distilbert_tensors(spec: Spec, state: dict) -> dict:
    parts = {"q": "attention.q_lin", "k": "attention.k_lin", "v": "attention.v_lin"}
    parts |= {"out": "attention.out_lin", "norm1": "sa_layer_norm", "norm2": "output_layer_norm"}
    parts |= {"ffn.0": "ffn.lin1", "ffn.2": "ffn.lin2"}
    names = {"word": "embeddings.word_embeddings", "position": "embeddings.position_embeddings"}
    names["norm"] = "embeddings.LayerNorm"
    return {rename(name, names, "transformer.layer.", parts): t for name, t in state.items()}


def bert_tensors(spec: Spec, state: dict) -> dict:
    import torch

    parts = {"ffn.0": "intermediate.dense", "ffn.2": "output.dense", "norm2": "output.LayerNorm"}
    if spec.like == "mpnet":
        parts |= {part: f"attention.attn.{part}" for part in "qkv"}
        parts |= {"out": "attention.attn.o", "norm1": "attention.LayerNorm"}
    else:
        parts |= {part[0]: f"attention.self.{part}" for part in ("query", "key", "value")}
        parts |= {"out": "attention.output.dense", "norm1": "attention.output.LayerNorm"}
    names = {"word": "embeddings.word_embeddings", "position": "embeddings.position_embeddings"}
    names |= {"norm": "embeddings.LayerNorm", "relative": "encoder.relative_attention_bias"}
    names |= {"types": "embeddings.token_type_embeddings", "pooler": "pooler.dense"}
    tensors = {
        rename(name, names, "encoder.layer.", parts): tensor
        for name, tensor in state.items()
        if name != "bias"  # made of the relative biases
    }
    if spec.like != "bert":
        position = tensors["embeddings.position_embeddings.weight"]
        tensors["embeddings.position_embeddings.weight"] = torch.cat([position[:2] * 0, position])
    if spec.like != "mpnet" and not spec.labels:
        tensors["embeddings.token_type_embeddings.weight"] = torch.zeros(1, spec.hidden)
    if spec.labels:
        tensors = {n if n.startswith("classifier") else f"bert.{n}": t for n, t in tensors.items()}
    return tensors


def crammed_tensors(spec: Spec, state: dict, scale: float) -> dict:
    import torch

    parts = {"out": "attn.dense", "ffn.0": "ffn.dense_in", "ffn.2": "ffn.dense_out"}
    names = {"word": "embedding.word_embedding", "norm": "embedding.norm"}
    tensors = {"embedding.pos_embedding.scale_factor": torch.tensor([scale])}
    for name, tensor in state.items():
        zeros = name.endswith("bias") and "norm" not in name and "linear_in" not in name
        if zeros or name == "position.weight" or name.split(".")[2:3] in (["q"], ["k"], ["v"]):
            continue
        tensors[rename(name, names, "layers.", parts)] = tensor
    for i in range(spec.layers):  # each head's q, k and v stand together, as in GPT-NeoX
        q, k, v = (state[f"layers.{i}.{part}.weight"] for part in "qkv")
        heads = [t.view(spec.heads, -1, spec.hidden) for t in (q, k, v)]
        fused = torch.stack(heads, 1).reshape(3 * spec.hidden, spec.hidden)
        tensors[f"layers.{i}.attn.self_attention.query_key_value.weight"] = fused
    return tensors


def rename(name: str, names: dict, layer: str, parts: dict) -> str:
    """ "layers.3.q.weight" -> "transformer.layer.3.attention.q_lin.weight"."""
    stem, _, kind = name.rpartition(".")
    if not stem.startswith("layers."):
        return f"{names.get(stem, stem)}.{kind}"
    _, index, part = stem.split(".", 2)
    return f"{layer}{index}.{parts.get(part, part)}.{kind}"


def directory(name: str) -> Path:
    """The model's Hugging Face directory, made where it is missing."""
    path = MODELS / name
    if (path / "config.json").exists():  # written last
        return path
    from safetensors.torch import save_file

    from .encoder import random_encoder

    spec = SPECS[name]
    if spec.package:
        return unpack(spec, path)
    print(f"making {path.name}: {spec.layers} layers, random weights", flush=True)
    path.mkdir(parents=True, exist_ok=True)
    encoder, scale = random_encoder(spec)
    state = encoder.state_dict()
    save_file(state, path / PLAIN)
    if spec.crammed:
        config, tensors = crammed_config(spec), crammed_tensors(spec, state, scale)
    elif spec.like != "distilbert":
        config, tensors = bert_config(spec), bert_tensors(spec, state)
    else:
        config, tensors = distilbert_config(spec), distilbert_tensors(spec, state)
    tensors = {name: tensor.contiguous() for name, tensor in tensors.items()}
    save_file(tensors, path / "model.safetensors", metadata={"format": "pt"})
    for file in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copyfile(TOKENIZER / file, path / file)
    (path / "config.json").write_text(json.dumps(config, indent=1) + "\n")
    return path


def unpack(spec: Spec, path: Path) -> Path:
    """The folder of a package's BERT, and its weights once more under the plain encoder's names."""
    from importlib.util import find_spec

    from safetensors.torch import load_file, save_file

    found = find_spec(spec.package)
    if found is None:
        raise RuntimeError(f"the Python package {spec.package} is not installed")
    source = Path(found.submodule_search_locations[0]) / "model"
    state = load_file(source / "model.safetensors")
    state = {name.removeprefix("bert."): tensor.float() for name, tensor in state.items()}
    # Every token is of type 0.
    types = state.pop("embeddings.token_type_embeddings.weight")
    state["embeddings.position_embeddings.weight"] += types[0]
    names = {"embeddings.word_embeddings": "word", "embeddings.position_embeddings": "position"}
    names["embeddings.LayerNorm"] = "norm"
    parts = {f"attention.self.{long}": long[0] for long in ("query", "key", "value")}
    parts |= {"attention.output.dense": "out", "attention.output.LayerNorm": "norm1"}
    parts |= {"intermediate.dense": "ffn.0", "output.dense": "ffn.2", "output.LayerNorm": "norm2"}
    plain = {}
    for name, tensor in state.items():
        stem, _, kind = name.removeprefix("encoder.layer.").rpartition(".")
        if stem in names:
            plain[f"{names[stem]}.{kind}"] = tensor
        elif name.startswith("encoder.layer."):
            index, _, part = stem.partition(".")
            plain[f"layers.{index}.{parts[part]}.{kind}"] = tensor
    path.mkdir(parents=True, exist_ok=True)
    save_file({name: tensor.contiguous() for name, tensor in plain.items()}, path / PLAIN)
    for file in sorted(source.rglob("*"), key=lambda file: file == source / "config.json"):
        if file.is_file():
            (path / file.relative_to(source)).parent.mkdir(exist_ok=True)
            shutil.copyfile(file, path / file.relative_to(source))
    return path


def load_encoder(name: str):
    from safetensors.torch import load_file

    from .encoder import Encoder

    model = Encoder(SPECS[name])
    model.load_state_dict(load_file(directory(name) / PLAIN))
    return model.eval()
