"""bench/report: a folder for each machine with results.json, README.md with tables and plots; and an index."""

from pathlib import Path

from . import tables
from .goals import goals
from .results import Results
from .serving import tables as serving_tables


def write(results: Results, folder: Path, draw=None) -> None:
    """`draw(results, folder)` -> names of pictures; None: the ones that are there are shown."""
    folder.mkdir(parents=True, exist_ok=True)
    results.save(folder / "results.json")
    if draw is not None:
        drawn = draw(results, folder)
        for old in folder.glob("*.png"):
            if old.name not in drawn:
                old.unlink()
    pictures = {path.stem for path in folder.glob("*.png")}
    (folder / "README.md").write_text(page(results, pictures), encoding="utf-8")


def merge(folder: Path, measured: Results) -> Results:
    """With the cells that the folder's report has from elsewhere and that were not measured here."""
    file = folder / "results.json"
    if not file.exists():
        return measured
    before = Results.load(file)
    versions = before.machine["versions"] | measured.machine["versions"]
    keys = {cell["key"] for cell in measured.cells}
    kept = [cell for cell in before.cells if cell["key"] not in keys]
    cells = sorted(kept + measured.cells, key=lambda cell: cell["key"])
    return Results(measured.machine | {"versions": versions}, cells)


def write_index(folder: Path) -> None:
    """README.md: the machines that have a report, and how many of the goals each reaches."""
    rows = []
    for file in sorted(folder.glob("*/results.json")):
        results = Results.load(file)
        verdicts = [goal.verdict for goal in goals(results)]
        machine, name = results.machine, file.parent.name
        rows.append([
            f"[{name}]({name}/README.md)", f"{machine['cpu']} ({machine['family']})",
            ", ".join(machine["features"]), max(cell["date"] for cell in results.cells)[:10],
            f"{verdicts.count('reached')} of {len(verdicts)}",
        ])  # fmt: skip
    header = ["report", "CPU", "instruction sets", "date", "goals reached"]
    text = "# Reports\n\nWritten by `tools/bench`, a folder for each kind of machine.\n\n"
    (folder / "README.md").write_text(text + tables.table(header, rows), encoding="utf-8")


def page(results: Results, pictures: set[str]) -> str:
    sections = [head(results), goal_table(results)]
    for part, title in tables.GRIDS.items():
        for threads in sorted({cell["threads"] for cell in results.select(part)}):
            for dtype in tables.DTYPES:
                text = tables.grid(results, part, dtype, threads)
                if text:
                    words = f"{title}, {dtype}, {thread_words(threads)}"
                    sections.append(section(words, text, f"{part}-{dtype}-t{threads}", pictures))
    for part, title in (
        ("students", "minilm-fff-embed (trees) beside its teacher all-MiniLM-L6-v2, which the peers run"),
        ("minilm-d112", "A student's shape: 6 layers, 384 wide, feedforward 112"),
        ("minilm-3l", "A student's shape: 3 layers, 384 wide, feedforward 1536"),
        (
            "ultrafast",
            "UltraFastBERT-1x11 shape beside its dense twin (16 layers, peers run the twin)",
        ),
        ("six-layers", "DistilBERT's 6 layers with trees (depth 11), peers run DistilBERT"),
        ("mpnet", "MPNet-base shape"),
        ("xlm-r", "XLM-R-base shape"),
    ):
        for cell in unique(results.select(part)):
            words = f"{title}, {cell['dtype']}, {thread_words(cell['threads'])}"
            sections.append(
                section(words, tables.grid(results, part, cell["dtype"], cell["threads"]))
            )
    for cell in text_cells(results):
        words = f"Text to answer: {cell['texts']} {cell['title']}, {cell['dtype']}, {thread_words(cell['threads'])}"
        sections.append(section(words, tables.texts(cell)))
    for cell in unique(results.select("lengths")):
        title = f"{cell['texts']} sentences of SST-2 dev, batches of 32"
        words = f"{title}, {cell['dtype']}, {thread_words(cell['threads'])}"
        sections.append(section(words, tables.lengths(results, cell["dtype"], cell["threads"])))
    layer = tables.layer(results)
    if layer:
        title = "One feedforward layer 768 - 4095 - 768, microseconds, one thread"
        sections.append(section(title, layer, "layer", pictures))
    for title, text in (
        (
            "Several trees beside dense layers: microseconds a layer over attention's products, and the dense width of equal time",
            tables.forests(results),
        ),
        ("Start and memory, DistilBERT-base shape", tables.startup(results, "startup")),
        ("Start and memory, all-MiniLM-L6-v2", tables.startup(results, "startup-minilm")),
        ("Tokenizer, one thread, with offsets", tables.tokenizer(results, "tokenizer")),
        ("Byte-level BPE, one thread, with offsets", tables.tokenizer(results, "tokenizer-bpe")),
        ("Unigram, one thread, with offsets", tables.tokenizer(results, "tokenizer-unigram")),
        ("Static embeddings, one thread", tables.static_embedding(results)),
        ("Kernels, microseconds a call, one thread", tables.kernels(results)),
        *serving_tables.sections(results),
    ):
        if text:
            sections.append(section(title, text))
    return "\n".join(sections)


