"""The models of sentence embeddings beside their teacher, in the engine: quality, and texts a second in one run.

    python embed_peers.py --sapwood BIN --data DIR --teacher DIR --work .cache --files DIR     # results/embed.json

Every model is an int8 file, run on one thread. Speed: `sapwood embed` of the 2,758 sentences of STS-B test, so often that a model takes
a while; texts a second of processor time, loading included; models take turns, the best round counts.
"""

import argparse
import csv
import json
import pathlib
import tempfile

from distil import data, embedded, evaluate, pairs
from shipped import MODELS, run

TEACHER = "all-MiniLM-L6-v2"
REPEATS = {TEACHER: 1, "minilm-fff-embed": 1, "minilm-static-embed": 50}  # of the sentences


def sentences(path: pathlib.Path) -> list[str]:
    with open(path, encoding="utf-8") as file:
        rows = csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        return [text.strip() for row in rows for text in row[5:7]]


def quality(args, file: pathlib.Path) -> dict:
    found = {"bytes": file.stat().st_size}
    for task, name, metric, path in (("sts", "stsb", "spearman", "stsb/sts-test.tsv"), ("retrieval", "mrr", "mrr@10", "qa/xquad.en.json")):
        out, _ = run(args.sapwood, "eval", "--task", task, "-m", file, "--json", "-q", "--threads", 1, args.data / path)
        found[name] = round(100 * json.loads(out)["metrics"][metric], 2)
    tokenizer = data.whole_tokenizer(args.teacher / "tokenizer.json")
    held = pairs.load(args.data, args.teacher / "tokenizer.json", args.work / "pairs.pt")["held"]
    of = evaluate.pair_figures(held, lambda pieces: embedded.embed(args.sapwood, file, embedded.as_lines(tokenizer, pieces)).float())
    return found | {"pairs": round(of["pairs"], 2), "pairs_by_source": of["pairs_by_source"]}


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--sapwood", type=pathlib.Path, required=True)
    p.add_argument("--data", type=pathlib.Path, required=True)
    p.add_argument("--teacher", type=pathlib.Path, required=True, help="all-MiniLM-L6-v2, a directory")
    p.add_argument("--work", type=pathlib.Path, default=pathlib.Path(".cache"), help="caches of the recipe")
    p.add_argument("--files", type=pathlib.Path, required=True, help="where the teacher's int8 file goes")
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--results", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parent / "results/embed.json")
    args = p.parse_args()
    args.files.mkdir(parents=True, exist_ok=True)
    files = {name: MODELS / name / "model.safetensors" for name in REPEATS}
    files[TEACHER] = args.files / f"{TEACHER}-int8.safetensors"
    run(args.sapwood, "convert", args.teacher, "-o", files[TEACHER], "--dtype", "int8")
    about = run(args.sapwood, "inspect", files[TEACHER])[0]
    results = {"isa": next(line.split()[1] for line in about.split("\n") if line.startswith("isa ")), "models": {}}
    results["models"] = {name: quality(args, file) | {"texts_per_cpu_second": 0.0} for name, file in files.items()}
    texts = sentences(args.data / "stsb/sts-test.tsv")
    with tempfile.TemporaryDirectory() as folder:
        given, made = pathlib.Path(folder) / "texts.txt", pathlib.Path(folder) / "vectors.npy"
        for _ in range(args.rounds):
            for name, file in files.items():
                given.write_text("\n".join(texts * REPEATS[name]) + "\n", encoding="utf-8")
                command = ("embed", "-m", file, "-i", given, "--input-format", "text", "-o", made, "--format", "npy", "-q", "--threads", 1)
                _, seconds = run(args.sapwood, *command)
                found = results["models"][name]
                found["texts_per_cpu_second"] = max(found["texts_per_cpu_second"], round(len(texts) * REPEATS[name] / seconds, 1))
    args.results.write_text(json.dumps(results, indent=1) + "\n")
    print(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
