"""LlamaIndex: an embedding model, and a postprocessor that reranks."""

from typing import Any

from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.postprocessor.types import BaseNodePostprocessor
from llama_index.core.schema import MetadataMode, NodeWithScore
from pydantic import PrivateAttr

from . import encoder_of, name_of, reranker_of


class SapwoodEmbedding(BaseEmbedding):
    """Vectors for indexes: texts with the prompt "document", queries with "query"."""

    _encoder: Any = PrivateAttr()

    def __init__(self, model, embed_batch_size=1024, callback_manager=None, **options):
        super().__init__(model_name=name_of(model), embed_batch_size=embed_batch_size, callback_manager=callback_manager)
        self._encoder = encoder_of(model, options)

    def _get_query_embedding(self, query):
        return self._encoder.encode_query(query).tolist()

    async def _aget_query_embedding(self, query):
        return self._get_query_embedding(query)

    def _get_text_embedding(self, text):
        return self._encoder.encode_document(text).tolist()

    def _get_text_embeddings(self, texts):
        return self._encoder.encode_document(texts).tolist()


class SapwoodRerank(BaseNodePostprocessor):
    """The top_n nodes by a cross-encoder, the best first, with its scores."""

    top_n: int = 2
    _reranker: Any = PrivateAttr()

    def __init__(self, model, top_n=2, **options):
        super().__init__(top_n=top_n)
        self._reranker = reranker_of(model, options)

    def _postprocess_nodes(self, nodes, query_bundle=None):
        if query_bundle is None:
            raise ValueError("SapwoodRerank: expected a query")
        texts = [node.node.get_content(metadata_mode=MetadataMode.EMBED) for node in nodes]
        ranked = self._reranker.rank(query_bundle.query_str, texts, top_k=self.top_n)
        return [NodeWithScore(node=nodes[each["corpus_id"]].node, score=each["score"]) for each in ranked]
