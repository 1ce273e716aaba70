"""Sapwood inside other packages, a module for each, imported when it is wanted: langchain, llama_index, haystack, chroma, txtai, fastembed.

`model` is everywhere the name or path of a model, or an Encoder (CrossEncoder) that is loaded; `options` are those of loading.
"""

from ..cross_encoder import CrossEncoder
from ..encoder import Encoder


def encoder_of(model, options):
    """The Encoder that `model` is or names."""
    return model if isinstance(model, Encoder) else Encoder(model, **options)


def reranker_of(model, options):
    """The CrossEncoder that `model` is or names."""
    return model if isinstance(model, CrossEncoder) else CrossEncoder(model, **options)


def name_of(model):
    """The name or path of what was loaded, or is to be."""
    return model.facts["path"] if isinstance(model, (Encoder, CrossEncoder)) else str(model)
