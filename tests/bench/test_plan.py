"""What is measured in which order, and what a budget does to it: needs no engine."""

import argparse
import contextlib
import io
import sys
import time
import unittest
from pathlib import Path
from unittest import mock

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "bench"))

from compare import __main__ as program  # noqa: E402
from compare import parts, plan, rounds  # noqa: E402
from compare.plan import Job, Pick  # noqa: E402

TYPES = ("f32", "bf16", "int8")


def names(asked_parts=parts.NAMES, dtypes=TYPES, threads=(1, 2)) -> list[str]:
    asked = parts.Asked(asked_parts, dtypes, list(threads), Path("data"))
    return [job.name for job in parts.jobs(asked, None, None)]


class OrderTest(unittest.TestCase):
    def test_ranks_come_first_and_types_within_them(self):
        jobs = [Job(part, print, dtype, threads) for part in "ab" for dtype in TYPES for threads in (1, 2)]
        order = [Pick("b", ("int8", "f32")), Pick("a", ("bf16",), all_cores=True)]
        found = [job.name for job in plan.ordered([*jobs, Job("c", print)], order)]
        self.assertEqual(found[:3], ["b.int8.t1", "b.f32.t1", "a.bf16.t2"])
        self.assertEqual(found[3:5], ["a.f32.t1", "a.f32.t2"])  # what has no rank keeps its place
        self.assertEqual(len(found), 13)

    def test_the_most_used_model_is_first_and_nothing_is_lost(self):
        found = names()
        self.assertEqual(found[:2], ["minilm.int8.t1", "texts-stsb.int8.t1"])
        self.assertEqual(len(found), len(set(found)))
        self.assertEqual({name.split(".")[0] for name in found}, set(parts.NAMES))
        self.assertNotIn("students.f32.t1", found)  # the shipped file is int8

    def test_every_part_has_a_rank(self):
        self.assertEqual({pick.part for pick in parts.ORDER}, set(parts.NAMES))

    def test_only_what_is_asked_for(self):
        self.assertEqual(names(("minilm",), ("f32",), (1,)), ["minilm.f32.t1"])


@mock.patch("traceback.print_exc", lambda: None)
class BudgetTest(unittest.TestCase):
    def setUp(self):
        self.done, self.reports = [], 0

    def report(self) -> None:
        self.reports += 1

    def job(self, name: str, error: Exception | None = None) -> Job:
        def run() -> None:
            if error:
                raise error
            self.done.append(name)

        return Job(name, run)

    def test_a_report_after_each_job_and_failures_do_not_end_the_run(self):
        jobs = [self.job("a"), self.job("b", ValueError("no")), self.job("c")]
        self.assertEqual(plan.work_through(jobs, self.report, None), (["b"], []))
        self.assertEqual((self.done, self.reports), (["a", "c"], 3))

    def test_who_runs_out_of_time_is_the_first_that_is_left(self):
        jobs = [self.job("a"), self.job("b", rounds.OutOfTime()), self.job("c")]
        deadline = time.monotonic() + 60
        self.assertEqual(plan.work_through(jobs, self.report, deadline), ([], ["b", "c"]))
        self.assertEqual(self.reports, 2)  # the second's cells as well

    def test_no_job_begins_after_the_deadline(self):
        self.assertEqual(plan.work_through([self.job("a")], self.report, time.monotonic()), ([], ["a"]))
        self.assertEqual(self.done, [])

    def test_no_cell_begins_after_the_deadline(self):
        late = rounds.Settings(deadline=time.monotonic())
        with self.assertRaises(rounds.OutOfTime):
            rounds.shape_cell([], (1, 8), late)
        rounds.Settings().require_time()

    def test_the_option_wants_minutes(self):
        self.assertEqual(program.minutes("0.5"), 0.5)
        for wrong in ("0", "-1", "soon", "nan", "inf"):
            with self.assertRaises(argparse.ArgumentTypeError, msg=wrong):
                program.minutes(wrong)
        with mock.patch.object(sys, "argv", ["bench", "--budget", "x"]), contextlib.redirect_stderr(io.StringIO()):
            with self.assertRaises(SystemExit):
                program.arguments()


if __name__ == "__main__":
    unittest.main()
