"""Prints the README's tables (Markdown) from results/: python summary.py"""

import collections
import json
import pathlib
import statistics

HERE = pathlib.Path(__file__).parent / "results"
NAMES = {
    "none": ("6 layers, feedforward removed", 0),
    "d72": ("6 layers, dense 72", 72),
    "f8d7~": ("6 layers, FFF 8x7", 64),
    "3L:d1536": ("3 layers, dense 1536 (DistilBERT recipe)", 1536),
}


def spread(values, digits):
    mean = f"{statistics.mean(values):.{digits}f}"
    return f"{mean} ± {statistics.stdev(values):.{digits}f}" if len(values) > 1 else mean


def main() -> None:
    found = collections.defaultdict(lambda: collections.defaultdict(list))
    for path in sorted(HERE.glob("general-*.json")):
        for member, result in json.loads(path.read_text()).items():
            for key in ("cos", "knn", "stsb", "mrr"):
                if key in result:
                    found[member][key].append(result[key])
            if "hidden_error" in result:
                found[member]["hidden"].append(statistics.mean(result["hidden_error"]))
    for result in json.loads((HERE / "tasks.json").read_text()):
        for key in ("sst2_dev", "ner_test_f1", "mlm", "mlm_ppl"):
            if key in result:
                found[result["member"]][key].append(result[key])
    found["teacher"]["stsb"], found["teacher"]["mrr"] = found["teacher"]["stsb"][:1], found["teacher"]["mrr"][:1]
    columns = [("cos", 3), ("knn", 1), ("stsb", 1), ("mrr", 1), ("sst2_dev", 1), ("ner_test_f1", 1), ("mlm", 1), ("mlm_ppl", 1)]
    print("| model | active | cos | kNN | STS-B | MRR@10 | SST-2 dev | WikiANN F1 | MLM acc. | MLM ppl |")
    print("| --- " * 10 + "|")
    for member in ["teacher", *NAMES]:
        name, active = NAMES.get(member, ("teacher, 6 layers, dense 1536", 1536))
        cells = [spread(found[member][k], d) if found[member][k] else "" for k, d in columns]
        print(f"| {name} | {active} | " + " | ".join(cells) + " |")
    print("\n| feedforward | active | neurons | cos | kNN | mean hidden error | leaf entropy, bits, mean over layers |")
    print("| --- " * 7 + "|")
    for member, r in json.loads((HERE / "screening-0-600.json").read_text()).items():
        if member == "teacher":
            continue
        bits = f"{statistics.mean(r['leaf_entropy_bits']):.2f}" if "leaf_entropy_bits" in r else ""
        hidden = statistics.mean(r["hidden_error"])
        print(f"| {member} | {r['active'][0]} | {r['neurons'][0]} | {r['cos']:.3f} | {r['knn']:.1f} | {hidden:.3f} | {bits} |")


if __name__ == "__main__":
    main()
