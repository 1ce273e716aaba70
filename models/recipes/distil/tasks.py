"""Task distillation: teacher and students are tuned for SST-2, WikiANN NER, masked LM and embeddings.

    python -m distil.tasks --data ... --teacher ... --tokenizer ... --out results --jobs ner:teacher:0,sst2:teacher:0
    python -m distil.tasks ... --jobs ner:f8d7~:0,ner:f8d7~:1,mlm:d72:0 --keep ner:f8d7~:0 --workers 4

A job is TASK:MEMBER:SEED; TASK:teacher:SEED tunes a teacher (hard labels), and comes first. A student starts from its
general checkpoint and the teacher's head. Its loss: KL to the teacher at a temperature, + 0.3 cross entropy on the
labels, + the relative error of the hidden states. Half of a batch's rows are unlabelled: a corrupted copy of the
labelled ones, and sentences of the corpus of the same length; and some steps are unlabelled text alone (`text`). Task
`embed` has no labels, no head and the teacher as it is: embeddings and their similarities weigh more than before. What
differs between tasks is in PLANS; `--set lr=1e-4,text=0` changes it. The last step counts, whatever dev says.
"""

import copy
import dataclasses
import json
import subprocess
import sys
import time

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from distil import checkpoint, evaluate, setup
from distil.data import CLS, MASK, SEP, SEPARATE, TAGS, corrupt, corrupt_tail, frame
from distil.general import file_name, parse_member
from distil.model import EPS, HIDDEN, VOCAB, Encoder, make_student, pool
from distil.optim import Trainer
from distil.setup import say
from distil.vocab_loss import vocabulary_loss


@dataclasses.dataclass
class Plan:
    """How a task is tuned."""

    steps: int = 1100
    rows: int = 128  # labelled rows of a step; masked LM: rows of 128 pieces
    lr: float = 1e-4
    lr_ffn: float = 1e-4
    freeze: int = 0  # 1: the trees' linear_in (so their decisions) stay as they are; 2: all of the feedforward part
    flip: int = 1  # 0: no gradients of decisions, even where the member has them
    temperature: float = 2.0
    hidden: float = 0.5  # weight of the hidden states' relative error
    text: float = 0.0  # share of the steps that are unlabelled text alone
    text_tokens: int = 8192
    teachers: int = 1  # teachers (seeds 0, 1, ...) whose logits are averaged
    teacher_steps: int = 1500
    teacher_lr: float = 1e-4
    dropout: float = 0.0  # the teacher's
    by_tokens: int = 0  # 1: lengths are drawn by their share of tokens, not of rows

    def changed(self, text: str) -> "Plan":
        kinds = {f.name: type(f.default) for f in dataclasses.fields(self)}
        pairs = [pair.split("=") for pair in text.split(",") if pair]
        return dataclasses.replace(self, **{k: kinds[k](v) for k, v in pairs})


PLANS = {
    "sst2": Plan(steps=1000, lr=3e-4, lr_ffn=3e-4, hidden=2.0, text=0.3, teachers=3, teacher_steps=2000, dropout=0.1, by_tokens=1),
    "ner": Plan(steps=1200, lr=3e-4, lr_ffn=3e-4, hidden=2.0, text=0.5, teachers=3, teacher_steps=2000, dropout=0.1),
    "mlm": Plan(steps=1000, lr=5e-4, lr_ffn=5e-4, hidden=2.0, temperature=1.0, teacher_steps=2000, teacher_lr=4e-4),
    "embed": Plan(steps=600, lr=4e-4, lr_ffn=4e-4, hidden=0.5, text=1.0, text_tokens=16384),
}


class Classifier(nn.Module):
    """DistilBERT's: [CLS], dense, ReLU, logits."""

    def __init__(self, labels: int):
        super().__init__()
        self.pre_classifier, self.classifier = nn.Linear(HIDDEN, HIDDEN), nn.Linear(HIDDEN, labels)

    def forward(self, last, words=None):
        return self.classifier(F.relu(self.pre_classifier(last[:, 0])))


