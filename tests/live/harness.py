"""What the live comparisons share: running the command line tool, choosing instruction sets, counting."""

import functools
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2]
SHARED = SOURCE.parent / "shared"
GOLDEN = SOURCE / "tests" / "golden"


class ToolError(Exception):
    """The tool failed or said something else than JSON lines."""


class Sapwood:
    """The command line tool, asked in JSON lines."""

    def __init__(self, path: str):
        self.path = str(Path(path).resolve())

    @functools.cache
    def help(self, task: str) -> str:
        return subprocess.run([self.path, task, "--help"], capture_output=True, text=True).stdout

    def flag(self, task: str, *names: str) -> str:
        """The first of these option names that the task has."""
        words = self.help(task).replace(",", " ").replace("=", " ").replace("[", " ").split()
        for name in names:
            if name in words:
                return name
        raise ToolError(f"sapwood {task} --help names no {' or '.join(names)}")

    def ask(self, task: str, model, records: list[dict], *options) -> list:
        """One JSON value for each record, in order."""
        with tempfile.NamedTemporaryFile("w", suffix=".jsonl", encoding="utf-8") as file:
            # Escaped, so that a lone line separator in a text cannot end its line.
            file.write("".join(json.dumps(record) + "\n" for record in records))
            file.flush()
            command = [
                self.path,
                task,
                "-m",
                str(model),
                "--input-format",
                "jsonl",
                "-i",
                file.name,
            ]
            command += ["--format", "jsonl", *map(str, options)]
            done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8")
        lines = [json.loads(line) for line in done.stdout.split("\n") if line]
        if len(lines) != len(records) or done.returncode not in (0, 1):
            said = done.stderr.strip().splitlines()[-1:] or ["nothing on standard error"]
            raise ToolError(
                f"sapwood {task} -m {model}: exit {done.returncode}, {len(lines)} results for "
                f"{len(records)} inputs; it said: {said[0]}"
            )
        return lines

    def run(self, *arguments) -> str:
        """Its standard output."""
        done = subprocess.run([self.path, *map(str, arguments)], capture_output=True, text=True)
        if done.returncode != 0:
            raise ToolError(
                f"sapwood {arguments[0]}: exit {done.returncode}: {done.stderr.strip()[-300:]}"
            )
        return done.stdout

    def json(self, *arguments) -> dict:
        return json.loads(self.run(*arguments))


def instruction_sets() -> dict[str, bool]:
    """Name -> whether this CPU has it, by the kernel's word."""
    flags = set()
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("flags"):
            flags = set(line.split(":", 1)[1].split())
            break
    return {
        "scalar": True,
        "avx2": {"avx2", "fma"} <= flags,
        "avx512": {"avx512f", "avx512bw", "avx512dq", "avx512vl"} <= flags,
    }


class Report:
    """Counts checks by name and ends the script."""

    def __init__(self, verbose: bool = False):
        self.passed = self.failed = self.skipped = 0
        self.left_out = set()  # (model, text): FFF texts too close to call
        self.verbose = verbose

    def check(self, name: str, problems: list[str], note: str = "") -> None:
        if problems:
            self.failed += 1
            print(f"FAIL {name}: {len(problems)} differences; the first: {problems[0]}", flush=True)
        else:
            self.passed += 1
            if note or self.verbose:
                print(f"ok   {name}{': ' + note if note else ''}", flush=True)

    def skip(self, name: str, reason: str) -> None:
        self.skipped += 1
        print(f"skip {name}: {reason}", flush=True)

    def attempt(self, name: str, comparison) -> None:
        """Runs comparison() -> (problems, note); a tool that fails is a difference too."""
        try:
            problems, note = comparison()
        except (ToolError, KeyError, TypeError, IndexError, ValueError) as error:
            problems, note = [f"{type(error).__name__}: {error}"], ""
        self.check(name, problems, note)

    def finish(self) -> None:
        if self.left_out:
            print(f"{len(self.left_out)} texts left out: an FFF decision with |z| < 1e-5")
        print(f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped")
        sys.stdout.flush()
        os._exit(1 if self.failed else 0)  # some numeric libraries are slow to unload


def packages_missing(*names: str) -> str | None:
    """Why these packages cannot be used, or None."""
    import importlib

    for name in names:
        try:
            importlib.import_module(name)
        except Exception as error:  # a broken installation may raise anything
            return f"Python package {name} is not usable ({type(error).__name__}: {error})"
    return None


def unreadable(model: Path) -> str | None:
    """Why the installed transformers cannot answer for this directory, or None."""
    import transformers

    config = json.loads((model / "config.json").read_text(encoding="utf-8"))
    if config["model_type"] not in transformers.CONFIG_MAPPING:
        return f"transformers {transformers.__version__} has no {config['model_type']}"
    if config["model_type"] == "nomic_bert" and "n_embd" in config:
        return "transformers reads no NomicBERT configuration with its authors' keys"
    return None
