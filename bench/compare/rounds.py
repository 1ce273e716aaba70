"""Interleaved rounds: every contestant once a round, so that all meet the same machine."""

import contextlib
import fcntl
import time
from dataclasses import dataclass
from statistics import median

from . import verify
from .contestants import Refused, pause


class OutOfTime(Exception):
    """The time that --budget gives is over: no further cell is begun."""


@dataclass(frozen=True)
class Settings:
    rounds: int = 5
    seconds: float = 0.4  # a turn
    runs: int = 2  # a turn, at least
    lock: str | None = None
    quick: bool = False
    deadline: float | None = None  # of time.monotonic()

    def require_time(self) -> None:
        if self.deadline is not None and time.monotonic() >= self.deadline:
            raise OutOfTime

    @contextlib.contextmanager
    def quiet_machine(self):
        """Holds the lock file where one is given: others who measure here wait for it too."""
        if self.lock is None:
            yield
            return
        with open(self.lock, "a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


HOPELESS = 1.7  # times the best peer's time, after two rounds: such a peer leaves early

QUICK = Settings(rounds=3, seconds=0.12, runs=1, quick=True)


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


def interleave(contestants: list, settings: Settings, turn, rounds=None, keep_all=False) -> dict:
    """turn(contestant) -> {"wall": ms, "processor": ms}. The times of a cell, and who was refused.

    keep_all: also peers that are far from the best are timed to the end.
    """
    turns: dict = {contestant.name: [] for contestant in contestants}
    refused: dict = {}
    # On one thread the processor's time is what the wall's clock would show if nobody else computed here.
    clock = "processor" if all(c.threads == 1 for c in contestants) else "wall"

    def timed(contestant):
        turns[contestant.name].append(turn(contestant))
        pause()

    for number in range(rounds or settings.rounds):
        contestants = contestants[1:] + contestants[:1]  # nobody always goes first
        if number == 2 and not keep_all:
            contestants = hopeful(contestants, turns, clock)
        with settings.quiet_machine():
            contestants = attempt(contestants, refused, timed)
    turns = {name: taken for name, taken in turns.items() if name not in refused and taken}

    def of(name: str, which: str) -> list[float]:
        return [round(taken.get(which, taken["wall"]), 4) for taken in turns[name]]

    return {
        "clock": clock,
        "rounds_ms": {name: of(name, clock) for name in turns},
        "median_ms": {name: round(median(of(name, clock)), 4) for name in turns},
        "wall_ms": {name: round(median(of(name, "wall")), 4) for name in turns},
        "refused": refused,
    }


def hopeful(contestants: list, turns: dict, clock: str) -> list:
    """Without the peers that two rounds have shown to be far from the best: they cost the most time."""

    def least(contestant) -> float:
        return min(taken.get(clock, taken["wall"]) for taken in turns[contestant.name])

    limit = HOPELESS * min((least(c) for c in contestants if not c.ours), default=0)
    return [c for c in contestants if c.ours or least(c) <= limit]


def shape_cell(contestants, shape: tuple[int, int], settings: Settings) -> dict:
    """One cell: prepared, outputs compared, then timed in rounds."""
    batch, tokens = shape
    settings.require_time()
    refused, checks = {}, {}
    left = attempt(contestants, refused, lambda c: c.prepare(batch, tokens))
    left = attempt(left, refused, lambda c: checks.update({c.name: verify.check(c, batch, tokens)}))
    cell = interleave(
        left, settings, lambda c: c.time(batch, tokens, settings.seconds, settings.runs)
    )
    return cell | {
        "shape": f"{batch}x{tokens}",
        "checks": checks,
        "refused": refused | cell["refused"],
    }
