"""The report's pictures."""

from itertools import product
from pathlib import Path

from .goals import SHAPES
from .results import Results
from .suites import layer_times
from .tables import GRIDS

COLOURS = {
    "sapwood": "#3b7a57",
    "openvino": "#6b5b95",
    "openvino-bf16": "#a99fc4",
    "onnxruntime": "#5b84b1",
    "ctranslate2": "#d9903d",
    "ctranslate2-mkl": "#ecc48f",
    "torch": "#c8553d",
    "torch-compile": "#e3a597",
}


def draw(results: Results, folder: Path) -> list[str]:
    """Writes what can be drawn; the names of the files."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    pyplot.rcParams.update({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False})
    folder.mkdir(parents=True, exist_ok=True)
    names = []
    for part, dtype in product(("minilm", "grid"), ("f32", "bf16", "int8")):
        for threads in sorted({cell["threads"] for cell in results.select(part, dtype=dtype)}):
            names.append(grid(pyplot, results, part, dtype, threads, folder))
    if any("cmm" in cell for cell in layer_times(results.benchmarks("layer")).values()):
        names.append(layer(pyplot, results, folder))
    return names


def save(pyplot, figure, folder: Path, name: str) -> str:
    figure.tight_layout()
    figure.savefig(folder / name, dpi=130, metadata={"Software": None})
    pyplot.close(figure)
    return name


def grid(pyplot, results: Results, part: str, dtype: str, threads: int, folder: Path) -> str:
    """Every engine's time over ours: below the line is faster than Sapwood."""
    cells = {cell["shape"]: cell for cell in results.select(part, dtype=dtype, threads=threads)}
    shapes = [
        shape for shape in SHAPES if "sapwood" in cells.get(shape, {"median_ms": ()})["median_ms"]
    ]
    engines = [
        name
        for name in COLOURS
        if any(name in cells[shape]["median_ms"] for shape in shapes) and name != "sapwood"
    ]
    figure, axes = pyplot.subplots(figsize=(8, 3.4))
    width = 0.8 / max(1, len(engines))
    for i, name in enumerate(engines):
        at = [s + (i - (len(engines) - 1) / 2) * width for s in range(len(shapes))]
        times = [cells[shape]["median_ms"] for shape in shapes]
        ratios = [t[name] / t["sapwood"] if name in t else 0 for t in times]
        bars = axes.bar(at, ratios, width * 0.92, color=COLOURS[name], label=name)
        axes.bar_label(
            bars, [f"{r:.2f}" if r else "" for r in ratios], fontsize=6, rotation=90, padding=2
        )
    axes.axhline(1, color=COLOURS["sapwood"], linewidth=1.5, label="sapwood")
    axes.set_xticks(range(len(shapes)), shapes)
    axes.set_ylim(0, axes.get_ylim()[1] * 1.1)
    axes.set_xlabel("texts x tokens")
    axes.set_ylabel("time / Sapwood's time")
    cores = "one thread" if threads == 1 else f"{threads} threads"
    axes.set_title(f"{GRIDS[part]}, {dtype}, {cores}: higher is slower than Sapwood")
    axes.legend(fontsize=7, ncols=8, frameon=False, loc="upper center", bbox_to_anchor=(0.5, -0.18))
    return save(pyplot, figure, folder, f"{part}-{dtype}-t{threads}.png")


def layer(pyplot, results: Results, folder: Path) -> str:
    """The feedforward layer: microseconds by tokens, weights cold."""
    times = layer_times(results.benchmarks("layer"))
    figure, axes = pyplot.subplots(figsize=(8, 3.6))
    styles = {"f32": "-", "bf16": "--", "int8": ":"}
    colours = {"cmm": "#3b7a57", "dense": "#9cc5ae", "onednn": "#5b84b1", "mkl": "#d9903d"}
    labels = {"cmm": "CMM", "dense": "our dense", "onednn": "oneDNN", "mkl": "MKL"}
    for dtype, style in styles.items():
        for name, colour in colours.items():
            points = sorted(
                (tokens, cell[name])
                for (kind, heat, tokens), cell in times.items()
                if kind == dtype and heat == "cold" and name in cell
            )
            if points:
                axes.plot(
                    *zip(*points), style, color=colour, marker=".", label=f"{labels[name]} {dtype}"
                )
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    axes.set_xlabel("tokens")
    axes.set_ylabel("us a layer")
    axes.set_title("Feedforward 768 - 4095 - 768, one thread, 16 layers' weights in rotation")
    axes.legend(fontsize=7, frameon=False)
    return save(pyplot, figure, folder, "layer.png")
