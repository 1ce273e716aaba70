"""txtai: vectors by a function. Embeddings(transform_config("MODEL", content=True))."""

from . import encoder_of


def transform(model, **options):
    """A function from a list of texts to their vectors, for txtai's method "external"."""
    encoder = encoder_of(model, options)
    return lambda texts: encoder.encode([texts] if isinstance(texts, str) else list(texts))


def transform_config(model, options=None, **config):
    """A configuration of txtai's Embeddings with such a function."""
    return {"method": "external", "transform": transform(model, **(options or {})), **config}
