"""LangChain: Embeddings, and a compressor that reranks."""

from typing import Any

from langchain_core.documents import BaseDocumentCompressor
from langchain_core.embeddings import Embeddings

from . import encoder_of, reranker_of


class SapwoodEmbeddings(Embeddings):
    """Vectors for vector stores and retrievers: documents with the prompt "document", queries with "query". normalize: vectors of length 1."""

    def __init__(self, model, normalize=False, **options):
        self.encoder, self.normalize = encoder_of(model, options), normalize

    def embed_documents(self, texts):
        return self.encoder.encode_document(list(texts), normalize_embeddings=self.normalize).tolist()

    def embed_query(self, text):
        return self.encoder.encode_query(text, normalize_embeddings=self.normalize).tolist()


class SapwoodReranker(BaseDocumentCompressor):
    """The top_n documents by a cross-encoder, the best first, each with a "relevance_score" in its metadata."""

    top_n: int = 3
    reranker: Any = None

    def __init__(self, model, top_n=3, **options):
        super().__init__(top_n=top_n, reranker=reranker_of(model, options))

    def compress_documents(self, documents, query, callbacks=None):
        ranked = self.reranker.rank(query, [document.page_content for document in documents], top_k=self.top_n)
        copies = [(documents[each["corpus_id"]].model_copy(deep=True), each["score"]) for each in ranked]
        for document, score in copies:
            document.metadata["relevance_score"] = score
        return [document for document, _ in copies]
