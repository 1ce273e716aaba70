"""One comparison for each kind of answer: what the tool says against what transformers says.

Each function takes the tool, a model directory, the entries of an expected.json (tests/golden/README.md
says their form) and the options for every call, and returns (differences, note).
"""

import json
import math
from collections import defaultdict
from pathlib import Path

HIDDEN = 1e-4  # last hidden state and embeddings, max abs
LOGIT = 2e-4  # a head multiplies what the hidden state carries
SCORE = 1e-4  # probabilities
FFF_MARGIN = 1e-5  # nearer to zero a decision may fall either way between two orders of summation


def record_of(entry: dict) -> dict:
    return {key: entry[key] for key in ("text", "text_pair") if key in entry}


def shown(entry: dict) -> str:
    text = json.dumps(entry.get("text", entry.get("question")), ensure_ascii=False)
    return text if len(text) < 60 else text[:57] + '..."'


def distance(found, expected) -> float:
    """Max abs difference of two nested lists of numbers; infinite where shapes differ."""
    if isinstance(expected, list) != isinstance(found, list):
        return math.inf
    if not isinstance(expected, list):
        d = abs(found - expected)
        return d if d == d else math.inf
    if len(found) != len(expected):
        return math.inf
    return max((distance(a, b) for a, b in zip(found, expected)), default=0.0)


def decided(entries: list[dict]) -> list[dict]:
    """Without those whose FFF decisions are too close to call."""
    return [entry for entry in entries if entry.get("fff_margin", 1.0) >= FFF_MARGIN]


def failure(entry, answer) -> str | None:
    if isinstance(answer, dict) and "error" in answer:
        return f"{shown(entry)}: {answer['error']}"
    return None


def hidden_states(tool, model, cases, options):
    cases = [case for case in decided(cases) if "last_hidden_state" in case]
    answers = tool.ask("embed", model, [record_of(c) for c in cases], "--pooling", "none", *options)
    problems, worst = [], 0.0
    for case, answer in zip(cases, answers):
        problem = failure(case, answer)
        if problem is None:
            d = distance(answer["embedding"], case["last_hidden_state"])
            worst = max(worst, d)
            if d > HIDDEN:
                problem = f"{shown(case)}: max abs {d:.3g} > {HIDDEN:g}"
            # A vector's token is the vocabulary's; the reference's mask shows the space that it took, and its unknown piece the text.
            elif "tokens" in case and not all(
                ours in (theirs.strip(" "), "<unk>") for ours, theirs in zip(answer["tokens"], case["tokens"], strict=True)
            ):
                problem = f"{shown(case)}: tokens {answer['tokens']}"
        problems += [problem] if problem else []
    return problems, f"{len(cases)} texts, max abs {worst:.2e}"


def tokens(tool, model, cases, options):
    answers = tool.ask("tokenize", model, [record_of(c) for c in cases], *options)
    config = json.loads((Path(model) / "config.json").read_text(encoding="utf-8"))
    typed = config.get("model_type") in ("bert", "electra") or config.get("type_vocab_size", 0) > 1
    problems = []
    for case, answer in zip(cases, answers):
        problem = failure(case, answer)
        if not typed and "type_ids" in case and "error" not in answer and not any(answer["type_ids"]):
            # The stored ones are the tokenizer's; transformers gives such a model none of them.
            case = {**case, "type_ids": answer["type_ids"]}
        if problem is None:
            for key, name in (
                ("ids", "input_ids"),
                ("type_ids",) * 2,
                ("tokens",) * 2,
                ("offsets",) * 2,
            ):
                if name in case and answer[key] != case[name]:
                    problem = f"{shown(case)}: {key} {answer[key]}, expected {case[name]}"
                    break
        problems += [problem] if problem else []
    return problems, f"{len(cases)} texts"


def logits(tool, model, cases, options):
    """classify with raw scores against the logits of forward passes."""
    cases = decided(cases)
    config = json.loads((Path(model) / "config.json").read_text(encoding="utf-8"))
    count = len(cases[0]["logits"])
    labels = [config.get("id2label", {}).get(str(i), f"LABEL_{i}") for i in range(count)]
    flags = ["--top-k", "0", "--function-to-apply", "none"]
    answers = tool.ask("classify", model, [record_of(c) for c in cases], *flags, *options)
    problems, worst = [], 0.0
    for case, answer in zip(cases, answers):
        problem = failure(case, answer)
        if problem is None:
            answer = answer if isinstance(answer, list) else [answer]
            found = {item["label"]: item["score"] for item in answer}
            d = distance([found[label] for label in labels], case["logits"])
            worst = max(worst, d)
            best = labels[max(range(count), key=lambda i: case["logits"][i])]
            if d > LOGIT:
                problem = f"{shown(case)}: max abs {d:.3g} > {LOGIT:g}"
            elif answer[0]["label"] != best:
                problem = f"{shown(case)}: {answer[0]['label']} first, expected {best}"
        problems += [problem] if problem else []
    return problems, f"{len(cases)} texts, max abs {worst:.2e}"


def same_items(found, expected, keys) -> str | None:
    """Lists of result objects, best first. Neighbours whose scores are equal to 2e-6 may stand either
    way round. A key of `expected` that the tool leaves out is a difference."""
    if not isinstance(found, list):
        found = [found]
    if len(found) != len(expected):
        return f"{len(found)} results, expected {len(expected)}: {found}"
    for i, (a, b) in enumerate(zip(found, expected)):
        if not abs(a["score"] - b["score"]) <= SCORE:
            return f"result {i}: score {a['score']}, expected {b['score']}"
        ties = [e for e in expected if abs(e["score"] - b["score"]) < 2e-6] + [b]
        if not any(all(a[key] == tie[key] for key in keys if key in tie) for tie in ties):
            return f"result {i}: {a}, expected {b}"
    return None


