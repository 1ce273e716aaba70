"""The goals that were set before anything was measured, each beside what was reached."""

import re
from dataclasses import dataclass, field
from itertools import product
from math import prod

from .equal_width import FORESTS, GOALS, widths
from .results import Results
from .suites import ISAS, LAYER_TOKENS, kernel_times, layer_times

SHAPES = ("1x8", "1x32", "1x128", "1x384", "8x128", "32x32")


@dataclass(frozen=True)
class Check:
    """One figure beside its bound; value None: not measured."""

    label: str
    value: float | None
    bound: float
    at_least: bool = True
    unit: str = "x"

    @property
    def met(self) -> bool | None:
        if self.value is None:
            return None
        return self.value >= self.bound if self.at_least else self.value <= self.bound

    def __str__(self) -> str:
        said = f"{self.label} {number(self.value)}{self.unit}".strip()
        return said if self.met else f"**{said}** of {number(self.bound)}{self.unit}"


@dataclass
class Goal:
    what: str
    text: str
    checks: list[Check] = field(default_factory=list)

    @property
    def verdict(self) -> str:
        known = [check.met for check in self.checks if check.met is not None]
        if not known:
            return "not measured"
        if not all(known):
            return "missed"
        return "reached" if len(known) == len(self.checks) else "reached as far as measured"

    @property
    def reached(self) -> str:
        return "; ".join(str(check) for check in self.checks if check.value is not None) or "-"


def number(value: float) -> str:
    return (
        f"{value:.0f}"
        if abs(value) >= 100
        else f"{value:.1f}"
        if abs(value) >= 10
        else f"{value:.2f}"
    )


def geometric_mean(values: list[float]) -> float:
    return prod(values) ** (1 / len(values))


def grid_checks(results: Results, dtype: str, first: float, mean: float) -> list[Check]:
    cells = {shape: results.ratio("grid", dtype, 1, shape) for shape in SHAPES}
    known = {shape: ratio for shape, ratio in cells.items() if ratio is not None}
    worst = min(known, key=known.get, default="-")
    whole = len(known) == len(SHAPES)
    return [
        Check(f"least ({worst})", known.get(worst), 1.0),
        Check("1x8", cells["1x8"], first),
        Check("geometric mean", geometric_mean(list(known.values())) if whole else None, mean),
    ]


def all_cores_checks(results: Results) -> list[Check]:
    cores = results.machine.get("cores", 1)
    checks = []
    for dtype in ("int8", "bf16", "f32"):
        ratios = {shape: results.ratio("grid", dtype, cores, shape) for shape in SHAPES}
        known = {shape: ratio for shape, ratio in ratios.items() if ratio is not None}
        worst = min(known, key=known.get, default="-")
        checks.append(Check(f"{dtype} least ({worst})", known.get(worst), 1.0))
    return checks


def lengths_checks(results: Results, dtype: str) -> list[Check]:
    ours, peers = results.lengths(dtype, 1, "arrival")
    _, sorted_peers = results.lengths(dtype, 1, "sorted")

    def ratio(theirs):
        return min(theirs.values()) / ours if ours and theirs else None

    return [
        Check("arrival", ratio(peers), 1.6),
        Check("against sorted", ratio(sorted_peers), 1.2),
    ]


def product_checks(results: Results) -> list[Check]:
    """Beside oneDNN, and the suites' counters that name a share of a measured limit ("... %")."""
    ratios, few, many = {}, {}, {}
    for (operation, case), cell in kernel_times(results.benchmarks("kernels")).items():
        ours = {isa: cell[isa] for isa in ISAS[:-1] if isa in cell}
        rows = re.search(r"m(\d+)", case)
        if not ours or rows is None:
            continue
        best, name = min(ours, key=ours.get), f"{operation} {case}"
        if "onednn" in cell:
            ratios[name] = cell["onednn"] / ours[best]
        counters = cell.get("counters", {}).get(best, {})
        shares = [share for counter, share in counters.items() if "%" in counter]
        if shares and not 8 < int(rows[1]) < 32:
            (few if int(rows[1]) <= 8 else many)[name] = max(shares)

    def least(what: str, found: dict, bound: float, unit: str) -> Check:
        worst = min(found, key=found.get, default="-")
        return Check(f"{what} ({worst})", found.get(worst), bound, unit=unit)

    return [
        least("least share from 32 rows on", many, 90, " %"),
        least("least share up to 8 rows", few, 85, " %"),
        least("oneDNN's time over ours, least", ratios, 0.97, "x"),
    ]


