"""Prints the README's tables (Markdown) from results/: python summary.py"""

import collections
import json
import math
import pathlib
import statistics

HERE = pathlib.Path(__file__).parent / "results"
NAMES = {
    "none": ("6 layers, feedforward removed", 0),
    "d112": ("6 layers, dense 112", 112),
    "f6d6+64~": ("6 layers, FFF 6x6 beside 64 always on", 106),
    "3L:d1536": ("3 layers, dense 1536 (DistilBERT recipe)", 1536),
}
SECOND = {
    "none": ("6 layers, feedforward removed", 0),
    "d64": ("6 layers, dense 64", 64),
    "f7d6~": ("6 layers, FFF 7x6", 49),
    "d112": ("6 layers, dense 112", 112),
    "f6d6+64~": ("6 layers, FFF 6x6 beside 64 always on", 106),
    "3L:d1536": ("3 layers, dense 1536 (DistilBERT recipe)", 1536),
}
FIRST = {
    "none": ("6 layers, feedforward removed", 0),
    "d72": ("6 layers, dense 72", 72),
    "f8d7~": ("6 layers, FFF 8x7", 64),
    "3L:d1536": ("3 layers, dense 1536 (DistilBERT recipe)", 1536),
}
OPEN = {
    "d112": ("6 layers, dense 112", 112),
    "d256": ("6 layers, dense 256", 256),
    "f6d6+64~": ("6 layers, FFF 6x6 beside 64 always on", 106),
    "3L:d1536": ("3 layers, dense 1536 (DistilBERT recipe)", 1536),
}
WIDE = {  # on the open corpus too, masked words in fewer steps
    "d512": ("6 layers, dense 512", 512),
    "f8d7~": ("6 layers, FFF 8x7", 64),
    "f16d7+64~": ("6 layers, FFF 16x7 beside 64 always on", 192),
}
TIMED = {**NAMES, **OPEN, **WIDE}
GENERAL = [("hidden", 3), ("cos", 3), ("knn", 1)]
TASKS = [("stsb", 1), ("mrr", 1), ("sst2_dev", 1), ("ner_test_f1", 1), ("mlm", 1), ("mlm_ppl", 1)]
TEACHER = ("teacher, 6 layers, dense 1536", 1536)


def spread(values, digits):
    """mean ± standard deviation, and how many seeds if not three."""
    if not values:
        return ""
    mean = f"{statistics.mean(values):.{digits}f}"
    if len(values) == 1:
        return mean + " (1 seed)"
    return f"{mean} ± {statistics.stdev(values):.{digits}f}" + (f" ({len(values)})" if len(values) != 3 else "")


def collect(folder: pathlib.Path) -> dict:
    """{member: {measure: [a value a seed]}}; where a member had the embedding stage, its STS-B and MRR count."""
    found = collections.defaultdict(lambda: collections.defaultdict(list))
    tasks = json.loads((folder / "tasks.json").read_text())
    staged = {r["member"] for r in tasks if r["task"] == "embed"}
    for path in sorted(folder.glob("general-*.json")):
        for member, result in json.loads(path.read_text()).items():
            for key in ("cos", "knn"):
                if key in result:
                    found[member][key].append(result[key])
            if "hidden_error" in result:
                found[member]["hidden"].append(statistics.mean(result["hidden_error"]))
            for key in ("stsb", "mrr"):
                found[member]["first " + key if member in staged else key].append(result[key])
    for result in tasks:
        for key in ("stsb", "mrr", "sst2_dev", "ner_test_f1", "ner_dev_f1", "mlm", "mlm_ppl"):
            if key in result:
                found[result["member"]][key].append(result[key])
    for key in ("stsb", "mrr"):
        found["teacher"][key] = found["teacher"][key][:1]
    return found


def table(head, rows) -> None:
    print("| " + " | ".join(head) + " |")
    print("| --- " * len(head) + "|")
    for row in rows:
        print("| " + " | ".join(map(str, row)) + " |")
    print()


def tasks_table(folder, names) -> None:
    found = collect(folder)
    rows = []
    for member in ["teacher", *names]:
        name, active = names.get(member, TEACHER)
        rows.append([name, active] + [spread(found[member][k], d).replace(" (1 seed)", "" if member == "teacher" else " (1 seed)")
                                      for k, d in GENERAL + TASKS])
    table(["model", "active", "hidden error", "cos", "kNN", "STS-B", "MRR@10", "SST-2 dev", "WikiANN F1", "MLM acc.", "MLM ppl"], rows)


def share_table(folder, names) -> None:
    found = collect(folder)
    rows = []
    for member, (name, active) in names.items():
        share = [100 * statistics.mean(found[member][k]) / statistics.mean(found["teacher"][k]) for k, _ in TASKS[:-1]]
        rows.append([name, active] + [f"{s:.1f}" for s in share])
    table(["of the teacher's figure, %", "active", "STS-B", "MRR@10", "SST-2 dev", "WikiANN F1", "MLM acc."], rows)


