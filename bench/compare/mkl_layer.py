"""MKL's products as one dense feedforward layer 768 -> 4095 -> 768: python -m compare.mkl_layer DTYPE TOKENS ...

As in bench/cmm_bench.cc: written random weights, fresh inputs at each call, one layer over and over (hot) or
16 in rotation (cold), the thread's own processor time, the median of all calls. MKL gets its best form: packed
weights, plain ones, and at one token the matrix-vector product. It computes neither bias nor GELU.
"""

import ctypes
import json
import sys
import time
from pathlib import Path
from statistics import median

import numpy

COLS, NODES, LAYERS, SECONDS, LEAST_CALLS = 768, 4095, 16, 0.2, 5
ROW_MAJOR, AS_IS, TRANSPOSED, PACKED, B_MATRIX = 101, 111, 112, 151, 162


class Mkl:
    def __init__(self):
        library = next((Path(sys.prefix) / "lib").glob("libmkl_rt.so*"))
        self.library = ctypes.CDLL(str(library))
        self.library.cblas_sgemm_pack_get_size.restype = ctypes.c_size_t
        self.library.cblas_gemm_bf16bf16f32_pack_get_size.restype = ctypes.c_size_t

    def name(self, dtype: str) -> str:
        return {"f32": "sgemm", "bf16": "gemm_bf16bf16f32"}[dtype]

    def pack(self, dtype, weights, tokens):
        """weights [outputs, inputs], for `tokens` rows at a time."""
        n, k = weights.shape
        name = f"cblas_{self.name(dtype)}_pack"
        size = getattr(self.library, name + "_get_size")(B_MATRIX, tokens, n, k)
        packed = numpy.empty(size, numpy.uint8)
        alpha = [ctypes.c_float(1)] if dtype == "f32" else []
        getattr(self.library, name)(
            ROW_MAJOR,
            B_MATRIX,
            TRANSPOSED,
            tokens,
            n,
            k,
            *alpha,
            pointer(weights),
            k,
            pointer(packed),
        )
        return packed

    def packed_product(self, dtype, x, packed, y):
        m, k, n = x.shape[0], x.shape[1], y.shape[1]
        compute = getattr(self.library, f"cblas_{self.name(dtype)}_compute")
        alpha = [] if dtype == "f32" else [ctypes.c_float(1)]
        compute(ROW_MAJOR, AS_IS, PACKED, m, n, k, *alpha, pointer(x), k, pointer(packed), k,
                ctypes.c_float(0), pointer(y), n)  # fmt: skip

    def product(self, dtype, x, weights, y):
        m, k, n = x.shape[0], x.shape[1], y.shape[1]
        one, zero = ctypes.c_float(1), ctypes.c_float(0)
        if m == 1 and dtype == "f32":
            self.library.cblas_sgemv(ROW_MAJOR, AS_IS, n, k, one, pointer(weights), k,
                                     pointer(x), 1, zero, pointer(y), 1)  # fmt: skip
            return
        gemm = getattr(self.library, f"cblas_{self.name(dtype)}")
        gemm(ROW_MAJOR, AS_IS, TRANSPOSED, m, n, k, one, pointer(x), k, pointer(weights), k,
             zero, pointer(y), n)  # fmt: skip


def pointer(array):
    return ctypes.c_void_p(array.ctypes.data)


def narrow(values, dtype):
    """f32 -> bf16 by cutting, which is all the same to a clock."""
    return (values.view(numpy.uint32) >> 16).astype(numpy.uint16) if dtype == "bf16" else values


def median_us(call) -> float:
    times, begin = [], time.perf_counter()
    call(time_it=lambda _: None)
    while len(times) < LEAST_CALLS or time.perf_counter() - begin < SECONDS:
        call(time_it=times.append)
    return median(times) / 1e3


def measure(mkl: Mkl, dtype: str, layers: list, pool, tokens: int) -> dict:
    random = numpy.random.default_rng(tokens)
    x = numpy.empty((tokens, COLS), pool.dtype)
    # What GELU would have written.
    hidden = narrow(random.standard_normal((tokens, NODES), numpy.float32), dtype)
    wide, y = (
        numpy.empty((tokens, NODES), numpy.float32),
        numpy.empty((tokens, COLS), numpy.float32),
    )
    result = {}
    packed = [tuple(mkl.pack(dtype, weights, tokens) for weights in layer) for layer in layers]
    for product, weights in ((mkl.packed_product, packed), (mkl.product, layers)):
        for heat in ("hot", "cold"):
            turn = iter(range(10**9))

            def call(time_it):
                first = random.integers(0, len(pool) - tokens + 1)
                x[:] = pool[first : first + tokens]
                up, down = weights[next(turn) % LAYERS if heat == "cold" else 0]
                start = time.thread_time_ns()
                product(dtype, x, up, wide)
                product(dtype, hidden, down, y)
                time_it(time.thread_time_ns() - start)

            us = median_us(call)
            result[heat] = min(us, result.get(heat, us))
    return result


def main() -> None:
    dtype, *counts = sys.argv[1:]
    random, mkl = numpy.random.default_rng(3), Mkl()

    def matrix(rows, cols, scale):
        values = random.standard_normal((rows, cols), numpy.float32) * numpy.float32(scale)
        return narrow(values, dtype)

    layers = [(matrix(NODES, COLS, 0.036), matrix(COLS, NODES, 0.036)) for _ in range(LAYERS)]
    x = matrix(8, COLS, 1)
    if dtype == "f32":  # a wrong product must not be timed
        y = numpy.empty((8, NODES), numpy.float32)
        for product, weights in ((mkl.product, layers[0][0]),
                                 (mkl.packed_product, mkl.pack(dtype, layers[0][0], 8))):  # fmt: skip
            product(dtype, x, weights, y)
            if numpy.abs(y - x @ layers[0][0].T).max() > 1e-3:
                raise RuntimeError(f"MKL's {product.__name__} differs from NumPy")
    pool = matrix(16384, COLS, 1)
    print(json.dumps({count: measure(mkl, dtype, layers, pool, int(count)) for count in counts}))


if __name__ == "__main__":
    main()