def _by_options(entries, names):
    groups = defaultdict(list)
    for entry in entries:
        groups[tuple(json.dumps(entry.get(name)) for name in names)].append(entry)
    return [([json.loads(v) for v in values], group) for values, group in groups.items()]


def _compare(tool, task, model, entries, fields, flags, verdict):
    answers = tool.ask(task, model, [{k: e[k] for k in fields if k in e} for e in entries], *flags)
    problems = []
    for entry, answer in zip(entries, answers):
        problem = failure(entry, answer)
        if problem is None and (difference := verdict(answer, entry)):
            problem = f"{shown(entry)} {' '.join(map(str, flags))}: {difference}"
        problems += [problem] if problem else []
    return problems


def classifications(tool, model, entries, options):
    problems = []
    for (function,), group in _by_options(entries, ["function_to_apply"]):
        flags = ["--top-k", "0"] + (["--function-to-apply", function] if function else []) + options
        verdict = lambda answer, entry: same_items(answer, entry["labels"], ["label"])
        problems += _compare(tool, "classify", model, group, ["text", "text_pair"], flags, verdict)
    return problems, f"{len(entries)} answers"


def zero_shot(tool, model, entries, options):
    problems = []
    for entry in entries:
        flags = ["--labels", ",".join(entry["candidate_labels"]), "--top-k", "0", *options]
        flags += ["--hypothesis-template", entry["hypothesis_template"]]
        flags += ["--multi-label"] if entry["multi_label"] else []
        verdict = lambda answer, entry: same_items(answer, entry["labels"], ["label"])
        problems += _compare(tool, "classify", model, [entry], ["text"], flags, verdict)
    return problems, f"{len(entries)} answers"


def entities(tool, model, entries, options):
    strategy_flag = tool.flag("ner", "--aggregation-strategy", "--aggregation")
    keys = ["entity", "entity_group", "index", "word", "start", "end"]
    names = ["aggregation_strategy", "max_length", "stride", "ignore_labels"]
    problems = []
    for (strategy, max_length, stride, ignored), group in _by_options(entries, names):
        flags = [strategy_flag, strategy, *options]
        flags += ["--max-length", max_length] if max_length else []
        flags += ["--stride", stride] if stride else []
        if ignored:
            flags += ["--ignore-labels", ",".join(ignored)]
        verdict = lambda answer, entry: same_items(answer, entry["entities"], keys)
        problems += _compare(tool, "ner", model, group, ["text"], flags, verdict)
    return problems, f"{len(entries)} answers"


def mask_fills(tool, model, entries, options):
    keys = ["token", "token_str", "sequence"]

    def verdict(answer, entry):
        expected = entry["masks"]
        if isinstance(expected[0], dict):
            return same_items(answer, expected, keys)
        if len(answer) != len(expected):
            return f"{len(answer)} masks, expected {len(expected)}"
        return next(filter(None, (same_items(a, b, keys) for a, b in zip(answer, expected))), None)

    flags = ["--top-k", "5", *options]
    return (
        _compare(tool, "fill-mask", model, entries, ["text"], flags, verdict),
        f"{len(entries)} answers",
    )


def answers(tool, model, entries, options):
    impossible_flag = tool.flag("qa", "--handle-impossible-answer", "--handle-impossible")
    window = tool.flag("qa", "--max-seq-length", "--max-seq-len", "--max-length")
    stride_flag = tool.flag("qa", "--stride", "--doc-stride")
    length = tool.flag("qa", "--max-answer-length", "--max-answer-len")
    names = ["top_k", "max_seq_len", "doc_stride", "max_answer_len", "handle_impossible_answer"]
    problems = []
    for (top_k, max_seq_len, stride, max_answer, impossible), group in _by_options(entries, names):
        flags = ["--top-k", top_k, window, max_seq_len, stride_flag, stride, length, max_answer]
        flags += ([impossible_flag] if impossible else []) + options
        verdict = lambda answer, entry: same_items(
            answer, entry["answers"], ["start", "end", "answer"]
        )
        problems += _compare(tool, "qa", model, group, ["question", "context"], flags, verdict)
    return problems, f"{len(entries)} answers"


def rankings(tool, model, entries, options):
    verdict = lambda answer, entry: same_items(answer, entry["ranking"], ["index"])
    return _compare(tool, "rerank", model, entries, ["query", "texts"], options, verdict), ""


def embeddings(tool, model, entries, options, own_pooling):
    """`own_pooling`: ask for the model's own pooling and normalisation instead of naming them."""
    problems, worst = [], 0.0
    for (pooling, normalize), group in _by_options(entries, ["pooling", "normalize"]):
        flags = list(options)
        if not own_pooling:
            flags += ["--pooling", pooling]
            flags += [tool.flag("embed", "--normalize")] if normalize else []
        found = tool.ask("embed", model, [{"text": e["text"]} for e in group], *flags)
        for entry, answer in zip(group, found):
            problem = failure(entry, answer)
            if problem is None:
                d = distance(answer["embedding"], entry["embedding"])
                worst = max(worst, d)
                if d > HIDDEN:
                    problem = f"{shown(entry)} {pooling}: max abs {d:.3g} > {HIDDEN:g}"
            problems += [problem] if problem else []
    return problems, f"{len(entries)} vectors, max abs {worst:.2e}"
