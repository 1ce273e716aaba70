"""Converts the models that ship and lets the engine judge each file: python shipped.py --help

    python shipped.py --sapwood BIN --data DIR --exports DIR --files DIR  # converts, measures: results/shipped.json
    python shipped.py --sapwood BIN --data DIR --check                     # the files of models/ against their cards

The first writes ../NAME/model.safetensors in int8, FILES/NAME-{f32,bf16}.safetensors beside it, and runs `sapwood eval` on each,
one thread: {metric, seconds of CPU time, texts a second of CPU time}. --check compares what `sapwood eval` says of
each shipped file with the row of its card that ends in "(this file)": exit status 1 where a figure is more than 0.2 away
or the size differs.
"""

import argparse
import json
import pathlib
import re
import resource
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
MODELS = HERE.parent
# NAME: (export, options of `convert` for the shipped file)
SHIPPED = {
    "minilm-fff-sst2": ("sst2-f6d6-64-flip-s0", []),
    "minilm-fff-ner": ("ner-f6d6-64-flip-s0", []),
    "minilm-fff-embed": ("embed-f6d6-64-flip-s0", []),
    "minilm-fff-mlm": ("mlm-f6d6-64-flip-s0", []),
    "minilm-static-embed": ("embed-static", []),
}
TASKS = {
    "sst2": [("classify", "sst2/dev.tsv")],
    "ner": [("ner", "ner/test.txt")],
    "embed": [("sts", "stsb/sts-test.tsv"), ("retrieval", "qa/xquad.en.json")],
    "mlm": [("mlm", "corpus/wikitext-2.test.txt")],
}
# texts that one evaluation runs through the model: pairs hold two, retrieval 240 paragraphs and 1,190 questions
TEXTS = {"sts": lambda n: 2 * n, "retrieval": lambda n: n + 240}
# a card's column: the evaluation's task, metric and factor
COLUMNS = {
    "SST-2 dev": ("classify", "accuracy", 100),
    "F1": ("ner", "f1", 100),
    "precision": ("ner", "precision", 100),
    "recall": ("ner", "recall", 100),
    "STS-B": ("sts", "spearman", 100),
    "MRR@10": ("retrieval", "mrr@10", 100),
    "accuracy": ("mlm", "accuracy", 100),
    "pseudo-perplexity": ("mlm", "pseudo_perplexity", 1),
}
TOLERANCE = 0.2


def run(*command) -> tuple[str, float]:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))}: {done.stderr.strip()}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return done.stdout, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def evaluate(args, name: str, file: pathlib.Path) -> dict:
    """{"bytes", "isa", task: {metric: value, ...}}"""
    about = run(args.sapwood, "inspect", file)[0]
    found = {"bytes": file.stat().st_size, "isa": re.search(r"^isa\s+(\S+)", about, re.M)[1]}
    for task, data in TASKS[SHIPPED[name][0].split("-")[0]]:
        out, seconds = run(args.sapwood, "eval", "--task", task, "-m", file, "--json", "-q", "--threads", 1, args.data / data)
        answer = json.loads(out)
        texts = TEXTS.get(task, lambda n: n)(answer["n"])
        found[task] = {**answer["metrics"], "n": answer["n"], "cpu_seconds": round(seconds, 2),
                       "texts_per_cpu_second": round(texts / seconds, 1)}
    return found


def measure(args) -> None:
    args.files.mkdir(parents=True, exist_ok=True)
    for name in args.models:
        export, options = SHIPPED[name]
        for dtype in args.types:
            file = MODELS / name / "model.safetensors" if dtype == "int8" else args.files / f"{name}-{dtype}.safetensors"
            file.parent.mkdir(exist_ok=True)
            run(args.sapwood, "convert", args.exports / export, "-o", file, "--dtype", dtype, *(options if dtype == "int8" else []))
            found = evaluate(args, name, file)
            results = json.loads(args.results.read_text()) if args.results.exists() else {}
            results.setdefault(name, {})[dtype] = found
            args.results.write_text(json.dumps(results, indent=1) + "\n")
            print(name, dtype, json.dumps(found), flush=True)


def card_figures(name: str) -> dict[str, dict[str, float]]:
    """{type: {column: figure}} of a card's table that begins with `type` and `file`."""
    lines = (MODELS / name / "README.md").read_text(encoding="utf-8").split("\n")
    begin = next(i for i, line in enumerate(lines) if line.startswith("| type | file |"))
    cells = lambda line: [c.strip() for c in line.strip("|").split("|")]
    head, found = cells(lines[begin]), {}
    for line in lines[begin + 2 :]:
        if not line.startswith("|"):
            break
        row = dict(zip(head, cells(line)))
        dtype = row.pop("type").split()[0]
        found[dtype] = {k: float(v.removesuffix(" MB").replace(",", "")) for k, v in row.items()}
    return found


def differences(name: str, dtype: str, found: dict, tolerance: float = TOLERANCE) -> list[str]:
    """Where `found` (of evaluate) and the card's row of that type disagree; texts a second are not compared."""
    wrong, row = [], card_figures(name)[dtype]
    if abs(found["bytes"] / 1e6 - row["file"]) > 0.051:
        wrong.append(f"{name} {dtype}: the file has {found['bytes'] / 1e6:.1f} MB, the card says {row['file']}")
    for column, (task, metric, factor) in COLUMNS.items():
        if column in row and abs(factor * found[task][metric] - row[column]) > tolerance:
            wrong.append(f"{name} {dtype}: {column} is {factor * found[task][metric]:.2f}, the card says {row[column]}")
    return wrong


def check(args) -> None:
    wrong = []
    for name in args.models:
        found = evaluate(args, name, MODELS / name / "model.safetensors")
        wrong += differences(name, "int8", found)
        figures = {c: round(f * found[t][m], 2) for c, (t, m, f) in COLUMNS.items() if t in found and c in card_figures(name)["int8"]}
        print(name, figures, "card:", card_figures(name)["int8"], flush=True)
    sys.exit("\n".join(wrong) if wrong else 0)


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--sapwood", type=pathlib.Path, required=True)
    p.add_argument("--data", type=pathlib.Path, required=True)
    p.add_argument("--check", action="store_true", help="compare the shipped files with their cards; converts nothing")
    p.add_argument("--exports", type=pathlib.Path, help="folder of Hugging Face directories")
    p.add_argument("--files", type=pathlib.Path, help="where the f32 and bf16 files go")
    p.add_argument("--models", nargs="+", default=list(SHIPPED), choices=list(SHIPPED))
    p.add_argument("--types", nargs="+", default=["f32", "bf16", "int8"])
    p.add_argument("--results", type=pathlib.Path, default=HERE / "results/shipped.json")
    args = p.parse_args()
    if args.check:
        check(args)
    elif not (args.exports and args.files):
        p.error("--exports and --files say what to convert, and where to; or --check")
    else:
        measure(args)


if __name__ == "__main__":
    main()