def head(results: Results) -> str:
    machine = results.machine
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    isas = sorted({cell["isa"] for cell in results.cells if cell.get("isa")})
    commits = sorted({cell["commit"] for cell in results.cells})
    dates = sorted(cell["date"] for cell in results.cells)
    quick = [cell["key"] for cell in results.cells if cell.get("quick")]
    lines = [
        "# Sapwood beside other engines",
        "",
        f"Written by `tools/bench` ({dates[0]} to {dates[-1]}). A ratio above 1 says that Sapwood is faster; only",
        "ratios of one run decide anything. On one thread times are the processor's, else the wall's. The method is in",
        "[bench/README.md](../../README.md).",
        "",
        f"- CPU: {machine['cpu']} ({machine['family']}), {machine['cores']} cores, "
        f"{', '.join(machine['features'])}; {machine['memory_gb']} GB; Linux {machine['kernel']}",
        f"- Sapwood: commit {', '.join(commits)}; kernels {', '.join(isas)}",
        f"- Peers: {versions}",
    ]
    busy = disturbed(results)
    if busy:
        lines.append(
            f"- Other programs took half of the processor or more while these were measured: {', '.join(busy)}"
        )
    if quick:
        which = "all" if len(quick) == len(results.cells) else ", ".join(quick)
        lines.append(f"- Short runs (`--quick`), good for a first look only: {which}")
    return "\n".join(lines) + "\n"


def disturbed(results: Results) -> list[str]:
    """Cells where our process stood waiting for as long as it computed, or longer."""
    return [
        cell["key"]
        for cell in results.cells
        if cell.get("clock") == "processor"
        and cell["wall_ms"].get("sapwood", 0) > 2 * cell["median_ms"].get("sapwood", 1)
    ]


def goal_table(results: Results) -> str:
    rows = [[goal.what, goal.text, goal.reached, goal.verdict] for goal in goals(results)]
    text = tables.table(["what", "goal", "reached (bold: missed)", "verdict"], rows)
    note = "Ratios to the best of all peers at the same precision in one run, one thread unless said.\n"
    return f"## Goals\n\n{note}\n{text}"


def section(title: str, text: str, picture: str = "", pictures: set[str] = frozenset()) -> str:
    shown = f"![{title}]({picture}.png)\n\n" if picture in pictures else ""
    return f"## {title}\n\n{shown}{text}"


def thread_words(threads: int) -> str:
    return "one thread" if threads == 1 else f"{threads} threads"


def text_cells(results: Results) -> list[dict]:
    found = [cell for cell in results.cells if cell["part"].startswith("texts-")]
    return sorted(found, key=lambda c: (c["part"], c["threads"], tables.DTYPES.index(c["dtype"])))


def unique(cells: list[dict]) -> list[dict]:
    """One cell for each precision and count of threads."""
    return list({(cell["dtype"], cell["threads"]): cell for cell in cells}.values())
