"""Milliseconds a text of every architecture in the engine, int8, one thread, a part for each CPU: results/timing.json.

    python timing.py --sapwood BIN --teacher DIR --engine COMMIT [--rounds 5] [--use 'f6d6+64~=EXPORT' ...]

Members get random weights, or those of an export; rounds are interleaved. Processor time of a run, mean
of a round; the best round counts, of this call and those before with the same engine. Also each file's bytes.
"""

import argparse
import json
import pathlib
import re
import subprocess
import tempfile

import torch

from distil import checkpoint, export
from distil.general import parse_member
from distil.model import load_teacher, make_student
from summary import TIMED


def processor() -> str:
    """Its name, family and model: one brand has many."""
    text = pathlib.Path("/proc/cpuinfo").read_text()
    name, family, model = (re.search(rf"^{key}\s*: (.+)", text, re.M)[1] for key in ("model name", "cpu family", "model"))
    return f"{name}, family {family} model {model}"


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--sapwood", type=pathlib.Path, required=True)
    p.add_argument("--teacher", type=pathlib.Path, required=True, help="all-MiniLM-L6-v2: its directory")
    p.add_argument("--engine", required=True, help="the commit that --sapwood was built from")
    p.add_argument("--rounds", type=int, default=5)
    p.add_argument("--use", nargs="*", default=[], help="MEMBER=DIRECTORY: time this export")
    p.add_argument("--shapes", default="1x32,1x128,32x32")
    args = p.parse_args()
    weights = args.teacher / "model.safetensors"
    path = pathlib.Path(__file__).parent / "results/timing.json"
    every = json.loads(path.read_text()) if path.exists() else {}
    kept = every.get(processor(), {})
    best, size = kept["best_ms"] if kept.get("engine") == args.engine else {}, {}
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        _, teacher = load_teacher(weights)
        sources = {"teacher": args.teacher}
        for i, member in enumerate(TIMED):
            torch.manual_seed(0)
            specs, _ = parse_member(member)
            student, _ = make_student(teacher, specs)
            for layer in student.layers:  # a walk over random nodes takes either side equally often
                if layer.ffn.spec.trees:
                    torch.nn.init.normal_(layer.ffn.linear_in.weight, std=0.05)
            checkpoint.save(folder, f"general-{i}", student.state_dict(), {"specs": [str(s) for s in specs]})
            export.export(folder / f"general-{i}", weights, None, args.teacher / "tokenizer.json", folder / f"model-{i}")
            sources[member] = folder / f"model-{i}"
        sources.update({use.split("=")[0]: pathlib.Path(use.split("=")[1]) for use in args.use})
        for i, (member, source) in enumerate(sources.items()):
            file = folder / f"{i}.safetensors"
            subprocess.run([args.sapwood, "convert", source, "-o", file, "--dtype", "int8", "--quiet"], check=True)
            size[member] = file.stat().st_size
        for _ in range(args.rounds):
            for i, member in enumerate(sources):
                out = subprocess.run([args.sapwood, "bench", "-m", folder / f"{i}.safetensors", "--shapes", args.shapes, "--json"],
                                     check=True, capture_output=True, text=True).stdout
                answer = json.loads(out)
                before = best.setdefault(member, answer["processor_ms"])
                best[member] = {shape: round(min(ms, before[shape]), 4) for shape, ms in answer["processor_ms"].items()}
    every[processor()] = {"isa": answer["isa"], "dtype": answer["dtype"], "threads": 1, "engine": args.engine,
                          "exports": {use.split("=")[0]: pathlib.Path(use.split("=")[1]).name for use in args.use},
                          "best_ms": best, "bytes": size}
    path.write_text(json.dumps(every, indent=1) + "\n")
    print(json.dumps(every[processor()], indent=1))


if __name__ == "__main__":
    main()
