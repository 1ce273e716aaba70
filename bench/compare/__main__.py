"""Measures and reports; tools/bench runs it. `tools/bench --help` lists the options."""

import argparse
import dataclasses
import os
import sys
import time
from pathlib import Path

from . import machine, parts, plan, readme, report
from .answers.ways import LIBRARIES
from .engines import PEERS, WITHOUT
from .paths import REPORT, ROOT, write_tokenizer
from .results import Results
from .rounds import QUICK, Settings
from .store import Store

DTYPES = ("f32", "bf16", "int8")


def minutes(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0
    if not 0 < value < 1e6:
        raise argparse.ArgumentTypeError(f"expected minutes, more than 0, found {text!r}")
    return value


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="tools/bench",
        description="Measures Sapwood beside other engines, interleaved in one run, the most telling cells first, and "
        "writes a report below bench/report after each part. An interrupted run goes on where it stopped.",
    )
    parser.add_argument(
        "--quick", action="store_true", help="some minutes: fewer rounds, fewer peers"
    )
    parser.add_argument("--only", nargs="+", choices=parts.NAMES, default=parts.NAMES, metavar="PART",
                        help=", ".join(parts.NAMES))  # fmt: skip
    parser.add_argument("--dtype", nargs="+", choices=DTYPES, default=DTYPES, metavar="DTYPE",
                        help=", ".join(DTYPES))  # fmt: skip
    parser.add_argument(
        "--threads", nargs="+", default=["1", "all"], help="counts of threads; default: 1 all"
    )
    peers = (*PEERS, *LIBRARIES)
    parser.add_argument("--without", nargs="+", choices=peers, default=[], metavar="PEER",
                        help="leave these out: " + ", ".join(peers))  # fmt: skip
    parser.add_argument("--rounds", type=int, help="rounds of each cell")
    parser.add_argument(
        "--fresh", action="store_true", help="measure again what this build has measured"
    )
    parser.add_argument("--budget", type=minutes, metavar="MINUTES",
                        help="begin no further cell after so long; what is missing is left for the next run")  # fmt: skip
    parser.add_argument(
        "--report", action="store_true", help="only write the report of what was measured"
    )
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data", metavar="FOLDER",
                        help="holds sst2/, stsb/, qa/ and corpus/; what is missing there is skipped")  # fmt: skip
    parser.add_argument(
        "--lock", metavar="FILE", help="locked during each round: for machines that several share"
    )
    return parser.parse_args()


def settings_of(asked: argparse.Namespace, start: float) -> Settings:
    WITHOUT.update(asked.without)
    settings = QUICK if asked.quick else Settings()
    deadline = start + 60 * asked.budget if asked.budget else None
    return dataclasses.replace(
        settings, lock=asked.lock, rounds=asked.rounds or settings.rounds, deadline=deadline
    )


def write_report(store: Store) -> Path | None:
    """Of all that has been measured, also by earlier runs; the report's path, None where there is nothing."""
    cells = store.cells()
    if not cells:
        return None
    from . import plots

    found = machine.describe()
    folder = REPORT / machine.slug(found)
    report.write(report.merge(folder, Results(found, cells)), folder, plots.draw)
    report.write_index(REPORT)
    readme.write()
    return folder / "README.md"


def measure(asked: argparse.Namespace, store: Store) -> int:
    """The exit status."""
    start = time.monotonic()
    settings = settings_of(asked, start)
    counts = [machine.cores() if count == "all" else int(count) for count in asked.threads]
    jobs = parts.jobs(parts.Asked(asked.only, asked.dtype, counts, asked.data), settings, store)
    failed, left = plan.work_through(jobs, lambda: write_report(store), settings.deadline)
    print(f"measured for {(time.monotonic() - start) / 60:.0f} minutes", flush=True)
    if left:
        print(f"the budget is used up; left for the next run: {', '.join(left)}")
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def main() -> None:
    asked = arguments()
    store, status = Store(fresh=asked.fresh, quick=asked.quick), 0
    if not asked.report:
        write_tokenizer()
        status = measure(asked, store)
    written = write_report(store)
    if written is None:
        sys.exit("tools/bench: nothing has been measured yet")
    print(f"wrote {os.path.relpath(written, ROOT)}")
    sys.exit(status)


if __name__ == "__main__":
    main()
