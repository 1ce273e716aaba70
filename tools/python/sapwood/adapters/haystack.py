"""Haystack: components that embed texts and documents, and one that ranks. They load their model in warm_up(), or when they first run."""

from dataclasses import replace

from haystack import Document, component, default_from_dict, default_to_dict

from . import encoder_of, name_of, reranker_of


class _Component:
    _load = staticmethod(encoder_of)

    def __init__(self, model, **options):
        self.model, self.options, self._loaded = model, options, None

    def warm_up(self):
        if self._loaded is None:
            self._loaded = self._load(self.model, self.options)

    def to_dict(self):
        return default_to_dict(self, model=name_of(self.model), **self.options)

    @classmethod
    def from_dict(cls, data):
        return default_from_dict(cls, data)


@component
class SapwoodTextEmbedder(_Component):
    """A query's vector."""

    @component.output_types(embedding=list[float])
    def run(self, text: str):
        self.warm_up()
        return {"embedding": self._loaded.encode_query(text).tolist()}


@component
class SapwoodDocumentEmbedder(_Component):
    """The documents with their vectors."""

    @component.output_types(documents=list[Document])
    def run(self, documents: list[Document]):
        self.warm_up()
        vectors = self._loaded.encode_document([document.content or "" for document in documents]).tolist()
        return {"documents": [replace(document, embedding=vector) for document, vector in zip(documents, vectors)]}


@component
class SapwoodRanker(_Component):
    """The documents in the order in which they suit the query, with a cross-encoder's scores."""

    _load = staticmethod(reranker_of)

    @component.output_types(documents=list[Document])
    def run(self, query: str, documents: list[Document], top_k: int | None = None):
        self.warm_up()
        ranked = self._loaded.rank(query, [document.content or "" for document in documents], top_k=top_k)
        return {"documents": [replace(documents[each["corpus_id"]], score=each["score"]) for each in ranked]}
