"""The other engines, each at its best for one text after another. One small class each:

engine = create(name, model, dtype, threads, masked)   # raises Unavailable with the reason
engine.prepare(batch, tokens)                          # outside every clock
hidden = engine.run(ids, mask)                         # int64 arrays [batch, tokens], mask or None
"""

import importlib
from dataclasses import dataclass, field


class Unavailable(Exception):
    """This engine cannot do that here; the message says why."""


@dataclass(frozen=True)
class Peer:
    module: str
    dtypes: tuple[str, ...]
    options: dict = field(default_factory=dict)  # of the class; "kind": its name
    environment: dict = field(default_factory=dict)  # of its process
    quick: bool = True  # takes part in a quick run
    families: tuple[str, ...] = ("distilbert", "bert", "crammed", "mpnet", "xlm-roberta")


ALL = ("f32", "bf16", "int8")
PEERS = {
    "torch": Peer("pytorch", ALL),
    "torch-compile": Peer("pytorch", ("f32", "bf16"), {"compiled": True}, quick=False),
    "onnxruntime": Peer("ort", ("f32", "int8")),
    "openvino": Peer("openvino", ALL),
    # int8 products, everything else in bf16 where the processor has it.
    "openvino-bf16": Peer("openvino", ("int8",), {"rest": "bf16"}),
    # Real lengths only: padded on to a multiple of 8, so that few static shapes do.
    "openvino-static": Peer("openvino", ALL, {"step": 8}, families=()),
    # Texts to answers only.
    "openvino-throughput": Peer("openvino", ALL, {"kind": "Throughput"}, families=()),
    "openvino-static-bf16": Peer("openvino", ("int8",), {"step": 8, "rest": "bf16"}, families=()),
    "openvino-throughput-bf16": Peer(
        "openvino", ("int8",), {"kind": "Throughput", "rest": "bf16"}, families=()
    ),
    # One of several processes that work side by side.
    "openvino-shared": Peer("openvino", ALL, {"alone": False}, families=()),
    "ctranslate2": Peer("ct2", ALL, families=("distilbert", "bert")),
    "ctranslate2-mkl": Peer(
        "ct2",
        ALL,
        environment={"CT2_USE_MKL": "1", "CT2_USE_EXPERIMENTAL_PACKED_GEMM": "1"},
        quick=False,
        families=("distilbert", "bert"),
    ),
    # Of the narrow types it has f16 and q8_0: blocks of 32 weights with a scale.
    "llama.cpp": Peer("llama", ALL, quick=False, families=("bert",)),
}
WITHOUT: set[str] = set()  # left out by the user


def takes_part(name: str, dtype: str, family: str | None, quick: bool, refused: dict) -> bool:
    """Whether this peer is to be started; one that the user left out is named among the refused."""
    peer = PEERS[name]
    fits = dtype in peer.dtypes and (family is None or family in peer.families)
    if fits and name in WITHOUT:
        refused[name] = "by --without"
    return fits and name not in WITHOUT and (peer.quick or not quick)


def create(name: str, model: str, dtype: str, threads: int, masked: bool, **extra):
    peer = PEERS[name]
    module = importlib.import_module(f".{peer.module}", __package__)
    options = peer.options | extra
    return getattr(module, options.pop("kind", "Engine"))(model, dtype, threads, masked, **options)
