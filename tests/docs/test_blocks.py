"""What reads blocks and compares outputs: it must find what is wrong."""
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from blocks import DocumentError, difference, read_blocks, read_commands
from shell import Shell


class Blocks(unittest.TestCase):
    def test_blocks_have_language_line_and_text(self):
        blocks = read_blocks("# T\n\n```console\n$ a\nb\n```\n\n```sh no-run: needs a cluster\nc\n```\n")
        self.assertEqual([(b.language, b.line, b.text, b.reason) for b in blocks],
                         [("console", 4, "$ a\nb", ""), ("sh", 9, "c", "needs a cluster")])
        self.assertEqual([b.runs for b in blocks], [True, False])

    def test_text_right_below_a_program_is_its_output(self):
        blocks = read_blocks("```cpp\nx;\n```\n\n```text\n1\n```\n")
        self.assertEqual(blocks[0].expected, "1")
        blocks = read_blocks("```cpp\nx;\n```\n\nOr:\n\n```text\n1\n```\n")
        self.assertIsNone(blocks[0].expected)

    def test_blocks_that_are_neither_run_nor_shown_are_errors(self):
        for document in ("```\nx\n```\n", "```rust\nx\n```\n", "```sh skip\nx\n```\n", "```sh no-run:\nx\n```\n", "```sh\nx\n"):
            with self.assertRaises(DocumentError, msg=document):
                read_blocks(document)

    def test_commands_go_on_until_their_quotes_are_closed(self):
        block = read_blocks("```console\n$ a \\\n  b\n1\n2\n$ echo \"it 's\n x\"\n$ c\n```\n")[0]
        self.assertEqual([(c.line, c.text, c.expected) for c in read_commands(block)],
                         [(2, "a \\\n  b", "1\n2"), (6, "echo \"it 's\n x\"", None), (8, "c", None)])
        for text in ("```console\na\n```\n", "```console\n$ echo 'a\n```\n"):
            with self.assertRaises(DocumentError):
                read_commands(read_blocks(text)[0])


class Difference(unittest.TestCase):
    def test_outputs_that_are_as_shown(self):
        for expected, found in (("a b", "a\n  b\n"), ("[0.5,...]", "[0.51,0.2,7]"), ('{"n":4}', '{"n":4}'), ("x ... z", "x y\ny z"),
                                ("-0.5 1e-3", "-0.49 0.002"), ("200", "200\n")):
            self.assertIsNone(difference(expected, found), (expected, found))

    def test_outputs_that_are_not(self):
        for expected, found in (("a b", "a c"), ("[0.5,...]", "[0.7,0.2]"), ('{"n":4}', '{"n":5}'), ("x ... z", "x y"), ("200", "200 1"),
                                ("0.5", "-0.5"), ("a", ""), ("[1,2]", "[1,2,3]"), ("POSITIVE 0.99", "NEGATIVE 0.99")):
            self.assertIsNotNone(difference(expected, found), (expected, found))


class OneShell(unittest.TestCase):
    def test_commands_share_a_shell_and_failures_are_found(self):
        with tempfile.TemporaryDirectory() as folder:
            shell = Shell(pathlib.Path("/bin/true"), pathlib.Path(folder), folder)
            self.assertEqual(shell.run("word=tree\necho $word; echo oak >&2"), "tree\noak\n")
            self.assertEqual(shell.run("echo $word $(cat)"), "tree\n")  # nothing is read from the commands that follow
            for command in ("false", "no-such-command", "(exit 3)"):
                with self.assertRaises(DocumentError):
                    shell.run(command)
            self.assertEqual(shell.run("echo $word"), "tree\n")
            with self.assertRaises(DocumentError):
                shell.run("exit 0")
            self.assertTrue(shell.close())


if __name__ == "__main__":
    unittest.main()
