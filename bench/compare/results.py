"""results.json: the machine and every cell, and the questions that tables and goals ask of it."""

import json
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Results:
    machine: dict = field(default_factory=dict)
    cells: list[dict] = field(default_factory=list)

    @staticmethod
    def load(path: Path) -> "Results":
        content = json.loads(path.read_text(encoding="utf-8"))
        return Results(content["machine"], content["cells"])

    def save(self, path: Path) -> None:
        """One cell a line, so that differences can be read."""
        cells = ",\n".join(json.dumps(cell, sort_keys=True) for cell in self.cells)
        machine = json.dumps(self.machine, indent=1)
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial")  # whoever is killed here leaves the whole report of before
        partial.write_text(f'{{"machine": {machine},\n"cells": [\n{cells}\n]}}\n', encoding="utf-8")
        partial.rename(path)

    def select(self, part: str, **wanted) -> list[dict]:
        return [
            cell
            for cell in self.cells
            if cell["part"] == part and all(cell.get(k) == v for k, v in wanted.items())
        ]

    def one(self, part: str, **wanted) -> dict | None:
        return next(iter(self.select(part, **wanted)), None)

    def cell(self, part: str, dtype: str, threads: int, shape: str) -> dict | None:
        return self.one(part, dtype=dtype, threads=threads, shape=shape)

    def ratio(self, part: str, dtype: str, threads: int, shape: str) -> float | None:
        """The best peer's time over ours."""
        cell = self.cell(part, dtype, threads, shape)
        ours, theirs = split(cell["median_ms"]) if cell else (None, {})
        return min(theirs.values()) / ours if ours and theirs else None

    def lengths(self, dtype: str, threads: int, order: str) -> tuple[float | None, dict]:
        cell = self.one("lengths", dtype=dtype, threads=threads, order=order)
        return split(cell["median_ms"]) if cell else (None, {})

    def benchmarks(self, part: str) -> list[dict]:
        cell = self.one(part)
        return cell["benchmarks"] if cell else []


def split(times: dict) -> tuple[float | None, dict]:
    """Our time, and the peers' by name."""
    peers = {name: ms for name, ms in times.items() if not name.startswith("sapwood")}
    return times.get("sapwood"), peers
