"""Text to answer end to end, on texts of real lengths: sentences, paragraphs, and pairs of question and paragraph."""

from .contest import PARTS, run

__all__ = ["PARTS", "run"]
