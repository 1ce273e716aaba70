"""Models of the usual shapes with random weights, written without any library: for comparing two builds of the program."""

import json
import random
from array import array
from pathlib import Path

from .models import distilbert_config
from .paths import WORK
from .specs import SPECS, Spec

FOLDER = WORK / "random"
MODELS = {"dense": "distilbert", "trees": "distilbert-fff"}  # in SPECS
WORDS = 8192  # fewer than real vocabularies have: nothing that is timed depends on it
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
POOL = 1 << 20  # random numbers, of which each tensor gets slices


def word(index: int) -> str:
    """Words of letters alone, so that each is one token."""
    letters = "abcdefghijklmnopqrstuvwxyz"
    return "q" + letters[index // 676] + letters[index // 26 % 26] + letters[index % 26]


def shapes(spec: Spec) -> dict[str, tuple]:
    """Names and shapes of the tensors of a DistilBERT, with trees where the spec has a depth."""
    h = spec.hidden
    found = {
        "embeddings.word_embeddings.weight": (WORDS, h),
        "embeddings.position_embeddings.weight": (spec.positions, h),
        "embeddings.LayerNorm.weight": (h,),
        "embeddings.LayerNorm.bias": (h,),
    }
    for i in range(spec.layers):
        layer = f"transformer.layer.{i}"
        linear = {f"attention.{part}_lin": (h, h) for part in ("q", "k", "v", "out")}
        if spec.depth is None:
            linear |= {"ffn.lin1": (spec.width, h), "ffn.lin2": (h, spec.width)}
        else:
            linear["ffn.linear_in"] = (2 ** (spec.depth + 1) - 1, h)
            found[f"{layer}.ffn.linear_out.weight"] = (h, 2 ** (spec.depth + 1) - 1)
        for name, shape in linear.items():
            found |= {f"{layer}.{name}.weight": shape, f"{layer}.{name}.bias": shape[:1]}
        for norm in ("sa_layer_norm", "output_layer_norm"):
            found |= {f"{layer}.{norm}.weight": (h,), f"{layer}.{norm}.bias": (h,)}
    return found


def scale(name: str, shape: tuple) -> tuple[float, float]:
    """Mean and deviation that keep every part of the network alive."""
    if "norm" in name.lower():
        return (1.0 if name.endswith("weight") else 0.0), 0.1
    if "embeddings" in name:
        return 0.0, 0.5
    if name.endswith("bias"):
        return 0.0, 0.05
    if "linear_out" in name:  # few of a tree's nodes are ever summed
        return 0.0, 8**-0.5
    return 0.0, shape[-1] ** -0.5


class Pool:
    """Normally distributed floats, cheaply: slices of one pool, from random places."""

    def __init__(self, size: int = POOL, seed: int = 4):
        self.random = random.Random(seed)
        self.values = [self.random.gauss(0, 1) for _ in range(size)]
        self.scaled: dict = {}

    def take(self, count: int, mean: float, deviation: float) -> bytes:
        key = (mean, deviation)
        if key not in self.scaled:
            self.scaled[key] = array("f", (mean + deviation * value for value in self.values))
        pool, taken = self.scaled[key], array("f")
        while len(taken) < count:
            begin = self.random.randrange(len(pool))
            taken.extend(pool[begin : begin + count - len(taken)])
        return taken.tobytes()


def directory(name: str) -> Path:
    """The model's Hugging Face directory, made where it is missing."""
    spec, path = SPECS[MODELS[name]], FOLDER / name
    if (path / "config.json").exists():  # written last
        return path
    print(f"making a model: {name}, random weights", flush=True)
    path.mkdir(parents=True, exist_ok=True)
    write_weights(path / "model.safetensors", shapes(spec))
    words = [word(i) for i in range(WORDS - len(SPECIAL))]
    (path / "vocab.txt").write_text("\n".join([*SPECIAL, *words]) + "\n")
    settings = {"tokenizer_class": "BertTokenizer", "do_lower_case": True}
    (path / "tokenizer_config.json").write_text(json.dumps(settings) + "\n")
    config = distilbert_config(spec) | {"vocab_size": WORDS}
    (path / "config.json").write_text(json.dumps(config) + "\n")
    return path


def write_weights(path: Path, tensors: dict[str, tuple]) -> None:
    header, end, pool = {}, 0, Pool()
    for name, shape in tensors.items():
        count = 1
        for size in shape:
            count *= size
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [end, end + 4 * count]}
        end += 4 * count
    text = json.dumps(header).encode()
    with open(path, "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for name, entry in header.items():
            begin, end = entry["data_offsets"]
            file.write(pool.take((end - begin) // 4, *scale(name, tensors[name])))


def texts(batch: int, tokens: int, seed: int = 5) -> list[str]:
    """Texts of so many tokens each, [CLS] and [SEP] included."""
    chosen = random.Random(f"{seed} {batch} {tokens}")
    return [
        " ".join(word(chosen.randrange(WORDS - len(SPECIAL))) for _ in range(max(1, tokens - 2)))
        for _ in range(batch)
    ]
