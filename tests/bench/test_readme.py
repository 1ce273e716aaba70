"""The README's table of speeds is the one that the reports give."""

import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "bench"))

from compare import readme  # noqa: E402


class Readme(unittest.TestCase):
    def test_the_table_is_that_of_the_newest_whole_report(self):
        name, results = readme.newest(ROOT / "bench/report")
        text = (ROOT / "README.md").read_text(encoding="utf-8")
        self.assertEqual(readme.replaced(text, readme.slot(name, results)), text)

    def test_the_goals_are_those_of_the_newest_report(self):
        text = (ROOT / "bench/README.md").read_text(encoding="utf-8")
        self.assertEqual(readme.replaced(text, readme.goals_slot(ROOT / "bench/report")), text)

    def test_reports_of_short_runs_or_without_a_cell_are_passed_over(self):
        name, results = readme.newest(ROOT / "bench/report")
        for cell in results.select("grid", dtype="int8", threads=1):
            cell["quick"] = True
        with tempfile.TemporaryDirectory() as folder:
            results.save(Path(folder) / name / "results.json")
            self.assertIsNone(readme.newest(Path(folder)))

    def test_only_what_stands_between_the_markers_is_replaced(self):
        text = f"before\n{readme.BEGIN}\nold\n{readme.END}\nafter {readme.END}\n"
        expected = f"before\n{readme.BEGIN}\nnew\n{readme.END}\nafter {readme.END}\n"
        self.assertEqual(readme.replaced(text, "new\n"), expected)


if __name__ == "__main__":
    unittest.main()