def screening_table(path) -> None:
    rows = []
    for member, r in json.loads(path.read_text()).items():
        if member == "teacher":
            continue
        bits = f"{statistics.mean(r['leaf_entropy_bits']):.2f}" if "leaf_entropy_bits" in r else ""
        rows.append([member, statistics.mean(r["active"]).__round__(), statistics.mean(r["neurons"]).__round__(), f"{r['cos']:.3f}",
                     f"{r['knn']:.1f}", f"{r['mrr']:.1f}", f"{statistics.mean(r['hidden_error']):.3f}", bits])
    table(["feedforward", "active", "neurons", "cos", "kNN", "MRR@10", "hidden error", "leaf entropy, bits"], rows)


def trials_table() -> None:
    rows = []
    for r in json.loads((HERE / "second/trials.json").read_text()):
        if r["member"] == "teacher":
            continue
        p = r["plan"]
        what = f"{p['steps']} steps, rate {p['lr']:g}, hidden {p['hidden']:g}, T {p['temperature']:g}"
        what += (f", text {p['text']:g}" if p["text"] else "") + (", linear_in frozen" if p["freeze"] else "")
        what += (f", {p['teachers']} teachers" if p["teachers"] > 1 else "") + (", lengths by tokens" if p["by_tokens"] else "")
        score = {k: round(r[k], 1) for k in ("ner_dev_f1", "ner_test_f1", "mlm", "mlm_ppl", "sst2_dev") if k in r}
        bits = r.get("leaf_entropy_bits", [""])[-1]
        rows.append([r["task"], r["member"], what, ", ".join(f"{k} {v}" for k, v in score.items()), bits])
    table(["task", "member", "plan", "figures", "bits, last layer"], rows)


def left_plateau(curve, level=5.2, readings=4):
    """The step at which the mean of four neighbouring readings of the loss falls below `level`."""
    for part in (curve[i : i + readings] for i in range(len(curve) - readings + 1)):
        if statistics.mean(loss for _, loss in part) < level:
            return f"{part[-1][0]:,}"
    return "not yet"


def scratch_groups() -> dict:
    """{steps: {member: its results, one a seed}} of training from scratch, by active neurons."""
    found = collections.defaultdict(lambda: collections.defaultdict(list))
    for r in sorted(json.loads((HERE / "scratch.json").read_text()), key=lambda r: (r["active"], r["neurons"], r["seed"])):
        found[r["steps"]][r["member"]].append(r)
    return found


def scratch_loss(results, text: str) -> list[float]:
    return [r["test"][text][0] for r in results]


def equal_width(members: dict, member: str, text: str) -> float | None:
    """The width of the dense layer that reaches the member's mean loss on a text: a line in log width between the two dense
    members around it. None where no two are around it."""
    loss = lambda name: statistics.mean(scratch_loss(members[name], text))
    dense = sorted((math.log(results[0]["active"]), loss(name)) for name, results in members.items() if name.startswith("d") and "/" not in name)
    width = where(dense, loss(member))
    return width and math.exp(width)


def where(points, value) -> float | None:
    """The x at which the lines that join the points (x, y), sorted by x, have the value; None where they have it nowhere."""
    for (x0, y0), (x1, y1) in zip(points, points[1:]):
        if y0 != y1 and min(y0, y1) <= value <= max(y0, y1):
            return x0 + (x1 - x0) * (value - y0) / (y1 - y0)
    return None


def scratch_table() -> None:
    for steps, members in sorted(scratch_groups().items()):
        rows = []
        for name, results in members.items():
            first, accuracy = results[0], [r["test"]["wikitext-2"][1] for r in results]
            tuned = [statistics.mean(x for r in results for x in r[task]) for task in ("sst2", "ner")]
            widths = [equal_width(members, name, text) for text in ("held out", "wikitext-2")] if "f" in name else []
            bits = [statistics.mean(r["leaf_entropy_bits"][i] for r in results) for i, b in enumerate(first["leaf_entropy_bits"]) if b is not None]
            rows.append([
                name, first["active"], first["neurons"], len(results), spread(scratch_loss(results, "held out"), 3).replace(" (1 seed)", ""),
                spread(scratch_loss(results, "wikitext-2"), 3).replace(" (1 seed)", ""), f"{statistics.mean(accuracy):.1f}",
                *(f"{t:.1f}" for t in tuned), " (".join(f"{w:.0f}" if w else "-" for w in widths) + ")" * bool(widths),
                f"{widths[0] / first['active']:.1f}" if widths and widths[0] else "", ", ".join(f"{b:.1f}" for b in bits),
                f"{1000 * statistics.mean(r['seconds'] for r in results) / steps:.1f}"])
        print(f"{first['tokens'] / 1e6:,.0f} M tokens:\n")
        table(["feedforward", "active", "neurons", "seeds", "held-out loss", "wikitext-2 loss", "accuracy", "SST-2", "WikiANN",
               "equal dense width, held out (wikitext-2)", "of its path", "leaf entropy by layer, bits", "ms a step"], rows)
    for r in json.loads((HERE / "scratch-unfinished.json").read_text()):
        step, held, wiki = r["measured"][-1]
        others = {name: next(m for m in results[0]["measured"] if m[0] == step) for name, results in scratch_groups()[r["steps"]].items()
                  if results[0]["seed"] == r["seed"]}
        beside = ", ".join(f"{n} {m[1]:.3f} ({m[2]:.3f})" for n, m in others.items() if n in ("none", "d64"))
        print(f"{r['member']}, stopped after step {r['stopped_after']}: at step {step} {held:.3f} ({wiki:.3f}); there {beside}\n")


