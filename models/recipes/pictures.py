"""Draws the README's pictures from results/ (needs matplotlib): python pictures.py"""

import json
import pathlib
import statistics

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

from summary import HERE, NAMES, collect, newest_times, scratch_groups, scratch_loss

OUT = pathlib.Path(__file__).parent / "pictures"
COLOURS = {"none": "#999999", "d64": "#4c9ed9", "d112": "#1f5f8b", "f7d6~": "#e08a3c", "f6d6+64~": "#b5401f", "3L:d1536": "#4a9c55"}
SHORT = {"none": "no feedforward", "d64": "dense 64", "d112": "dense 112", "f7d6~": "FFF 7x6", "f6d6+64~": "FFF 6x6 + 64",
         "3L:d1536": "3 layers, dense 1536"}


def smooth(curve, span=8):
    """Means of `span` neighbouring readings: batches of different lengths differ in loss."""
    return [(statistics.mean(c[0] for c in part), statistics.mean(c[1] for c in part))
            for part in (curve[i : i + span] for i in range(0, len(curve) - span + 1))]


def curves() -> None:
    figure, axes = plt.subplots(1, 3, figsize=(12, 3.6))
    general = json.loads((HERE / "general-0-3500.json").read_text())
    for member, colour in ((m, COLOURS[m]) for m in NAMES):
        line = smooth(general[member]["loss"][1:])
        axes[0].plot(*zip(*line), color=colour, label=SHORT[member])
    axes[0].set(title="general distillation (seed 0)", xlabel="step of 32,768 tokens", ylabel="loss, mean of 8 readings", ylim=(0.15, 1))
    axes[0].legend(fontsize=7)
    tasks = json.loads((HERE / "tasks.json").read_text())
    for axis, task, title in ((axes[1], "mlm", "masked LM (seed 0)"), (axes[2], "ner", "WikiANN (seed 0)")):
        for member, colour in ((m, COLOURS[m]) for m in NAMES):
            for r in tasks:
                if (r["task"], r["member"], r["seed"]) == (task, member, 0):
                    axis.plot(*zip(*smooth(r["loss"][1:], 1 if task == "mlm" else 6)), color=colour)
        axis.set(title=title, xlabel="step", ylabel="distillation loss")
    axes[1].set_ylim(1.4, 4)
    figure.tight_layout()
    figure.savefig(OUT / "curves.png", dpi=110)


def scratch() -> None:
    """Losses over training (seed 0), and at the end against active neurons, with a line through the dense members."""
    groups = scratch_groups()
    figure, axes = plt.subplots(1, 3, figsize=(14, 4))
    colours = {"none": "#999999", "d64": COLOURS["d64"], "d192": COLOURS["d112"], "d1536": "#333333", "f8d7~": COLOURS["f7d6~"],
               "f16d7+64~": COLOURS["f6d6+64~"], "d64/f8d7~": COLOURS["f7d6~"], "d192/f16d7+64~": COLOURS["f6d6+64~"], "d88/f8d10~": COLOURS["3L:d1536"]}
    for name, results in groups[min(groups)].items():
        points = results[0]["measured"]
        axes[0].plot([p[0] * 0.032768 for p in points], [p[1] for p in points], "--" if name[0] == "f" else "-", color=colours[name], label=name.rstrip("~"))
    axes[0].set(title="held-out loss in training, 655 M tokens, seed 0", xlabel="million tokens", ylim=(2.65, 4.0))
    axes[0].legend(fontsize=7)
    for axis, steps in zip(axes[1:], sorted(groups)):
        members = groups[steps]
        losses = {n: scratch_loss(r, "held out") for n, r in members.items()}
        dense = [(members[n][0]["active"], statistics.mean(v)) for n, v in losses.items() if n[0] == "d" and "/" not in n]
        axis.plot(*zip(*sorted(dense)), color="#333333", lw=0.8)
        for name, values in losses.items():
            x, y = max(members[name][0]["active"], 16), statistics.mean(values)
            axis.errorbar(x, y, statistics.stdev(values) if len(values) > 1 else 0, capsize=3, color=colours[name],
                          marker="D" if members[name][0]["leaf_entropy_bits"][-1] else "o")
            axis.annotate(name.rstrip("~"), (x, y), fontsize=7, xytext=(5, 4), textcoords="offset points")
        axis.set(title=f"{steps * 0.032768:,.0f} M tokens: held-out loss at the end", xlabel="active neurons a layer (0 drawn at 16)", xscale="log")
    figure.tight_layout()
    figure.savefig(OUT / "scratch.png", dpi=110)


