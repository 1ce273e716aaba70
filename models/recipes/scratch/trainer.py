"""AdamW with fp32 masters and a bf16 copy that the model computes with; on a GPU every step is one CUDA graph.

All weights lie in one buffer (decayed ones first), so that a step's update is one kernel. On a CPU everything is fp32 and
runs as it is written.
"""

import math

import torch

from scratch import kernels

BETAS, DECAY, CLIP = (0.9, 0.98), 0.01, 1.0
FLAT_SHARE = 0.6  # of a training's steps before the rate falls


def fall(steps: int) -> int:
    """The step at which the rate of a training of so many steps begins to fall."""
    return int(steps * FLAT_SHARE)


def trapezoid(rate: float, steps: int, warmup: int = 500) -> list[float]:
    """Up linearly, flat, from fall(steps) down linearly to a hundredth."""
    down = steps - fall(steps)
    return [rate * min(1.0, (s + 1) / warmup, max(0.01, (steps - s) / down)) for s in range(steps)]


def triangle(rate: float, steps: int) -> list[float]:
    """Up for a tenth of the steps, then down to nothing."""
    warmup = max(1, steps // 10)
    return [rate * min((s + 1) / warmup, (steps - s) / (steps - warmup)) for s in range(steps)]


class Flat:
    """A module's weights as views of one buffer, and beside it masters, gradients and AdamW's two means."""

    def __init__(self, module: torch.nn.Module, device: torch.device):
        dtype = torch.bfloat16 if device.type == "cuda" else torch.float32
        named = sorted(module.named_parameters(), key=lambda np: np[1].dim() < 2)
        offsets, n, self.decayed = [], 0, 0
        for _, p in named:
            offsets.append(n)
            n += -(-p.numel() // 64) * 64
            if p.dim() >= 2:
                self.decayed = n
        self.master, self.m, self.v = (torch.zeros(n, device=device) for _ in range(3))
        self.weights, self.grad = (torch.zeros(n, device=device, dtype=dtype) for _ in range(2))
        self.params = [p for _, p in named]
        view = lambda buffer: [buffer[o : o + p.numel()].view(p.shape) for (_, p), o in zip(named, offsets)]
        self.masters = dict(zip((name for name, _ in named), view(self.master)))
        self.grads = view(self.grad)
        for p, master, weights in zip(self.params, self.masters.values(), view(self.weights)):
            master.copy_(p.data)
            weights.copy_(p.data)
            p.data = weights

    def tensors(self) -> list[torch.Tensor]:
        return [self.master, self.m, self.v]

    def take(self, tensors) -> None:
        for mine, other in zip(self.tensors(), tensors):
            mine.copy_(other)
        self.weights.copy_(self.master)


class Trainer:
    """`loss`: of the tensors of a batch, a scalar. `rates`: one a step."""

    def __init__(self, module: torch.nn.Module, loss, rates: list[float], device: torch.device):
        self.loss, self.device = loss, device
        module.to(device)
        self.flat = Flat(module, device)
        self.t = torch.zeros(1, dtype=torch.int64, device=device)  # steps done
        self.total = torch.zeros(2, device=device)  # sum of losses, of gradients' norms before clipping
        self.table, self.graph, self.static = None, None, None
        self.plan(rates)

    def plan(self, rates: list[float]) -> None:
        """The rates of all steps from the first; a captured graph reads the same table, so it may not grow."""
        rows = [(r, 1 - BETAS[0] ** (s + 1), math.sqrt(1 - BETAS[1] ** (s + 1))) for s, r in enumerate(rates)]
        table = torch.tensor(rows, device=self.device)
        if self.table is None:
            self.table = table
        else:
            self.table[: len(table)] = table

    def step(self, *batch) -> None:
        flat = self.flat
        loss = self.loss(*batch)
        loss.backward()
        torch._foreach_copy_(flat.grads, [p.grad for p in flat.params])
        for p in flat.params:
            p.grad = None
        norm = torch.linalg.vector_norm(flat.grad, dtype=torch.float32)
        clip = (CLIP / (norm + 1e-6)).clamp(max=1.0).view(1)
        (kernels.adamw if flat.master.is_cuda else adamw)(flat, self.table, self.t, clip, DECAY, BETAS)
        self.t += 1
        self.total += torch.stack([loss.detach(), norm])

    def capture(self, batch) -> None:
        """Records a step on copies of `batch`; what its trial steps changed is put back."""
        kept = self.state()
        self.static = [t.clone() for t in batch]
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(2):
                self.step(*self.static)
        torch.cuda.current_stream().wait_stream(side)
        torch.cuda.synchronize()
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            self.step(*self.static)
        self.restore(kept)
        self.graph = graph

    def run(self, batches) -> None:
        """A step on each batch; batches: tensors with one more dimension in front, all of one size."""
        for batch in zip(*batches):
            if self.device.type != "cuda":
                self.step(*batch)
                continue
            if self.graph is None:
                self.capture(batch)
            for mine, given in zip(self.static, batch):
                mine.copy_(given)
            self.graph.replay()

    def read(self, over: int) -> tuple[float, float]:
        """Mean loss and norm of the last `over` steps, all since the last reading."""
        loss, norm = (self.total / over).tolist()
        self.total.zero_()
        return loss, norm

    def state(self) -> list[torch.Tensor]:
        return [t.clone() for t in (*self.flat.tensors(), self.t)]

    def restore(self, state) -> None:
        self.flat.take(state[:3])
        self.t.copy_(state[3])
        self.total.zero_()


def adamw(flat: Flat, table, t, clip, decay: float, betas) -> None:
    """kernels.adamw without a kernel."""
    rate, c1, c2 = table[int(t)].tolist()
    g = flat.grad.float() * clip
    flat.m.lerp_(g, 1 - betas[0])
    flat.v.mul_(betas[1]).addcmul_(g, g, value=1 - betas[1])
    flat.master[: flat.decayed].mul_(1 - rate * decay)
    flat.master.addcdiv_(flat.m / c1, flat.v.sqrt() / c2 + 1e-8, value=-rate)
    flat.weights.copy_(flat.master)
