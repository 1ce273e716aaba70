"""bf16 weights on the GPU with fp32 masters; on a CPU plain fp32."""

import math

import torch


class Trainer:
    """AdamW over a module, with a cosine after a short warm-up. Feedforward weights may have their own rate."""

    def __init__(self, module, lr: float, lr_ffn: float, steps: int, warmup: int = 100):
        self.params = [p for p in module.parameters() if p.requires_grad]
        names = [n for n, p in module.named_parameters() if p.requires_grad]
        self.masters = [p.detach().float().clone().requires_grad_(True) for p in self.params]
        groups = [
            {"params": [m for m, n in zip(self.masters, names) if ("ffn" in n) == tree], "lr": rate}
            for tree, rate in ((False, lr), (True, lr_ffn))
        ]
        fused = self.params[0].is_cuda
        self.adam = torch.optim.AdamW([g for g in groups if g["params"]], betas=(0.9, 0.98), eps=1e-8,
                                      weight_decay=0.01, fused=fused)
        warmup = max(1, min(warmup, steps // 5))
        rate = lambda s: min((s + 1) / warmup, 0.5 + 0.5 * math.cos(math.pi * min(1, s / steps)))
        self.schedule = torch.optim.lr_scheduler.LambdaLR(self.adam, rate)
        self.frozen = [(p, p.detach().clone()) for p in module.parameters() if not p.requires_grad]
        self.grads = [torch.zeros_like(m) for m in self.masters]
        if fused:
            module.bfloat16()
            self.params = [p for p in module.parameters() if p.requires_grad]
        self.rounding = {}

    def round(self, rounding: dict) -> None:
        """From now on the module gets weights as `rounding` {parameter: function} makes them from the masters."""
        index = {p: i for i, p in enumerate(self.params)}
        self.rounding = {index[p]: function for p, function in rounding.items()}
        self.hand_out()

    @torch.no_grad()
    def hand_out(self) -> None:
        """The masters, or what they are rounded to, into the module."""
        torch._foreach_copy_(self.params, [self.rounding[i](m) if i in self.rounding else m for i, m in enumerate(self.masters)])

    def step(self) -> None:
        used = [i for i, p in enumerate(self.params) if p.grad is not None]
        torch._foreach_copy_([self.grads[i] for i in used], [self.params[i].grad for i in used])
        for master in self.masters:
            master.grad = None
        for i in used:
            self.masters[i].grad, self.params[i].grad = self.grads[i], None
        torch.nn.utils.clip_grad_norm_([m for m in self.masters if m.grad is not None], 1.0)
        self.adam.step()
        self.schedule.step()
        self.hand_out()

    @torch.no_grad()
    def settle(self, module) -> None:
        """Gives the module its fp32 masters, for evaluation and export."""
        module.float()
        for p, exact in self.frozen:
            p.copy_(exact)
        for master, p in zip(self.masters, [p for p in module.parameters() if p.requires_grad]):
            p.copy_(master)
        self.params = [p for p in module.parameters() if p.requires_grad]

    def state(self) -> dict:
        return {"masters": [m.detach() for m in self.masters], "adam": self.adam.state_dict(),
                "schedule": self.schedule.state_dict()}

    @torch.no_grad()
    def restore(self, state: dict) -> None:
        torch._foreach_copy_(self.masters, state["masters"])
        self.hand_out()
        self.adam.load_state_dict(state["adam"])
        self.schedule.load_state_dict(state["schedule"])
