"""That the list of encoders (models/ENCODERS.md) claims nothing that no test holds."""
import pathlib
import re
import unittest

SOURCE = pathlib.Path(__file__).resolve().parents[2]
PAGE = SOURCE / "models/ENCODERS.md"
GOLDEN = [SOURCE / "tests/golden" / folder for folder in ("data", "sentence", "static")]


def rows():
    """The table: model, family and head, tokenizer and companions, and whether it loads, by what tests."""
    lines = [line for line in PAGE.read_text().splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if not line.startswith(("| model |", "| --- |"))]


class Encoders(unittest.TestCase):
    def test_there_are_sixty(self):
        models = [row[0] for row in rows()]
        self.assertGreaterEqual(len(models), 60)
        self.assertEqual(len(models), len(set(models)))

    def test_each_row_names_its_tests_or_a_reason(self):
        for model, _, _, loads in rows():
            with self.subTest(model):
                if loads.startswith("no: "):
                    self.assertGreater(len(loads), len("no: ") + 8)
                    continue
                found = re.fullmatch(r"yes(, \*\*real\*\*)?: (.+)", loads)
                self.assertIsNotNone(found, f"expected 'yes: CHECKPOINT, ...' or 'no: REASON', found {loads!r}")
                for name in found.group(2).split(", "):
                    self.assertTrue(any((folder / name).is_dir() for folder in GOLDEN), f"there is no golden checkpoint {name}")


if __name__ == "__main__":
    unittest.main()
