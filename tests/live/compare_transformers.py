#!/usr/bin/env python3
"""Compares the command line tool with transformers: on the golden checkpoints with their stored answers,
and, where torch and transformers are installed, on more texts with live ones.

    python tests/live/compare_transformers.py --sapwood build/release/sapwood

Exits 1 on a difference. What is missing (an instruction set, a package, data) is skipped by name.
"""

import argparse
import json
import math
import sys
from pathlib import Path

import checks
from harness import (
    GOLDEN,
    SHARED,
    Report,
    Sapwood,
    instruction_sets,
    packages_missing,
    unreadable,
)

CRAMMED = SHARED / "data" / "golden" / "crammed"
MODELS = SHARED / "models"
SST2 = SHARED / "data" / "sst2" / "dev.tsv"
NER = SHARED / "data" / "ner" / "test.txt"
XQUAD = SHARED / "data" / "qa" / "xquad.en.json"


def read_expected(directory: Path) -> dict:
    return json.loads((directory / "expected.json").read_text(encoding="utf-8"))


def length_limit(model: Path) -> int:
    """Tokens of the longest text, as the golden oracle cuts them."""
    sentence = model / "sentence_bert_config.json"
    if sentence.exists():
        return json.loads(sentence.read_text())["max_seq_length"]
    return json.loads((model / "tokenizer_config.json").read_text())["model_max_length"]


def compare(
    report: Report, tool: Sapwood, name: str, model: Path, expected: dict, options: list
) -> None:
    """Every section of an expected.json, or of what a live oracle gave in its form."""
    cases = expected.get("cases", [])
    near = [case["text"] for case in cases if case.get("fff_margin", 1.0) < checks.FFF_MARGIN]
    report.left_out.update((model.name, text) for text in near)  # the same on each instruction set
    if any("last_hidden_state" in case for case in cases):
        report.attempt(f"{name} hidden", lambda: checks.hidden_states(tool, model, cases, options))
    if cases and isinstance(cases[0].get("logits", [[]])[0], float):
        report.attempt(f"{name} logits", lambda: checks.logits(tool, model, cases, options))
    sections = {
        "classify": checks.classifications,
        "zero_shot": checks.zero_shot,
        "ner": checks.entities,
        "fill_mask": checks.mask_fills,
        "qa": checks.answers,
        "rerank": checks.rankings,
    }
    for section, check in sections.items():
        if section in expected:
            report.attempt(
                f"{name} {section}", lambda: check(tool, model, expected[section], options)
            )
    if "embed" in expected:
        own = (model / "modules.json").exists()
        report.attempt(
            f"{name} embed", lambda: checks.embeddings(tool, model, expected["embed"], options, own)
        )


def golden(report: Report, tool: Sapwood, isas: list[str], only: list[str]) -> None:
    directories = sorted(path.parent for path in (GOLDEN / "data").glob("*/expected.json"))
    for model in directories:
        if only and model.name not in only:
            continue
        expected = read_expected(model)
        limit = ["--max-length", length_limit(model)]
        report.attempt(
            f"{model.name} tokens", lambda: checks.tokens(tool, model, expected["cases"], limit)
        )
        for isa in isas:
            compare(report, tool, f"{model.name} {isa}", model, expected, ["--isa", isa])


def crammed(report: Report, tool: Sapwood, isas: list[str]) -> None:
    """Checkpoints of UltraFastBERT's kind: a list of cases; masked-LM logits are given at each token."""
    if not CRAMMED.is_dir():
        report.skip("crammed", f"{CRAMMED} is absent")
        return
    for model in sorted(path.parent for path in CRAMMED.glob("*/expected.json")):
        cases = read_expected(model)
        report.attempt(f"{model.name} tokens", lambda: checks.tokens(tool, model, cases, []))
        for isa in isas:
            options = ["--isa", isa]
            compare(report, tool, f"{model.name} {isa}", model, {"cases": cases}, options)
            if "mlm_top5_ids" in cases[0]:
                report.attempt(
                    f"{model.name} {isa} masks", lambda: crammed_masks(tool, model, cases, options)
                )


def crammed_masks(tool, model, cases, options):
    """The five best ids of each mask token, and the differences of their logits."""
    mask_id = next(
        token["id"]
        for token in json.loads((model / "tokenizer.json").read_text(encoding="utf-8"))[
            "added_tokens"
        ]
        if token["content"] in ("<mask>", "[MASK]")
    )
    masked = [case for case in cases if mask_id in case["input_ids"]]
    answers = tool.ask(
        "fill-mask", model, [{"text": case["text"]} for case in masked], "--top-k", "5", *options
    )
    problems = []
    for case, answer in zip(masked, answers):
        problem = checks.failure(case, answer)
        rows = [i for i, token in enumerate(case["input_ids"]) if token == mask_id]
        for row, fills in zip(rows, [answer] if len(rows) == 1 else answer):
            if problem:
                break
            ids = [fill["token"] for fill in fills]
            if ids != case["mlm_top5_ids"][row]:
                problem = f"{checks.shown(case)}: ids {ids}, expected {case['mlm_top5_ids'][row]}"
                break
            # Scores are softmaxed over the vocabulary: logarithms differ as logits do.
            best = case["mlm_top5_logits"][row]
            found = [math.log(fill["score"] / fills[0]["score"]) for fill in fills]
            d = checks.distance(found, [logit - best[0] for logit in best])
            if d > 2 * checks.LOGIT:
                problem = f"{checks.shown(case)}: logit differences off by {d:.3g}"
        problems += [problem] if problem else []
    return problems, f"{len(masked)} texts with masks"


def sentences(count: int) -> list[str]:
    lines = SST2.read_text(encoding="utf-8").splitlines()[1 : count + 1]
    return [line.rsplit("\t", 1)[0].strip() for line in lines]