def small_scratch_table(folder) -> None:
    rows = []
    for path in sorted(folder.glob("scratch-*.json")):
        for name, r in json.loads(path.read_text()).items():
            bits = f"{statistics.mean(r['leaf_entropy_bits']):.1f}" if "leaf_entropy_bits" in r else ""
            rows.append([name, r["active"], r["neurons"], r["seed"], left_plateau(r["loss"]), f"{r['mlm']:.1f}", f"{r['mlm_ppl']:.0f}", bits])
    rows.sort(key=lambda row: (-row[1], row[0], row[3]))
    table(["feedforward", "active", "neurons", "seed", "left the plateau at step", "MLM acc.", "MLM ppl", "leaf entropy, bits"], rows)


def newest_times() -> dict:
    """{CPU: its times}: of each instruction set the last CPU in timing.json."""
    every = json.loads((HERE / "timing.json").read_text())
    return {cpu: m for cpu, m in every.items() if cpu == [c for c, n in every.items() if n["isa"] == m["isa"]][-1]}


def dense_times(times: dict, shape: str) -> list[tuple[int, float]]:
    """(width, milliseconds) of the six-layer members without trees that were timed."""
    width = lambda member: {"none": 0, "teacher": TEACHER[1]}.get(member, int(member[1:]) if member[0] == "d" else None)
    return sorted((width(m), t[shape]) for m, t in times.items() if width(m) is not None and shape in t)


def shipped_table(path) -> None:
    rows = []
    for name, types in json.loads(path.read_text()).items():
        for dtype, r in types.items():
            for task, m in r.items():
                if not isinstance(m, dict):
                    continue
                score = {k: f"{v:.2f}" if k == "pseudo_perplexity" else f"{100 * v:.2f}" for k, v in m.items()
                         if k in ("accuracy", "f1", "spearman", "mrr@10", "pseudo_perplexity") and (task, k) != ("classify", "f1")}
                rows.append([name, dtype, f"{r['bytes'] / 1e6:.1f}", ", ".join(f"{k} {v}" for k, v in score.items()), m["texts_per_cpu_second"]])
    table(["model", "type", "MB", "figures", "texts a second, one core"], rows)


def embed_table() -> None:
    results = json.loads((HERE / "embed.json").read_text())
    teacher, rows = next(iter(results["models"].values())), []
    of = lambda r, key: f"{r[key]:.1f} ({100 * r[key] / teacher[key]:.1f} %)"
    for name, r in results["models"].items():
        rows.append([name, f"{r['bytes'] / 1e6:.1f}", *(of(r, key) for key in ("stsb", "mrr", "pairs")), f"{r['texts_per_cpu_second']:,.0f}",
                     f"{r['texts_per_cpu_second'] / teacher['texts_per_cpu_second']:.1f}x"])
    print(f"{results['isa']}:\n")
    table(["model, int8, one thread", "MB", "STS-B", "MRR@10 on XQuAD-en", "MRR@10 on held-out pairs", "texts a second", "the teacher's speed"], rows)


def timing_table() -> None:
    for cpu, measured in json.loads((HERE / "timing.json").read_text()).items():
        times, rows = measured["best_ms"], []
        for member, t in times.items():
            name, active = {**SECOND, **TIMED}.get(member, TEACHER)
            size = measured.get("bytes", {}).get(member)
            rows.append([name, active, f"{size / 1e6:.1f}" if size else "", f"{t['1x32']:.2f}", f"{times['teacher']['1x32'] / t['1x32']:.2f}x",
                         f"{t['1x128']:.2f}", f"{times['teacher']['1x128'] / t['1x128']:.2f}x"])
        print(f"{cpu} ({measured['isa']}), engine: {measured['engine']}\n")
        table(["model, int8, one thread", "active", "MB", "1x32, ms", "faster than the teacher", "1x128, ms", "faster than the teacher"],
              rows)


