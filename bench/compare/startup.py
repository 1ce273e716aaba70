"""Process start to first answer, and peak memory, in a warm page cache.

Ours: `sapwood embed` on a converted file, from exec to the answer's last byte, tokenizer included.
Peers: loading their file and answering the same ids, Python's start and imports not counted; their
peak memory is the whole process, Python included.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from . import rounds
from .contestants import Refused, convert, thread_environment
from .paths import ROOT, SAPWOOD

MODELS = {"startup": "distilbert", "startup-minilm": "minilm"}  # by part
ENGINES = ("onnxruntime", "openvino", "ctranslate2")
TEXT = "a charming and often affecting journey"
LAUNCH = Path(__file__).with_name("launch.py")


class Start:
    """A contestant whose turn is one process from start to answer; `peak` and `processor` collect its memory and time."""

    threads = 1

    def __init__(self, name: str, command: list, environment: dict):
        self.name, self.ours = name, name == "sapwood"
        self.peak, self.processor = [], []
        self.command, self.environment = command, environment

    def turn(self) -> dict:
        with tempfile.NamedTemporaryFile() as out:
            done = subprocess.run(
                [sys.executable, "-S", LAUNCH, out.name, *map(str, self.command)],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                cwd=ROOT / "bench",
                env={**os.environ, **self.environment},
            )
            run = json.loads(done.stdout) if done.returncode == 0 else {"status": done.returncode}
            if run["status"] != 0:
                said = done.stderr.strip().splitlines()
                raise Refused(said[-1] if said else f"status {run['status']}")
            answer = json.loads(out.read().splitlines()[-1])
        self.peak.append(run["peak_mb"])
        self.processor.append(run["processor_ms"])
        # Threads of others work side by side: the wall's clock counts.
        return {"wall": answer.get("ms", run["ms"])}

    def close(self) -> None:
        pass


def run(part: str, dtype: str, settings, store) -> None:
    key, model = f"{part}.{dtype}", MODELS[part]
    if store.has(key):
        return
    print(f"{part}, {dtype}", flush=True)
    refused, starts = {}, []
    try:
        file = convert(model, dtype)
        command = [SAPWOOD, "embed", "-m", file, "--threads", 1, "--format", "jsonl", TEXT]
        starts.append(Start("sapwood", command, {}))
        megabytes = file.stat().st_size / 2**20
    except Refused as reason:
        print(f"  sapwood: left out: {reason}", flush=True)
        return
    for name in ENGINES:
        command = [sys.executable, "-m", "compare.startup", name, model, dtype]
        starts.append(Start(name, command, thread_environment(1)))
    starts = rounds.attempt(starts, refused, Start.turn)  # the page cache and the engines' caches
    for start in starts:
        start.peak.clear()
    cell = rounds.interleave(starts, settings, Start.turn, 2 * settings.rounds)
    cell |= {"part": part, "dtype": dtype, "threads": 1, "file_mb": megabytes, "clock": "wall"}
    cell["peak_mb"] = {start.name: round(median(start.peak), 1) for start in starts if start.peak}
    store.put(key, cell | {"refused": refused | cell["refused"]})
    print(f"  {cell['median_ms']} ms, {cell['peak_mb']} MB", flush=True)


def main() -> None:
    """A peer's process: import, then load and answer by the clock."""
    import importlib

    import numpy

    from .engines import PEERS, create

    name, model, dtype = sys.argv[1:]
    importlib.import_module(f".engines.{PEERS[name].module}", __package__)
    ids = numpy.array([[101, 1037, 11951, 1998, 2411, 12473, 4990, 102]])
    keep = os.dup(1)
    os.dup2(2, 1)
    start = time.perf_counter()
    options = {"cache": True} if name == "openvino" else {}
    engine = create(name, model, dtype, 1, False, **options)
    engine.prepare(*ids.shape)
    engine.run(ids)
    ms = 1e3 * (time.perf_counter() - start)
    os.write(keep, json.dumps({"ms": ms}).encode() + b"\n")
    os._exit(0)


if __name__ == "__main__":
    main()
