"""Arithmetic on embeddings, in NumPy: similarities and smaller types, by the rules of sentence-transformers."""

import numpy as np

from .errors import InvalidArgument
from .models import warn

PRECISIONS = ("float32", "int8", "uint8", "binary", "ubinary")
SIMILARITIES = ("cosine", "dot", "euclidean", "manhattan")


def as_matrix(embeddings, what):
    """Embeddings [n, dim] in float32; one vector is a matrix of one row. Errors: TypeError for what is no array of numbers, InvalidArgument for another shape."""
    try:
        array = np.asarray(embeddings)
    except (TypeError, ValueError) as error:
        raise TypeError(f"{what}: expected embeddings [n, dim], found {type(embeddings).__name__}: {error}") from None
    if array.dtype.kind not in "fiu":
        raise TypeError(f"{what}: expected embeddings, numbers [n, dim], found an array of {array.dtype}")
    if array.ndim == 1:
        array = array[np.newaxis]
    if array.ndim != 2:
        raise InvalidArgument(f"{what}: expected embeddings [n, dim], found {list(array.shape)}")
    return array.astype(np.float32, copy=False)


def _both(embeddings1, embeddings2):
    one, two = as_matrix(embeddings1, "embeddings1"), as_matrix(embeddings2, "embeddings2")
    if one.shape[1] != two.shape[1]:
        raise InvalidArgument(f"embeddings of {one.shape[1]} and of {two.shape[1]} numbers cannot be compared")
    return one, two


def _normalized(rows):
    return rows / np.maximum(np.linalg.norm(rows, axis=-1, keepdims=True), 1e-12)


def similarity(name, embeddings1, embeddings2):
    """[n1, n2]: each of the first with each of the second; more is nearer."""
    one, two = _both(embeddings1, embeddings2)
    if name == "cosine":
        return _normalized(one) @ _normalized(two).T
    if name == "dot":
        return one @ two.T
    order = 2 if name == "euclidean" else 1
    # A row at a time: the differences of all pairs at once would take n1 x n2 x dim.
    return -np.stack([np.linalg.norm(row - two, ord=order, axis=-1) for row in one]) if len(one) else np.empty((0, len(two)), np.float32)


def similarity_pairwise(name, embeddings1, embeddings2):
    """[n]: the i-th of the first with the i-th of the second."""
    one, two = _both(embeddings1, embeddings2)
    if len(one) != len(two):
        raise InvalidArgument(f"expected as many embeddings on both sides, found {len(one)} and {len(two)}")
    if name == "cosine":
        one, two = _normalized(one), _normalized(two)
    if name in ("cosine", "dot"):
        return np.einsum("ij,ij->i", one, two)
    return -np.linalg.norm(one - two, ord=2 if name == "euclidean" else 1, axis=-1)


def quantize(embeddings, precision):
    """Vectors [n, dim] in fewer bits, as sentence_transformers.quantize_embeddings makes them without given ranges."""
    if precision == "float32":
        return embeddings
    if precision == "ubinary":
        return np.packbits(embeddings > 0, axis=-1)
    if precision == "binary":
        return (np.packbits(embeddings > 0, axis=-1).astype(np.int16) - 128).astype(np.int8)
    if len(embeddings) < 2:
        raise InvalidArgument(f"precision={precision!r} takes the range of each number from the texts of the call, of which one is not enough")
    if len(embeddings) < 100:
        warn(f"the ranges of {precision} come from {len(embeddings)} embeddings; 100 or more are better")
    starts = embeddings.min(axis=0)
    steps = (embeddings.max(axis=0) - starts) / 255
    steps = np.where(steps == 0, 1, steps)
    values = np.clip(np.floor((embeddings - starts) / steps), 0, 255)
    return values.astype(np.uint8) if precision == "uint8" else (values - 128).astype(np.int8)
