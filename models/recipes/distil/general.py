"""General distillation: students learn the teacher's hidden states and embeddings from unlabelled text.

    python -m distil.general --data ... --teacher ... --tokenizer ... --out results --members none,d64,f8d7,3L:d1536

Members share batches, steps and the teacher's forward pass, so they differ only in their feedforward part.
A member is [LAYERS L:]SPEC[~], SPEC as in feedforward.py; several specs joined by '/' are the first layers', the last is all others';
'~' at the end turns on gradients of decisions (feedforward.PathActivation). Loss: for each layer the squared error
relative to the teacher's variance, + 2 (1 - cos) of the embeddings, + 20 x squared error of the similarities
between the batch's texts. Embeddings are frozen, attention starts as the teacher's, trees as tree_init.py says.
"""

import json
import time

import torch

from distil import checkpoint, corpus, evaluate, setup, tree_init
from distil.data import Text
from distil.feedforward import Spec
from distil.model import TEACHER_LAYERS, TEACHER_WIDTH, Encoder, make_student, pool
from distil.optim import Trainer
from distil.setup import say


def parse_member(name: str) -> tuple[list[Spec], float]:
    flip = 1.0 if name.endswith("~") else 0.0
    layers, _, specs = name.rstrip("~").rpartition(":")
    count = int(layers[:-1]) if layers else TEACHER_LAYERS
    parsed = [Spec.parse(s) for s in specs.split("/")]
    if len(parsed) > count:
        raise ValueError(f"{name}: {len(parsed)} specifications for {count} layers")
    return parsed + [parsed[-1]] * (count - len(parsed)), flip


@torch.no_grad()
def inputs_of_layers(teacher: Encoder, text: Text, tokens: int) -> list[torch.Tensor]:
    """fp32 inputs of every feedforward layer on `tokens` tokens that training does not use in this order."""
    seen, step, got = [[] for _ in teacher.layers], 10_000_000, 0
    while got < tokens:
        ids = text.batch(step).to(teacher.shared[0].word.device)
        x = teacher.shared[0](ids)
        for i, layer in enumerate(teacher.layers):
            seen[i].append(layer.attend(x).flatten(0, 1))
            x = layer(x)
        got, step = got + ids.numel(), step + 1
    return [torch.cat(s)[:tokens] for s in seen]


def loss_of(student_states, teacher_states, imitates, variances):
    hidden = 0.0
    for mine, layer in zip(student_states, imitates):
        gap = torch.linalg.vector_norm(mine - teacher_states[layer], dtype=torch.float32).square()
        hidden = hidden + gap / mine.numel() / variances[layer]
    e, t = pool(student_states[-1]), pool(teacher_states[-1])
    similar = (e @ e.T - t @ t.T).square().mean()
    return hidden / len(imitates) + 2 * (1 - (e * t).sum(1).mean()) + 20 * similar


