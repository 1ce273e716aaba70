"""The goals for the shapes that people run: BERT encoders 384 and 768 wide, and texts to vectors."""

from .goals import SHAPES, Check, Goal, geometric_mean
from .results import Results, split

NARROW, WIDE = ("minilm", "bge-small"), ("grid", "bge-base")  # parts whose models are 384 and 768 wide
STSB = "texts-stsb"


def ratios(results: Results, part: str, dtype: str) -> dict[str, float]:
    found = {shape: results.ratio(part, dtype, 1, shape) for shape in SHAPES}
    return {shape: ratio for shape, ratio in found.items() if ratio is not None}


def least(label: str, found: dict[str, float], bound: float) -> Check:
    worst = min(found, key=found.get, default="-")
    return Check(f"{label} ({worst})", found.get(worst), bound)


def mean(label: str, found: dict[str, float], bound: float) -> Check:
    """Of all shapes or of none."""
    whole = len(found) == len(SHAPES)
    return Check(label, geometric_mean(list(found.values())) if whole else None, bound)


def has_avx512(results: Results) -> bool:
    return "avx512f" in results.machine.get("features", ())


def shape_checks(results: Results, parts: tuple, bounds: dict) -> list[Check]:
    """bounds: type -> geometric mean; machines with AVX-512."""
    checks = []
    for part in parts:
        for dtype, bound in bounds.items():
            found = ratios(results, part, dtype) if has_avx512(results) else {}
            label = f"{name_of(part)} {dtype}"
            checks += [least(f"{label} least", found, 1.0), mean(f"{label} mean", found, bound)]
    return checks


def avx2_checks(results: Results) -> list[Check]:
    checks = []
    for part in (*NARROW, *WIDE):
        for dtype, bound in (("int8", 1.03), ("f32", 1.12)):
            found = {} if has_avx512(results) else ratios(results, part, dtype)
            checks.append(mean(f"{name_of(part)} {dtype} mean", found, bound))
    return checks


def bf16_checks(results: Results) -> list[Check]:
    """Our own f32, which took turns with it, over bf16."""
    checks = []
    for part in (*NARROW, *WIDE):
        found = {}
        for shape in SHAPES:
            cell = results.cell(part, "bf16", 1, shape)
            times = cell["median_ms"] if cell else {}
            if {"sapwood", "sapwood f32"} <= times.keys():
                found[shape] = times["sapwood f32"] / times["sapwood"]
        checks.append(least(f"{name_of(part)} least", found, 1.0))
        checks.append(Check(f"{name_of(part)} 1x8", found.get("1x8"), 1.001))
    return checks


def text_checks(results: Results) -> list[Check]:
    checks = []
    for threads in dict.fromkeys((1, results.machine.get("cores", 1))):
        cell = results.one(STSB, dtype="int8", threads=threads)
        times = cell["median_ms"] if cell else {}
        ours, peers = split(times)
        best = min(peers.values(), default=None)

        def ratio(theirs: float | None, mine: float | None) -> float | None:
            return theirs / mine if theirs and mine else None

        words = f"{threads} thread" + ("s" if threads > 1 else "")
        checks += [
            Check(f"{words}: dense", ratio(best, ours), 2.2),
            Check(f"{words}: FFF", ratio(best, times.get("sapwood fff")), 3.2),
            Check(f"{words}: dense beside fastembed", ratio(peers.get("fastembed"), ours), 3.0),
        ]
    return checks


def startup_checks(results: Results) -> list[Check]:
    cell = results.one("startup-minilm", dtype="int8") or {}
    bound = cell.get("file_mb", 0) + 15
    return [
        Check("start", cell.get("median_ms", {}).get("sapwood"), 10, at_least=False, unit=" ms"),
        Check("peak RSS", cell.get("peak_mb", {}).get("sapwood"), bound, at_least=False, unit=" MB"),
    ]


def student_checks(results: Results) -> list[Check]:
    cell = results.cell("students", "int8", 1, "1x32")
    times = cell["median_ms"] if cell else {}
    dense = times.get("sapwood dense")
    own = dense / times["sapwood"] if dense and "sapwood" in times else None
    return [
        Check("its dense teacher here", own, 1.9),
        Check("the teacher in the best other engine", results.ratio("students", "int8", 1, "1x32"), 2.8),
    ]


def name_of(part: str) -> str:
    return {"minilm": "MiniLM-L6", "grid": "DistilBERT"}.get(part, part)


def goals(results: Results) -> list[Goal]:
    every = "faster than every peer in each cell; geometric mean"
    narrow, wide = {"f32": 1.2, "bf16": 1.25, "int8": 1.3}, {"f32": 1.12, "bf16": 1.15, "int8": 1.15}
    return [
        Goal("hidden 384 (MiniLM-L6, bge-small), six shapes, AVX-512",
             f"{every} f32 >= 1.2x, bf16 >= 1.25x, int8 >= 1.30x", shape_checks(results, NARROW, narrow)),
        Goal("hidden 768 (DistilBERT, bge-base), six shapes, AVX-512",
             f"{every} f32 >= 1.12x, bf16 >= 1.15x, int8 >= 1.15x", shape_checks(results, WIDE, wide)),
        Goal("AVX2 alone, the same shapes", "geometric mean int8 (exact) >= 1.03x, f32 >= 1.12x",
             avx2_checks(results)),
        Goal("bf16 beside our own f32", "never slower; faster at 1x8", bf16_checks(results)),
        Goal("text to vector, STS-B test in arrival order, int8",
             "dense >= 2.2x the best peer, FFF >= 3.2x; dense >= 3x fastembed", text_checks(results)),
        Goal("process start to first answer, int8 MiniLM; peak RSS", "<= 10 ms; file size + 15 MB",
             startup_checks(results)),
        Goal("shipped FFF student, int8, 1x32", ">= 1.9x its dense teacher here, >= 2.8x the teacher in the best other engine",
             student_checks(results)),
    ]  # fmt: skip
