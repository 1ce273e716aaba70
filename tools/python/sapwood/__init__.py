"""Sapwood: BERT-family encoders on CPUs, with the interfaces of sentence-transformers and transformers and without PyTorch."""

from ._native import available_threads, list_models
from .cross_encoder import CrossEncoder
from .encoder import Encoder
from .errors import (InvalidArgument, InvalidUtf8, IsaUnavailable, Malformed, Mismatch, NotFound, OutOfMemory, ReadFailed, SapwoodError,
                     SapwoodWarning, TooLong, TruncationWarning, Unsupported)
from .models import convert
from .models import find as find_model
from .pipelines import pipeline
from .tokenizer import Tokenizer

__all__ = ["CrossEncoder", "Encoder", "InvalidArgument", "InvalidUtf8", "IsaUnavailable", "Malformed", "Mismatch", "NotFound", "OutOfMemory",
           "ReadFailed", "SapwoodError", "SapwoodWarning", "Tokenizer", "TooLong", "TruncationWarning", "Unsupported", "available_threads",
           "convert", "find_model", "list_models", "pipeline"]


def __getattr__(name):
    if name == "__version__":  # looked up when asked for: reading the installed packages takes milliseconds
        from importlib.metadata import version

        return version("sapwood")
    raise AttributeError(f"module 'sapwood' has no attribute {name!r}")