def main() -> None:
    p = setup.parser(__doc__)
    p.add_argument("--members", required=True)
    p.add_argument("--steps", type=int, default=2400)
    p.add_argument("--tokens", type=int, default=32768, help="tokens of a step")
    p.add_argument("--init-tokens", type=int, default=2**19)
    p.add_argument("--lr", type=float, default=3e-4)
    p.add_argument("--lr-ffn", type=float, default=4e-4)
    p.add_argument("--save-every", type=int, default=1000, help="steps between resumable states")
    p.add_argument("--keep", default="", help="members whose checkpoint is written to --out too, not to --work alone")
    p.add_argument("--open", action="store_true", help="encyclopaedic text is the open corpus's")
    p.add_argument("--name", default="general", help="of the results file")
    args = p.parse_args()
    prepared, teacher, device = setup.begin(args, 12)
    if args.open:
        corpus.add(prepared, args)
    text = Text(prepared, args.tokens, args.seed)
    members = {name: parse_member(name) for name in args.members.split(",")}

    students, init_error = {}, {}
    seen = inputs_of_layers(teacher, text, args.init_tokens)
    for name, (specs, flip) in members.items():
        setup.seed(args.seed)
        student, imitates = make_student(teacher, specs, flip)
        start = time.time()
        source = list(range(TEACHER_LAYERS)) if len(specs) == TEACHER_LAYERS else [0, 2, 5]
        init_error[name] = [
            0.0 if spec == Spec(dense=TEACHER_WIDTH)
            else round(tree_init.fit(student.layers[i].ffn, teacher.layers[source[i]].ffn, seen[source[i]]), 4)
            for i, spec in enumerate(specs)
        ]
        students[name] = (student, imitates, Trainer(student, args.lr, args.lr_ffn, args.steps))
        say(f"{name}: starts with errors {init_error[name]} ({time.time() - start:.1f} s)")
    del seen

    half = setup.half_teacher(teacher)
    embeddings = half.shared[0]
    for student, _, _ in students.values():
        student.shared = [embeddings]
    first, curves, spent = resume(args, students, device)
    variances, clock = None, time.time()
    for step in range(first, args.steps):
        ids = text.batch(step).to(device, non_blocking=True)
        with torch.no_grad():
            targets = half(ids)
            now = torch.stack([(t.float() - t.float().mean((0, 1))).square().mean() for t in targets])
            variances = now if variances is None else torch.lerp(variances, now, 0.02)
        for name, (student, imitates, trainer) in students.items():
            loss = loss_of(student(ids), targets, imitates, variances)
            loss.backward()
            trainer.step()
            if step % 50 == 49 or step == first:
                curves[name].append([step + 1, round(loss.item(), 4)])
        if step % 100 == 99 or step == first + 4:
            say(f"step {step + 1}/{args.steps}: " + ", ".join(f"{n} {c[-1][1] if c else 0:.3f}" for n, c in curves.items()))
        if (step + 1) % args.save_every == 0 and step + 1 < args.steps:
            keep_state(args, students, curves, step + 1, spent + time.time() - clock)
    spent += time.time() - clock

    results = {}
    for name, (student, imitates, trainer) in students.items():
        trainer.settle(student)
        student.shared = teacher.shared
        specs = members[name][0]
        results[name] = {
            "specs": [str(s) for s in specs], "active": [s.active for s in specs], "neurons": [s.rows for s in specs],
            "imitates": imitates, "seed": args.seed, "steps": args.steps, "tokens": args.steps * args.tokens,
            "init_error": init_error[name], "group_seconds": round(spent, 1), "loss": curves[name],
            **evaluate.general(student, imitates, teacher, prepared),
        }
        r = results[name]
        say(f"{name}: cos {r['cos']:.4f} knn {r['knn']:.1f} stsb {r['stsb']:.2f} mrr {r['mrr']:.2f} hidden {r['hidden_error']} "
            f"bits {r.get('leaf_entropy_bits')}")
        for where in [args.work / "general"] + [args.out] * (name in args.keep.split(",")):
            checkpoint.save(where, file_name(name, args.seed), student.state_dict(), {k: v for k, v in results[name].items() if k != "loss"})
    results["teacher"] = evaluate.sentence_tasks(teacher, prepared)
    say(f"teacher: {results['teacher']}")
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / f"{args.name}-{args.seed}-{args.steps}.json").write_text(json.dumps(results))


def file_name(member: str, seed: int) -> str:
    return "general-" + member.replace(":", "-").replace("/", "_").replace("~", "-flip").replace("+", "-") + f"-s{seed}"


def state_path(args):
    return args.work / f"state-{args.seed}-{args.steps}-{abs(hash_of(args.members))}.pt"


def hash_of(text: str) -> int:
    import zlib

    return zlib.crc32(text.encode())


def keep_state(args, students, curves, step, spent) -> None:
    """Everything an interrupted run needs, replaced whole; batches are a function of the step."""
    path = state_path(args)
    state = {n: t.state() for n, (_, _, t) in students.items()}
    torch.save({"step": step, "curves": curves, "spent": spent, "members": state}, path.with_suffix(".part"))
    path.with_suffix(".part").replace(path)


def resume(args, students, device):
    path = state_path(args)
    if not path.exists():
        return 0, {n: [] for n in students}, 0.0
    kept = torch.load(path, map_location=device, weights_only=True)
    for name, (_, _, trainer) in students.items():
        trainer.restore(kept["members"][name])
    say(f"resumes after step {kept['step']}")
    return kept["step"], kept["curves"], kept["spent"]


if __name__ == "__main__":
    main()
