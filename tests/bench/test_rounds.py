"""How contestants take turns, and what a run that was interrupted finds: needs no engine."""

import contextlib
import io
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "bench"))

from compare import rounds, store  # noqa: E402
from compare.contestants import Refused  # noqa: E402


class Fake:
    def __init__(self, name: str, ms: list[float], threads: int = 1, fails_at: int | None = None):
        self.name, self.ms, self.threads, self.fails_at = name, iter(ms), threads, fails_at
        self.ours, self.turns, self.closed = name.startswith("sapwood"), 0, False

    def turn(self) -> dict:
        if self.turns == self.fails_at:
            raise Refused("no more")
        self.turns += 1
        ms = next(self.ms)
        return {"wall": 10 * ms, "processor": ms}

    def close(self) -> None:
        self.closed = True


@mock.patch.object(rounds, "pause", lambda: None)
class RoundsTest(unittest.TestCase):
    def interleave(self, *contestants) -> dict:
        with contextlib.redirect_stdout(io.StringIO()):
            return rounds.interleave(list(contestants), rounds.Settings(rounds=5), Fake.turn)

    def test_the_median_of_the_rounds_counts(self):
        cell = self.interleave(Fake("sapwood", [1, 9, 2, 3, 1]), Fake("peer", [4, 4, 5, 6, 90]))
        self.assertEqual(cell["median_ms"], {"sapwood": 2, "peer": 5})
        self.assertEqual(cell["wall_ms"], {"sapwood": 20, "peer": 50})
        self.assertEqual(cell["clock"], "processor")

    def test_several_threads_are_timed_by_the_wall(self):
        cell = self.interleave(
            Fake("sapwood", [1] * 5, threads=2), Fake("peer", [2] * 5, threads=2)
        )
        self.assertEqual(cell["median_ms"], {"sapwood": 10, "peer": 20})

    def test_a_hopeless_peer_leaves_and_we_never_do(self):
        slow, near, ours = Fake("slow", [9] * 5), Fake("near", [5] * 5), Fake("sapwood", [50] * 5)
        cell = self.interleave(slow, near, ours)
        self.assertEqual([slow.turns, near.turns, ours.turns], [2, 5, 5])
        self.assertEqual(cell["median_ms"]["slow"], 9)

    def test_who_fails_is_left_out_with_the_reason(self):
        broken = Fake("peer", [1] * 5, fails_at=3)
        cell = self.interleave(Fake("sapwood", [1] * 5), broken)
        self.assertEqual(cell["refused"], {"peer": "no more"})
        self.assertNotIn("peer", cell["median_ms"])
        self.assertTrue(broken.closed)


class StoreTest(unittest.TestCase):
    def test_a_run_goes_on_where_it_stopped(self):
        with (
            tempfile.TemporaryDirectory() as folder,
            mock.patch.object(store, "program", lambda: "one"),
        ):
            quick = store.Store(Path(folder), quick=True)
            quick.put("grid.f32.t1.1x8", {"part": "grid"})
            self.assertTrue(quick.has("grid.f32.t1.1x8"))
            self.assertFalse(quick.has("grid.f32.t1.1x32"))
            self.assertFalse(store.Store(Path(folder)).has("grid.f32.t1.1x8"))  # only a quick one
            self.assertFalse(
                store.Store(Path(folder), fresh=True, quick=True).has("grid.f32.t1.1x8")
            )
            with mock.patch.object(store, "program", lambda: "another"):
                self.assertFalse(quick.has("grid.f32.t1.1x8"))
            self.assertEqual([cell["key"] for cell in quick.cells()], ["grid.f32.t1.1x8"])


if __name__ == "__main__":
    unittest.main()
