"""The report's tables, as Markdown."""

from . import equal_width
from .goals import SHAPES, geometric_mean, number
from .results import Results, split
from .suites import ISAS, kernel_times, layer_times

DTYPES = ("f32", "bf16", "int8")
GRIDS = {  # by part
    "minilm": "all-MiniLM-L6-v2",
    "grid": "DistilBERT-base shape",
    "bge-small": "bge-small-en shape (12 layers, 384)",
    "bge-base": "bge-base-en shape (12 layers, 768)",
}


def table(header: list[str], rows: list[list[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines) + "\n"


def ms(value: float | None) -> str:
    return "-" if value is None else number(value)


def bold_least(times: dict, names: list[str]) -> list[str]:
    least = min(times.values(), default=None)
    return [f"**{ms(times[n])}**" if times.get(n) == least else ms(times.get(n)) for n in names]


def by_engine(cells: dict[str, dict]) -> str:
    """A row an engine, a column a cell; last, the best peer's time over ours."""
    names = list(dict.fromkeys(name for cell in cells.values() for name in cell["median_ms"]))
    names.sort(key=lambda name: not name.startswith("sapwood"))
    columns = {title: bold_least(cell["median_ms"], names) for title, cell in cells.items()}
    rows = [[name, *(column[i] for column in columns.values())] for i, name in enumerate(names)]
    ratios = []
    for cell in cells.values():
        ours, theirs = split(cell["median_ms"])
        ratios.append(min(theirs.values()) / ours if ours and theirs else None)
    rows.append(["best peer / sapwood", *(f"{r:.2f}" if r else "-" for r in ratios)])
    text = table(["ms", *cells], rows)
    if None not in ratios and len(ratios) == len(SHAPES):
        text += f"\nGeometric mean of the ratios: {geometric_mean(ratios):.2f}.\n"
    return text + closeness(cells) + left_out(cells)


def closeness(cells: dict[str, dict]) -> str:
    """How far each output is from PyTorch's in f32, at its worst cell."""
    worst: dict = {}
    for cell in cells.values():
        for name, check in cell.get("checks", {}).items():
            entry = worst.setdefault(name, {"difference": 0.0, "cosine": 1.0})
            entry["difference"] = max(entry["difference"], check["difference"])
            entry["cosine"] = min(entry["cosine"], check["cosine"])
    if not worst:
        return ""
    exact = all(cell["dtype"] == "f32" for cell in cells.values())
    said = [
        f"{name} {entry['difference']:.1e}" if exact else f"{name} {entry['cosine']:.5f}"
        for name, entry in worst.items()
    ]
    what = "Largest difference" if exact else "Mean cosine similarity"
    return f"\n{what} of the last hidden state from PyTorch in f32: {', '.join(said)}.\n"


def left_out(cells: dict[str, dict]) -> str:
    reasons = {}
    for cell in cells.values():
        reasons |= cell.get("refused", {})
    return "".join(f"\nLeft out: {name}: {reason}.\n" for name, reason in sorted(reasons.items()))


def grid(results: Results, part: str, dtype: str, threads: int) -> str:
    cells = {cell["shape"]: cell for cell in results.select(part, dtype=dtype, threads=threads)}
    order = [shape for shape in SHAPES if shape in cells]
    return by_engine({shape: cells[shape] for shape in order}) if order else ""


def lengths(results: Results, dtype: str, threads: int) -> str:
    """Texts a second, both orders; ours needs no padding, so that order matters little."""
    cells = {
        cell["order"]: cell for cell in results.select("lengths", dtype=dtype, threads=threads)
    }
    if not cells:
        return ""
    rates = {
        order: {name: 1e3 * cell["texts"] / t for name, t in cell["median_ms"].items()}
        for order, cell in cells.items()
    }
    names = list(dict.fromkeys(name for times in rates.values() for name in times))
    rows = [[name, *(ms(times.get(name)) for times in rates.values())] for name in names]
    ours = rates.get("arrival", {}).get("sapwood")
    for against, times in rates.items():
        best = max((r for n, r in times.items() if n != "sapwood"), default=None)
        if ours and best:
            rows.append(
                [f"sapwood in arrival order / best peer, {against}", f"{ours / best:.2f}", ""]
            )
    return table(["texts/s", *rates], rows) + left_out(cells)


def texts(cell: dict) -> str:
    """Texts a second; the way in which each engine was called, and how close its answers are."""
    rates = {name: 1e3 * cell["texts"] / ms for name, ms in cell["median_ms"].items()}
    best = max((rate for name, rate in rates.items() if not name.startswith("sapwood")), default=None)
    ways, checks, rows = cell.get("ways", {}), cell.get("checks", {}), []
    for name, rate in sorted(rates.items(), key=lambda item: -item[1]):
        close = f"{checks[name]['cosine']:.5f}" if name in checks else "-"
        ratio = f"{rate / best:.2f}" if best else "-"
        rows.append([name, way_words(ways[name]) if name in ways else "all in one call", ms(rate), ratio, close])
    text = table(["engine", "called with", "texts/s", "over the best peer", "likeness to PyTorch in f32"], rows)
    tried: dict = {}
    for entry in cell.get("tried", []):
        tried.setdefault(entry["name"], []).append(f"{way_words(entry['way'])}: {entry['per_s']:.0f}")
    if tried:
        said = "; ".join(f"{name}, {', '.join(found)}" for name, found in tried.items())
        text += f"\nOn a sample, texts/s: {said}.\n"
    return text + left_out({"": cell})


def way_words(way: dict) -> str:
    """ "2 x batches of 8"."""
    streams = f"{way['streams']} x " if way["streams"] > 1 else ""
    return streams + (f"batches of {way['batch']}" if way["batch"] > 1 else "one text")


def startup(results: Results, part: str) -> str:
    rows = []
    for dtype in DTYPES:
        cell = results.one(part, dtype=dtype)
        for name, time in (cell["median_ms"] if cell else {}).items():
            file = f"{cell['file_mb']:.0f}" if name == "sapwood" else "-"
            rows.append([dtype, name, ms(time), f"{cell['peak_mb'][name]:.0f}", file])
    return table(["dtype", "engine", "ms", "peak RSS, MB", "file, MB"], rows) if rows else ""


def tokenizer(results: Results, part: str) -> str:
    cell = results.one(part)
    if cell is None:
        return ""
    rows = [[n, ms(t), f"{cell['bytes'] / t / 1e3:.1f}"] for n, t in cell["median_ms"].items()]
    text = f"{cell['text']}, {cell['bytes'] / 1e6:.2f} MB, {cell['tokens']} tokens, the same count from all.\n\n"
    return text + table(["tokenizer", "ms", "MB/s"], rows)


def static_embedding(results: Results) -> str:
    cell = results.one("static")
    if cell is None:
        return ""
    rows = [[n, ms(t), f"{1e3 * cell['texts'] / t:.0f}"] for n, t in cell["median_ms"].items()]
    return f"{cell['texts']} texts.\n\n" + table(["library", "ms", "texts/s"], rows)


def layer(results: Results) -> str:
    times, rows = layer_times(results.benchmarks("layer")), []
    names = ("cmm", "dense", "onednn", "mkl")
    for (dtype, heat, tokens), cell in sorted(times.items(), key=lambda item: order(item[0])):
        others = [cell[name] for name in ("onednn", "mkl") if name in cell]
        if "cmm" in cell:
            ratio = f"{min(others) / cell['cmm']:.1f}" if others else "-"
            rows.append([dtype, heat, tokens, *(ms(cell.get(name)) for name in names), ratio])
    header = ["dtype", "weights", "tokens", "CMM", "our dense", "oneDNN", "MKL", "best other / CMM"]
    return table(header, rows) if rows else ""


def forests(results: Results) -> str:
    """Us a layer, the dense width of equal time, and the goal where there is one."""
    rows, layers = [], 6
    found = equal_width.times(results.benchmarks("trees"))
    for (isa, dtype, hidden, tokens), cell in found.items():
        numbers = [ms(cell["none"] / layers if "none" in cell else None)]
        for shape in ("d256", "d1536", *equal_width.FORESTS):
            known = shape in cell and "none" in cell
            said = ms((cell[shape] - cell["none"]) / layers) if known else "-"
            width = equal_width.width(cell, shape) if shape in equal_width.FORESTS else None
            if width is not None:
                goal = equal_width.GOALS.get((tokens, shape)) if hidden == 384 else None
                said += f": {width:.0f}" + (f" (goal {goal})" if goal else "")
            numbers.append(said)
        rows.append([isa, dtype, hidden, tokens, *numbers])
    header = ["kernels", "dtype", "hidden", "tokens", "attention's products", "d256", "d1536",
              *equal_width.FORESTS]  # fmt: skip
    return table(header, rows) if rows else ""


def order(key: tuple) -> tuple:
    dtype, heat, tokens = key
    return DTYPES.index(dtype), heat == "cold", tokens


def kernels(results: Results) -> str:
    """Each operation on the best instruction set that ran, beside the others; the suites' own counters."""
    rows = []
    for (operation, case), cell in kernel_times(results.benchmarks("kernels")).items():
        ours = next((isa for isa in ISAS if isa in cell), None)
        if ours is None:
            continue
        counters = cell.get("counters", {}).get(ours, {})
        said = ", ".join(f"{name} {number(value)}" for name, value in counters.items())
        onednn = cell.get("onednn")
        ratio = f"{onednn / cell[ours]:.2f}" if onednn else "-"
        numbers = (ms(cell[ours]), ms(onednn), ms(cell.get("eigen")), ratio, said)
        rows.append([operation, case, ours, *numbers])
    header = ["operation", "case", "kernel", "us", "oneDNN", "Eigen", "oneDNN / ours", "counters"]
    return table(header, rows) if rows else ""
