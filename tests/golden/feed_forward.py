"""Fast feedforward (FFF) for the DistilBERT and BERT blocks of transformers, as a plain reference.

A config.json with {"feed_forward": {"type": "fff", "depth": D, "trees": T}} replaces the dense
feedforward of each block; `install()` teaches that to transformers (4 and 5). The walk follows
arXiv 2311.10770, section 3, with the decision z > 0 of the authors' training code:

    n = 0; repeat D + 1 times: z = w_in[n] . x + b[n]; y += gelu(z) w_out[:, n]; n = 2n + 1 + (z > 0)

The outputs of the T trees are summed. With "dense_width": W, the last W rows of linear_in and columns of linear_out
are neurons that are always active, an ordinary dense feedforward beside the trees. GELU is the erf form, whatever the config's activation says.
"""

import torch
from torch import nn
from transformers.models.bert import modeling_bert
from transformers.models.distilbert import modeling_distilbert


class FastFeedForward(nn.Module):
    """Walks every tree for every token; `margins` collects the smallest |z| of each call."""

    margins: list[float] = []

    def __init__(self, hidden: int, depth: int, trees: int, dense_width: int = 0):
        super().__init__()
        self.dense_width = dense_width
        self.depth, self.trees, self.nodes = depth, trees, 2 ** (depth + 1) - 1
        self.linear_in = nn.Linear(hidden, trees * self.nodes + dense_width)
        self.linear_out = nn.Linear(trees * self.nodes + dense_width, hidden, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        rows = x.reshape(-1, x.shape[-1])
        root = torch.arange(self.trees) * self.nodes  # first node of each tree
        node = torch.zeros(rows.shape[0], self.trees, dtype=torch.long)
        y = torch.zeros_like(rows)
        margin = float("inf")
        for _ in range(self.depth + 1):
            index = node + root  # [rows, trees]
            z = torch.einsum("rth,rh->rt", self.linear_in.weight[index], rows)
            z = z + self.linear_in.bias[index]
            y = y + torch.einsum(
                "rt,rth->rh", nn.functional.gelu(z), self.linear_out.weight.T[index]
            )
            margin = min(margin, z.abs().min().item())
            node = 2 * node + 1 + (z > 0).long()
        FastFeedForward.margins.append(margin)
        if self.dense_width > 0:
            always = slice(self.trees * self.nodes, None)
            z = rows @ self.linear_in.weight[always].T + self.linear_in.bias[always]
            y = y + nn.functional.gelu(z) @ self.linear_out.weight[:, always].T
        return y.reshape(x.shape)


def _fff(config):
    """The block's FFF, or None where the config asks for the dense feedforward."""
    settings = getattr(config, "feed_forward", None)
    if settings is None:
        return None
    if settings["type"] != "fff":
        raise ValueError(f'feed_forward.type is "{settings["type"]}", expected "fff"')
    return FastFeedForward(
        config.hidden_size, settings["depth"], settings["trees"], settings.get("dense_width", 0)
    )


def install() -> None:
    """Makes transformers build FFF blocks where the config says so. Calling it again does nothing."""
    if getattr(modeling_distilbert, "knows_fff", False):
        return
    modeling_distilbert.knows_fff = True
    dense_distilbert = modeling_distilbert.FFN
    modeling_distilbert.FFN = lambda config: _fff(config) or dense_distilbert(config)

    dense_bert = modeling_bert.BertLayer

    class BertLayer(dense_bert):
        def __init__(self, config, *args, **kwargs):
            super().__init__(config, *args, **kwargs)
            self.ffn = _fff(config)
            if self.ffn is not None:  # only the LayerNorm of `output` remains
                del self.intermediate
                del self.output.dense

        def feed_forward_chunk(self, attention_output):
            if self.ffn is None:
                return super().feed_forward_chunk(attention_output)
            return self.output.LayerNorm(self.ffn(attention_output) + attention_output)

    modeling_bert.BertLayer = BertLayer
