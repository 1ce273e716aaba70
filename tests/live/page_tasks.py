"""What the page shows of each task, beside what the API itself answers."""
import itertools
import json
import urllib.request

from serve_clients import GOLDEN, MODELS, ROOT

# Besides those of the clients' tests: a classifier of natural language inference, and sparse vectors.
ALL_MODELS = {**MODELS, "nli": str(GOLDEN / "bert-nli"), "sparse": str(ROOT / "tests/golden/sentence/sparse-router")}
TASKS = {
    "embed": ["similarity", "search", "embedding", "tokens"],
    "sst2": ["classification", "tokens"],
    "ner": ["entities", "tokens"],
    "mlm": ["fill-mask", "tokens"],
    "cross": ["reranking", "tokens"],
    "qa": ["questions", "tokens"],
    "nli": ["classification", "zero-shot", "tokens"],
    "sparse": ["sparse", "tokens"],
}


def post(page, path, body):
    request = urllib.request.Request(page.url + path, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request) as response:
        return json.load(response)


def percent(share):
    return "<\u00a00.1\u00a0%" if 0 < share < 0.001 else f"{100 * share:.1f}\u00a0%"


def shown_bars(page):
    return list(zip(page.texts("#answer .bars .what"), page.texts("#answer .bars .number")))


def near(found, wanted):
    """Numbers that were rounded for people; ties may have been rounded the other way."""
    number = lambda text: float(text.replace("<", "").replace("%", ""))
    assert len(found) == len(wanted), (found, wanted)
    for (name, shown), (right, expected) in zip(found, wanted):
        assert name == right and abs(number(shown) - number(expected)) < 0.11, (found, wanted)


def see_similarity(page):
    texts = ["An old oak.", "A tree in the park.", "Tax law, in \U0001f332 general"]
    page.type("sentences", "\n".join(texts) + "\n\n")
    page.run()
    vectors = post(page, "models/embed/embed", {"inputs": texts})
    wanted = [sum(x * y for x, y in zip(a, b)) for a, b in itertools.product(vectors, vectors)]
    found = [float(text) for text in page.texts("#answer td")[1:]]
    assert len(found) == 9 and all(abs(f - w) < 0.0051 for f, w in zip(found, wanted)), (found, wanted)
    assert [text.split(" ", 1)[0] for text in page.texts("#answer tbody th")] == ["1An", "2A", "3Tax"]


def see_ranking(page):
    model = page.script("return state.model.name")
    texts = [f"Paragraph {i} is about {what}.\nIt has two lines." for i, what in enumerate(["water", "banks", "trees", "sap"] * 10)]
    page.type("texts", "\n\n".join(texts))  # more than one request may have
    page.type("query", "how trees drink")
    page.run()
    found = list(zip(page.texts("#answer .text"), map(float, page.texts("#answer .number"))))
    wanted = {}
    for at in range(0, len(texts), 32):
        for each in post(page, f"models/{model}/rerank", {"query": "how trees drink", "texts": texts[at : at + 32]}):
            wanted[texts[at + each["index"]]] = each["score"]
    assert len(found) == len(texts) and all(abs(wanted[text] - score) < 0.00051 for text, score in found), found
    assert [score for _, score in found] == sorted((score for _, score in found), reverse=True)
    assert "2requests" in page.text("#figures").replace("requests2", "2requests"), page.text("#figures")


def see_embedding(page):
    page.run()
    assert "384 numbers" in page.text("#answer-body")
    page.type("dimensions", "64")
    page.run()
    [vector] = post(page, "models/embed/embed", {"inputs": page.script("return document.getElementById('field-text').value"), "dimensions": 64})
    assert "64 numbers" in page.text("#answer-body") and f"{vector[0]:.4f}, {vector[1]:.4f}" in page.text("#answer-body")


