"""The report maker of the comparison, from a small fixture: needs no other engine and no package.

python3 -m unittest discover tests/bench
"""

import sys
import tempfile
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "bench"))

from compare import people, report, suites, tables  # noqa: E402
from compare.goals import goals  # noqa: E402
from compare.results import Results  # noqa: E402


class ReportTest(unittest.TestCase):
    def setUp(self):
        self.results = Results.load(HERE / "fixture.json")
        self.goals = {goal.what: goal for goal in goals(self.results)}

    def test_ratios_are_to_the_best_peer(self):
        self.assertEqual(self.results.ratio("grid", "f32", 1, "1x8"), 2.0)
        self.assertEqual(self.results.ratio("grid", "f32", 1, "1x32"), 0.9)
        self.assertIsNone(self.results.ratio("grid", "f32", 2, "1x8"))
        # Our own twin is no peer.
        self.assertEqual(self.results.ratio("ultrafast", "f32", 1, "1x128"), 3.4)

    def test_a_miss_is_said(self):
        goal = self.goals["DistilBERT-base shape, f32"]
        self.assertEqual(goal.verdict, "missed")
        self.assertIn("**least (1x32) 0.90x** of 1.00x", goal.reached)
        self.assertIn("1x8 2.00x", goal.reached)
        startup = self.goals["process start to first answer, int8; peak RSS"]
        self.assertEqual(startup.verdict, "missed")
        self.assertIn("start 25.0 ms", startup.reached)
        self.assertIn("**peak RSS 90.0 MB** of 86.0 MB", startup.reached)
        lengths = self.goals["SST-2 dev, int8, batches of 32 in arrival order"]
        self.assertIn("arrival 1.80x", lengths.reached)
        self.assertIn("**against sorted 1.10x** of 1.20x", lengths.reached)

    def test_what_was_not_measured_is_not_reached(self):
        self.assertEqual(self.goals["DistilBERT-base shape, bf16"].verdict, "not measured")
        self.assertEqual(
            self.goals["DistilBERT-base shape, int8"].verdict, "reached as far as measured"
        )
        twin = self.goals["UltraFastBERT-1x11 shape, f32, against its dense twin, 1x128"]
        self.assertEqual(twin.verdict, "reached")

    def test_the_layer_is_compared_with_others_only(self):
        hot = next(goal for what, goal in self.goals.items() if "one layer repeated" in what)
        self.assertEqual(hot.verdict, "reached as far as measured")  # one count of tokens
        self.assertIn("f32 1: 150x", hot.reached)  # MKL's 300 us over 2, not our dense layer's 100
        cold = next(goal for what, goal in self.goals.items() if "in rotation" in what)
        self.assertIn("**bf16 8: 35.0x** of 40.0x", cold.reached)

    def test_trees_are_as_wide_as_the_dense_layer_that_takes_as_long(self):
        name = "feedforward_avx2_int8_384_"
        us = {"none": 30, "d64": 100, "d256": 292, "d1536": 1572, "f8d7": 236, "f6d6+64": 246}
        rows = [{"name": f"{name}{shape}/32", "us": time} for shape, time in us.items()]
        rows += [{"name": row["name"].replace("384", "768"), "us": row["us"]} for row in rows]
        self.results.cells.append({"key": "trees", "part": "trees", "benchmarks": rows})
        goal = next(goal for goal in goals(self.results) if goal.what.startswith("several trees"))
        self.assertEqual(goal.reached, "avx2 int8 f8d7 32: 200; **avx2 int8 f6d6+64 32: 210** of 200")
        table = tables.forests(self.results)
        self.assertIn("| avx2 | int8 | 384 | 32 | 5.00 |", table)
        self.assertIn("| 34.3: 200 (goal 256) | 36.0: 210 (goal 200) | - |", table)
        self.assertIn("| 34.3: 200 | 36.0: 210 | - |", table)

    def test_products_are_held_to_the_limit_and_to_onednn(self):
        goal = next(goal for what, goal in self.goals.items() if what.startswith("products"))
        self.assertEqual(goal.verdict, "missed")
        self.assertIn(
            "**least share up to 8 rows (linear k768n3072m1) 80.0 %** of 85.0 %", goal.reached
        )
        self.assertIn("0.90x** of 0.97x", goal.reached)

    def people(self, cells: list[dict], features=("avx2", "avx512f")) -> dict:
        machine = {"cores": 2, "features": list(features)}
        shared = {"refused": {}, "commit": "abc1234", "date": "2026-11-30 10:00", "quick": False}
        self.shapes = Results(machine, [shared | cell for cell in cells])
        return {goal.what.split(",")[0]: goal for goal in people.goals(self.shapes)}

    def grid_cell(self, part: str, dtype: str, shape: str, **ms: float) -> dict:
        times = {name.replace("_", " "): value for name, value in ms.items()}
        return {"part": part, "key": f"{part}.{dtype}.t1.{shape}", "dtype": dtype, "threads": 1, "shape": shape, "median_ms": times}

    def test_the_shapes_that_people_run(self):
        cells = [self.grid_cell("minilm", "int8", shape, sapwood=1.0, openvino=1.4) for shape in people.SHAPES]
        cells += [self.grid_cell("minilm", "bf16", "1x8", sapwood=2.0, sapwood_f32=3.0, openvino=1.9)]
        cells += [self.grid_cell("students", "int8", "1x32", sapwood=1.0, sapwood_dense=2.0, openvino=2.7)]
        found = self.people(cells)
        narrow = found["hidden 384 (MiniLM-L6"]
        self.assertIn("MiniLM-L6 int8 mean 1.40x", narrow.reached)
        self.assertIn("**MiniLM-L6 bf16 least (1x8) 0.95x** of 1.00x", narrow.reached)
        self.assertNotIn("bf16 mean", narrow.reached)  # of one shape there is none
        self.assertIn("MiniLM-L6 1x8 1.50x", found["bf16 beside our own f32"].reached)
        self.assertEqual(found["AVX2 alone"].verdict, "not measured")  # this machine has more
        student = found["shipped FFF student"].reached
        self.assertEqual(student, "its dense teacher here 2.00x; **the teacher in the best other engine 2.70x** of 2.80x")
        found = self.people(cells, features=("avx2",))
        self.assertIn("MiniLM-L6 int8 mean 1.40x", found["AVX2 alone"].reached)
        self.assertEqual(found["hidden 384 (MiniLM-L6"].verdict, "not measured")

    def test_texts_to_answers(self):
        cell = {"part": "texts-stsb", "key": "texts-stsb.int8.t1", "dtype": "int8", "threads": 1, "texts": 100,
                "title": "sentences of STS-B test", "checks": {"sapwood": {"cosine": 0.998}},
                "ways": {"openvino-static": {"batch": 8, "streams": 1}, "onnxruntime": {"batch": 1, "streams": 2}},
                "tried": [{"name": "torch", "way": {"batch": 8, "streams": 1}, "per_s": 9.0}],
                "median_ms": {"sapwood": 100.0, "sapwood fff": 50.0, "openvino-static": 230.0, "onnxruntime": 400.0}}  # fmt: skip
        found = self.people([cell])["text to vector"]
        self.assertEqual(found.reached, "1 thread: dense 2.30x; 1 thread: FFF 4.60x")
        table = tables.texts(self.shapes.cells[0])
        self.assertIn("| sapwood fff | all in one call | 2000 | 4.60 | - |", table)
        self.assertIn("| openvino-static | batches of 8 | 435 | 1.00 | - |", table)
        self.assertIn("| onnxruntime | 2 x one text | 250 |", table)
        self.assertIn("torch, batches of 8: 9", table)

    def test_page(self):
        page = report.page(self.results, {"grid-f32-t1"})
        self.assertIn("Test CPU", page)
        self.assertIn("openvino 2026.4.1", page)
        self.assertIn("![DistilBERT-base shape, f32, one thread](grid-f32-t1.png)", page)
        self.assertIn("| sapwood | **5.00** | 20.0 |", page)
        self.assertIn("| best peer / sapwood | 2.00 | 0.90 |", page)
        self.assertIn("Left out: ctranslate2: its output differs.", page)
        self.assertIn("Short runs (`--quick`), good for a first look only: grid.int8.t1.1x8", page)
        self.assertIn("sapwood 0.99910", page)
        self.assertIn(
            "| linear | k768n3072m1 | avx2 | 10.0 | 9.00 | - | 0.90 | peak % 80.0 |", page
        )

    def test_written_results_are_read_again(self):
        with tempfile.TemporaryDirectory() as folder:
            report.write(self.results, Path(folder))
            again = Results.load(Path(folder) / "results.json")
            self.assertEqual(again.cells, self.results.cells)
            self.assertTrue((Path(folder) / "README.md").read_text().startswith("# Sapwood"))

    def test_nothing_measured_gives_empty_sections(self):
        self.assertEqual(tables.grid(Results(), "grid", "f32", 1), "")
        self.assertEqual({goal.verdict for goal in goals(Results())}, {"not measured"})

    def test_suites_are_read_by_name(self):
        row = {"name": "cmm_hot/8/manual_time", "real_time": 0.02, "time_unit": "ms", "median": 19.5,
               "iterations": 5, "GB/s": 3.0}  # fmt: skip
        self.assertEqual(
            suites.parse(row), {"name": "cmm_hot/8", "us": 19.5, "counters": {"GB/s": 3.0}}
        )
        del row["median"]
        self.assertEqual(suites.parse(row)["us"], 20.0)


if __name__ == "__main__":
    unittest.main()
