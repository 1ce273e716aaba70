"""OpenVINO: static shapes, latency hint; int8 by NNCF's post-training quantisation."""

import numpy
import openvino as ov

from .. import artefacts
from ..paths import WORK
from . import Unavailable


class Engine:
    def __init__(self, model, dtype, threads, masked, rest="f32", cache=False, step=0, alone=True):
        self.step = step
        self.core = ov.Core()
        precision = dtype if dtype != "int8" else rest
        if precision == "bf16" and "BF16" not in self.core.get_property(
            "CPU", "OPTIMIZATION_CAPABILITIES"
        ):
            raise Unavailable("OpenVINO names no BF16 among this processor's capabilities")
        self.settings = {
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_NUM_THREADS": threads,
            "NUM_STREAMS": 1,
            "INFERENCE_PRECISION_HINT": precision,
        }
        if not alone:  # else each of several processes binds its threads to the first cores
            self.settings["ENABLE_CPU_PINNING"] = False
        if cache:
            self.settings["CACHE_DIR"] = str(WORK / "openvino-cache")
        kind = "int8" if dtype == "int8" else "f32"
        self.graph = self.core.read_model(artefacts.openvino(model, kind, masked))
        self.requests = {}

    def prepare(self, batch, tokens):
        """Compiles for this shape; -1 stands for any."""
        if self.step and tokens < 0:
            return  # run() compiles the shapes it meets
        if (batch, tokens) not in self.requests:
            graph = self.graph.clone()
            graph.reshape({port: [batch, tokens] for port in graph.inputs})
            compiled = self.core.compile_model(graph, "CPU", self.settings)
            self.requests[batch, tokens] = compiled.create_infer_request()

    def run(self, ids, mask=None):
        if not self.step:
            return self._infer(ids, mask)
        tokens = ids.shape[1]
        padding = ((0, 0), (0, -tokens % self.step))
        ids, mask = numpy.pad(ids, padding), numpy.pad(mask, padding)
        self.prepare(*ids.shape)
        return self._infer(ids, mask)[:, :tokens]

    def _infer(self, ids, mask):
        request = self.requests.get(ids.shape) or self.requests[-1, -1]
        inputs = [ids] if mask is None else [ids, mask]
        return request.infer(inputs, share_inputs=True, share_outputs=True)[0]
