"""Two builds of the program, one against the other: tools/bench --against OTHER/sapwood. Needs Python alone.

For each cell both programs take turns, in an order that is swapped from round to round, and the paired ratios decide
(paired.py). Status 1: a cell has become slower, or the new program cannot do it; 2: nothing could be compared.
"""

import argparse
import hashlib
import json
import os
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from . import machine, paired, random_model
from .contestants import COPIED, Process, Refused, check_answer, clocks
from .paths import SAPWOOD, SHIPPED, WORK
from .programs import CompareFailed, converted, difference, run
from .startup import TEXT, Start

START = "start"
RELOAD = 5  # rounds after which both programs are started anew: where memory lies is luck, and differs by a percent
CLOCKS = ("wall", "processor", "memory")


@dataclass(frozen=True)
class Settings:
    rounds: int = paired.LEAST_ROUNDS
    seconds: float = 0.1  # a turn, at least
    isa: str = "auto"


@dataclass
class Cell:
    name: str
    outputs: str  # "identical", or how they differ
    ratios: dict  # of CLOCKS: paired.Ratio
    old: dict  # of CLOCKS: the median
    new: dict
    refused: str = ""  # why there is nothing, and whose fault it is
    failed: bool = False  # the new program's

    @property
    def slower(self) -> list[str]:
        return [clock for clock, ratio in self.ratios.items() if ratio.slower]


def cell_of(name: str, outputs: str, turns: dict) -> Cell:
    """turns["old"] and turns["new"]: a dictionary of clocks for each round."""
    ratios, medians = {}, {"old": {}, "new": {}}
    for clock in CLOCKS:
        times = {side: [turn[clock] for turn in turns[side] if clock in turn] for side in medians}
        if times["old"] and times["new"]:
            ratios[clock] = paired.ratio(times["old"], times["new"])
            for side in medians:
                medians[side][clock] = median(times[side])
    return Cell(name, outputs, ratios, medians["old"], medians["new"])


def order(number: int) -> tuple[str, str]:
    return ("old", "new") if number % 2 == 0 else ("new", "old")


def refusal(name: str, side: str, reason) -> Cell:
    return Cell(name, "", {}, {}, {}, f"the {side} program: {reason}", failed=side == "new")


class Loaded:
    """A program that holds a model and answers shapes."""

    def __init__(self, side: str, program: Path, file: Path, dtype: str, threads: int, settings: Settings):
        options = ["--threads", threads, "--seconds", settings.seconds, "--runs", 1, "--isa", settings.isa, *COPIED]
        command = [program, "bench", "-m", file, "--shapes", "-", "--json", *options]
        self.dtype, self.threads = dtype, threads
        self.process = Process(f"against-{side}", list(map(str, command)), {})

    def turn(self, shape: str) -> dict:
        answer = self.process.ask(shape)
        check_answer(answer, self.dtype, self.threads)
        return clocks(answer, shape)

    def peak(self) -> dict:
        """Resident at most, in MB, until now."""
        status = Path(f"/proc/{self.process.process.pid}/status").read_text()
        return {"memory": int(status.partition("VmHWM:")[2].split()[0]) / 1024}

    def close(self) -> None:
        self.process.close()


