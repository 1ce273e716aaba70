"""Interleaved rounds: every contestant once a round, so that all meet the same machine."""

import contextlib
import fcntl
import time
from dataclasses import dataclass
from statistics import median

from . import verify
from .contestants import Refused, pause


@dataclass(frozen=True)
class Settings:
    rounds: int = 7
    seconds: float = 0.4  # a turn
    runs: int = 3  # a turn, at least
    lock: str | None = None
    quick: bool = False

    @contextlib.contextmanager
    def quiet_machine(self):
        """Holds the lock file where one is given: others who measure here wait for it too."""
        if self.lock is None:
            yield
            return
        with open(self.lock, "a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


QUICK = Settings(rounds=3, seconds=0.12, runs=2, quick=True)


def attempt(contestants: list, refused: dict, action) -> list:
    """Those for whom action(contestant) works; the others are closed, with their reason."""
    left = []
    for contestant in contestants:
        try:
            action(contestant)
            left.append(contestant)
        except Refused as reason:
            print(f"  {contestant.name}: left out: {reason}", flush=True)
            refused[contestant.name] = str(reason)
            contestant.close()
    return left


def interleave(contestants: list, settings: Settings, turn, rounds=None) -> tuple[dict, dict, dict]:
    """turn(contestant) -> ms. Returns each name's ms by round, share of processor time, refusals."""
    times = {contestant.name: [] for contestant in contestants}
    busy = {contestant.name: [] for contestant in contestants}
    refused = {}

    def timed(contestant):
        process = contestant.process
        before, start = process.processor_seconds() if process else None, time.perf_counter()
        ms = turn(contestant)
        if before is not None and contestant.process is process:
            spent = process.processor_seconds() - before
            busy[contestant.name].append(spent / (time.perf_counter() - start))
        times[contestant.name].append(ms)
        pause()

    for _ in range(rounds or settings.rounds):
        contestants = contestants[1:] + contestants[:1]  # nobody always goes first
        with settings.quiet_machine():
            contestants = attempt(contestants, refused, timed)
    cores = {name: round(median(shares), 2) for name, shares in busy.items() if shares}
    times = {name: ms for name, ms in times.items() if name not in refused}
    return times, cores, refused


def shape_cell(contestants, shape: tuple[int, int], settings: Settings) -> dict:
    """One cell: prepared, outputs compared, then timed in rounds."""
    batch, tokens = shape
    refused, checks = {}, {}
    left = attempt(contestants, refused, lambda c: c.prepare(batch, tokens))
    left = attempt(left, refused, lambda c: checks.update({c.name: verify.check(c, batch, tokens)}))
    times, cores, late = interleave(
        left, settings, lambda c: c.time(batch, tokens, settings.seconds, settings.runs)
    )
    return {
        "shape": f"{batch}x{tokens}",
        "rounds_ms": {name: [round(t, 4) for t in ms] for name, ms in times.items()},
        "median_ms": {name: round(median(ms), 4) for name, ms in times.items()},
        "processor_share": cores,
        "checks": checks,
        "refused": {**refused, **late},
    }
