"""Two builds of the program: models that each converts for itself, and whether both answer the same."""

import json
import os
import subprocess
from pathlib import Path

from . import random_model


class CompareFailed(Exception):
    """One of the programs could not do it: `side` is "old" or "new"."""

    def __init__(self, side: str, reason: str):
        super().__init__(reason)
        self.side = side


def run(side: str, program: Path, *arguments, text: str = "") -> str:
    """What the program prints. Settings of the shell are none of the comparison's."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SAPWOOD_")}
    command = [str(program), *map(str, arguments)]
    done = subprocess.run(command, input=text, capture_output=True, text=True, env=environment)
    if done.returncode != 0:
        said = done.stderr.strip().splitlines()[-1:] or [f"status {done.returncode}"]
        raise CompareFailed(side, said[0].removeprefix("sapwood: "))
    return done.stdout


def converted(side: str, program: Path, source: Path, dtype: str, folder: Path) -> Path:
    """Each program's own file, as the format may have changed between the two."""
    target = folder / f"{source.name}-{dtype}-{side}.safetensors"
    run(side, program, "convert", source, "-o", target, "--dtype", dtype)
    return target


def difference(programs: dict, files: dict, threads: int, shape: str, isa: str) -> str:
    """Whether both give the same bits for the same texts: numbers are printed so that they can be told apart."""
    batch, tokens = map(int, shape.split("x"))
    text = "".join(line + "\n" for line in random_model.texts(batch, tokens))
    options = ["--threads", threads, "--isa", isa, "--pooling", "none", "--format", "jsonl"]
    old, new = (
        run(side, programs[side], "embed", "-m", files[side], *options, text=text)
        for side in ("old", "new")
    )
    if old == new:
        return "identical"
    pairs = list(zip(numbers(old), numbers(new)))
    if len(numbers(old)) != len(numbers(new)):
        return "differ in size"
    return f"differ by {max((abs(a - b) for a, b in pairs), default=0):.1e} at most"


def numbers(lines: str) -> list[float]:
    found: list[float] = []

    def collect(value) -> None:
        if isinstance(value, list):
            for part in value:
                collect(part)
        elif isinstance(value, dict):
            for part in value.values():
                collect(part)
        elif isinstance(value, (int, float)):
            found.append(value)

    for line in lines.splitlines():
        collect(json.loads(line))
    return found
