"""The README's table of speeds, from the newest report that has every cell of it: python -m compare.readme, in bench/.

Replaces what stands between the two markers; run again, it changes nothing.
"""

from pathlib import Path

from . import tables
from .goals import SHAPES, geometric_mean
from .results import Results

ROOT = Path(__file__).resolve().parents[2]
BEGIN, END = "<!-- bench/compare/readme.py writes this -->", "<!-- until here -->"
ALONE = ("1x8", "1x32", "1x128")
TREES = ("1x32", "1x128")


def replaced(text: str, slot: str) -> str:
    """The README with another text between the markers."""
    before, rest = text.split(BEGIN)
    return f"{before}{BEGIN}\n{slot}{END}{rest.split(END, 1)[1]}"


def newest(reports: Path) -> tuple[str, Results] | None:
    """The report with the newest cells of those that have all of the table's, from whole runs."""
    found = []
    for file in reports.glob("*/results.json"):
        results = Results.load(file)
        cells = [results.cell("grid", dtype, 1, shape) for dtype in tables.DTYPES for shape in SHAPES]
        cells += [results.cell("six-layers", "int8", 1, shape) for shape in TREES]
        if all(cell and not cell["quick"] for cell in cells):
            found.append((max(cell["date"] for cell in cells), file.parent.name, results))
    return max(found)[1:] if found else None


def slot(name: str, results: Results) -> str:
    rows = []
    for dtype in tables.DTYPES:
        ratios = {shape: results.ratio("grid", dtype, 1, shape) for shape in SHAPES}
        shown = [f"{ratios[shape]:.2f}" for shape in ALONE]
        rows.append([f"dense, {dtype}", *shown, f"{geometric_mean(list(ratios.values())):.2f}"])
    trees = [results.ratio("six-layers", "int8", 1, shape) for shape in TREES]
    rows.append(["trees of depth 11 beside their dense models, int8", "", *(f"{r:.2f}" for r in trees), ""])
    header = ["best other engine's time over Sapwood's", *ALONE, f"mean of {len(SHAPES)} shapes"]
    machine = results.machine
    measured = (
        f"\nMeasured by `tools/bench --only grid six-layers` on one thread of an {machine['cpu']} "
        f"({machine['family']}); all engines take turns in\none run, and their outputs are compared first. "
        f"[Its report](bench/report/{name}/README.md) has every cell, the goals that\nare missed, "
        "and the versions; there is [one for each kind of machine](bench/report/README.md).\n\n"
        f"![int8, one thread](bench/report/{name}/grid-int8-t1.png)\n"
    )
    return tables.table(header, rows) + measured


def write(readme: Path = ROOT / "README.md", reports: Path = ROOT / "bench/report") -> None:
    chosen = newest(reports)
    if chosen is not None:
        text = readme.read_text(encoding="utf-8")
        readme.write_text(replaced(text, slot(*chosen)), encoding="utf-8")


if __name__ == "__main__":
    write()
