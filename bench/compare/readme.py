"""The README's table of speeds, and the goals of bench/README.md, from the newest report that has every cell of them:
python -m compare.readme, in bench/.

Replaces what stands between the two markers; run again, it changes nothing.
"""

from pathlib import Path

from . import people, tables
from .goals import SHAPES, geometric_mean
from .results import Results, split

ROOT = Path(__file__).resolve().parents[2]
BEGIN, END = "<!-- bench/compare/readme.py writes this -->", "<!-- until here -->"
ALONE = ("1x8", "1x32", "1x128")
TREES = ("1x32", "1x128")


def replaced(text: str, slot: str) -> str:
    """The README with another text between the markers."""
    before, rest = text.split(BEGIN)
    return f"{before}{BEGIN}\n{slot}{END}{rest.split(END, 1)[1]}"


def whole(cells: list) -> bool:
    return all(cell and not cell["quick"] for cell in cells)


def grid_cells(results: Results, part: str) -> list:
    return [results.cell(part, dtype, 1, shape) for dtype in tables.DTYPES for shape in SHAPES]


def newest(reports: Path) -> tuple[str, Results] | None:
    """The report with the newest cells of those that have all of the table's, from whole runs."""
    found = []
    for file in reports.glob("*/results.json"):
        results = Results.load(file)
        cells = grid_cells(results, "grid")
        cells += [results.cell("six-layers", "int8", 1, shape) for shape in TREES]
        if whole(cells):
            found.append((max(cell["date"] for cell in cells), file.parent.name, results))
    return max(found)[1:] if found else None


def dense_rows(results: Results) -> list[list[str]]:
    """MiniLM's where they were measured, and DistilBERT's."""
    rows = []
    for part, title in (("minilm", "all-MiniLM-L6-v2"), ("grid", "DistilBERT-base")):
        for dtype in tables.DTYPES if whole(grid_cells(results, part)) else ():
            ratios = {shape: results.ratio(part, dtype, 1, shape) for shape in SHAPES}
            shown = [f"{ratios[shape]:.2f}" for shape in ALONE]
            rows.append([f"{title}, {dtype}", *shown, f"{geometric_mean(list(ratios.values())):.2f}"])
    return rows


def texts_sentence(results: Results) -> str:
    """Text to vector on one thread, where it was measured."""
    cell = results.one(people.STSB, dtype="int8", threads=1)
    ours, peers = split(cell["median_ms"]) if cell and not cell["quick"] else (None, {})
    if not (ours and peers):
        return ""
    best, student = min(peers, key=peers.get), cell["median_ms"].get("sapwood fff")

    def rate(ms: float) -> str:
        return f"{1e3 * cell['texts'] / ms:,.0f}"

    said = f"\nText to vector, int8, one thread, {cell['texts']:,} {cell['title']}: all-MiniLM-L6-v2 {rate(ours)} texts a second"
    if student:
        said += f",\n`minilm-fff-embed` {rate(student)}"
    return f"{said}; the best other engine ({best}) {rate(peers[best])}.\n"


def slot(name: str, results: Results) -> str:
    rows = dense_rows(results)
    trees = [results.ratio("six-layers", "int8", 1, shape) for shape in TREES]
    rows.append(["trees of depth 11 beside their dense models, int8", "", *(f"{r:.2f}" for r in trees), ""])
    header = ["best other engine's time over Sapwood's", *ALONE, f"mean of {len(SHAPES)} shapes"]
    machine = results.machine
    measured = (
        f"\nMeasured by `tools/bench` on one thread of an {machine['cpu']} "
        f"({machine['family']}); all engines take turns in\none run, and their outputs are compared first. "
        f"[Its report](bench/report/{name}/README.md) has every cell, the goals that\nare missed, "
        "and the versions; there is [one for each kind of machine](bench/report/README.md).\n\n"
        f"![int8, one thread](bench/report/{name}/grid-int8-t1.png)\n"
    )
    return tables.table(header, rows) + texts_sentence(results) + measured


def goals_slot(reports: Path) -> str:
    """The goals for the shapes that people run, on the machine whose cells of them are the newest."""
    found = []
    for file in reports.glob("*/results.json"):
        results = Results.load(file)
        cells = results.select("minilm", threads=1)
        if cells:
            found.append((max(cell["date"] for cell in cells), file.parent.name, results))
    if not found:
        return "Not measured yet.\n"
    _, name, results = max(found)
    rows = [[goal.what, goal.text, goal.reached, goal.verdict] for goal in people.goals(results)]
    machine = f"[{name}](report/{name}/README.md): {results.machine['cpu']} ({results.machine['family']})."
    return f"{machine}\n\n" + tables.table(["what", "goal", "reached (bold: missed)", "verdict"], rows)


def fill(readme: Path, content: str) -> None:
    text = readme.read_text(encoding="utf-8")
    readme.write_text(replaced(text, content), encoding="utf-8")


def write(root: Path = ROOT) -> None:
    reports = root / "bench/report"
    chosen = newest(reports)
    if chosen is not None:
        fill(root / "README.md", slot(*chosen))
    fill(root / "bench/README.md", goals_slot(reports))


if __name__ == "__main__":
    write()
