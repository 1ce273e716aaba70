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
    rounds: int = 5
    seconds: float = 0.4  # a turn
    runs: int = 2  # a turn, at least
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


TRIES = 2
QUIET = 0.9  # of a core: less says that other programs took the processor away
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


def interleave(contestants: list, settings: Settings, turn, rounds=None) -> tuple[dict, dict, dict]:
    """turn(contestant) -> ms. Returns each name's ms by round, share of processor time, refusals."""
    times = {contestant.name: [] for contestant in contestants}
    shares = {contestant.name: [] for contestant in contestants}
    refused: dict = {}

    def timed(contestant):
        ms, share = taken(contestant, turn)
        times[contestant.name].append(ms)
        shares[contestant.name].append(share)

    for number in range(rounds or settings.rounds):
        contestants = contestants[1:] + contestants[:1]  # nobody always goes first
        if number == 2:
            contestants = hopeful(contestants, times)
        with settings.quiet_machine():
            contestants = attempt(contestants, refused, timed)
    times = {name: ms for name, ms in times.items() if name not in refused}
    known = {name: [s for s in shares[name] if s is not None] for name in times}
    return times, {name: round(median(s), 2) for name, s in known.items() if s}, refused


def hopeful(contestants: list, times: dict) -> list:
    """Without the peers that two rounds have shown to be far from the best: they cost the most time."""
    peers = [min(times[c.name]) for c in contestants if not c.ours]
    limit = HOPELESS * min(peers, default=0)
    return [c for c in contestants if c.ours or min(times[c.name]) <= limit]


def taken(contestant, turn) -> tuple[float, float | None]:
    """One turn: ms and the cores it had. On one thread, a turn that others disturbed is taken again."""
    tries = []
    while len(tries) < TRIES:
        process, start = contestant.process, time.perf_counter()
        before = process.processor_seconds() if process else None
        ms, share = turn(contestant), None
        if before is not None and contestant.process is process:
            spent = process.processor_seconds() - before
            share = spent / (time.perf_counter() - start)
        tries.append((ms, share))
        pause()
        if share is None or contestant.threads > 1 or share >= QUIET:
            break
    return max(tries, key=lambda t: t[1] or 0)


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