def quality() -> None:
    found = collect(HERE)
    figure, axes = plt.subplots(1, 4, figsize=(14, 3.6))
    screen = json.loads((HERE / "second/screening-0-1500.json").read_text())
    kinds = {"FFF": ("o", "#e08a3c", lambda m: m[0] == "f" and "+" not in m), "FFF + always on": ("D", "#b5401f", lambda m: "+" in m),
             "dense or none": ("s", "#1f5f8b", lambda m: m[0] in "dn")}
    for label, (mark, colour, chosen) in kinds.items():
        points = [(r["active"][0], statistics.mean(r["hidden_error"]), m) for m, r in screen.items()
                  if m != "teacher" and "/" not in m and ":" not in m and chosen(m)]
        axes[0].plot(*zip(*sorted(p[:2] for p in points)), mark + "-", color=colour, label=label)
        for x, y, m in points:
            axes[0].annotate(m.rstrip("~"), (x, y), fontsize=6, xytext=(3, 3), textcoords="offset points")
    axes[0].set(title="hidden error, 49 M tokens, one seed", xlabel="active neurons a layer")
    axes[0].legend(fontsize=7)
    for axis, key, title in zip(axes[1:], ("ner_test_f1", "mlm", "mrr"), ("WikiANN F1", "masked-LM accuracy", "retrieval MRR@10")):
        teacher = statistics.mean(found["teacher"][key])
        for member, (_, active) in NAMES.items():
            values = found[member][key]
            axis.errorbar(max(active, 8), statistics.mean(values), statistics.stdev(values), marker="o", capsize=3,
                          color=COLOURS[member], label=SHORT[member])
        axis.axhline(teacher, color="black", lw=0.8, ls="--")
        axis.text(10, teacher, " teacher", va="bottom", fontsize=7)
        axis.set(title=title, xlabel="active neurons a layer (0 drawn at 8)", xscale="log")
    axes[2].legend(fontsize=6, loc="upper left", bbox_to_anchor=(0.0, 0.9))
    figure.tight_layout()
    figure.savefig(OUT / "quality.png", dpi=110)


def quality_in_time() -> None:
    """A row of pictures for each instruction set that times were measured on."""
    found, machines = collect(HERE), newest_times()
    figure, axes = plt.subplots(len(machines), 5, figsize=(15, 3.2 * len(machines)), squeeze=False)
    measures = {"stsb": "STS-B", "mrr": "retrieval MRR@10", "sst2_dev": "SST-2 dev", "ner_test_f1": "WikiANN F1", "mlm": "masked-LM accuracy"}
    for row, (cpu, measured) in zip(axes, machines.items()):
        for axis, (key, title) in zip(row, measures.items()):
            for member in ["teacher", *NAMES]:
                values = found[member][key]
                axis.errorbar(measured["best_ms"][member]["1x32"], statistics.mean(values), statistics.stdev(values) if len(values) > 1 else 0,
                              marker="o", capsize=3, color=COLOURS.get(member, "black"), label=SHORT.get(member, "teacher"))
            axis.set(title=title, xlabel="ms for 32 tokens, int8, one thread")
        row[0].set_ylabel(measured["isa"])
    axes[0, 0].legend(fontsize=6)
    figure.tight_layout()
    figure.savefig(OUT / "time.png", dpi=110)


if __name__ == "__main__":
    OUT.mkdir(exist_ok=True)
    curves()
    scratch()
    quality()
    quality_in_time()
    print(*sorted(OUT.iterdir()))
