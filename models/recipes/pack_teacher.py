"""Makes the teacher small enough to carry to a training machine: 19 MB instead of 91.

    python pack_teacher.py TEACHER_DIR OUT.safetensors.xz [WORDS.safetensors.xz]

All tensors become fp16, high and low bytes stored apart, as xz likes them. The word embeddings go to the second file
(21 MB), if any: every student has them, as they are frozen (`--embeddings` of the recipes names a file that holds them).
"""

import lzma
import pathlib
import sys

import numpy as np
import torch
from safetensors.torch import load_file, save


def main() -> None:
    source, target = map(pathlib.Path, sys.argv[1:3])
    packed, words = {}, {}
    for name, tensor in load_file(source / "model.safetensors").items():
        if not tensor.is_floating_point() or name.startswith("pooler"):
            continue
        into = packed
        if name.endswith("word_embeddings.weight"):
            into, name = words, "distilbert.embeddings.word_embeddings.weight"
        bits = tensor.half().numpy().view(np.uint16)
        planes = bits.reshape(-1).view(np.uint8).reshape(-1, 2).T.copy().reshape(-1)
        into[name + ".planes"] = torch.from_numpy(planes)
        into[name + ".shape"] = torch.tensor(tensor.shape)
    for path, content in zip([target, *map(pathlib.Path, sys.argv[3:4])], (packed, words)):
        path.write_bytes(lzma.compress(save(content), preset=2))
        print(f"{path}: {path.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
