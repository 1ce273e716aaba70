"""What is measured in which order: the most telling cells first, so that a run that ends early has told the most."""

import time
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from .rounds import OutOfTime


@dataclass(frozen=True)
class Job:
    """Cells that share their processes; run() measures those that are missing."""

    part: str
    run: Callable[[], None]
    dtype: str | None = None  # None: the part has no types
    threads: int = 1

    @property
    def name(self) -> str:
        return ".".join([self.part, *([self.dtype, f"t{self.threads}"] if self.dtype else [])])


@dataclass(frozen=True)
class Pick:
    """A rank of the order: a part, its types, and whether on one thread or on all."""

    part: str
    dtypes: tuple[str, ...] = ("int8", "f32", "bf16")
    all_cores: bool = False


def ordered(jobs: Iterable[Job], order: Iterable[Pick]) -> list[Job]:
    """By the first rank that a job fits, and by type within it; those that fit none come last, as they are given."""
    picks = list(order)

    def rank(job: Job) -> tuple[int, int]:
        for i, pick in enumerate(picks):
            if pick.part != job.part or pick.all_cores != (job.threads > 1):
                continue
            if job.dtype is None:
                return i, 0
            if job.dtype in pick.dtypes:
                return i, pick.dtypes.index(job.dtype)
        return len(picks), 0

    return sorted(jobs, key=rank)


def work_through(jobs: list[Job], after_each: Callable[[], None], deadline: float | None) -> tuple[list[str], list[str]]:
    """Runs one after the other until `deadline` (of time.monotonic()). The names of those that failed, and of those that are
    left because time ran out: one that it ran out on is the first of these, and has kept the cells that were done."""
    failed = []
    for i, job in enumerate(jobs):
        if deadline is not None and time.monotonic() >= deadline:
            return failed, [job.name for job in jobs[i:]]
        try:
            job.run()
        except OutOfTime:
            after_each()
            return failed, [job.name for job in jobs[i:]]
        except Exception:  # whatever it is, the other parts are still to be had
            traceback.print_exc()
            failed.append(job.name)
        after_each()
    return failed, []
