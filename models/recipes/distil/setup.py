"""What every stage begins with: arguments, checks of data, teacher and GPU memory, seeds."""

import argparse
import os
import pathlib
import sys
import time

import numpy as np
import torch

from distil import data
from distil.model import Encoder, load_teacher

START = time.time()


def parser(doc: str, teacher: bool = True) -> argparse.ArgumentParser:
    p = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--data", type=pathlib.Path, required=True, help="the folder shared/data")
    p.add_argument("--teacher", type=pathlib.Path, required=teacher, help="all-MiniLM-L6-v2: model.safetensors or packed")
    p.add_argument("--tokenizer", type=pathlib.Path, required=True, help="its tokenizer.json")
    p.add_argument("--embeddings", type=pathlib.Path, help="a student's model.safetensors, for a packed teacher")
    p.add_argument("--work", type=pathlib.Path, default=pathlib.Path(".cache"), help="caches and resumable state")
    p.add_argument("--out", type=pathlib.Path, required=True, help="checkpoints and results")
    p.add_argument("--limit", type=int, help="smoke test: so many texts of each kind")
    p.add_argument("--seed", type=int, default=0)
    return p


def say(text: str) -> None:
    print(f"[{time.time() - START:6.1f} s] {text}", flush=True)


def begin(args, gpu_gb: float) -> tuple[dict, Encoder, torch.device]:
    """(prepared data, teacher, device); stops with what is missing."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    for path in (args.teacher, args.tokenizer, args.embeddings):
        if path is not None and not path.exists():
            sys.exit(f"{path} is missing; see README.md, 'What you need'")
    if device.type == "cuda":
        free = torch.cuda.mem_get_info()[0] / 2**30
        if free < gpu_gb:
            sys.exit(f"{free:.0f} GiB of GPU memory are free, this stage needs {gpu_gb:.0f}: use a smaller --tokens")
        torch.backends.cuda.matmul.allow_tf32 = False
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")
    prepared = data.load(args.data, args.tokenizer, args.work / "data.pt", args.limit)
    seed(args.seed)
    _, teacher = load_teacher(args.teacher, args.embeddings)
    teacher.shared[0].to(device)
    prepared["neighbours"] = data.neighbours(teacher.shared[0].word, prepared["kinds"])
    say(f"{len(prepared['stream']) / 1e6:.1f} M word pieces, {len(prepared['sentences'])} sentences; left out as equal "
        f"to test or dev text: {prepared['dropped']}")
    return prepared, teacher.to(device), device


def seed(value: int) -> None:
    torch.manual_seed(value)
    np.random.seed(value)


def half_teacher(teacher: Encoder) -> Encoder:
    """A bf16 copy for targets (on a CPU: fp32), with its own bf16 embeddings."""
    import copy

    half = copy.deepcopy(teacher)
    if next(teacher.parameters()).is_cuda:
        half.bfloat16().shared[0].bfloat16()
    return half