def see_classification(page):
    model = page.script("return state.model.name")
    text, pair = "dull, lifeless and far too long", "It is no good film."
    page.type("text", text)
    if model == "nli":
        page.type("pair", pair)
    page.run()
    wanted = post(page, f"models/{model}/predict", {"inputs": [text, pair] if model == "nli" else text})
    near(shown_bars(page), [(each["label"], percent(each["score"])) for each in wanted])


def see_zero_shot(page):
    page.type("labels", "weather, sport ,cooking")
    page.script("document.querySelector('#field-several').checked = true")
    page.run()
    parameters = {"candidate_labels": ["weather", "sport", "cooking"], "multi_label": True}
    wanted = post(page, "models/nli", {"inputs": "The new phone's battery lasts for three days.", "parameters": parameters})
    near(shown_bars(page), [(each["label"], percent(each["score"])) for each in wanted])


def see_entities(page):
    text = "\U0001f332\U0001f332 Maria Keller moved to Berlin for Siemens."  # two code points, four units of JavaScript's strings
    page.type("text", text)
    page.run()
    wanted = post(page, "models/ner", {"inputs": text, "parameters": {"aggregation_strategy": "simple"}})
    marks = [(text[each["start"] : each["end"]], each["entity_group"]) for each in wanted]
    assert len(marks) >= 2 and page.texts("#answer mark") == [word + kind for word, kind in marks], (page.texts("#answer mark"), wanted)
    assert page.texts("#answer tbody th") == [word for word, _ in marks]
    page.script("document.getElementById('field-strategy').value = 'none'")
    page.run()
    assert len(page.texts("#answer mark")) >= len(marks)


def see_fill_mask(page):
    page.run()
    wanted = post(page, "models/mlm", {"inputs": page.script("return document.getElementById('field-text').value"), "parameters": {"top_k": 5}})
    near(shown_bars(page), [(each["token_str"], percent(each["score"])) for each in wanted])
    page.type("text", "[MASK] trees need [MASK].")
    page.type("targets", "water, air")
    page.run()
    assert page.texts("#answer-body h2") == ["Mask 1", "Mask 2"]
    assert set(page.texts("#answer .what")) == {"water", "air"}


def see_questions(page):
    context = "\U0001f332 In Berlin stands an oak. It drinks water."
    page.type("context", context)
    page.type("question", "Where?")
    page.run()
    wanted = post(page, "models/qa", {"inputs": {"question": "Where?", "context": context}, "parameters": {"top_k": 3}})
    near(shown_bars(page), [(each["answer"], percent(each["score"])) for each in wanted])
    best = wanted[0]
    assert page.text("#answer mark") == context[best["start"] : best["end"]] + percent(best["score"]), page.text("#answer mark")


def see_sparse(page):
    page.run()
    [wanted] = post(page, "models/sparse/embed_sparse", {"inputs": page.script("return document.getElementById('field-text').value")})
    assert f"{len(wanted)} words" in page.text("#answer-body")
    found = [float(number) for _, number in shown_bars(page)]
    heaviest = sorted((each["value"] for each in wanted), reverse=True)[: len(found)]
    assert found and all(abs(f - w) < 0.0051 for f, w in zip(found, heaviest)), (found, heaviest)


def see_tokens(page):
    model = page.script("return state.model.name")
    page.type("text", "sapwood na\u00efvely \U0001f332")
    page.run()
    [wanted] = post(page, f"models/{model}/tokenize", {"inputs": "sapwood na\u00efvely \U0001f332"})
    assert page.texts("#answer .tokens li small") == [f"{each['id']}{' special' if each['special'] else ''}" for each in wanted]


SEE = {"similarity": see_similarity, "search": see_ranking, "reranking": see_ranking, "embedding": see_embedding, "classification": see_classification,
       "zero-shot": see_zero_shot, "entities": see_entities, "fill-mask": see_fill_mask, "questions": see_questions, "sparse": see_sparse,
       "tokens": see_tokens}


def every_task():
    return [(model, task) for model, tasks in TASKS.items() for task in tasks]
