"""Who takes part from text to answer, and in which ways each is tried. Needs no package.

A way: "batch", the most texts of a call, alike in length where it is more than one; "streams", how many calls compute side
by side.
"""

from ..engines import PEERS

BATCHES, QUICK_BATCHES = (1, 8, 32), (1, 16)
REFERENCE = "reference"
STREAMS = ("onnxruntime", "ctranslate2")  # those that several threads may call
OPENVINO = ("openvino-static", "openvino-static-bf16", "openvino-throughput", "openvino-throughput-bf16")
STATIC = OPENVINO[:2]  # compile a graph for each shape
ENGINES = ("onnxruntime", *OPENVINO, "ctranslate2", "llama.cpp")
LIBRARIES = {  # types that each computes in
    "sentence-transformers": ("f32", "bf16"),
    "sentence-transformers-onnx": ("f32", "int8"),
    "sentence-transformers-openvino": ("f32", "bf16"),
    "fastembed": ("f32", "int8"),
}
OLDER = ("sentence-transformers-onnx", "sentence-transformers-openvino")  # with the packages of paths.OPTIMUM
FOR_PAIRS = ("onnxruntime", *OPENVINO, "sentence-transformers")


def contestants(pairs: bool, dtype: str) -> list[str]:
    """By name; those that compute in this type."""
    names = FOR_PAIRS if pairs else (*ENGINES, *LIBRARIES)
    return [name for name in names if dtype in (LIBRARIES.get(name) or PEERS[name].dtypes)]


def streams(engine: str, threads: int) -> tuple[int, ...]:
    """How many calls side by side are tried; each has its share of the threads."""
    return (1, threads) if engine in STREAMS and threads > 1 else (1,)


def batches(quick: bool) -> tuple[int, ...]:
    return QUICK_BATCHES if quick else BATCHES


def by_length(sizes: list[int], batch: int) -> list[list[int]]:
    """Indices in batches of texts that are alike in length, the longest first."""
    order = sorted(range(len(sizes)), key=lambda i: -sizes[i]) if batch > 1 else list(range(len(sizes)))
    return [order[i : i + batch] for i in range(0, len(order), batch)]
