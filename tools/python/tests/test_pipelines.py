"""pipeline() beside that of transformers: the same assertions, and the same answers."""

import numpy as np
import pytest
from conftest import load

TEXTS = ["a charming and often affecting journey .", "dull", "Ada Lovelace lived in London ."]
TASKS = {
    "text-classification": ("distilbert-sentiment-f16", {}),
    "token-classification": ("bert-fff-ner", {}),
    "fill-mask": ("distilbert-mlm", {}),
    "zero-shot-classification": ("bert-nli", {}),
}


def close(ours, theirs):
    """Equal but for rounding."""
    if isinstance(theirs, dict):
        assert list(ours) == list(theirs)
        for key in theirs:
            close(ours[key], theirs[key])
    elif isinstance(theirs, (list, tuple)):
        assert len(ours) == len(theirs)
        for mine, other in zip(ours, theirs):
            close(mine, other)
    elif isinstance(theirs, (float, np.floating)):
        assert ours == pytest.approx(float(theirs), abs=1e-4)
    else:
        assert ours == theirs


def test_classification(api):
    classify = load(api, "text-classification", "distilbert-sentiment-f16")
    one, = classify(TEXTS[0])
    assert set(one) == {"label", "score"} and isinstance(one["score"], float)
    assert [set(each) for each in classify(TEXTS)] == [{"label", "score"}] * 3
    every = classify(TEXTS[0], top_k=None)
    assert len(every) > 1 and every == sorted(every, key=lambda each: -each["score"])
    assert sum(each["score"] for each in every) == pytest.approx(1, abs=1e-5)
    assert [len(each) for each in classify(TEXTS, top_k=1)] == [1, 1, 1]
    raw = classify(TEXTS[0], top_k=None, function_to_apply="none")
    assert sum(each["score"] for each in raw) != pytest.approx(1, abs=1e-3)
    pair = classify({"text": "a", "text_pair": "b"})
    assert set(pair) == {"label", "score"}
    assert len(list(classify(text for text in TEXTS))) == 3


def test_tokens(api):
    ner = load(api, "token-classification", "bert-fff-ner", ignore_labels=[])
    tokens = ner(TEXTS[2])
    assert [set(each) for each in tokens] == [{"entity", "score", "index", "word", "start", "end"}] * len(tokens) and tokens
    assert [len(each) for each in ner([TEXTS[2]])] == [len(tokens)]
    for strategy in ("simple", "first", "average", "max"):
        groups = ner(TEXTS[2], aggregation_strategy=strategy)
        assert groups and all(set(each) == {"entity_group", "score", "word", "start", "end"} for each in groups)


def test_masks(api):
    fill = load(api, "fill-mask", "distilbert-mlm")
    fills = fill("the capital is [MASK] .")
    assert len(fills) == 5 and set(fills[0]) == {"score", "token", "token_str", "sequence"}
    assert [len(masks) for masks in fill("the [MASK] is [MASK] .", top_k=2)] == [2, 2]
    assert isinstance(fill(["a [MASK]"])[0], dict) and isinstance(fill(["a [MASK]", "[MASK]"])[0], list)
    assert [each["token_str"] for each in fill("a [MASK]", targets="the")] == ["the"]


def test_zero_shot(api):
    zero_shot = load(api, "zero-shot-classification", "bert-nli")
    answer = zero_shot(TEXTS[0], candidate_labels="film, weather")
    assert list(answer) == ["sequence", "labels", "scores"] and set(answer["labels"]) == {"film", "weather"}
    assert sum(answer["scores"]) == pytest.approx(1, abs=1e-5)
    assert [each["sequence"] for each in zero_shot(TEXTS, ["film", "weather"], multi_label=True)] == TEXTS


def test_features(api):
    features = load(api, "feature-extraction", "bert-base-gelu-new")
    array = np.array(features(TEXTS[1]))
    assert array.ndim == 3 and array.shape[0] == 1
    assert [np.array(each).shape[0] for each in features(TEXTS)] == [1, 1, 1]


