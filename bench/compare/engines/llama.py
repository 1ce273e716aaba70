"""llama.cpp: BERT's graph on the processor, fed with ids; f32, f16 and q8_0 as GGUF."""

import ctypes

import llama_cpp
import numpy

from .. import artefacts
from ..specs import POSITIONS, SPECS



class Engine:
    def __init__(self, model, dtype, threads, masked):
        self.hidden = SPECS[model].hidden
        llama_cpp.llama_backend_init()
        path = str(artefacts.gguf(model, dtype)).encode()
        self.model = llama_cpp.llama_model_load_from_file(path, llama_cpp.llama_model_default_params())
        if not self.model:
            raise RuntimeError(f"llama.cpp does not load {path.decode()}")
        self.threads, self.context, self.room = threads, None, 0

    def prepare(self, batch, tokens):
        self._make_room(1, tokens if tokens > 0 else POSITIONS)

    def _make_room(self, texts, tokens):
        """A context for so many: its buffers are of that size, and attention is over all that it is given."""
        if texts * tokens <= self.room:
            return
        if self.context:
            llama_cpp.llama_free(self.context)
        self.room = max(texts * tokens, 64)
        settings = llama_cpp.llama_context_default_params()
        settings.n_ctx = settings.n_batch = settings.n_ubatch = self.room
        settings.n_seq_max, settings.embeddings = 1, True
        settings.n_threads = settings.n_threads_batch = self.threads
        settings.pooling_type = llama_cpp.LLAMA_POOLING_TYPE_NONE
        self.context = llama_cpp.llama_init_from_model(self.model, settings)
        if not self.context:
            raise RuntimeError("llama.cpp makes no context")
        self.batch = llama_cpp.llama_batch_init(self.room, 0, 1)

    def run(self, ids, mask=None):
        """A text a call: those of one call would attend, masked, to each other's tokens."""
        hidden = numpy.zeros((*ids.shape, self.hidden), numpy.float32)
        lengths = mask.sum(1) if mask is not None else [ids.shape[1]] * len(ids)
        for row, text, count in zip(hidden, ids, lengths):
            row[:count] = self._text(text[:count].tolist())
        return hidden

    def _text(self, ids):
        self._make_room(1, len(ids))
        batch = self.batch
        batch.n_tokens = len(ids)
        for i, token in enumerate(ids):
            batch.token[i], batch.pos[i], batch.logits[i] = token, i, 1
            batch.n_seq_id[i], batch.seq_id[i][0] = 1, 0
        status = llama_cpp.llama_encode(self.context, batch)
        if status != 0:
            raise RuntimeError(f"llama_encode: status {status}")
        found = llama_cpp.llama_get_embeddings(self.context)
        floats = ctypes.cast(found, ctypes.POINTER(ctypes.c_float))
        return numpy.ctypeslib.as_array(floats, (len(ids), self.hidden))