def ner_sentences(count: int) -> list[str]:
    texts, words = [], []
    for line in NER.read_text(encoding="utf-8").splitlines():
        if line:
            words.append(line.split("\t")[0].split(":", 1)[1])
        elif words:
            texts.append(" ".join(words))
            words = []
        if len(texts) == count:
            break
    return texts


def questions(oracle, count: int) -> list[tuple[str, str]]:
    """Questions of XQuAD that leave room for a context in the small windows."""
    articles = json.loads(XQUAD.read_text(encoding="utf-8"))["data"]
    pairs = [
        (qa["question"], paragraph["context"])
        for article in articles
        for paragraph in article["paragraphs"]
        for qa in paragraph["qas"]
    ]
    pairs = [pair for pair in pairs if len(oracle.encode(pair[0]).ids) < 22]
    return pairs[:: max(1, len(pairs) // count)][:count]


def masked(texts: list[str], mask: str) -> list[str]:
    """Each text with its middle word masked, every third with its first word too."""
    result = []
    for number, text in enumerate(texts):
        words = text.split()
        words[len(words) // 2] = mask
        if number % 3 == 0:
            words[0] = mask
        result.append(" ".join(words))
    return result


def live(report: Report, tool: Sapwood, isas: list[str], count: int, only: list[str]) -> None:
    missing = packages_missing("torch", "transformers")
    if missing or not SST2.exists():
        report.skip("live", missing or f"{SST2} is absent")
        return
    sys.path.insert(0, str(GOLDEN))
    import expectations
    import feed_forward
    import torch
    import transformers
    from transformers.pipelines import SUPPORTED_TASKS

    print(f"live: torch {torch.__version__}, transformers {transformers.__version__}")
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    feed_forward.install()
    torch.set_num_threads(1)  # tiny models: more threads only wait for each other
    models = sorted(path.parent for path in (GOLDEN / "data").glob("*/expected.json"))
    if MODELS.is_dir():
        models += sorted(path.parent for path in MODELS.glob("*/config.json"))
    else:
        report.skip("live on trained models", f"{MODELS} is absent")
    for model in models:
        if only and model.name not in only:
            continue
        reason = unreadable(model)
        if reason:
            report.skip(f"live {model.name}", reason)
            continue
        head = head_of(model)
        trained = model.parent == MODELS
        texts = sentences(4 * count if trained else count)
        oracle = expectations.Oracle(model, head, length_limit(model))
        expected = {"cases": [oracle.case(text, store_hidden=True) for text in texts]}
        if head == "sequence_classification":
            expected["classify"] = expectations.classify(oracle, [(text, None) for text in texts])
            if any(label.lower().startswith("entail") for label in oracle.model.config.label2id):
                expected["zero_shot"] = expectations.zero_shot(oracle)
        elif head == "masked_lm":
            whole = [
                text
                for text in masked(texts, oracle.tokenizer.mask_token)
                if len(oracle.encode(text).ids) < oracle.limit
            ]
            expected["fill_mask"] = expectations.fill_mask(oracle, whole)  # the pipeline cannot cut
        elif head == "token_classification" and NER.exists():
            expected["ner"] = expectations.ner(oracle, ner_sentences(count))
        elif head == "question_answering" and "question-answering" not in SUPPORTED_TASKS:
            report.skip(
                f"live {model.name} qa",
                f"transformers {transformers.__version__} has no question-answering pipeline (4.57 has)",
            )
        elif head == "question_answering" and XQUAD.exists():
            expected["qa"] = expectations.answers(oracle, questions(oracle, count // 4))
        for isa in isas:
            options = ["--isa", isa]
            name = f"live {model.name} {isa}"
            compare(report, tool, name, model, undecided_removed(expected), options)


def undecided_removed(expected: dict) -> dict:
    """Leaves classify answers of texts with an FFF decision near zero out, like their cases."""
    close = {c["text"] for c in expected["cases"] if c.get("fff_margin", 1.0) < checks.FFF_MARGIN}
    classify = [entry for entry in expected.get("classify", []) if entry["text"] not in close]
    return {**expected, **({"classify": classify} if classify else {})}


def head_of(model: Path) -> str:
    architecture = json.loads((model / "config.json").read_text())["architectures"][0]
    heads = {
        "ForMaskedLM": "masked_lm",
        "ForSequenceClassification": "sequence_classification",
        "ForTokenClassification": "token_classification",
        "ForQuestionAnswering": "question_answering",
    }
    return next((head for ending, head in heads.items() if architecture.endswith(ending)), "none")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sapwood", required=True, help="the tool, e.g. build/release/sapwood")
    parser.add_argument(
        "--texts", type=int, default=40, help="live texts a model (trained ones: 4 times)"
    )
    parser.add_argument("--only", nargs="+", default=[], help="names of model directories")
    parser.add_argument(
        "--isa", nargs="+", help="default: scalar, avx2, avx512 as the CPU has them"
    )
    parser.add_argument("--no-live", action="store_true", help="only the stored answers")
    arguments = parser.parse_args()
    report = Report(verbose=True)
    if not Path(arguments.sapwood).exists():
        report.skip("everything", f"{arguments.sapwood} is absent; build it first")
        report.finish()
    tool = Sapwood(arguments.sapwood)
    available = instruction_sets()
    isas = []
    for isa in arguments.isa or available:
        if available[isa]:
            isas.append(isa)
        else:
            report.skip(isa, "this CPU lacks it")
    golden(report, tool, isas, arguments.only)
    if not arguments.only:
        crammed(report, tool, isas)
    if not arguments.no_live:
        live(report, tool, isas, arguments.texts, arguments.only)
    report.finish()


if __name__ == "__main__":
    main()