@pytest.mark.parametrize("task", TASKS)
def test_unknown_arguments_are_errors(api, task):
    if api.name == "reference":
        pytest.skip("the reference package accepts some of them in silence")
    with pytest.raises((TypeError, ValueError)):
        load(api, task, TASKS[task][0])("a [MASK]", no_such_argument=1)


@pytest.mark.parametrize("model", ["distilbert-sentiment-f16", "roberta-multilabel", "distilbert-regression-bin", "bert-nli"])
def test_labels_are_those_of_the_reference(both, model):
    ours, theirs = (load(api, "text-classification", model) for api in both)
    for options in ({}, {"top_k": 1}, {"top_k": None}, {"function_to_apply": "sigmoid"}):
        for inputs in (TEXTS, TEXTS[0], [{"text": "a", "text_pair": "b"}]):
            close(ours(inputs, **options), theirs(inputs, **options))


@pytest.mark.parametrize("model", ["bert-fff-ner", "distilbert-ner-cased", "roberta-ner"])
def test_entities_are_those_of_the_reference(both, model):
    if model == "bert-fff-ner":
        pytest.skip("the reference has no fast feedforward")
    ours, theirs = (load(api, "token-classification", model, ignore_labels=[]) for api in both)
    for strategy in ("none", "simple", "first", "average", "max"):
        close(ours(TEXTS, aggregation_strategy=strategy), theirs(TEXTS, aggregation_strategy=strategy))


@pytest.mark.parametrize("model,mask", [("distilbert-mlm", "[MASK]"), ("roberta-mlm", "<mask>")])
def test_fills_are_those_of_the_reference(both, model, mask):
    ours, theirs = (load(api, "fill-mask", model) for api in both)
    for text in (f"the capital is {mask} .", f"the {mask} is {mask} ."):
        close(ours(text, top_k=3), theirs(text, top_k=3))


def test_zero_shot_is_that_of_the_reference(both):
    ours, theirs = (load(api, "zero-shot-classification", "bert-nli") for api in both)
    for options in ({}, {"multi_label": True}, {"hypothesis_template": "About {}."}):
        close(ours(TEXTS, ["film", "weather", "trees"], **options), theirs(TEXTS, ["film", "weather", "trees"], **options))


def test_features_are_those_of_the_reference(both):
    ours, theirs = (load(api, "feature-extraction", "bert-base-gelu-new") for api in both)
    close(ours(TEXTS), theirs(TEXTS))


def test_question_answering():
    """As transformers 4.57 has it; what it answers for this checkpoint is compared by the library's golden tests."""
    from conftest import _sapwood

    qa = load(_sapwood(), "question-answering", "bert-qa")
    question, context = "Where does it stand?", "It stands in Berlin, near the river."
    one = qa(question=question, context=context)
    assert list(one) == ["score", "start", "end", "answer"] and context[one["start"] : one["end"]] == one["answer"]
    assert qa({"question": question, "context": context}) == qa(question, context) == qa([{"question": question, "context": context}]) == one
    assert qa(question=[question] * 2, context=context) == [one, one] == qa(question=[question] * 2, context=[context] * 2)
    several = qa(question=question, context=context, top_k=3)
    assert len(several) == 3 and several[0]["score"] >= several[1]["score"]
    for wrong in ({"question": question}, {"question": [question], "context": [context] * 2}, {"question": 3, "context": context}):
        with pytest.raises((TypeError, ValueError)):
            qa(**wrong)


def test_question_answering_is_that_of_the_reference(both):
    ours, theirs = both
    import transformers

    if int(transformers.__version__.split(".")[0]) >= 5:
        pytest.skip("transformers 5 has no question answering; 4.57 has")
    ours, theirs = (load(api, "question-answering", "bert-qa") for api in both)
    for options in ({}, {"top_k": 3}, {"handle_impossible_answer": True}, {"align_to_words": False, "max_answer_len": 3}):
        close(ours(question="Where does it stand?", context="It stands in Berlin, near the river.", **options),
              theirs(question="Where does it stand?", context="It stands in Berlin, near the river.", **options))
