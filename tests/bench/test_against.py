"""Two builds compared: the statistics, and what is flagged of programs that are known to differ."""

import contextlib
import io
import json
import random
import sys
import tempfile
import unittest
from pathlib import Path
from statistics import median
from unittest import mock

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "bench"))

from compare import against, contestants, paired, random_model  # noqa: E402

# A program that answers as sapwood does: its times are FACTOR times random ones, its answers begin with VALUE.
FAKE = """#!{python}
import json, random, sys
factor, value, fails, dtype = {factor}, {value}, {fails!r}, "f32"
chance = random.Random({seed})
command = sys.argv[1]
if command in fails:
    sys.exit("sapwood: cannot " + command)
if command == "convert":
    open(sys.argv[sys.argv.index("-o") + 1], "w").close()
elif command == "classify":
    print(json.dumps({{"label": "POSITIVE", "score": value}}))
elif command == "embed":
    print(json.dumps({{"embedding": [[value, 0.5]]}}))
elif command == "bench":
    for line in sys.stdin:
        shape, threads = line.strip(), int(sys.argv[sys.argv.index("--threads") + 1])
        ms = factor * chance.uniform(9.5, 10.5)
        answer = {{"isa": "avx2", "dtype": dtype, "threads": threads}}
        print(json.dumps(answer | {{"median_ms": {{shape: ms}}, "processor_ms": {{shape: ms}}}}), flush=True)
"""


class PairedTest(unittest.TestCase):
    def test_the_interval_is_the_exact_one_of_the_binomial_distribution(self):
        # Tables of the sign test: ranks for a 95 % interval of the median.
        known = {6: 1, 8: 1, 9: 2, 11: 2, 12: 3, 15: 4, 20: 6, 25: 8, 30: 10}
        self.assertEqual({n: paired.interval_rank(n) for n in known}, known)
        with self.assertRaises(ValueError):
            paired.interval_rank(5)

    def test_the_interval_holds_the_true_median_as_often_as_it_says(self):
        chance, held, tries = random.Random(1), 0, 2000
        for _ in range(tries):
            old = [chance.lognormvariate(0, 0.1) for _ in range(15)]
            new = [1.05 * chance.lognormvariate(0, 0.1) for _ in range(15)]
            found = paired.ratio(old, new)
            held += found.low <= 1.05 <= found.high
        self.assertGreater(held / tries, 0.95)
        self.assertLess(held / tries, 0.98)  # nor is it wider than it must be: 96.5 % for 15

    def test_pairs_count_and_not_the_machine_that_drifts(self):
        drift = [1.0 + number for number in range(15)]
        found = paired.ratio(drift, [1.1 * time for time in drift])
        for value in (found.median, found.low, found.high):
            self.assertAlmostEqual(value, 1.1)
        self.assertTrue(found.slower)

    def test_one_wild_round_decides_nothing(self):
        found = paired.ratio([1.0] * 15, [1.0] * 12 + [50.0] * 3)
        self.assertEqual((found.median, found.high), (1.0, 1.0))

    def test_only_an_interval_wholly_above_the_limit_is_slower(self):
        self.assertFalse(paired.Ratio(1.10, 1.02, 1.2).slower)
        self.assertTrue(paired.Ratio(1.03, 1.021, 1.04).slower)

    def test_times_come_in_pairs(self):
        with self.assertRaises(ValueError):
            paired.ratio([1.0] * 15, [1.0] * 14)


class RandomModelTest(unittest.TestCase):
    def test_weights_are_written_and_of_the_scale_they_should_have(self):
        pool = random_model.Pool(size=1 << 12)
        from array import array

        values = array("f")
        values.frombytes(pool.take(10_000, 1.0, 0.1))
        self.assertEqual(len(values), 10_000)
        self.assertAlmostEqual(median(values), 1.0, places=1)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model.safetensors"
            random_model.write_weights(path, {"norm.weight": (3,), "x.weight": (2, 5)})
            data = path.read_bytes()
        size = int.from_bytes(data[:8], "little")
        header = json.loads(data[8 : 8 + size])
        self.assertEqual(header["x.weight"], {"dtype": "F32", "shape": [2, 5], "data_offsets": [12, 52]})
        self.assertEqual(len(data), 8 + size + 52)

    def test_a_text_has_as_many_words_as_it_has_tokens_besides_the_special_ones(self):
        texts = random_model.texts(3, 8)
        self.assertEqual([len(text.split()) for text in texts], [6, 6, 6])
        self.assertEqual(texts, random_model.texts(3, 8))
        self.assertEqual(len({random_model.word(i) for i in range(random_model.WORDS)}), random_model.WORDS)


class AgainstTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        for patch in (
            mock.patch.object(random_model, "directory", lambda name: self.folder / name),
            mock.patch.object(against, "WORK", self.folder),
            mock.patch.object(contestants, "LOGS", self.folder),
        ):
            patch.start()
            self.addCleanup(patch.stop)

    def fake(self, name: str, factor: float = 1.0, value: float = 0.25, fails: tuple = ()) -> Path:
        path = self.folder / name
        path.write_text(
            FAKE.format(python=sys.executable, factor=factor, value=value, fails=fails, seed=repr(name))
        )
        path.chmod(0o755)
        return path

    def compare(self, old: Path, new: Path, *options: str, model: str = "dense"):
        given = ["--against", old, "--program", new, "--model", model, "--dtype", "f32", "--threads", "1"]
        files = {"--json": self.folder / "out.json", "--markdown": self.folder / "out.md"}
        given += [part for pair in files.items() for part in pair]
        with contextlib.redirect_stdout(io.StringIO()) as out:
            status = against.main(list(map(str, [*given, "--shapes", "1x8", *options])))
        lines = files["--json"].read_text().splitlines()
        return status, [json.loads(line) for line in lines], files["--markdown"].read_text(), out.getvalue()

    def test_a_program_that_is_slower_is_flagged_with_status_1(self):
        status, cells, markdown, out = self.compare(self.fake("old"), self.fake("new", 1.1))
        self.assertEqual(status, 1)
        self.assertEqual(cells[0]["name"], "dense f32 1x8, 1 thread")
        self.assertEqual(cells[0]["slower"], ["wall", "processor"])
        self.assertAlmostEqual(cells[0]["ratios"]["wall"]["median"], 1.1, delta=0.05)
        self.assertIn("**more**", markdown)
        self.assertIn("more than before: dense f32 1x8, 1 thread (wall, processor)", out)

    def test_a_program_that_is_as_fast_or_faster_is_not(self):
        for factor in (1.0, 0.8):
            status, cells, markdown, _ = self.compare(self.fake("old"), self.fake("new", factor))
            self.assertEqual((status, cells[0]["slower"]), (0, []))
            self.assertNotIn("**more**", markdown)
            self.assertEqual(cells[0]["outputs"], "identical")

    def test_answers_that_differ_are_said(self):
        status, cells, markdown, _ = self.compare(self.fake("old"), self.fake("new", value=0.5))
        self.assertEqual(status, 0)
        self.assertEqual(cells[0]["outputs"], "differ by 2.5e-01 at most")
        self.assertIn("differ by 2.5e-01", markdown)

    def test_what_the_new_program_cannot_do_is_a_failure_and_what_the_old_one_cannot_is_not(self):
        for command in ("convert", "embed", "bench"):
            status, cells, _, _ = self.compare(self.fake("old"), self.fake("new", fails=(command,)))
            self.assertEqual(status, 1)
            self.assertIn("the new program: ", cells[0]["refused"])
            self.assertIn("cannot " + command, cells[0]["refused"])
        status, cells, _, out = self.compare(self.fake("old", fails=("bench",)), self.fake("new"))
        self.assertEqual(status, 2)
        self.assertIn("nothing could be compared", out)

    def test_the_start_of_a_process_is_a_cell(self):
        status, cells, _, _ = self.compare(self.fake("old"), self.fake("new"), model="start")
        self.assertEqual([cell["name"] for cell in cells], ["start: classify of one text"])
        self.assertEqual(set(cells[0]["ratios"]), {"wall", "processor", "memory"})
        self.assertEqual(cells[0]["outputs"], "identical")
        self.assertIn(status, (0, 1))

    def test_programs_take_turns_in_an_order_that_is_swapped(self):
        asked = []

        class Recorded:
            def __init__(self, side):
                self.side = side

            def turn(self, shape):
                asked.append(self.side)
                return {"wall": 1.0, "processor": 1.0}

            def peak(self):
                return {"memory": 1.0}

            def close(self):
                asked.append("close")

        turns = against.time_shapes(Recorded, ["1x8"], 6)
        self.assertEqual([len(turns["1x8"][side]) for side in ("old", "new")], [6, 6])
        self.assertEqual([len(turns["memory"][side]) for side in ("old", "new")], [2, 2])
        warm, five = ["old", "new"], ["old", "new", "new", "old"] * 2 + ["old", "new"]
        self.assertEqual(asked[:12], warm + five)
        # Loaded anew, the other one first.
        self.assertEqual(asked[12:], ["close", "close", "new", "old", "new", "old", "close", "close"])

    def test_wrong_usage(self):
        here = self.fake("old")
        for given in (
            ["--against", self.folder / "none"],
            ["--against", here, "--rounds", "14"],
            ["--against", here, "--rounds", "many"],
        ):
            with contextlib.redirect_stderr(io.StringIO()), self.assertRaises(SystemExit) as ended:
                against.main(list(map(str, given)))
            self.assertEqual(ended.exception.code, 2)


if __name__ == "__main__":
    unittest.main()
