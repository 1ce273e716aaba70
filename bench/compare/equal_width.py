"""Several small trees as wide as which dense layer: from bench_cmm's `feedforward_ISA_TYPE_HIDDEN_SHAPE/TOKENS`."""

import statistics

from .suites import TREES

FORESTS = ("f8d7", "f6d6+64", "f16d7+64")
GOALS = {  # (tokens, forest) -> the dense width that takes as long, at most; of hidden 384
    (32, "f8d7"): 256, (32, "f6d6+64"): 200, (32, "f16d7+64"): 580,
    (1024, "f8d7"): 130, (1024, "f6d6+64"): 230, (1024, "f16d7+64"): 520,
}  # fmt: skip


def times(rows: list[dict]) -> dict:
    """(isa, dtype, hidden, tokens) -> {shape: us of six layers}."""
    found: dict = {}
    for row in rows:
        name, _, tokens = row["name"].partition("/")
        _, isa, dtype, hidden, shape = name.split("_")
        found.setdefault((isa, dtype, int(hidden), int(tokens)), {})[shape] = row["us"]
    return found


def width(cell: dict, forest: str) -> float | None:
    """Where the line that fits the dense layers' times best reaches a forest's time."""
    dense = {int(shape[1:]): us for shape, us in cell.items() if shape.startswith("d")}
    if len(dense) < 2 or forest not in cell:
        return None
    slope, start = statistics.linear_regression(list(dense), list(dense.values()))
    return (cell[forest] - start) / slope


def widths(results) -> dict:
    """(isa, dtype, hidden, tokens) -> {forest: width}."""
    found = times(results.benchmarks(TREES))
    return {key: {forest: width(cell, forest) for forest in FORESTS} for key, cell in found.items()}
