"""UltraFastBERT's own way at small scale: masked LM from scratch on the corpus, members on shared batches.

    python -m scratch.train --data ... --tokenizer ... --out out --members d1024,f1d10,f8d7~ --keep f8d7~

crammedBERT's architecture (pre-norm), 6 layers, hidden 256. `f1d10` is the authors' layer: one tree, random start, no
gradient through decisions; `~` adds gradients of decisions; `d1024` is the dense twin, `none` and `d64` the controls.
Rows are 128 pieces of the corpus, 15 % of the pieces are asked for (80 % masked, 10 % replaced, 10 % as they are).
"""

import json
import time

import numpy as np
import torch

from distil import checkpoint, evaluate, setup
from distil.data import CLS, MASK, SEP, frame, load
from distil.feedforward import Spec
from distil.general import file_name
from distil.model import VOCAB
from distil.optim import Trainer
from distil.setup import say
from distil.vocab_loss import vocabulary_loss
from scratch.model import MaskedLM

HIDDEN, HEADS, LAYERS = 256, 4, 6


def batch(stream, rows: int, seed: int, step: int):
    rng = np.random.default_rng((seed, step, 11))
    start = rng.integers(0, len(stream) - 126, rows)
    ids = frame(torch.from_numpy(stream[start[:, None] + np.arange(126)].astype(np.int64)))
    where = torch.from_numpy(rng.random(tuple(ids.shape)) < 0.15) & (ids != CLS) & (ids != SEP)
    u = torch.from_numpy(rng.random(tuple(ids.shape)))
    other = torch.from_numpy(rng.choice(stream, tuple(ids.shape)).astype(np.int64))
    return torch.where(where & (u < 0.8), MASK, torch.where(where & (u < 0.9), other, ids)), ids[where], where


@torch.no_grad()
def health(model: MaskedLM, prepared, device) -> dict:
    """Leaves visited and entropy of the leaves in bits, mean over trees, for each layer (wikitext-2 test)."""
    if not model.layers[0].ffn.spec.trees:
        return {}
    counts = [0] * len(model.layers)
    hooks = []
    for i, layer in enumerate(model.layers):
        def count(ffn, inputs, _, i=i):
            counts[i] = counts[i] + ffn.leaf_counts(inputs[0].flatten(0, 1))
        hooks.append(layer.ffn.register_forward_hook(count))
    for rows in evaluate.wiki_rows(prepared, device)[:1536].split(256):
        model.encode(rows)
    for hook in hooks:
        hook.remove()
    share = [c / c.sum(1, keepdim=True) for c in counts]
    return {
        "leaf_entropy_bits": [round(-(p * p.clamp_min(1e-12).log2()).sum(1).mean().item(), 2) for p in share],
        "leaves_visited": [round((c > 0).float().sum(1).mean().item(), 1) for c in counts],
    }


def main() -> None:
    p = setup.parser(__doc__, teacher=False)
    p.add_argument("--members", required=True)
    p.add_argument("--steps", type=int, default=3000)
    p.add_argument("--rows", type=int, default=256, help="rows of 128 pieces in a step")
    p.add_argument("--lr", type=float, default=1e-3)
    p.add_argument("--save-every", type=int, default=1000)
    p.add_argument("--keep", default="", help="members whose checkpoint is written to --out")
    p.add_argument("--name", default="scratch", help="of the results file")
    args = p.parse_args()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    prepared = load(args.data, args.tokenizer, args.work / "data.pt", args.limit)
    stream = prepared["stream"]
    models = {}
    for name in args.members.split(","):
        setup.seed(args.seed)
        spec = Spec.parse(name.rstrip("~"))
        model = MaskedLM(VOCAB, HIDDEN, HEADS, [spec] * LAYERS, flip=float(name.endswith("~")))
        model.start()
        model.to(device)
        models[name] = (model, Trainer(model, args.lr, args.lr, args.steps, warmup=300))
    state = args.work / f"scratch-{args.seed}-{args.steps}-{args.members.replace('~', 'x').replace(',', '_')}.pt"
    first, curves, spent = 0, {n: [] for n in models}, 0.0
    if state.exists():
        kept = torch.load(state, map_location=device, weights_only=True)
        first, curves, spent = kept["step"], kept["curves"], kept["spent"]
        for name, (_, trainer) in models.items():
            trainer.restore(kept["members"][name])
        say(f"resumes after step {first}")
    clock = time.time()
    for step in range(first, args.steps):
        ids, labels, where = (t.to(device, non_blocking=True) for t in batch(stream, args.rows, args.seed, step))
        for name, (model, trainer) in models.items():
            loss = vocabulary_loss(model(ids, where), labels)
            loss.backward()
            trainer.step()
            if step % 50 == 49 or step == first:
                curves[name].append([step + 1, round(loss.item(), 4)])
        if step % 200 == 199 or step == first + 4:
            say(f"step {step + 1}/{args.steps}: " + ", ".join(f"{n} {c[-1][1] if c else 0:.3f}" for n, c in curves.items()))
        if (step + 1) % args.save_every == 0 and step + 1 < args.steps:
            torch.save({"step": step + 1, "curves": curves, "spent": spent + time.time() - clock,
                        "members": {n: t.state() for n, (_, t) in models.items()}}, state.with_suffix(".part"))
            state.with_suffix(".part").replace(state)
    spent += time.time() - clock
    results = {}
    for name, (model, trainer) in models.items():
        trainer.settle(model)
        model.eval()
        spec = model.layers[0].ffn.spec
        results[name] = {
            "specs": [str(spec)] * LAYERS, "active": spec.active, "neurons": spec.rows, "hidden": HIDDEN, "heads": HEADS,
            "seed": args.seed, "steps": args.steps, "tokens": args.steps * args.rows * 128, "group_seconds": round(spent, 1),
            "loss": curves[name], **evaluate.mlm_accuracy(model, prepared, device), **health(model, prepared, device),
        }
        say(f"{name}: " + ", ".join(f"{k} {v}" for k, v in results[name].items() if k.startswith(("mlm", "leaf", "leaves"))))
        if name in args.keep.split(","):
            about = {k: v for k, v in results[name].items() if k != "loss"}
            checkpoint.save(args.out, file_name(name, args.seed).replace("general", "scratch"), model, about)
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / f"{args.name}-{args.seed}-{args.steps}.json").write_text(json.dumps(results))


if __name__ == "__main__":
    main()
