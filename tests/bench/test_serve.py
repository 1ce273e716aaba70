"""What is computed of the server's requests, and its goals: needs no server and no package."""

import json
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "bench"))

from compare import report  # noqa: E402
from compare.results import Results  # noqa: E402
from compare.serving import figures, goals, open_loop, tables, texts  # noqa: E402
from compare.serving.figures import Answer  # noqa: E402


def answer(start=0.0, latency=10.0, status=200, body=0, late=0.0) -> Answer:
    return Answer(start, latency, late, status, body)


class FiguresTest(unittest.TestCase):
    def test_a_percentile_is_the_nearest_rank(self):
        hundred = list(range(100, 0, -1))
        self.assertEqual(figures.percentile(hundred, 0.5), 50)
        self.assertEqual(figures.percentile(hundred, 0.99), 99)
        self.assertEqual(figures.percentile(hundred, 1.0), 100)
        self.assertEqual(figures.percentile([7], 0.99), 7)
        self.assertEqual(figures.percentile([1, 2], 0.5), 1)
        self.assertIsNone(figures.percentile([], 0.5))

    def test_requests_are_read_as_load_http_writes_them(self):
        with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
            file.write("0.250000 12.5000 0.1000 429 7\n")
            file.flush()
            self.assertEqual(Answer.read(Path(file.name)), [answer(0.25, 12.5, 429, 7, 0.1)])

    def test_a_closed_loop_counts_what_ended_after_the_warm_up_and_in_time(self):
        # Of 10 s the first 1.5 do not count; the last answer came after the end.
        answers = [answer(0, 1400), answer(1, 600), answer(5, 100), answer(9.9, 200)]
        found = figures.closed_loop(answers, 10)
        self.assertAlmostEqual(found["per_s"], 2 / 8.5)
        self.assertEqual((found["p50"], found["p99"], found["failed"]), (100, 600, 0))
        self.assertEqual(figures.closed_loop([answer(status=0)], 10)["failed"], 1)

    def test_goodput_is_the_work_of_answers_in_time(self):
        work = [10.0, 100.0, 1000.0]
        answers = [
            answer(latency=100, body=0),  # just in time
            answer(latency=101, body=1),  # late
            answer(latency=1, status=429, body=2),
            answer(latency=1, body=2),
        ]
        self.assertEqual(figures.goodput(answers, work, 100), 1010)
        self.assertEqual(figures.goodput(answers, work, None), 1110)
        found = figures.open_loop(answers, work, 100, processor=2.0)
        self.assertEqual(found["goodput"], 505)
        self.assertAlmostEqual(found["in_time"], 1010 / 2110)
        self.assertEqual(found["statuses"], {"200": 3, "429": 1})

    def test_refusals_are_429_alone_and_have_a_limit(self):
        answers = [answer(latency=4.9, status=429)] * 3 + [answer(latency=5, status=429), answer(status=503)]
        self.assertEqual(figures.refusals(answers), {"count": 4, "fast": 0.75, "p999": 5})
        self.assertIsNone(figures.refusals([answer()])["fast"])


def a_round(goodputs: dict, memory: int = 100) -> dict:
    phases = {
        name: {
            "p50": 10.0, "p99": 20.0, "goodput": value, "in_time": 1.0, "generator": 0.1, "late_p99": 0.1,
            "memory": memory, "refusals": {"count": 10 if "4x" in name else 0, "fast": 0.9 if "4x" in name else None},
        }
        for name, value in goodputs.items()
    }  # fmt: skip
    lists = {"p50": 10.0, "p99": 40.0}
    return {"capacity": 100.0, "service_ms": 5.0, "lists": lists} | phases


class OpenLoopTest(unittest.TestCase):
    def test_goodput_is_beside_the_best_load_of_its_round(self):
        names = [phase.name for phase in open_loop.PHASES]
        first = a_round(dict(zip(names, (50.0, 80.0, 100.0, 90.0, 10.0))))
        second = a_round(dict(zip(names, (50.0, 200.0, 180.0, 180.0, 10.0))), memory=110)
        cell = open_loop.summary([first, second])
        self.assertAlmostEqual(cell["2x"]["goodput"], (1.0 + 0.9) / 2)
        self.assertAlmostEqual(cell["4x"]["goodput"], 0.9)
        self.assertEqual(cell["0.5x"]["p99_services"], 4)
        self.assertEqual(cell["lists"]["p99_services"], 8)
        self.assertEqual((cell["refused"], cell["fast_refusals"]), (20, 0.9))
        self.assertAlmostEqual(cell["memory_growth"], 1.1)
        cell |= {"part": "serve", "what": "open", "model": "fff-sst2", "key": "k"}
        said = goals.Goal("", "", goals.open_loop(Results({}, [cell]), "fff-sst2"))
        self.assertEqual(said.verdict, "missed")
        self.assertIn("**at 4x 90.0 %** of 95.0 %", said.reached)
        self.assertIn("**memory 1.10x** of 1.05x", said.reached)
        self.assertIn("0.5x p99 4.00", said.reached)
        self.assertIn("| 4x | 10.0 | 20.0 | 2.00 | 4.00 | 100.0 | 90.0 |", tables.open_loop(cell))

    def test_lists_bring_the_asked_share_of_the_texts(self):
        mix = texts.Mix("m", ["a b", "c"], [4, 3])
        with tempfile.TemporaryDirectory() as folder, mock.patch.object(texts, "FOLDER", Path(folder)):
            file, work, single = mix.with_lists(64, 0.5, 20_000, pairs=True)
            bodies = [json.loads(line)["inputs"] for line in file.read_text().splitlines()]
        self.assertEqual(len(bodies), 20_000)
        self.assertEqual({type(b) for b, one in zip(bodies, single) if one}, {str})
        self.assertEqual({(len(b), type(b[0])) for b, one in zip(bodies, single) if not one}, {(64, list)})
        lists = 64 * single.count(False)
        self.assertAlmostEqual(lists / (lists + single.count(True)), 0.5, delta=0.05)
        self.assertTrue(all(3 <= w <= 4 if one else 192 <= w <= 256 for w, one in zip(work, single)))


