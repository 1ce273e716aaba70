"""usage: tools/soak [MINUTES] [--sapwood FILE] [--seed N]"""

import argparse
import os
import random
import sys
import tempfile
import threading
import time
from pathlib import Path

from soak.cases import SOURCE, Cases
from soak.good import GoodClient
from soak.hostile import HostileClient
from soak.server import Server

GOOD, HOSTILE = 6, 4
SHORT = 1  # minutes; shorter runs say nothing of memory, nor of every kind of request
# Memory of its own at a later rest, over the most that an earlier one had: what the allocator keeps differs by how
# requests met, so that a bound of nothing would be none.
MEMORY_KIB = 16 << 10


class Soak:
    def __init__(self, minutes: float, seed: int, sapwood: str, folder: Path):
        self.minutes, self.seed = minutes, seed
        self.lock = threading.Lock()
        self.counted: dict[str, int] = {}
        self.failures: list[str] = []  # by name
        self.cases = Cases(sapwood, seed).all
        self.server = Server(sapwood, folder / "socket", len(os.sched_getaffinity(0)))

    def count(self, what: str):
        with self.lock:
            self.counted[what] = self.counted.get(what, 0) + 1

    def fail(self, what: str, problem: str):
        with self.lock:
            self.failures.append(what)
            if self.failures.count(what) <= 3:
                print(f"FAIL {what}: {problem}", flush=True)

    def traffic(self, seconds: float, part: int):
        """All clients at once for a while, and the models loaded again now and then."""
        end = time.monotonic() + seconds

        def over():
            return time.monotonic() > end or not self.server.alive()

        clients = [GoodClient(self, 100 * part + i) for i in range(GOOD)] + [HostileClient(self, 100 * part + i) for i in range(HOSTILE)]
        threads = [threading.Thread(target=client.run, args=(over,)) for client in clients]
        for thread in threads:
            thread.start()
        draw = random.Random(f"{self.seed} reload {part}")
        while not over():
            self.server.reload()
            self.count("reload")
            time.sleep(min(draw.uniform(1, 8), max(0, end - time.monotonic()) + 0.1))
        for thread in threads:
            thread.join()

    def run(self):
        self.traffic(min(5, self.minutes * 6), 0)  # warm-up: the first use of everything
        rests = [self.server.at_rest(None)]
        parts = 8 if self.minutes >= SHORT else 2
        for part in range(1, parts + 1):
            self.traffic(self.minutes * 60 / parts, part)
            if not self.server.alive():
                break
            rests.append(self.server.at_rest(rests[0]))
            print(f"rest {part} of {parts}: {rests[-1]}, {self.answers()} good answers", flush=True)
        self.judge(rests)

    def answers(self) -> int:
        names = {case.name for case in self.cases}
        return sum(count for name, count in self.counted.items() if name in names)

    def judge(self, rests):
        if not self.server.alive():
            return self.fail("server", f"ended with {self.server.process.returncode}: {self.server.said[-10:]}")
        for name in ("descriptors", "threads"):
            if rests[-1][name] > rests[0][name]:
                self.fail(name, f"{rests[0][name]} before, {rests[-1][name]} at the end")
        half = len(rests) // 2 + 1
        before, after = (max(rest["RssAnon"] for rest in some) for some in (rests[:half], rests[half:]))
        if self.minutes >= SHORT and after > before + MEMORY_KIB:
            self.fail("memory", f"{before} KiB of its own in the first half, {after} KiB in the second: over {MEMORY_KIB} KiB more")
        missing = {case.name for case in self.cases} - set(self.counted)
        if missing and self.minutes >= SHORT:
            self.fail("good clients", f"never answered: {sorted(missing)}")
        if self.server.reloads == 0:
            self.fail("reload", f"none was done: {self.server.said[-10:]}")
        for status in self.server.statuses.keys() & {500}:
            self.fail("server", f"{self.server.statuses[status]} answers with status {status}")
        if (status := self.server.stop()) != 0:
            self.fail("server", f"ended with {status} after SIGTERM: {self.server.said[-10:]}")


def main():
    parser = argparse.ArgumentParser(prog="tools/soak", description=__doc__.partition("]")[0])
    parser.add_argument("minutes", nargs="?", type=float, default=30)
    parser.add_argument("--sapwood", default=str(SOURCE / "build/release/sapwood"))
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    options = parser.parse_args()
    print(f"{options.minutes:g} minutes, seed {options.seed}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        soak = Soak(options.minutes, options.seed, str(Path(options.sapwood).resolve()), Path(folder))
        try:
            soak.run()
        finally:
            soak.server.process.kill()
    for name, count in sorted(soak.counted.items()):
        print(f"{count:8} {name}")
    print(f"statuses {dict(sorted(soak.server.statuses.items()))}, models loaded again {soak.server.reloads} times")
    print(f"{soak.answers()} good answers compared, {len(soak.failures)} failures")
    sys.exit(1 if soak.failures else 0)


main()