def time_shapes(load, shapes: list[str], rounds: int) -> dict:
    """load(side) gives a Loaded. The turns of each shape, and of "memory" the peaks, one a load."""
    turns = {shape: {"old": [], "new": []} for shape in [*shapes, "memory"]}
    loaded: dict = {}
    try:
        for number in range(rounds):
            if number % RELOAD == 0:
                finish(loaded, turns["memory"])
                for side in order(number // RELOAD):
                    try:
                        loaded[side] = load(side)
                        for shape in shapes:
                            loaded[side].turn(shape)  # touches its memory
                    except Refused as reason:
                        raise CompareFailed(side, str(reason)) from None
            for shape in shapes:
                for side in order(number):
                    try:
                        turns[shape][side].append(loaded[side].turn(shape))
                    except Refused as reason:
                        raise CompareFailed(side, str(reason)) from None
        finish(loaded, turns["memory"])
    finally:
        for program in loaded.values():
            program.close()
    return turns


def finish(loaded: dict, peaks: dict) -> None:
    for side, program in loaded.items():
        peaks[side].append(program.peak())
    while loaded:
        loaded.popitem()[1].close()


def memory_cell(name: str, peaks: dict) -> Cell:
    """Too few loads for an interval, but they hardly differ: from the least to the largest ratio."""
    old, new = ([turn["memory"] for turn in peaks[side]] for side in ("old", "new"))
    found = [n / o for o, n in zip(old, new)]
    ratio = paired.Ratio(median(found), min(found), max(found))
    return Cell(name, "", {"memory": ratio}, {"memory": median(old)}, {"memory": median(new)})


def compare_models(programs: dict, asked, settings: Settings, folder: Path):
    """The cells of each model, type and count of threads."""
    for model in asked.model:
        if model == START:
            continue
        for dtype in asked.dtype:
            name = f"{model} {dtype}"
            try:
                files = {
                    side: converted(side, programs[side], random_model.directory(model), dtype, folder)
                    for side in programs
                }
                for threads in asked.threads:
                    yield from compare_threads(name, programs, files, dtype, threads, asked.shapes, settings)
            except CompareFailed as failed:
                yield refusal(name, failed.side, failed)
            for file in folder.glob("*.safetensors"):
                file.unlink()


def compare_threads(name, programs, files, dtype, threads, shapes, settings):
    outputs = {shape: difference(programs, files, threads, shape, settings.isa) for shape in shapes}

    def load(side: str) -> Loaded:
        return Loaded(side, programs[side], files[side], dtype, threads, settings)

    turns = time_shapes(load, shapes, settings.rounds)
    label = f"{threads} thread" + ("s" if threads > 1 else "")
    for shape in shapes:
        yield cell_of(f"{name} {shape}, {label}", outputs[shape], turns[shape])
    yield memory_cell(f"{name}, peak, {label}", turns["memory"])


def compare_start(programs: dict, settings: Settings) -> Cell:
    """A process from its start to the answer for one text."""
    name = "start: classify of one text"
    options = ["classify", "-m", SHIPPED, "--threads", 1, "--isa", settings.isa, "--format", "jsonl", TEXT]
    turns, answers = {"old": [], "new": []}, {}
    for number in range(-1, 2 * settings.rounds):  # the first fills the page cache
        for side in order(number):
            start = Start(side, [programs[side], *options], {})
            try:
                turn = start.turn()
                if number < 0:
                    answers[side] = run(side, programs[side], *options)
            except (Refused, CompareFailed) as reason:
                return refusal(name, side, reason)
            if number >= 0:
                turns[side].append(turn | {"processor": start.processor[-1], "memory": start.peak[-1]})
    outputs = "identical" if answers["old"] == answers["new"] else "differ"
    return cell_of(name, outputs, turns)


def figure(ratio: paired.Ratio | None) -> str:
    if ratio is None:
        return ""
    return f"{ratio.median:.3f} ({ratio.low:.3f} to {ratio.high:.3f})" + (" **more**" if ratio.slower else "")


def row(cell: Cell) -> str:
    if cell.refused:
        return f"| {cell.name} | not compared: {cell.refused} | | | | | |"
    unit = "wall" if "wall" in cell.old else "memory"
    times = [f"{side[unit]:.4g}{' MB' if unit == 'memory' else ''}" for side in (cell.old, cell.new)]
    ratios = [figure(cell.ratios.get(clock)) for clock in CLOCKS]
    return "| " + " | ".join([cell.name, *times, *ratios, cell.outputs]) + " |"


def digest(program: Path) -> str:
    return hashlib.sha256(program.read_bytes()).hexdigest()[:12]


def table(cells: list[Cell], programs: dict, settings: Settings) -> str:
    head = ["cell", "old, ms", "new, ms", "wall, new/old", "processor, new/old", "peak memory, new/old", "outputs"]
    found = machine.describe()
    return "\n".join([
        f"New program {digest(programs['new'])}, old {digest(programs['old'])} (SHA-256), on {found['cpu']}, "
        f"{found['family']}, {found['cores']} cores, instruction set {settings.isa}: the "
        f"median of {settings.rounds} paired ratios and its interval at {paired.LEVEL:.0%}; \"more\" where that lies "
        f"wholly above {paired.LIMIT}. Peaks of memory: the least and the largest ratio of the loads.",
        "",
        "| " + " | ".join(head) + " |",
        "|" + " --- |" * len(head),
        *map(row, cells),
        "",
    ])  # fmt: skip


def verdict(cells: list[Cell]) -> tuple[int, str]:
    compared = [cell for cell in cells if not cell.refused]
    slower = [f"{cell.name} ({', '.join(cell.slower)})" for cell in compared if cell.slower]
    failed = [cell.name for cell in cells if cell.failed]
    if slower or failed:
        said = ["more than before: " + "; ".join(slower)] if slower else []
        said += ["the new program failed at: " + "; ".join(failed)] if failed else []
        return 1, "; ".join(said)
    if not compared:
        return 2, "nothing could be compared"
    return 0, f"none of {len(compared)} cells takes more than {paired.LIMIT} times what it took"


def at_least_rounds(text: str) -> int:
    if not text.isdigit() or int(text) < paired.LEAST_ROUNDS:
        raise argparse.ArgumentTypeError(f"expected at least {paired.LEAST_ROUNDS} rounds, found {text}")
    return int(text)


def program(text: str) -> Path:
    path = Path(text).resolve()
    if not (path.is_file() and os.access(path, os.X_OK)):
        raise argparse.ArgumentTypeError(f"expected a sapwood program, found {text}")
    return path


def arguments(given: list[str] | None = None) -> argparse.Namespace:
    models = (*random_model.MODELS, START)
    parser = argparse.ArgumentParser(prog="tools/bench", description=__doc__.partition("\n")[0])
    parser.add_argument("--against", required=True, type=program, metavar="OTHER", help="the old program")
    parser.add_argument("--program", type=program, default=SAPWOOD, help="the new one [this tree's]")
    parser.add_argument("--model", nargs="+", choices=models, default=models, metavar="MODEL",
                        help=f"{', '.join(models)}: which cells; default: all")  # fmt: skip
    parser.add_argument("--dtype", nargs="+", choices=("f32", "bf16", "int8"), default=("f32", "int8"))
    parser.add_argument("--shapes", nargs="+", default=("1x8", "1x128", "8x128"), metavar="TEXTSxTOKENS")
    parser.add_argument("--threads", nargs="+", default=("1", "all"), metavar="N", help="default: 1 all")
    parser.add_argument("--isa", default="auto", help="instruction set of both; default: the best there is")
    parser.add_argument("--rounds", type=at_least_rounds, default=paired.LEAST_ROUNDS,
                        help="paired rounds of each cell; %(default)s or more")  # fmt: skip
    parser.add_argument("--seconds", type=float, default=Settings.seconds, help="of a turn, at least")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the table")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure")
    asked = parser.parse_args(given)
    counts = [machine.cores() if count == "all" else int(count) for count in asked.threads]
    asked.threads = list(dict.fromkeys(counts))
    return asked


def main(given: list[str] | None = None) -> int:
    asked = arguments(given)
    settings = Settings(asked.rounds, asked.seconds, asked.isa)
    programs = {"old": asked.against, "new": asked.program}
    cells = []

    def keep(cell: Cell) -> None:
        cells.append(cell)
        print(row(cell), flush=True)

    WORK.mkdir(parents=True, exist_ok=True)
    if START in asked.model:
        keep(compare_start(programs, settings))
    with tempfile.TemporaryDirectory(dir=WORK) as folder:
        for cell in compare_models(programs, asked, settings, Path(folder)):
            keep(cell)
    status, said = verdict(cells)
    if asked.markdown:
        asked.markdown.write_text(table(cells, programs, settings))
    if asked.json:
        lines = [json.dumps(asdict(cell) | {"slower": cell.slower}) for cell in cells]
        asked.json.write_text("".join(line + "\n" for line in lines))
    print(said)
    return status


if __name__ == "__main__":
    sys.exit(main())
