"""Texts to answers: which texts, who takes part and how; needs no engine."""

import contextlib
import io
import json
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "bench"))

from compare.answers import sets, ways  # noqa: E402


class SetsTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.data = Path(folder.name)

    def write(self, name: str, text: str) -> None:
        (self.data / name).parent.mkdir(exist_ok=True)
        (self.data / name).write_text(text, encoding="utf-8")

    def test_stsb_has_no_header_and_two_sentences_a_row_in_order(self):
        self.write("stsb/sts-test.tsv", "g\tf\ty\t1\t5.0\tA \"girl.\tB  girl.\tmore\ng\tf\ty\t2\t1\tC.\tD.\n")
        self.assertEqual(sets.load("texts-stsb", self.data, False), ['A "girl.', "B girl.", "C.", "D."])

    def test_sst2_has_a_header_and_one_sentence_a_row(self):
        self.write("sst2/dev.tsv", "sentence\tlabel\na charm\t1\ndull\t0\n")
        self.assertEqual(sets.load("texts-sst2", self.data, False), ["a charm", "dull"])

    def test_xquad_gives_paragraphs_and_each_with_its_first_question(self):
        articles = [{"paragraphs": [{"context": "It\nstands.", "qas": [{"question": "What?"}, {"question": "Why?"}]}]}]
        self.write("qa/xquad.en.json", json.dumps({"data": articles}))
        self.assertEqual(sets.load("texts-xquad", self.data, False), ["It stands."])
        self.assertEqual(sets.load("texts-pairs", self.data, False), [["What?", "It stands."]])

    def test_a_quick_run_takes_a_sample(self):
        rows = "".join(f"text {i}\t0\n" for i in range(1000))
        self.write("sst2/dev.tsv", "sentence\tlabel\n" + rows)
        self.assertEqual(sets.load("texts-sst2", self.data, True)[:3], ["text 0", "text 7", "text 14"])

    def test_what_is_not_there_is_said(self):
        with contextlib.redirect_stdout(io.StringIO()) as said:
            self.assertIsNone(sets.load("texts-sst2", self.data, False))
        self.assertIn("skip texts-sst2", said.getvalue())


class WaysTest(unittest.TestCase):
    def test_batches_are_alike_in_length_and_longest_first(self):
        self.assertEqual(ways.by_length([3, 9, 1, 7, 5], 2), [[1, 3], [4, 0], [2]])
        self.assertEqual(ways.by_length([3, 9, 1], 1), [[0], [1], [2]])  # one by one, order does not matter
        self.assertEqual(ways.by_length([], 8), [])

    def test_calls_side_by_side_need_several_threads(self):
        self.assertEqual(ways.streams("onnxruntime", 2), (1, 2))
        self.assertEqual(ways.streams("onnxruntime", 1), (1,))
        self.assertEqual(ways.streams("fastembed", 2), (1,))

    def test_who_takes_part(self):
        self.assertIn("openvino-throughput-bf16", ways.contestants(False, "int8"))
        self.assertNotIn("openvino-throughput-bf16", ways.contestants(False, "f32"))
        self.assertNotIn("sentence-transformers", ways.contestants(False, "int8"))
        self.assertNotIn("fastembed", ways.contestants(True, "int8"))


if __name__ == "__main__":
    unittest.main()
