"""Every adapter with the package that it is for; skipped by name where that is not installed."""

import os

import numpy as np
import pytest
import sapwood
from conftest import GOLDEN, MODELS

os.environ |= {"ANONYMIZED_TELEMETRY": "False", "HAYSTACK_TELEMETRY_ENABLED": "False"}

EMBED, RERANK = str(MODELS / "minilm-fff-embed"), str(GOLDEN / "bert-cross-encoder")
TEXTS = ["Prices rose.", "Sapwood carries water from the roots.", "An old oak stands in the field."]
QUERY = "how trees drink"


@pytest.fixture(scope="module")
def encoder():
    return sapwood.Encoder(EMBED)


@pytest.fixture(scope="module")
def reranker():
    return sapwood.CrossEncoder(RERANK)


def order(reranker):
    return [each["corpus_id"] for each in reranker.rank(QUERY, TEXTS)]


def test_langchain(encoder, reranker):
    pytest.importorskip("langchain_core")
    from langchain_core.documents import Document
    from langchain_core.vectorstores import InMemoryVectorStore
    from sapwood.adapters.langchain import SapwoodEmbeddings, SapwoodReranker

    embeddings = SapwoodEmbeddings(EMBED)
    np.testing.assert_allclose(embeddings.embed_documents(TEXTS), encoder.encode(TEXTS), atol=1e-6)
    np.testing.assert_allclose(embeddings.embed_query(QUERY), encoder.encode(QUERY), atol=1e-6)
    store = InMemoryVectorStore.from_texts(TEXTS, SapwoodEmbeddings(encoder, normalize=True))
    assert store.similarity_search(QUERY, k=1)[0].page_content == TEXTS[1]
    documents = [Document(page_content=text, metadata={"i": i}) for i, text in enumerate(TEXTS)]
    ranked = SapwoodReranker(RERANK, top_n=2).compress_documents(documents, QUERY)
    assert [document.metadata["i"] for document in ranked] == order(reranker)[:2]
    assert "relevance_score" in ranked[0].metadata and "relevance_score" not in documents[0].metadata


def test_llama_index(encoder, reranker):
    pytest.importorskip("llama_index.core")
    from llama_index.core import VectorStoreIndex
    from llama_index.core.schema import NodeWithScore, TextNode
    from sapwood.adapters.llama_index import SapwoodEmbedding, SapwoodRerank

    embedding = SapwoodEmbedding(EMBED)
    np.testing.assert_allclose(embedding.get_text_embedding_batch(TEXTS), encoder.encode(TEXTS), atol=1e-6)
    np.testing.assert_allclose(embedding.get_query_embedding(QUERY), encoder.encode(QUERY), atol=1e-6)
    nodes = [TextNode(text=text) for text in TEXTS]
    found = VectorStoreIndex(nodes, embed_model=SapwoodEmbedding(encoder)).as_retriever(similarity_top_k=1).retrieve(QUERY)
    assert found[0].node.get_content() == TEXTS[1]
    ranked = SapwoodRerank(RERANK, top_n=2).postprocess_nodes([NodeWithScore(node=node) for node in nodes], query_str=QUERY)
    assert [node.node.get_content() for node in ranked] == [TEXTS[i] for i in order(reranker)[:2]]


def test_haystack(encoder, reranker):
    pytest.importorskip("haystack")
    from haystack import Document, Pipeline
    from haystack.components.retrievers.in_memory import InMemoryEmbeddingRetriever
    from haystack.document_stores.in_memory import InMemoryDocumentStore
    from sapwood.adapters.haystack import SapwoodDocumentEmbedder, SapwoodRanker, SapwoodTextEmbedder

    documents = SapwoodDocumentEmbedder(model=EMBED).run(documents=[Document(content=text) for text in TEXTS])["documents"]
    np.testing.assert_allclose([document.embedding for document in documents], encoder.encode(TEXTS), atol=1e-6)
    store = InMemoryDocumentStore(embedding_similarity_function="cosine")
    store.write_documents(documents)
    pipeline = Pipeline()
    pipeline.add_component("query", SapwoodTextEmbedder(model=EMBED))
    pipeline.add_component("search", InMemoryEmbeddingRetriever(store, top_k=3))
    pipeline.add_component("rank", SapwoodRanker(model=RERANK))
    pipeline.connect("query.embedding", "search.query_embedding")
    pipeline.connect("search.documents", "rank.documents")
    ranked = pipeline.run({"query": {"text": QUERY}, "rank": {"query": QUERY}})["rank"]["documents"]
    assert [document.content for document in ranked] == [TEXTS[i] for i in order(reranker)]
    assert SapwoodRanker.from_dict(SapwoodRanker(model=RERANK, threads=1).to_dict()).options == {"threads": 1}


def test_chroma(encoder, tmp_path):
    chromadb = pytest.importorskip("chromadb")
    from sapwood.adapters.chroma import SapwoodEmbeddingFunction

    client = chromadb.PersistentClient(path=str(tmp_path))
    collection = client.create_collection("texts", embedding_function=SapwoodEmbeddingFunction(EMBED, threads=1))
    collection.add(ids=["0", "1", "2"], documents=TEXTS)
    assert collection.query(query_texts=[QUERY], n_results=1)["ids"] == [["1"]]
    stored = collection.get(ids=["0", "1", "2"], include=["embeddings"])["embeddings"]
    np.testing.assert_allclose(stored, encoder.encode(TEXTS), atol=1e-5)
    again = client.get_collection("texts")  # finds the function by its name and configuration
    assert again.query(query_texts=[QUERY], n_results=1)["ids"] == [["1"]]


def test_txtai(encoder):
    pytest.importorskip("txtai")
    from sapwood.adapters.txtai import transform_config
    from txtai import Embeddings

    index = Embeddings(transform_config(encoder, content=True, backend="numpy"))
    index.index(TEXTS)
    assert index.search(QUERY, 1)[0]["text"] == TEXTS[1]
    np.testing.assert_allclose(index.batchtransform(TEXTS), encoder.encode(TEXTS, normalize_embeddings=True), atol=1e-5)


def test_fastembed(encoder, reranker):
    from sapwood.adapters.fastembed import TextCrossEncoder, TextEmbedding

    embedding = TextEmbedding(EMBED)
    vectors = embedding.embed(text for text in TEXTS)
    assert iter(vectors) is vectors and next(vectors).shape == (384,) == (embedding.embedding_size,)
    np.testing.assert_array_equal(list(embedding.embed(TEXTS, batch_size=2)), encoder.encode(TEXTS))
    np.testing.assert_array_equal(next(embedding.query_embed(QUERY)), encoder.encode_query(QUERY))
    np.testing.assert_array_equal(list(embedding.passage_embed(TEXTS)), encoder.encode_document(TEXTS))
    with pytest.raises(sapwood.Unsupported, match="parallel"):
        list(embedding.embed(TEXTS, parallel=2))
    scores = list(TextCrossEncoder(RERANK).rerank(QUERY, TEXTS))
    assert sorted(range(3), key=lambda i: -scores[i]) == order(reranker)
    np.testing.assert_allclose(1 / (1 + np.exp(-np.array(scores))), reranker.predict([(QUERY, text) for text in TEXTS]), atol=1e-6)
