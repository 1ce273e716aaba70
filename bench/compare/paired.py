"""What pairs of times say: the ratio new over old with its confidence interval. Pure functions."""

from dataclasses import dataclass
from math import comb
from statistics import median

LEVEL = 0.95  # of the interval
LIMIT = 1.02  # a cell whose interval lies wholly above has become slower
LEAST_ROUNDS = 15


@dataclass(frozen=True)
class Ratio:
    """The median of the paired ratios, and the interval that holds the true median at LEVEL at least."""

    median: float
    low: float
    high: float

    @property
    def slower(self) -> bool:
        return self.low > LIMIT


def interval_rank(count: int, level: float = LEVEL) -> int:
    """The rank k, from 1, for which the k-th least and the k-th largest of `count` values enclose the median at this level.

    Each value lies below the true median or above it as a coin falls, whatever the values' distribution, so that
    the interval from the k-th least to the k-th largest misses it with twice the chance of fewer than k heads in
    `count` throws. This is the largest k for which that is rare enough.
    """
    rank, missed = 0, 0.0
    while True:
        missed += 2 * comb(count, rank) / 2**count
        if missed > 1 - level:
            break
        rank += 1
    if rank == 0:
        raise ValueError(f"{count} rounds are too few for an interval at {level:.0%}: 6 are the least at 95 %")
    return rank


def ratio(old: list[float], new: list[float]) -> Ratio:
    """Of times in pairs: old[i] and new[i] were taken one right after the other."""
    if len(old) != len(new):
        raise ValueError(f"expected pairs, found {len(old)} old and {len(new)} new times")
    quotients = sorted(n / o for o, n in zip(old, new))
    rank = interval_rank(len(quotients))
    return Ratio(median(quotients), quotients[rank - 1], quotients[-rank])
