"""onnxruntime: the graph fused by its transformer optimizer; int8 quantised dynamically, per channel."""

import onnxruntime

from .. import artefacts


class Engine:
    def __init__(self, model, dtype, threads, masked):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
        path = artefacts.fused_onnx(model, dtype, masked)
        self.session = onnxruntime.InferenceSession(
            str(path), options, providers=["CPUExecutionProvider"]
        )

    def prepare(self, batch, tokens):
        pass

    def run(self, ids, mask=None, types=None):
        """May be called by several threads at once, which then compute side by side."""
        inputs = {"ids": ids, "mask": mask, "types": types}
        return self.session.run(None, {n: x for n, x in inputs.items() if x is not None})[0]