class Tagger(nn.Module):
    def __init__(self, labels: int):
        super().__init__()
        self.classifier = nn.Linear(HIDDEN, labels)

    def forward(self, last, words=None):
        return self.classifier(last)


class MaskedLM(nn.Module):
    """Dense, GELU, norm, and the frozen word embeddings with a bias."""

    def __init__(self):
        super().__init__()
        self.vocab_transform = nn.Linear(HIDDEN, HIDDEN)
        self.vocab_layer_norm = nn.LayerNorm(HIDDEN, EPS)
        self.vocab_projector_bias = nn.Parameter(torch.zeros(VOCAB))

    def forward(self, last, words):
        x = self.vocab_layer_norm(F.gelu(self.vocab_transform(last)))
        return F.linear(x, words, self.vocab_projector_bias)


class Tuned(nn.Module):
    def __init__(self, encoder: Encoder, head: nn.Module):
        super().__init__()
        self.encoder, self.head = encoder, head

    def forward(self, ids, where=None):
        """(states, logits); `where` [rows, length] picks the positions that get logits."""
        states = self.encoder(ids)
        last = states[-1] if where is None else states[-1][where]
        return states, self.head(last, self.encoder.shared[0].word)


class Labelled:
    """Batches of one length of SST-2 or NER with labels, and unlabelled rows of that length."""

    def __init__(self, prepared, task, plan):
        self.pieces, self.labels = prepared[task]
        self.stream, self.sentences = prepared["stream"], prepared["wiki"] if task == "ner" else prepared["sentences"]
        self.task, self.rows = task, plan.rows
        self.groups, self.others = self.pieces.by_length(), self.sentences.by_length()
        self.lengths = np.array(sorted(self.groups))
        count = np.array([len(self.groups[n]) * (n if plan.by_tokens else 1) for n in self.lengths], float)
        self.share = count / count.sum()

    def batch(self, rng, unlabelled: bool):
        n = int(rng.choice(self.lengths, p=self.share))
        pick = rng.choice(self.groups[n], min(self.rows, len(self.groups[n])), replace=False)
        ids = self.pieces.rows(pick)
        if self.task == "sst2":
            labels = torch.from_numpy(self.labels[pick])
        else:
            labels = F.pad(torch.from_numpy(np.stack([self.labels[i] for i in pick])), (1, 1), value=SEPARATE)
        if unlabelled:
            extra = [corrupt(ids[: -(-len(ids) // 2)], rng, self.pieces.flat)]
            if n in self.others:
                extra.append(self.sentences.rows(rng.choice(self.others[n], min(len(ids) // 2 + 1, len(self.others[n])))))
            ids = torch.cat([ids, *extra])
        return ids, labels, None


class Unlabelled:
    """Rows of one length without labels: for NER half of them are crops of WikiANN's training sentences set end to end
    in changing order; all others are sentences of the corpus and of the tasks' training text."""

    def __init__(self, prepared, task, tokens):
        self.tokens, self.sentences, self.stream = tokens, prepared["sentences"], prepared["stream"]
        self.groups = {n: i for n, i in self.sentences.by_length().items() if n >= 5}
        self.lengths = np.array(sorted(self.groups))
        share = np.array([n * len(self.groups[n]) for n in self.lengths], float)
        self.share = share / share.sum()
        self.titles = prepared["ner"][0] if task == "ner" else None

    def batch(self, rng):
        if self.titles is not None and rng.random() < 0.5:
            width = 62
            rows = max(1, self.tokens // (width + 2))
            picked = []
            while len(picked) < rows * width:
                picked.extend(self.titles[rng.integers(len(self.titles))])
            ids = frame(torch.from_numpy(np.array(picked[: rows * width], np.int64)).view(rows, width))
        else:
            n = int(rng.choice(self.lengths, p=self.share))
            count = max(1, min(self.tokens // (n + 2), len(self.groups[n])))
            ids = self.sentences.rows(rng.choice(self.groups[n], count, replace=False))
        half = len(ids) // 2
        return torch.cat([ids[half:], corrupt(ids[:half], rng, self.stream, 0.1)]) if half else ids


class Masked:
    """128-piece rows of the corpus, a sixth of them [MASK] (85 %), another piece (5 %) or themselves (10 %)."""

    def __init__(self, prepared, rows):
        self.stream, self.rows = prepared["stream"], rows
        self.wiki = prepared["wiki"].flat

    def batch(self, rng, unlabelled: bool):
        parts = []
        for stream, rows in ((self.stream, self.rows * 2 // 3), (self.wiki, self.rows - self.rows * 2 // 3)):
            start = rng.integers(0, max(1, len(stream) - 126), rows)
            parts.append(stream[(start[:, None] + np.arange(126)) % len(stream)])
        ids = frame(torch.from_numpy(np.concatenate(parts).astype(np.int64)))
        where = torch.from_numpy(rng.random(tuple(ids.shape)) < 0.16) & (ids != CLS) & (ids != SEP)
        u = torch.from_numpy(rng.random(tuple(ids.shape)))
        other = torch.from_numpy(rng.choice(self.stream, tuple(ids.shape)).astype(np.int64))
        labels = ids[where]
        seen = torch.where(where & (u < 0.85), MASK, torch.where(where & (u < 0.9), other, ids))
        return seen, labels, where


class Sentences(Unlabelled):
    """For embeddings: sentences of one length, crops of wikitext and of the corpus; the last quarter is the first,
    corrupted."""

    def __init__(self, prepared, task, tokens):
        super().__init__(prepared, task, tokens)
        self.wiki = prepared["wiki"].flat

    def batch(self, rng):
        kind = rng.random()
        if kind < 0.5:
            n = int(rng.choice(self.lengths, p=self.share))
            count = max(2, min(self.tokens // (n + 2), len(self.groups[n])))
            ids = self.sentences.rows(rng.choice(self.groups[n], min(count, len(self.groups[n])), replace=False))
        else:
            stream, n = (self.wiki, (62, 126, 254)) if kind < 0.75 else (self.stream, (126, 126, 254))
            n = n[rng.integers(3)]
            start = rng.integers(0, max(1, len(stream) - n), max(2, self.tokens // (n + 2)))
            ids = frame(torch.from_numpy(stream[(start[:, None] + np.arange(n)) % len(stream)].astype(np.int64)))
        return corrupt_tail(ids, rng, self.stream)


class NoHead(nn.Module):
    def forward(self, last, words=None):
        return last


def new_head(task):
    if task == "embed":
        return NoHead()
    return Classifier(2) if task == "sst2" else Tagger(len(TAGS)) if task == "ner" else MaskedLM()


def judge(task, model, imitates, teacher, prepared, device) -> dict:
    model.eval()
    if task == "embed":
        return evaluate.general(model.encoder, imitates, teacher, prepared)
    if task == "sst2":
        return {"sst2_dev": evaluate.sst2_accuracy(lambda ids: model(ids)[1], prepared, device)}
    if task == "ner":
        logits = lambda ids: model(ids)[1]
        return {"ner_test_f1": evaluate.ner_f1(logits, prepared, device),
                "ner_dev_f1": evaluate.ner_f1(logits, prepared, device, "ner_dev")}
    return evaluate.mlm_accuracy(lambda ids, where: model(ids, where)[1], prepared, device)


def loss_of(task, plan, states, logits, labels, goal, goal_states, imitates):
    hard = 1.0 if goal is None else 0.3
    if task == "mlm":
        loss = vocabulary_loss(logits, labels, goal, plan.temperature, hard)
    elif task == "embed":
        mine, theirs = pool(states[-1]), pool(goal_states[-1])
        similar = (mine @ mine.T - theirs @ theirs.T).square().mean()
        loss = 10 * (1 - (mine * theirs).sum(1).mean()) + 100 * similar
    else:
        logits, loss = logits.float(), 0.0
        if labels is not None:
            every = logits[: len(labels)].flatten(0, -2)
            loss = hard * F.cross_entropy(every, labels.flatten(), ignore_index=SEPARATE)
        if goal is not None:
            t = plan.temperature
            loss = loss + t * t * F.kl_div(F.log_softmax(logits / t, -1), F.log_softmax(goal.float() / t, -1),
                                           reduction="none", log_target=True).sum(-1).mean()
    if goal is None:
        return loss
    hidden = sum(
        (mine - goal_states[i]).float().square().mean() / goal_states[i].float().var().clamp_min(1e-6)
        for mine, i in zip(states, imitates)
    ) / len(imitates)
    return loss + plan.hidden * hidden


def tune(task, model, teachers, imitates, prepared, device, plan, seed) -> list:
    """Trains in place. `teachers`: Tuned models, none of them for hard labels alone. Returns the loss curve."""
    student = bool(teachers)
    steps = plan.steps if student else plan.teacher_steps
    source = Masked(prepared, plan.rows) if task == "mlm" else None if task == "embed" else Labelled(prepared, task, plan)
    kind = Sentences if task == "embed" else Unlabelled
    text = kind(prepared, task, plan.text_tokens) if student and plan.text else None
    shared, model.encoder.shared = model.encoder.shared, [copy.deepcopy(model.encoder.shared[0])]
    for layer in model.encoder.layers:
        layer.drop = 0.0 if student else plan.dropout
        if plan.freeze and student and layer.ffn.spec.trees:
            (layer.ffn.linear_in if plan.freeze == 1 else layer.ffn).requires_grad_(False)
        if not plan.flip:
            layer.ffn.flip = 0.0
    model.train()
    trainer = Trainer(model, plan.lr if student else plan.teacher_lr, plan.lr_ffn if student else plan.teacher_lr, steps)
    if device.type == "cuda":
        model.encoder.shared[0].bfloat16()
    for teacher in teachers:
        teacher.encoder.shared = model.encoder.shared
    curve, clock = [], time.time()
    for step in range(steps):
        rng = np.random.default_rng((seed, step, 7))
        labels = where = None
        if text is not None and rng.random() < plan.text:
            ids = text.batch(rng)
        else:
            ids, labels, where = source.batch(rng, student)
        ids = ids.to(device)
        where = None if where is None else where.to(device)
        states, logits = model(ids, where)
        labels, goal, goal_states = None if labels is None else labels.to(device), None, None
        if student:
            with torch.no_grad():
                answers = [teacher(ids, where) for teacher in teachers]
                goal_states = answers[0][0]
                goal = answers[0][1] if len(answers) == 1 else sum(a[1].float() for a in answers) / len(answers)
        loss = loss_of(task, plan, states, logits, labels, goal, goal_states, imitates)
        loss.backward()
        trainer.step()
        if step % 50 == 0 or step == steps - 1:
            curve.append([step + 1, round(loss.item(), 4)])
    trainer.settle(model)
    model.encoder.shared = shared
    say(f"{steps} steps in {time.time() - clock:.1f} s, last losses {[c[1] for c in curve[-3:]]}")
    return curve


def parse_job(job: str) -> tuple[str, str, int]:
    task, rest = job.split(":", 1)
    member, seed = (rest, 0) if rest == "teacher" else rest.rsplit(":", 1)
    return task, member, int(seed)


def run_job(job, prepared, teacher, device, args) -> dict:
    task, member, seed = parse_job(job)
    plan = PLANS[task].changed(args.set)
    setup.seed(seed)
    store = args.work / "tasks"
    clock = time.time()
    if member == "teacher":
        model = Tuned(copy.deepcopy(teacher).requires_grad_(True), new_head(task)).to(device)
        imitates = None
        curve = tune(task, model, [], None, prepared, device, plan, seed)
        specs = ["d1536"] * len(teacher.layers)
    else:
        specs, flip = parse_member(member)
        student, imitates = make_student(teacher, specs, flip)
        general = args.general_seed if args.general_seed is not None else seed
        state, _ = checkpoint.load(args.start, file_name(member, general))
        student.load_state_dict({k: v.to(device) for k, v in state.items()})
        goals = []
        if task == "embed":
            goals.append(Tuned(copy.deepcopy(teacher), NoHead()).to(device))
        for i in range(plan.teachers if task != "embed" else 0):
            goal = Tuned(copy.deepcopy(teacher), new_head(task)).to(device)
            state, _ = checkpoint.load(store, f"{task}-teacher-s{i}")
            goal.load_state_dict({k: v.to(device) for k, v in state.items()})
            goals.append(goal.requires_grad_(False).eval())
        model = Tuned(student, copy.deepcopy(goals[0].head)).to(device).requires_grad_(True)
        for goal in goals:
            if device.type == "cuda":
                goal.bfloat16()
        curve = tune(task, model, goals, imitates, prepared, device, plan, seed)
        specs = [str(s) for s in specs]
    result = {"task": task, "member": member, "seed": seed, "specs": specs, "plan": dataclasses.asdict(plan), "tag": args.tag,
              "seconds": round(time.time() - clock, 1), "loss": curve,
              **judge(task, model, imitates, teacher, prepared, device), **evaluate.tree_health(model.encoder, prepared)}
    name = result_name(job)
    about = {k: v for k, v in result.items() if k not in ("loss", "plan")}
    say(f"{job} {args.tag}: {about}")
    if member == "teacher" or job in args.keep.split(","):
        for where in [store] * (member == "teacher") + [args.out] * (job in args.keep.split(",")):
            checkpoint.save(where, name + args.tag, model, about)
    results = args.work / "results"
    results.mkdir(parents=True, exist_ok=True)
    part = results / f"{name}{args.tag}.part{args.tag}"
    part.write_text(json.dumps(result))
    part.replace(results / f"{name}{args.tag}.json")
    return result


def main() -> None:
    p = setup.parser(__doc__)
    p.add_argument("--jobs", required=True)
    p.add_argument("--from", dest="start", type=setup.pathlib.Path, help="general checkpoints (default: --work/general)")
    p.add_argument("--general-seed", type=int, help="seed of the general checkpoint (default: the job's)")
    p.add_argument("--keep", default="", help="jobs whose checkpoint is written to --out")
    p.add_argument("--workers", type=int, default=1, help="processes that share the GPU")
    p.add_argument("--set", default="", help="changes of the task's plan: lr=2e-4,steps=800")
    p.add_argument("--tag", default="", help="ends the result's name: trials of other plans")
    args = p.parse_args()
    args.start = args.start or args.work / "general"
    jobs = [j for j in args.jobs.split(",") if not finished(args, j)]
    if args.workers > 1 and len(jobs) > 1:
        share(args, jobs)
    elif jobs:
        prepared, teacher, device = setup.begin(args, 4)
        for job in jobs:
            run_job(job, prepared, teacher, device, args)
    gather(args)


def share(args, jobs) -> None:
    """The same command with a part of the jobs each, in `workers` processes."""
    values = sys.argv[1:]
    drop = [i for i, v in enumerate(values) if v in ("--jobs", "--workers")]
    rest = [v for i, v in enumerate(values) if i not in drop and i - 1 not in drop]
    parts = [jobs[i :: args.workers] for i in range(args.workers)]
    running = [subprocess.Popen([sys.executable, "-m", "distil.tasks", *rest, "--jobs", ",".join(part)]) for part in parts if part]
    if any([r.wait() for r in running]):
        sys.exit("a worker failed; its message is above. Run the same command again: finished jobs are kept")


def result_name(job: str) -> str:
    task, member, seed = parse_job(job)
    return f"{task}-teacher-s{seed}" if member == "teacher" else file_name(member, seed).replace("general", task)


def finished(args, job) -> bool:
    return (args.work / "results" / f"{result_name(job)}{args.tag}.json").exists()


def gather(args) -> None:
    args.out.mkdir(parents=True, exist_ok=True)
    done = [json.loads(f.read_text()) for f in sorted((args.work / "results").glob("*.json"))]
    part = args.out / "tasks.json.part"
    part.write_text(json.dumps(done))
    part.replace(args.out / "tasks.json")


if __name__ == "__main__":
    main()
