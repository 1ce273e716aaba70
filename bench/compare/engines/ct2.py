"""CTranslate2: its own encoder, weights converted once; lengths instead of masks."""

import ctranslate2
import numpy

from .. import artefacts
from . import Unavailable

TYPES = {"f32": "float32", "bf16": "bfloat16", "int8": "int8"}


class Engine:
    def __init__(self, model, dtype, threads, masked, streams=1):
        """`threads`: of each stream; run() may be called by so many at once."""
        kind = TYPES[dtype]
        if kind not in ctranslate2.get_supported_compute_types("cpu"):
            raise Unavailable(f"CTranslate2 does not compute in {kind} on this processor")
        self.encoder = ctranslate2.Encoder(
            str(artefacts.ctranslate2(model, dtype)),
            device="cpu",
            compute_type=kind,
            inter_threads=streams,
            intra_threads=threads,
        )

    def prepare(self, batch, tokens):
        pass

    def run(self, ids, mask=None):
        lengths = numpy.full(len(ids), ids.shape[1]) if mask is None else mask.sum(1)
        output = self.encoder.forward_batch(
            ctranslate2.StorageView.from_array(ids.astype(numpy.int32)),
            ctranslate2.StorageView.from_array(lengths.astype(numpy.int32)),
        )
        return numpy.asarray(output.last_hidden_state)
