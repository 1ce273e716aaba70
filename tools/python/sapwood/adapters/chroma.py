"""Chroma: an embedding function, which a collection finds again by its name."""

from chromadb.api.types import EmbeddingFunction
from chromadb.utils.embedding_functions import register_embedding_function

from . import encoder_of, name_of


@register_embedding_function
class SapwoodEmbeddingFunction(EmbeddingFunction):
    """Vectors for collections: documents with the prompt "document", queries with "query"."""

    def __init__(self, model, **options):
        self._encoder, self._config = encoder_of(model, options), {"model": name_of(model), **options}

    def __call__(self, input):
        return list(self._encoder.encode_document(list(input)))

    def embed_query(self, input):
        return list(self._encoder.encode_query(list(input)))

    @staticmethod
    def name():
        return "sapwood"

    def get_config(self):
        return self._config

    @staticmethod
    def build_from_config(config):
        return SapwoodEmbeddingFunction(**config)

    def default_space(self):
        return {"cosine": "cosine", "dot": "ip"}.get(self._encoder.similarity_fn_name, "l2")

    def supported_spaces(self):
        return ["cosine", "l2", "ip"]
