"""That documents are whole: every one with blocks is run, every route has an example, every flag of the server is explained.

The environment variable SAPWOOD names the program.
"""
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from blocks import read_blocks, read_commands
from shell import Shell

SOURCE = pathlib.Path(__file__).resolve().parents[2]
DEPLOY = SOURCE / "tools/serve/deploy"
FLAG = re.compile(r"--[a-z][a-z-]+")


def listed():
    """The documents that CMakeLists.txt has a test for."""
    text = (SOURCE / "tests/docs/CMakeLists.txt").read_text()
    return set(re.search(r"set\(documents\s+([^)]*)\)", text).group(1).split())


def flags_of_serve():
    done = subprocess.run([os.environ["SAPWOOD"], "serve", "--help"], check=True, capture_output=True, text=True)
    own = [line for line in done.stdout.splitlines() if line.lstrip().startswith("-")]
    return set(FLAG.findall(" ".join(line.split("  ")[1] for line in own))) - {"--help"}


def commands_of(document):
    return [command.text for block in read_blocks(document.read_text()) if block.language == "console" and not block.reason
            for command in read_commands(block)]


class Documents(unittest.TestCase):
    def test_every_document_with_blocks_is_run(self):
        with_blocks = set()
        for folder in (".", "bench", "engine", "kernels", "models", "tests", "tokenizer", "tools"):
            for path in (SOURCE / folder).glob("*.md" if folder == "." else "**/*.md"):
                if re.search(r"^ {0,3}```", path.read_text(), re.MULTILINE):
                    with_blocks.add(str(path.relative_to(SOURCE)))
        with_blocks -= {path for path in with_blocks if path.startswith("tools/python/")}  # tools/python/test runs them all
        self.assertEqual(with_blocks, listed())

    def test_every_route_has_an_example(self):
        commands = commands_of(SOURCE / "tools/serve/HTTP.md")
        paths = json.loads((SOURCE / "tools/serve/openapi.json").read_text())["paths"]
        for path, operations in paths.items():
            if path.startswith("/models/"):
                continue  # the same routes with a model's name before them
            pattern = re.compile(r"localhost:3000(?:/models/[^/\s]+)?" + re.escape(path).replace(re.escape("{model}"), r"[^/\s]+") + r"(\s|$)")
            posts = {"--json" in command for command in commands if pattern.search(command)}
            for method in set(operations) & {"get", "post"}:
                self.assertTrue((method == "post") in posts, f"{method} {path} has no example in HTTP.md")

    def test_every_flag_of_the_server_is_in_the_table_and_no_other(self):
        rows = [line for line in (DEPLOY / "README.md").read_text().splitlines() if re.match(r"\| `-", line)]
        self.assertEqual(set(FLAG.findall(" ".join(row.split("|")[1] for row in rows))), flags_of_serve())

    def test_every_variable_of_the_server_is_in_the_table(self):
        done = subprocess.run([os.environ["SAPWOOD"], "serve", "--help"], check=True, capture_output=True, text=True)
        text = (DEPLOY / "README.md").read_text()
        for variable in re.findall(r"\(Env:(\w+)\)", done.stdout):
            self.assertTrue(f"`{variable}`" in text, variable)

    def test_metrics_are_explained(self):
        text = (SOURCE / "tools/serve/HTTP.md").read_text()
        with tempfile.TemporaryDirectory() as folder:
            shell = Shell(pathlib.Path(os.environ["SAPWOOD"]), pathlib.Path(folder), folder)
            shell.run("sapwood serve --quiet --threads 1")
            with urllib.request.urlopen(f"http://127.0.0.1:{shell.ports['3000']}/metrics") as answer:
                names = re.findall(r"^# TYPE (\w+) ", answer.read().decode(), re.MULTILINE)
            self.assertTrue(shell.close())
        self.assertGreater(len(names), 15)
        for name in names:
            self.assertTrue(f"`{name}`" in text, name)

    def test_flags_of_the_examples_of_deployment_exist(self):
        known = flags_of_serve()
        for name, pattern in (("Dockerfile", r"ENTRYPOINT (.*)"), ("sapwood.service", r"ExecStart=(.*)"),
                              ("kubernetes.yaml", r"args: (.*)"), ("kserve.yaml", r"args: (.*)")):
            found = re.findall(pattern, (DEPLOY / name).read_text())
            self.assertTrue(found, name)
            self.assertLessEqual(set(FLAG.findall(" ".join(found))), known, name)


if __name__ == "__main__":
    unittest.main()
