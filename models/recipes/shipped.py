"""Converts exported models and lets the engine judge each file: python shipped.py --help

For every NAME of `--models` it writes NAME-{f32,bf16,int8}.safetensors to --files, runs `sapwood eval` for the task that the
name begins with, on one thread, and adds {metric, seconds of CPU time, texts a second of CPU time} to results/shipped.json.
"""

import argparse
import json
import pathlib
import resource
import subprocess

TASKS = {
    "sst2": [("classify", "sst2/dev.tsv", "accuracy")],
    "ner": [("ner", "ner/test.txt", "f1")],
    "embed": [("sts", "stsb/sts-test.tsv", "spearman"), ("retrieval", "qa/xquad.en.json", "mrr@10")],
    "mlm": [("mlm", "corpus/wikitext-2.test.txt", "accuracy")],
    "crammed": [("mlm", "corpus/wikitext-2.test.txt", "accuracy")],
}
# texts that one evaluation runs through the model: pairs hold two, retrieval 240 paragraphs and 1,190 questions
TEXTS = {"sts": lambda n: 2 * n, "retrieval": lambda n: n + 240}


def run(*command) -> tuple[str, float]:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([str(c) for c in command], check=True, capture_output=True, text=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return done.stdout, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--sapwood", type=pathlib.Path, required=True)
    p.add_argument("--data", type=pathlib.Path, required=True)
    p.add_argument("--exports", type=pathlib.Path, required=True, help="folder of Hugging Face directories")
    p.add_argument("--files", type=pathlib.Path, required=True, help="where converted files go")
    p.add_argument("--models", nargs="+", required=True)
    p.add_argument("--types", nargs="+", default=["f32", "bf16", "int8"])
    p.add_argument("--results", type=pathlib.Path, default=pathlib.Path(__file__).parent / "results/shipped.json")
    args = p.parse_args()
    args.files.mkdir(parents=True, exist_ok=True)
    for name in args.models:
        for dtype in args.types:
            file = args.files / f"{name}-{dtype}.safetensors"
            run(args.sapwood, "convert", args.exports / name, "-o", file, "--dtype", dtype)
            found = {"bytes": file.stat().st_size}
            for task, data, _ in TASKS[name.split("-")[0]]:
                out, seconds = run(args.sapwood, "eval", "--task", task, "-m", file, "--json", "-q", "--threads", 1, args.data / data)
                answer = json.loads(out)
                texts = TEXTS.get(task, lambda n: n)(answer["n"])
                found[task] = {**answer["metrics"], "n": answer["n"], "cpu_seconds": round(seconds, 2),
                               "texts_per_cpu_second": round(texts / seconds, 1)}
            results = json.loads(args.results.read_text()) if args.results.exists() else {}
            results.setdefault(name, {})[dtype] = found
            args.results.write_text(json.dumps(results, indent=1) + "\n")
            print(name, dtype, json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