def layer_checks(results: Results, heat: str, bounds) -> list[Check]:
    """bounds: (dtype, tokens) -> what the fastest dense layer of others must cost in CMM layers."""
    times = layer_times(results.benchmarks("layer"))
    checks = []
    for dtype, tokens in product(("bf16", "f32", "int8"), LAYER_TOKENS):
        bound = bounds(dtype, tokens)
        cell = times.get((dtype, heat, tokens), {})
        others = [cell[name] for name in ("onednn", "mkl") if name in cell]
        if bound:
            ratio = min(others) / cell["cmm"] if "cmm" in cell and others else None
            checks.append(Check(f"{dtype} {tokens}:", ratio, bound))
    return checks


def forest_checks(results: Results) -> list[Check]:
    """The dense width that takes as long as several trees, for every type and set of instructions that was measured."""
    found = widths(results)
    checks = []
    for (isa, dtype, hidden, tokens), cell in found.items():
        if hidden == 384 and tokens in (32, 1024):
            for forest in FORESTS:
                label = f"{isa} {dtype} {forest} {tokens}:"
                checks.append(Check(label, cell[forest], GOALS[tokens, forest], False, ""))
    return checks


def hot_bound(dtype: str, tokens: int) -> float | None:
    return 78 if dtype == "f32" else None


def cold_bound(dtype: str, tokens: int) -> float | None:
    """None: no goal was set."""
    if dtype == "f32" and tokens < 512 and tokens not in (1, 8, 32, 128):
        return None
    if dtype != "f32":
        return 100 if tokens == 1 else 40
    return 200 if tokens == 1 else 75 if tokens <= 8 else 50 if tokens < 512 else 70


def twin_checks(results: Results, dtype: str) -> list[Check]:
    cell = results.cell("ultrafast", dtype, 1, "1x128")
    ours = cell["median_ms"].get("sapwood twin") if cell else None
    own = ours / cell["median_ms"]["sapwood"] if ours else None
    return [
        Check("our twin", own, 3.0),
        Check("best peer's twin", results.ratio("ultrafast", dtype, 1, "1x128"), 3.3),
    ]


def startup_checks(results: Results, dtype: str) -> list[Check]:
    cell = results.one("startup", dtype=dtype)
    if cell is None:
        return [Check("", None, 30)]
    ms, peak = cell["median_ms"].get("sapwood"), cell["peak_mb"].get("sapwood")
    return [
        Check("start", ms, 30, at_least=False, unit=" ms"),
        Check("peak RSS", peak, cell["file_mb"] + 20, at_least=False, unit=" MB"),
    ]


def families_checks(results: Results) -> list[Check]:
    """Beside the better of onnxruntime and OpenVINO."""
    checks = []
    for part, dtype in product(("mpnet", "xlm-r"), ("f32", "int8")):
        cell = results.cell(part, dtype, 1, "1x128")
        times = cell["median_ms"] if cell else {}
        peers = [ms for name, ms in times.items() if name.startswith(("onnxruntime", "openvino"))]
        ratio = min(peers) / times["sapwood"] if peers and "sapwood" in times else None
        checks.append(Check(f"{part} {dtype}", ratio, 1.0))
    return checks


