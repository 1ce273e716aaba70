#!/usr/bin/env python3
"""Runs every code block of a document, and compares outputs with those that it shows (tests/docs/README.md).

usage: check.py DOCUMENT --program build/release/sapwood [--prefix FOLDER]
"""
import argparse
import pathlib
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from blocks import DocumentError, difference, read_blocks, read_commands
from programs import run_programs
from shell import Shell

SOURCE = pathlib.Path(__file__).resolve().parents[2]
GOLDEN = SOURCE / "tests/golden/data"
COMMIT = "0123456789" * 4  # of the model in the cache


def prepare(folder):
    """The files that documents speak of: models by the names they give them, texts, and a cache of the Hugging Face libraries."""
    for name, golden in {"MODEL": "bert-qa", "DIR": "st-bert-mean", "cross-encoder": "bert-cross-encoder", "question-answering": "bert-qa"}.items():
        (folder / name).symlink_to(GOLDEN / golden)
    (folder / "sentences.txt").write_text("a tree\nheartwood is dead\nsapwood is alive\n")
    (folder / "sts-test.tsv").write_text("".join(
        f"genre\tfile\tyear\t1\t{score}\ta {word} tree\tan old {word}\n" for score, word in ((5.0, "oak"), (3.5, "birch"), (1.0, "pine"), (0.5, "fir"))))
    home = folder / "home"
    snapshot = home / ".cache/huggingface/hub/models--sentence-transformers--all-MiniLM-L6-v2/snapshots" / COMMIT
    snapshot.parent.mkdir(parents=True)
    snapshot.symlink_to(GOLDEN / "st-bert-mean")
    (snapshot.parent.parent / "refs").mkdir()
    (snapshot.parent.parent / "refs/main").write_text(COMMIT)
    # As on a terminal: no progress in between, but errors.
    (home / ".curlrc").write_text("silent\nshow-error\n")
    return home


class Checker:
    """Runs the blocks of one document and counts."""

    def __init__(self, document, program, prefix, folder):
        self.document, self.prefix, self.folder = document, prefix, folder
        self.shell = Shell(program, folder, prepare(folder))
        self.failed = 0

    def expect(self, line, expected, found):
        if expected is not None and (problem := difference(expected, found)):
            self.fail(line, problem)

    def fail(self, line, problem):
        self.failed += 1
        print(f"{self.document}:{line}: {problem}", flush=True)

    def run_block(self, block):
        if block.language == "console":
            for command in read_commands(block):
                try:
                    self.expect(command.line, command.expected, self.shell.run(command.text))
                except DocumentError as error:
                    self.fail(command.line, f"{command.text}\n{error}")
        elif block.language == "sh":
            self.expect(block.line, block.expected, self.shell.run(block.text))
        else:
            program = self.shell.with_real_ports(block.text)
            done = subprocess.run([sys.executable, "-c", program], cwd=self.folder, env=self.shell.environment, timeout=120,
                                  stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            if done.returncode != 0:
                raise DocumentError(f"the program ended with status {done.returncode}:\n{done.stdout}")
            self.expect(block.line, block.expected, done.stdout)

    def run_compiled(self, blocks, language, name):
        chosen = [block for block in blocks if block.language == language]
        if not chosen:
            return
        if self.prefix is None:
            raise DocumentError(f"there are {language} blocks: --prefix says where the package is installed")
        for block, output in zip(chosen, run_programs(self.document, name, chosen, language, self.prefix, self.folder)):
            self.expect(block.line, block.expected, output)

    def run(self, blocks):
        name = str(self.document.relative_to(SOURCE))
        for block in blocks:
            if block.language in ("console", "sh", "python"):
                self.attempt(block.line, lambda: self.run_block(block))
        for language in ("cpp", "c"):
            self.attempt(1, lambda: self.run_compiled(blocks, language, name.replace("/", "-") if "/" in name else name))
        if not self.shell.close():
            self.fail(1, "a server ended badly")

    def attempt(self, line, run):
        try:
            run()
        except (DocumentError, OSError, subprocess.SubprocessError) as error:
            self.fail(line, str(error))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("document", type=pathlib.Path)
    parser.add_argument("--program", type=pathlib.Path, required=True)
    parser.add_argument("--prefix", type=pathlib.Path)
    arguments = parser.parse_args()
    document = arguments.document.resolve()
    blocks = read_blocks(document.read_text())
    chosen = [block for block in blocks if block.runs]
    compiled = any(block.language in ("c", "cpp") for block in chosen)
    needed = [tool for tool in ("curl", "openssl") if any(f"$ {tool} " in block.text for block in chosen)]
    for tool in needed + ["pkg-config"] * compiled:
        if shutil.which(tool) is None:
            print(f"skipped: there is no {tool}")
            return 0
    with tempfile.TemporaryDirectory() as folder:
        checker = Checker(document, arguments.program.resolve(), arguments.prefix, pathlib.Path(folder))
        checker.run(chosen)
    for block in blocks:
        if block.reason:
            print(f"{document.name}:{block.line}: not run: {block.reason}")
    idle = sum(1 for block in blocks if block.reason)
    print(f"{document.name}: {len(chosen)} blocks run, {idle} marked no-run, {checker.failed} failures")
    return 1 if checker.failed else 0


if __name__ == "__main__":
    sys.exit(main())
