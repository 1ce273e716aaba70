"""Small checkpoints: fp16 safetensors without the frozen embeddings, in shards of at most 16 MB, with hashes.

`NAME-00.safetensors, NAME-01...` and `NAME.json` (specification, figures, SHA-256 of each shard). A shard whose
hash differs is refused by name.
"""

import json
import pathlib

import torch
from safetensors.torch import load_file, save_file

from distil.data import sha256

SHARD = 16_000_000


def save(folder: pathlib.Path, name: str, state: dict[str, torch.Tensor], about: dict) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    shards, size = [{}], 0
    for key, tensor in state.items():
        tensor = tensor.detach().half().cpu().contiguous()
        if size + tensor.nbytes > SHARD and shards[-1]:
            shards.append({})
            size = 0
        shards[-1][key] = tensor
        size += tensor.nbytes
    hashes = {}
    for i, shard in enumerate(shards):
        path = folder / f"{name}-{i:02d}.safetensors"
        save_file(shard, path)
        hashes[path.name] = sha256(path)
    (folder / f"{name}.json").write_text(json.dumps({**about, "shards": hashes}, indent=1))


def load(folder: pathlib.Path, name: str) -> tuple[dict, dict]:
    """(state dict as fp32, what was said about it)."""
    about = json.loads((folder / f"{name}.json").read_text())
    state = {}
    for file, expected in about["shards"].items():
        if (found := sha256(folder / file)) != expected:
            raise ValueError(f"{folder / file}: SHA-256 {found[:16]}..., expected {expected[:16]}...; make it again")
        state.update({k: v.float() for k, v in load_file(folder / file).items()})
    return state, about