def contest(model: str, clients: int, **kinds) -> dict:
    return {"part": "serve", "what": "peers", "model": model, "clients": clients, **kinds}


class GoalsTest(unittest.TestCase):
    def setUp(self):
        us, them = "sapwood", ("onnxruntime, 2 x 1, batch 1", "openvino, 1 x 2, batch 8")
        self.results = Results({}, [
            contest("minilm", 1, per_s={us: 9, them[0]: 1}, p50={us: 1.0, them[0]: 3.0}, p99={us: 4.0, them[0]: 3.0}),
            contest("minilm", 64, per_s={us: 300, them[0]: 100, them[1]: 120},
                    p50={us: 1.0, them[0]: 2.0, them[1]: 1.5}, p99={us: 1.0, them[0]: 2.0, them[1]: 3.0}),
            contest("distilbert", 64, per_s={us: 240, them[0]: 100}, p50={}, p99={}),
            {"part": "serve", "what": "bare", "model": "distilbert", "per_s": {us: 240, "openvino": 120, "onnxruntime": 80}},
            {"part": "serve", "what": "overhead", "model": "m", "tokens": 8, "ms": {"added": 0.05}},
            {"part": "serve", "what": "share", "model": "m", "clients": 8, "wall": 0.85, "processor": 0.95},
            {"part": "serve", "what": "idle", "tls": True, "bytes": 16000}, {"part": "serve", "what": "idle", "tls": False, "bytes": 8100},
            {"part": "serve", "what": "ready", "ms": 99.0},
        ])  # fmt: skip
        self.goals = {goal.what.removeprefix("serve: "): goal for goal in goals.goals(self.results)}

    def test_the_best_other_server_counts(self):
        goal = self.goals["MiniLM-L6 int8 beside Python servers of it"]
        self.assertEqual(goal.verdict, "missed")
        self.assertIn("throughput 2.50x", goal.reached)
        self.assertIn("p50, least (64 clients) 1.50x", goal.reached)
        self.assertIn("**p99, least (1 clients) 0.75x** of 1.00x", goal.reached)

    def test_servers_are_put_over_their_bare_engines(self):
        self.assertAlmostEqual(goals.beside_bare(self.results), 2.4 / 2.0)

    def test_each_has_its_verdict(self):
        verdicts = {what: goal.verdict for what, goal in self.goals.items()}
        self.assertEqual(verdicts["one client, over the library's own call"], "reached")
        shares = "all cores, share of the library's own throughput, by wall and by processor time"
        self.assertEqual(verdicts[shares], "missed")
        self.assertIn("m, 8 clients, processor 0.95x", self.goals[shares].reached)
        self.assertEqual(verdicts["an idle connection"], "missed")
        self.assertEqual(verdicts["process start to ready, five models"], "reached")
        self.assertEqual(verdicts["open loop, DistilBERT-base int8"], "not measured")
        self.assertEqual({goal.verdict for goal in goals.goals(Results())}, {"not measured"})

    def test_a_report_keeps_what_was_measured_elsewhere(self):
        def results(**dates):
            cells = [{"key": key, "part": "p", "date": date, "commit": "c"} for key, date in dates.items()]
            return Results({"versions": {"torch": "2"}, "cpu": "x"}, cells)

        with tempfile.TemporaryDirectory() as folder:
            self.assertEqual(len(report.merge(Path(folder), results(a="new")).cells), 1)
            results(a="old", b="old").save(Path(folder) / "results.json")
            merged = report.merge(Path(folder), results(a="new", c="new"))
            self.assertEqual({c["key"]: c["date"] for c in merged.cells}, {"a": "new", "b": "old", "c": "new"})


if __name__ == "__main__":
    unittest.main()
