"""The interface of fastembed's TextEmbedding and TextCrossEncoder: generators of vectors and scores. fastembed itself is not needed."""

import itertools

from ..models import refuse, refuse_unknown
from . import encoder_of, reranker_of


class TextEmbedding:
    """As fastembed.TextEmbedding: embed(), query_embed() and passage_embed() yield a vector for each text."""

    def __init__(self, model_name, cache_dir=None, threads=None, providers=None, cuda=False, device_ids=None, lazy_load=False, **options):
        refuse("TextEmbedding", cache_dir=(cache_dir, None), providers=(providers, None), cuda=(cuda, False), device_ids=(device_ids, None),
               lazy_load=(lazy_load, False))
        self.model_name = model_name
        self.encoder = encoder_of(model_name, {"threads": threads or 0, **options})
        self.embedding_size = self.encoder.get_embedding_dimension()

    def embed(self, documents, batch_size=256, parallel=None, **kwargs):
        """A generator of float32 vectors [dim], for a str or any iterable of str; it reads batch_size texts ahead."""
        yield from self._embed(self.encoder.encode, documents, batch_size, parallel, kwargs)

    def query_embed(self, query, batch_size=256, parallel=None, **kwargs):
        """embed() with the prompt "query"."""
        yield from self._embed(self.encoder.encode_query, query, batch_size, parallel, kwargs)

    def passage_embed(self, texts, batch_size=256, parallel=None, **kwargs):
        """embed() with the prompt "document"."""
        yield from self._embed(self.encoder.encode_document, texts, batch_size, parallel, kwargs)

    @staticmethod
    def _embed(encode, texts, batch_size, parallel, kwargs):
        refuse("TextEmbedding", parallel=(parallel, None))  # threads share one model
        refuse_unknown("TextEmbedding", kwargs)
        source = iter([texts] if isinstance(texts, str) else texts)
        while batch := list(itertools.islice(source, batch_size)):
            yield from encode(batch)


class TextCrossEncoder:
    """As fastembed's TextCrossEncoder: rerank() and rerank_pairs() yield a score for each text or pair, which is the logit, as there."""

    def __init__(self, model_name, cache_dir=None, threads=None, providers=None, cuda=False, device_ids=None, lazy_load=False, **options):
        refuse("TextCrossEncoder", cache_dir=(cache_dir, None), providers=(providers, None), cuda=(cuda, False), device_ids=(device_ids, None),
               lazy_load=(lazy_load, False))
        self.model_name = model_name
        self.reranker = reranker_of(model_name, {"threads": threads or 0, **options})

    def rerank(self, query, documents, batch_size=64, **kwargs):
        """A generator of scores, one for each document, in their order."""
        yield from self.rerank_pairs(((query, document) for document in documents), batch_size, **kwargs)

    def rerank_pairs(self, pairs, batch_size=64, parallel=None, **kwargs):
        """A generator of scores, one for each pair of str."""
        refuse("TextCrossEncoder", parallel=(parallel, None))
        refuse_unknown("TextCrossEncoder", kwargs)
        source = iter(pairs)
        while batch := list(itertools.islice(source, batch_size)):
            yield from self.reranker.predict(batch, activation_fn=lambda logits: logits).tolist()
