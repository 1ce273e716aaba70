"""OpenVINO: static shapes and latency hint, or any shape and throughput hint; int8 by NNCF's post-training quantisation."""

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

    def run(self, ids, mask=None, types=None):
        inputs = named(ids, mask, types)
        if not self.step:
            return self._infer(inputs)
        tokens = ids.shape[1]
        padding = ((0, 0), (0, -tokens % self.step))
        inputs = {name: numpy.pad(x, padding) for name, x in inputs.items()}
        self.prepare(*inputs["ids"].shape)
        found = self._infer(inputs)
        return found[:, :tokens] if found.ndim == 3 else found  # scores have no tokens

    def _infer(self, inputs):
        request = self.requests.get(inputs["ids"].shape) or self.requests[-1, -1]
        return request.infer(inputs, share_inputs=True, share_outputs=True)[0]


class Throughput(Engine):
    """Its own count of streams; run_all() keeps all of them busy."""

    def prepare(self, batch, tokens):
        self.settings["PERFORMANCE_HINT"] = "THROUGHPUT"
        self.settings.pop("NUM_STREAMS", None)
        compiled = self.core.compile_model(self.graph, "CPU", self.settings)
        self.queue = ov.AsyncInferQueue(compiled)

    def run_all(self, batches, done):
        """batches: (key, inputs as of run()); done(key, output), on any thread."""
        self.queue.set_callback(lambda request, of: done(of[0], request.get_output_tensor(0).data))
        for key, inputs in batches:
            given = named(*inputs)
            # The queue only borrows them: they have to live until the callback.
            self.queue.start_async(given, userdata=(key, given), share_inputs=True)
        self.queue.wait_all()


def named(ids, mask=None, types=None) -> dict:
    inputs = {"ids": ids, "mask": mask, "types": types}
    return {name: x for name, x in inputs.items() if x is not None}
