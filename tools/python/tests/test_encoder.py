"""Encoder beside SentenceTransformer: the same assertions, and the same numbers."""

import inspect

import numpy as np
import pytest
from conftest import GOLDEN, load

PATH = str(GOLDEN / "st-bert-mean")
TEXTS = ["a tree", "an old oak stands in the field", "Prices rose.", "x", "naïve café 東京"]


@pytest.fixture
def encoder(api):
    return load(api, "Encoder", "st-bert-mean")


def test_vectors(encoder):
    vectors = encoder.encode(TEXTS)
    assert isinstance(vectors, np.ndarray) and vectors.dtype == np.float32
    assert vectors.shape == (5, encoder.get_embedding_dimension())
    np.testing.assert_allclose(encoder.encode(TEXTS[1]), vectors[1], atol=1e-5)
    assert encoder.encode(TEXTS[0]).ndim == 1
    assert len(encoder.encode([])) == 0


@pytest.mark.parametrize("make", [tuple, np.array, lambda texts: np.array(texts, dtype=object)])
def test_other_lists_of_texts(encoder, make):
    np.testing.assert_allclose(encoder.encode(make(TEXTS)), encoder.encode(TEXTS), atol=1e-5)


def test_options(encoder):
    vectors = encoder.encode(TEXTS)
    normalized = encoder.encode(TEXTS, normalize_embeddings=True)
    np.testing.assert_allclose(np.linalg.norm(normalized, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(encoder.encode(TEXTS, truncate_dim=4), vectors[:, :4], atol=1e-6)
    np.testing.assert_allclose(encoder.encode(TEXTS, batch_size=2), vectors, atol=1e-5)
    np.testing.assert_allclose(encoder.encode(TEXTS, prompt="query: "), encoder.encode(["query: " + text for text in TEXTS]), atol=1e-5)
    tokens = encoder.encode(TEXTS, output_value="token_embeddings")
    assert len(tokens) == 5 and tokens[0].shape[1] == 32 and encoder.encode("a", output_value="token_embeddings").ndim == 2
    for wrong in ({"batch_size": 0}, {"prompt_name": "no such prompt"}, {"precision": "float8"}):
        with pytest.raises(ValueError):
            encoder.encode(TEXTS, **wrong)


def test_smaller_types_of_vectors(encoder):
    vectors = encoder.encode(TEXTS)
    binary, unsigned = encoder.encode(TEXTS, precision="binary"), encoder.encode(TEXTS, precision="ubinary")
    assert binary.dtype == np.int8 and unsigned.dtype == np.uint8
    np.testing.assert_array_equal(unsigned, np.packbits(vectors > 0, axis=-1))
    np.testing.assert_array_equal(binary.astype(int) + 128, unsigned)
    eight = encoder.encode(TEXTS, precision="uint8")
    assert eight.dtype == np.uint8 and eight.max() == 255 and eight.min() == 0
    np.testing.assert_array_equal(encoder.encode(TEXTS, precision="int8").astype(int) + 128, eight)
    with pytest.raises(ValueError):
        encoder.encode(TEXTS[:1], precision="int8")


def test_similarity(encoder):
    vectors = encoder.encode(TEXTS)
    matrix = np.asarray(encoder.similarity(vectors, vectors[:2]))
    assert matrix.shape == (5, 2) and matrix.dtype == np.float32
    np.testing.assert_allclose(matrix[0, 0], 1, atol=1e-5)
    assert np.asarray(encoder.similarity(vectors[0], vectors)).shape == (1, 5)
    pairs = np.asarray(encoder.similarity_pairwise(vectors, vectors))
    np.testing.assert_allclose(pairs, np.ones(5), atol=1e-5)
    frozen = vectors.copy()
    frozen.flags.writeable = False
    np.testing.assert_allclose(np.asarray(encoder.similarity(frozen, frozen))[:, :2], matrix, atol=1e-6)


@pytest.mark.parametrize("name", ["cosine", "dot", "euclidean", "manhattan"])
def test_every_similarity(api, name):
    encoder = api.Encoder(PATH, similarity_fn_name=name)
    vectors = encoder.encode(TEXTS)
    backwards = vectors[::-1].copy()
    matrix = np.asarray(encoder.similarity(vectors, vectors))
    expected = {"cosine": lambda a, b: a @ b / np.linalg.norm(a) / np.linalg.norm(b), "dot": np.dot,
                "euclidean": lambda a, b: -np.linalg.norm(a - b), "manhattan": lambda a, b: -np.abs(a - b).sum()}[name]
    np.testing.assert_allclose(matrix, [[expected(a, b) for b in vectors] for a in vectors], atol=2e-3)
    np.testing.assert_allclose(np.asarray(encoder.similarity_pairwise(vectors, backwards)), [expected(a, b) for a, b in zip(vectors, backwards)], atol=2e-3)
    assert encoder.similarity_fn_name == name


def test_prompts(api):
    encoder = api.Encoder(PATH, prompts={"query": "find: ", "document": "text: ", "other": "other: "})
    for given, prompt in ((encoder.encode_query(TEXTS), "find: "), (encoder.encode_document(TEXTS), "text: "),
                          (encoder.encode(TEXTS, prompt_name="other"), "other: "), (encoder.encode_query(TEXTS, prompt=""), "")):
        np.testing.assert_allclose(given, encoder.encode([prompt + text for text in TEXTS], prompt=""), atol=1e-5)
    assert encoder.prompts == {"query": "find: ", "document": "text: ", "other": "other: "}
    assert api.Encoder(PATH).prompts == {"query": "", "document": ""}
    assert api.Encoder(PATH, prompts={"passage": "text: "}).prompts == {"query": "", "document": "", "passage": "text: "}


def test_limit_of_tokens(api):
    encoder = api.Encoder(PATH)
    whole = encoder.encode(["one two three four five six seven"])
    encoder.max_seq_length = 4
    assert encoder.max_seq_length == 4
    if api.name == "sapwood":
        with pytest.warns(UserWarning, match="1 of 1 texts were longer than 4 tokens"):
            cut = encoder.encode(["one two three four five six seven"])
    else:
        cut = encoder.encode(["one two three four five six seven"])
    np.testing.assert_allclose(cut, encoder.encode(["one two"]), atol=1e-5)
    assert np.abs(whole - cut).max() > 1e-3


def test_older_name_of_inputs(encoder):
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        np.testing.assert_allclose(encoder.encode(sentences=TEXTS), encoder.encode(TEXTS), atol=1e-5)


def test_arguments_are_those_of_the_reference(both):
    ours, theirs = both
    load(theirs, "Encoder", "st-bert-mean")  # skips where there is none
    for method in ("encode", "encode_query", "encode_document"):
        reference = inspect.signature(getattr(theirs.Encoder, method)).parameters
        own = inspect.signature(getattr(ours.Encoder, "encode")).parameters
        assert list(own) == list(reference), method
        differing = [name for name in reference if own[name].default != reference[name].default]
        assert differing == ["inputs"], method  # may be missing, because sentences= may stand for it
    for method in ("predict", "rank"):
        reference = inspect.signature(getattr(theirs.CrossEncoder, method)).parameters
        own = inspect.signature(getattr(ours.CrossEncoder, method)).parameters
        assert {name: p.default for name, p in own.items()} == {name: p.default for name, p in reference.items()}, method


@pytest.mark.parametrize("name", ["st-bert-mean", "st-mpnet-mean", "st-distilbert-max", "st-roberta-mean", "st-modernbert-cls"])
def test_numbers_are_those_of_the_reference(both, name):
    ours, theirs = (load(api, "Encoder", name) for api in both)
    np.testing.assert_allclose(ours.encode(TEXTS), theirs.encode(TEXTS), atol=1e-4)
    np.testing.assert_allclose(ours.encode(TEXTS, normalize_embeddings=True, truncate_dim=5), theirs.encode(TEXTS, normalize_embeddings=True, truncate_dim=5), atol=1e-4)
    for mine, other in zip(ours.encode(TEXTS, output_value="token_embeddings"), theirs.encode(TEXTS, output_value="token_embeddings")):
        np.testing.assert_allclose(mine, np.asarray(other), atol=1e-4)
    assert ours.max_seq_length == theirs.max_seq_length
    assert ours.get_embedding_dimension() == theirs.get_embedding_dimension()
    tensor = ours.encode(TEXTS, convert_to_tensor=True)
    assert type(tensor) is type(theirs.encode(TEXTS, convert_to_tensor=True)) and tensor.shape == (5, ours.get_embedding_dimension())
