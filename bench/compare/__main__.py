"""Measures and reports; tools/bench runs it. `tools/bench --help` lists the options."""

import argparse
import dataclasses
import os
import sys
import time
from pathlib import Path

from . import grid, lengths, machine, readme, report, serving, startup, static_embedding, suites, tokenizing
from .engines import PEERS, WITHOUT
from .paths import REPORT, ROOT, write_tokenizer
from .results import Results
from .rounds import QUICK, Settings
from .store import Store

PARTS = (
    *grid.CONTESTS, lengths.PART, startup.PART, tokenizing.PART, static_embedding.PART, suites.LAYER, suites.TREES,
    suites.KERNELS, serving.PART,
)  # fmt: skip
DTYPES = ("f32", "bf16", "int8")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="tools/bench",
        description="Measures Sapwood beside onnxruntime, OpenVINO, CTranslate2 and PyTorch, interleaved in one "
        "run, and writes a report below bench/report. An interrupted run goes on where it stopped.",
    )
    parser.add_argument(
        "--quick", action="store_true", help="some minutes: fewer rounds, fewer peers"
    )
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, metavar="PART",
                        help=", ".join(PARTS))  # fmt: skip
    parser.add_argument("--dtype", nargs="+", choices=DTYPES, default=DTYPES, metavar="DTYPE",
                        help=", ".join(DTYPES))  # fmt: skip
    parser.add_argument(
        "--threads", nargs="+", default=["1", "all"], help="counts of threads; default: 1 all"
    )
    parser.add_argument("--without", nargs="+", choices=tuple(PEERS), default=[], metavar="PEER",
                        help="leave these out: " + ", ".join(PEERS))  # fmt: skip
    parser.add_argument("--rounds", type=int, help="rounds of each cell")
    parser.add_argument(
        "--fresh", action="store_true", help="measure again what this build has measured"
    )
    parser.add_argument(
        "--report", action="store_true", help="only write the report of what was measured"
    )
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data", metavar="FOLDER",
                        help="holds sst2/dev.tsv and corpus/wikitext-2.test.txt")  # fmt: skip
    parser.add_argument(
        "--lock", metavar="FILE", help="locked during each round: for machines that several share"
    )
    return parser.parse_args()


def measure(asked: argparse.Namespace, store: Store) -> None:
    WITHOUT.update(asked.without)
    settings = QUICK if asked.quick else Settings()
    settings = dataclasses.replace(
        settings, lock=asked.lock, rounds=asked.rounds or settings.rounds
    )
    counts = [machine.cores() if count == "all" else int(count) for count in asked.threads]
    for threads in dict.fromkeys(counts):
        for dtype in asked.dtype:
            for part in grid.CONTESTS:
                if part in asked.only and (part == "grid" or threads == 1):
                    grid.run(part, dtype, threads, settings, store)
            if lengths.PART in asked.only and threads == 1:
                lengths.run(dtype, threads, settings, store, asked.data)
    for dtype in asked.dtype:
        if startup.PART in asked.only:
            startup.run(dtype, settings, store)
    if tokenizing.PART in asked.only:
        tokenizing.run(settings, store, asked.data)
    if static_embedding.PART in asked.only:
        static_embedding.run(settings, store, asked.data)
    if suites.LAYER in asked.only:
        suites.run_layer(settings, store)
    if suites.TREES in asked.only:
        suites.run_trees(settings, store)
    if suites.KERNELS in asked.only:
        suites.run_kernels(settings, store)
    if serving.PART in asked.only:
        serving.run(settings, store, asked.data)


def main() -> None:
    asked, start = arguments(), time.perf_counter()
    store = Store(fresh=asked.fresh, quick=asked.quick)
    if not asked.report:
        write_tokenizer()
        measure(asked, store)
        print(f"measured in {(time.perf_counter() - start) / 60:.0f} minutes", flush=True)
    cells = store.cells()
    if not cells:
        sys.exit("tools/bench: nothing has been measured yet")
    from . import plots

    found = machine.describe()
    folder = REPORT / machine.slug(found)
    report.write(report.merge(folder, Results(found, cells)), folder, plots.draw)
    report.write_index(REPORT)
    readme.write()
    print(f"wrote {os.path.relpath(folder / 'README.md', ROOT)}")


if __name__ == "__main__":
    main()
