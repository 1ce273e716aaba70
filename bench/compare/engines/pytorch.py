"""PyTorch: transformers' own model, eager or through torch.compile."""

import torch

from .. import models
from ..specs import SPECS
from . import Unavailable


def load(model: str):
    """DistilBERT by transformers; the crammed family, which transformers lacks, as the plain encoder."""
    if SPECS[model].crammed:
        plain = models.load_encoder(model)
        return plain, lambda ids, mask: plain(ids, mask)
    import sys

    from transformers import AutoModel

    from ..paths import GOLDEN

    sys.path.insert(0, str(GOLDEN))
    import feed_forward

    feed_forward.install()
    network = AutoModel.from_pretrained(models.directory(model), dtype=torch.float32).eval()
    return network, lambda ids, mask: network(ids, attention_mask=mask).last_hidden_state


class Engine:
    def __init__(self, model, dtype, threads, masked, compiled=False):
        torch.set_num_threads(threads)
        torch.set_grad_enabled(False)
        self.network, self.forward = load(model)
        if dtype == "bf16":
            self.network.to(torch.bfloat16)
        elif dtype == "int8":
            try:
                from torch.ao.quantization import quantize_dynamic

                self._replace(quantize_dynamic(self.network, {torch.nn.Linear}), model)
            except (ImportError, AttributeError, RuntimeError) as error:
                raise Unavailable(f"dynamic quantisation: {error}") from error
        self.compiled = compiled

    def _replace(self, network, model):
        self.network = network
        if SPECS[model].crammed:
            self.forward = lambda ids, mask: network(ids, mask)
        else:
            self.forward = lambda ids, mask: network(ids, attention_mask=mask).last_hidden_state

    def prepare(self, batch, tokens):
        if self.compiled:
            import torch._inductor.config

            torch._inductor.config.freezing = True
            torch._dynamo.reset()
            self.call = torch.compile(self.forward, dynamic=False)
        else:
            self.call = self.forward

    def run(self, ids, mask=None):
        mask = None if mask is None else torch.from_numpy(mask)
        with torch.inference_mode():
            return self.call(torch.from_numpy(ids), mask).float().numpy()
