"""CrossEncoder beside that of sentence-transformers: the same assertions, and the same numbers."""

import numpy as np
import pytest
from conftest import load

PAIRS = [("how trees drink", "Sapwood carries water."), ("how trees drink", "Prices rose."), ("a", "b")]


@pytest.fixture
def model(api):
    return load(api, "CrossEncoder", "bert-cross-encoder")


def test_scores(model):
    scores = model.predict(PAIRS)
    assert scores.shape == (3,) and scores.dtype == np.float32 and ((scores > 0) & (scores < 1)).all()
    np.testing.assert_allclose(model.predict(PAIRS[1]), scores[1], atol=1e-6)
    np.testing.assert_allclose(model.predict([list(pair) for pair in PAIRS]), scores, atol=1e-6)
    np.testing.assert_allclose(model.predict(np.array(PAIRS)), scores, atol=1e-6)
    np.testing.assert_allclose(model.predict(PAIRS, batch_size=1), scores, atol=1e-5)
    np.testing.assert_allclose(model.predict(PAIRS, prompt="q: "), model.predict([("q: " + a, b) for a, b in PAIRS]), atol=1e-5)
    assert len(model.predict([])) == 0
    assert model.num_labels == 1
    with pytest.raises(ValueError):
        model.predict(PAIRS, batch_size=0)


def test_rank(model):
    documents = [second for _, second in PAIRS]
    ranked = model.rank("how trees drink", documents, return_documents=True)
    assert [set(each) for each in ranked] == [{"corpus_id", "score", "text"}] * 3
    assert sorted(each["corpus_id"] for each in ranked) == [0, 1, 2]
    assert all(one["score"] >= two["score"] for one, two in zip(ranked, ranked[1:]))
    assert all(each["text"] == documents[each["corpus_id"]] for each in ranked)
    first = model.rank("how trees drink", documents, top_k=1)
    assert len(first) == 1 and set(first[0]) == {"corpus_id", "score"} and first[0]["corpus_id"] == ranked[0]["corpus_id"]


def test_several_labels(api):
    model = load(api, "CrossEncoder", "bert-nli")
    scores = model.predict(PAIRS)
    assert scores.shape == (3, model.num_labels)
    softmax = model.predict(PAIRS, apply_softmax=True)
    np.testing.assert_allclose(softmax.sum(axis=1), 1, atol=1e-5)
    with pytest.raises(ValueError):
        model.rank("a", ["b"])


@pytest.mark.parametrize("name", ["bert-cross-encoder", "modernbert-cross-encoder", "bert-nli"])
def test_numbers_are_those_of_the_reference(both, name):
    import torch

    ours, theirs = (load(api, "CrossEncoder", name) for api in both)
    np.testing.assert_allclose(ours.predict(PAIRS), theirs.predict(PAIRS), atol=1e-4)
    for function in (torch.nn.Identity(), torch.nn.Sigmoid()):
        np.testing.assert_allclose(ours.predict(PAIRS, activation_fn=function), theirs.predict(PAIRS, activation_fn=function), atol=1e-4)
    if ours.num_labels == 1:
        ranked, expected = ours.rank("how trees drink", ["x", "y"]), theirs.rank("how trees drink", ["x", "y"])
        assert [each["corpus_id"] for each in ranked] == [each["corpus_id"] for each in expected]