def peer_check(results: Results, part: str, peer: str, bound: float) -> list[Check]:
    """How many times as long as ours a peer takes, of parts that have one cell."""
    cell = results.one(part)
    ms = cell["median_ms"] if cell else {}
    known = {"sapwood", peer} <= ms.keys()
    return [Check("", ms[peer] / ms["sapwood"] if known else None, bound)]


def goals(results: Results) -> list[Goal]:
    from .people import goals as of_shapes  # which are made of the classes above
    from .serving.goals import goals as of_the_server

    shape = "DistilBERT-base shape"
    every = "faster in every cell"
    six = [Check(s, results.ratio("six-layers", "int8", 1, s), 3.0) for s in ("1x32", "1x128")]
    return [
        Goal(f"{shape}, int8", f"{every}; >= 1.8x at 1x8; geometric mean >= 1.25x",
             grid_checks(results, "int8", 1.8, 1.25)),
        Goal(f"{shape}, bf16", f"{every}; >= 1.6x at 1x8; geometric mean >= 1.2x",
             grid_checks(results, "bf16", 1.6, 1.2)),
        Goal(f"{shape}, f32", f"{every}; >= 1.15x at 1x8; geometric mean >= 1.08x",
             grid_checks(results, "f32", 1.15, 1.08)),
        Goal("same grids, all cores", every, all_cores_checks(results)),
        Goal("SST-2 dev, int8, batches of 32 in arrival order",
             ">= 1.6x the best peer in arrival order, >= 1.2x the best peer sorted by length",
             lengths_checks(results, "int8")),
        Goal("products: share of the measured limit, compute or DRAM; beside oneDNN",
             ">= 90 % from 32 rows on; >= 85 % up to 8; never slower than 0.97x oneDNN",
             product_checks(results)),
        Goal("CMM layer, one layer repeated, f32, against the fastest dense layer of others",
             ">= 78x at every count of tokens", layer_checks(results, "hot", hot_bound)),
        Goal("CMM layer, 16 layers in rotation, against the fastest dense layer of others",
             "f32: >= 200x at 1 token, 75x at 8, 50x at 32 and 128, 70x from 512; bf16, int8: 40x, 100x at 1",
             layer_checks(results, "cold", cold_bound)),
        Goal("several trees, hidden 384: the dense width that takes as long (f8d7: eight trees of depth 7; +64: beside 64 "
             "neurons that are always on)",
             "32 tokens: f8d7 <= 256, f6d6+64 <= 200, f16d7+64 <= 580; 1,024 tokens: <= 130, 230, 520",
             forest_checks(results)),
        Goal("UltraFastBERT-1x11 shape, f32, against its dense twin, 1x128",
             ">= 3.0x our own twin, >= 3.3x the best peer's", twin_checks(results, "f32")),
        Goal("DistilBERT's 6 layers with trees against DistilBERT on the best peer, int8",
             ">= 3x at 1x32 and 1x128", six),
        Goal("MPNet-base and XLM-R-base shapes, f32 and int8, 1x128",
             "no slower than the better of onnxruntime and OpenVINO", families_checks(results)),
        Goal("process start to first answer, int8; peak RSS", "<= 30 ms; file size + 20 MB",
             startup_checks(results, "int8")),
        Goal("tokenizer, one thread, with offsets, against Hugging Face", ">= 15x",
             peer_check(results, "tokenizer", "tokenizers", 15)),
        Goal("tokenizer, one thread, with offsets, against tokie", ">= 3x",
             peer_check(results, "tokenizer", "tokie", 3)),
        Goal("byte-level BPE, one thread, with offsets, against Hugging Face", ">= 5x",
             peer_check(results, "tokenizer-bpe", "tokenizers", 5)),
        Goal("Unigram of 250,000 pieces, one thread, with offsets, against Hugging Face", ">= 5x",
             peer_check(results, "tokenizer-unigram", "tokenizers", 5)),
        Goal("static embeddings, one thread, against model2vec", ">= 10x",
             peer_check(results, "static", "model2vec", 10)),
        *of_shapes(results),
        *of_the_server(results),
    ]  # fmt: skip
