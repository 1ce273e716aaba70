"""Outputs are compared before anything is timed: a wrong answer has no speed."""

import functools

from .contestants import Peer, Refused, vocabulary_words
from .specs import SPECS

F32_DIFFERENCE = 1e-4  # largest, against PyTorch in f32
LEAST_COSINE = {"bf16": 0.99, "int8": 0.95}  # mean over tokens; the report shows what it was
# A fast feedforward decision close to zero may fall either way, and then a token takes another path.
FFF_AGREEING = {"f32": 0.98, "bf16": 0.0, "int8": 0.0}  # share of tokens within F32_DIFFERENCE
# Random trees have no margins: after a few layers of bf16 or int8 most tokens have left f32's path somewhere, and only
# what all paths share is left of the likeness (trained trees: int8 costs 0.3 points of F1 at most, models/README.md). The
# products and walks of these types are compared by themselves, in tests/kernels and in bench_cmm.
FFF_COSINE = {"bf16": 0.5, "int8": 0.5}


def check(contestant, batch: int, tokens: int) -> dict:
    """How close to the reference; Refused where that is not close enough."""
    ids, want = reference(reference_of(contestant.model), batch, tokens)
    return judge(contestant, closeness(want, contestant.output(ids)))


def reference_of(model: str) -> str:
    """A shipped student's is its teacher: how well it learned is measured in models/recipes, not here."""
    return SPECS[model].teacher or model


def check_padded(contestant, long: int = 32, short: int = 20) -> dict:
    """The same for two texts of which one is padded."""
    import numpy

    (ids, want), (short_ids, short_want) = (
        reference(contestant.model, 1, tokens) for tokens in (long, short)
    )
    ids = numpy.concatenate([ids, numpy.pad(short_ids, ((0, 0), (0, long - short)))])
    got = contestant.output(ids, [long, short])
    want, got = (
        numpy.concatenate([rows[0], rest])
        for rows, rest in ((want, short_want[0]), (got, got[1][:short]))
    )
    return judge(contestant, closeness(want, got))


def judge(contestant, found: dict) -> dict:
    spec, dtype = SPECS[contestant.model], contestant.dtype
    fff = spec.depth is not None or spec.shipped is not None
    if dtype == "f32":
        good = found["agreeing"] >= (FFF_AGREEING["f32"] if fff else 1)
    else:
        good = found["cosine"] >= (FFF_COSINE if fff else LEAST_COSINE)[dtype]
    if not good:
        raise Refused(f"its output differs from PyTorch's in f32: {found}")
    return found


def closeness(want, got) -> dict:
    import numpy

    if want.shape != got.shape:
        raise Refused(f"its output has the shape {got.shape}, expected {want.shape}")
    want, got = (x.reshape(-1, x.shape[-1]).astype(numpy.float64) for x in (want, got))
    difference = numpy.abs(want - got).max(1)
    cosine = (want * got).sum(1) / (
        numpy.linalg.norm(want, axis=1) * numpy.linalg.norm(got, axis=1)
    )
    return {
        "difference": float(f"{difference.max():.3g}"),
        "agreeing": float(numpy.mean(difference <= F32_DIFFERENCE)),
        "cosine": round(float(cosine.mean()), 6),
    }


_processes: dict[str, Peer] = {}


def _reference_process(model: str) -> Peer:
    if model not in _processes:
        _processes[model] = Peer("torch", model, "f32", 1, label="reference")
        _processes[model].wait_ready()
        _processes[model].prepare(1, 8)
    return _processes[model]


@functools.lru_cache(maxsize=8)
def reference(model: str, batch: int, tokens: int):
    """Ids of whole words between [CLS] and [SEP], and PyTorch's last hidden state for them."""
    import numpy

    random = numpy.random.default_rng(batch * 1000 + tokens)
    ids = random.choice(numpy.array(sorted(vocabulary_words())), (batch, tokens))
    ids[:, 0], ids[:, -1] = 101, 102
    return ids, _reference_process(model).output(ids)


def close_references() -> None:
    while _processes:
        _processes.popitem()[1].close()
