"""The Google Benchmark suites, read generically: a benchmark is CONTESTANT[_PART ...]/CASE[/...]."""

import json
import os
import subprocess
import sys
import tempfile

from . import rounds
from .contestants import Refused
from .paths import BINARIES, ROOT

LAYER, TREES, KERNELS = "layer", "trees", "kernels"
LAYER_TOKENS = (1, 4, 8, 32, 128, 512, 4096, 16384)
MKL_DTYPES = ("f32", "bf16")
ISAS = ("avx512-bf16", "avx512-vnni", "avx512", "avx2-vnni", "avx2", "scalar")  # best first
OTHERS = ("onednn", "eigen", "mkl")
STANDARD = {  # what Google Benchmark itself writes
    "name", "family_index", "per_family_instance_index", "run_name", "run_type", "repetitions", "threads",
    "repetition_index", "iterations", "real_time", "cpu_time", "time_unit", "median",
}  # fmt: skip
MICROSECONDS = {"ns": 1e-3, "us": 1.0, "ms": 1e3, "s": 1e6}


def run_suite(program: str, options: list) -> list[dict]:
    """[{name, us, counters}] of one run of a suite."""
    with tempfile.NamedTemporaryFile(suffix=".json") as out:
        command = [BINARIES / "bench" / program, f"--benchmark_out={out.name}", *options]
        done = subprocess.run(
            list(map(str, command)),
            cwd=ROOT,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
        )
        if done.returncode != 0:
            raise Refused(f"{program}: status {done.returncode}: {done.stderr.strip()[-300:]}")
        rows = json.load(out)["benchmarks"]
        return [parse(row) for row in rows if not row.get("error_occurred") and not row.get("skipped")]


def parse(row: dict) -> dict:
    us = row.get("median", row["real_time"] * MICROSECONDS[row["time_unit"]])
    counters = {name: round(value, 4) for name, value in row.items() if name not in STANDARD}
    counters = {name: value for name, value in counters.items() if isinstance(value, (int, float))}
    return {"name": row["name"].removesuffix("/manual_time"), "us": round(us, 4)} | (
        {"counters": counters} if counters else {}
    )


class Suite:
    """A program whose turn gives the us of each benchmark by name."""

    ours, threads = True, 1

    def __init__(self, name: str, ask):
        self.name, self.ask, self.rows = name, ask, []

    def turn(self) -> dict:
        self.rows += self.ask()
        return {"wall": 0.0}

    def least(self) -> list[dict]:
        """The fastest median of the rounds: each suite computes by the thread's own clock."""
        best = {}
        for row in self.rows:
            if row["name"] not in best or row["us"] < best[row["name"]]["us"]:
                best[row["name"]] = row
        return list(best.values())

    def close(self) -> None:
        pass


def mkl(tokens, dtype: str) -> list[dict]:
    command = [sys.executable, "-m", "compare.mkl_layer", dtype, *map(str, tokens)]
    environment = {**os.environ, "MKL_THREADING_LAYER": "SEQUENTIAL", "MKL_INTERFACE_LAYER": "LP64"}
    done = subprocess.run(
        command, cwd=ROOT / "bench", env=environment, capture_output=True, text=True
    )
    if done.returncode != 0:
        raise Refused(f"MKL {dtype}: {done.stderr.strip()[-300:]}")
    suffix = "" if dtype == "f32" else f"_{dtype}"
    return [
        {"name": f"mkl{suffix}_{heat}/{count}", "us": round(us, 3)}
        for count, heats in json.loads(done.stdout).items()
        for heat, us in heats.items()
    ]


def run_layer(settings, store) -> None:
    """One feedforward layer: bench_cmm's contestants and MKL's products, in alternate turns."""
    tokens = LAYER_TOKENS[:5] if settings.quick else LAYER_TOKENS
    filter_ = f"^(cmm|onednn|dense)_.*/({'|'.join(map(str, tokens))})(/|$)"
    options = [f"--benchmark_filter={filter_}", f"--benchmark_min_time={0.05 if settings.quick else 0.2}"]
    suites = [Suite("bench_cmm", lambda: run_suite("bench_cmm", options))]
    for dtype in MKL_DTYPES:
        suites.append(Suite(f"mkl {dtype}", lambda dtype=dtype: mkl(tokens, dtype)))
    collect(LAYER, suites, settings, store, 1 if settings.quick else 2)


def run_trees(settings, store) -> None:
    """Several small trees beside dense feedforward parts: bench_cmm's second half."""
    options = ["--benchmark_filter=^feedforward_", "--benchmark_min_time=0.02"]
    suites = [Suite("bench_cmm", lambda: run_suite("bench_cmm", options))]
    collect(TREES, suites, settings, store, 1 if settings.quick else 3)


def run_kernels(settings, store) -> None:
    filter_ = "linear_.*_(avx.*|onednn)/.*m(1|8|32|128)/" if settings.quick else "."
    time = 0.02 if settings.quick else 0.05
    options = [f"--benchmark_filter={filter_}", f"--benchmark_min_time={time}"]
    suites = [Suite("bench_kernels", lambda: run_suite("bench_kernels", options))]
    collect(KERNELS, suites, settings, store, 1)


def collect(part: str, suites: list, settings, store, times: int) -> None:
    if store.has(part):
        return
    print(f"{part}: {', '.join(suite.name for suite in suites)}", flush=True)
    refused = rounds.interleave(suites, settings, Suite.turn, times)["refused"]
    rows = [row for suite in suites for row in suite.least()]
    store.put(part, {"part": part, "benchmarks": rows, "refused": refused})


def words(name: str) -> tuple[set, str]:
    """ "cmm_bf16_cold/8" -> ({"cmm", "bf16", "cold"}, "8")."""
    family, _, case = name.partition("/")
    return set(family.split("_")), case.strip("/")


def layer_times(rows: list[dict]) -> dict:
    """(dtype, heat, tokens) -> {contestant: us} of the feedforward layer."""
    table: dict = {}
    for row in rows:
        parts, case = words(row["name"])
        contestant = parts & {"cmm", "dense", "onednn", "mkl"}
        heat = parts & {"hot", "cold"}
        count = case.split("/")[0]
        if len(contestant) == len(heat) == 1 and count.isdigit():
            dtype = next(iter(parts & {"bf16", "int8"}), "f32")
            cell = table.setdefault((dtype, heat.pop(), int(count)), {})
            name = contestant.pop()
            cell[name] = min(row["us"], cell.get(name, row["us"]))
    return table


def kernel_times(rows: list[dict]) -> dict:
    """(operation, case) -> {contestant: us}, and its counters under "counters"; ours by instruction set."""
    table: dict = {}
    for row in rows:
        parts, case = words(row["name"])
        who = next((name for name in (*ISAS, *OTHERS) if name in parts), None)
        if who is None:
            continue
        family = [word for word in row["name"].partition("/")[0].split("_") if word != who]
        cell = table.setdefault(("_".join(family), case), {})
        cell[who] = row["us"]
        if who in ISAS and "counters" in row:
            cell.setdefault("counters", {})[who] = row["counters"]
    return table