def countries_table() -> None:
    results, rows = json.loads((HERE / "countries.json").read_text()), []
    for name, found in results["models"].items():
        rows.append([name] + [f"{found[kind]['top1']:.1f}, {found[kind]['top5']:.1f}" for kind in found])
    for name, found in results["texts"].items():
        rows.append([f"stated in: {name}"] + [f"{found[kind]['facts']} facts, {found[kind]['sentences']:,} sentences" for kind in found])
    facts = next(iter(results["models"].values()))
    table(["first answer, one of five, %", *(f"{kind} ({facts[kind]['facts']} countries)" for kind in facts)], rows)


def open_results(folder) -> dict:
    """{member: its figures} of one seed on the open corpus."""
    results = collections.defaultdict(dict)
    for path in folder.glob("general-*.json"):
        results["teacher"].update({k: v for k, v in json.loads(path.read_text())["teacher"].items() if k != "pairs_by_source"})
    for r in json.loads((folder / "tasks.json").read_text()):
        results[r["member"]].update(r)
    return results


def open_table(folder, members) -> None:
    """One seed on the open corpus: the member's figures, and what it knows of capitals (countries.json)."""
    results = open_results(folder)
    knows = json.loads((HERE / "countries.json").read_text())["models"]
    rows = []
    for member, (name, active) in members.items():
        r, facts = results[member], knows.get("open " + member)
        rows.append([name, active, *(f"{r[k]:.1f}" if k in r else "" for k in ("stsb", "mrr", "pairs", "mlm", "mlm_ppl", "mlm_512", "mlm_ppl_512")),
                     f"{facts['capital']['top5']:.1f}" if facts else "", f"{facts['language']['top5']:.1f}" if facts else ""])
    table(["model", "active", "STS-B", "MRR@10", "held-out pairs, MRR@10", "MLM acc., rows of 128", "ppl", "acc., rows of 512", "ppl",
           "capitals, one of five", "languages"], rows)


def front() -> list[dict]:
    """Trees against dense layers after general distillation on the open corpus, the same batches: [{"member", "error", "worth":
    the dense width of equal error, "costs": {(isa, shape): the dense width of equal time}}]."""
    general = {}
    for path in ("open/general-0-4000.json", "open/wide/general-0-4000.json"):
        general.update(json.loads((HERE / path).read_text()))
    error = {m: statistics.mean(r["hidden_error"]) for m, r in general.items() if m != "teacher"}
    dense = sorted((int(m[1:]), m) for m in error if m[0] == "d")
    found = []
    for member in (m for m in error if m[0] == "f"):
        costs = {}
        for measured in newest_times().values():
            times = measured["best_ms"]
            for shape, ms in times.get(member, {}).items():
                costs[measured["isa"], shape] = where(dense_times(times, shape), ms)
        worth = where([(math.log(w), error[m]) for w, m in dense], error[member])
        found.append({"member": member, "error": error[member], "worth": worth and math.exp(worth), "costs": costs})
    return found


def front_table() -> None:
    rows = []
    found = front()
    machines = sorted({key for f in found for key in f["costs"]})
    for f in found:
        name, active = TIMED[f["member"]]
        rows.append([name, active, f"{f['error']:.3f}", f"{f['worth']:.0f}" if f["worth"] else "", *(f"{f['costs'][m]:.0f}" if f["costs"].get(m) else "" for m in machines)])
    table(["trees", "active", "hidden error", "worth a dense layer of", *(f"take the time of, {shape} ({isa})" for isa, shape in machines)], rows)


def main() -> None:
    tasks_table(HERE, NAMES)
    share_table(HERE, NAMES)
    shipped_table(HERE / "shipped.json")
    embed_table()
    timing_table()
    countries_table()
    print("On the open corpus:\n")
    open_table(HERE / "open", {"teacher": TEACHER, **OPEN})
    open_table(HERE / "open/wide", WIDE)
    front_table()
    scratch_table()
    print("From scratch, the fourth run's small one:\n")
    small_scratch_table(HERE / "small")
    print("The third run:\n")
    tasks_table(HERE / "third", NAMES)
    share_table(HERE / "third", NAMES)
    shipped_table(HERE / "third/shipped.json")
    print("The second run:\n")
    tasks_table(HERE / "second", SECOND)
    share_table(HERE / "second", SECOND)
    screening_table(HERE / "second/screening-0-1500.json")
    trials_table()
    shipped_table(HERE / "second/shipped.json")
    small_scratch_table(HERE / "second")
    print("The first run:\n")
    tasks_table(HERE / "first", FIRST)
    screening_table(HERE / "first/screening-0-600.json")


if __name__ == "__main__":
    main()
