"""Task distillation: teacher and students are tuned for SST-2, WikiANN NER, masked LM and embeddings.

    python -m distil.tasks --data ... --teacher ... --tokenizer ... --out results --jobs ner:teacher:0,sst2:teacher:0
    python -m distil.tasks ... --jobs ner:f8d7~:0,ner:f8d7~:1,mlm:d72:0 --keep ner:f8d7~:0 --workers 4

A job is TASK:MEMBER:SEED; TASK:teacher:SEED tunes a teacher (hard labels), and comes first. Jobs of one task and seed run
as one group, on the same batches. A student starts from its general checkpoint and the teacher's head. Its loss: KL to
the teacher at a temperature, + 0.3 cross entropy on the labels, + the relative error of the hidden states. Half of a
batch's rows are unlabelled: a corrupted copy of the labelled ones, and sentences of the corpus of the same length; and
some steps are unlabelled text alone (`text`). Task `embed` has no labels, no head and the teacher as it is: embeddings
and their similarities weigh more than before, and pseudo-questions choose among neighbouring texts as the teacher does.
What differs between tasks is in PLANS; `--set lr=1e-4,text=0` changes it. The last step counts, whatever dev says.
"""

import copy
import dataclasses
import json
import os
import subprocess
import sys
import time

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from distil import checkpoint, evaluate, setup
from distil.data import CLS, MASK, SEP, SEPARATE, TAGS, Questions, corrupt, corrupt_tail, crops, frame
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
    push: float = 0.0  # the teacher also learns from embeddings moved so far, of their length, against it (FGM, arXiv 1605.07725)
    by_tokens: int = 0  # 1: lengths are drawn by their share of tokens, not of rows

    def changed(self, text: str) -> "Plan":
        kinds = {f.name: type(f.default) for f in dataclasses.fields(self)}
        pairs = [pair.split("=") for pair in text.split(",") if pair]
        return dataclasses.replace(self, **{k: kinds[k](v) for k, v in pairs})


PLANS = {
    "sst2": Plan(steps=1500, lr=3e-4, lr_ffn=3e-4, hidden=2.0, text=0.3, teachers=3, teacher_steps=2000, dropout=0.1, push=0.05,
                 by_tokens=1),
    "ner": Plan(steps=1200, lr=3e-4, lr_ffn=3e-4, hidden=2.0, text=0.5, teachers=3, teacher_steps=2000, dropout=0.1),
    "mlm": Plan(steps=3000, lr=5e-4, lr_ffn=5e-4, hidden=2.0, temperature=1.0, teacher_steps=2000, teacher_lr=4e-4),
    "embed": Plan(steps=1200, lr=4e-4, lr_ffn=4e-4, hidden=0.5, temperature=0.05, text=1.0, text_tokens=16384),
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
        return self.after_embeddings(self.encoder.shared[0](ids), where)

    def after_embeddings(self, x, where=None):
        states = self.encoder.after_embeddings(x)
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
        return [torch.cat([ids[half:], corrupt(ids[:half], rng, self.stream, 0.1)]) if half else ids]


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


class Search(Unlabelled):
    """For embeddings, one batch in two: texts of one length; the last quarter is the first, corrupted. The other: crops of
    which four in turn are neighbours, as paragraphs of one article are, and a pseudo-question about each."""

    def __init__(self, prepared, task, tokens):
        super().__init__(prepared, task, tokens)
        self.streams = [prepared[name] for name in ("encyclopaedia", "varied", "varied", "stream")]
        self.questions = Questions(prepared["starters"])

    def batch(self, rng):
        """[ids] or [questions, texts]"""
        stream = self.streams[rng.integers(4)]
        if rng.random() < 0.5:
            n = (94, 126, 190, 254)[rng.integers(4)]
            texts = crops(stream, n, max(4, self.tokens // (n + 2)), rng, neighbours=4)
            asked = self.questions.ask(texts, int(rng.integers(8, 25)), rng)
            return [frame(torch.from_numpy(rows)) for rows in (asked, texts)]
        if rng.random() < 0.5:
            n = int(rng.choice(self.lengths, p=self.share))
            count = max(2, min(self.tokens // (n + 2), len(self.groups[n])))
            ids = self.sentences.rows(rng.choice(self.groups[n], min(count, len(self.groups[n])), replace=False))
        else:
            n = (62, 126, 254)[rng.integers(3)]
            ids = frame(torch.from_numpy(crops(stream, n, max(2, self.tokens // (n + 2)), rng)))
        return [corrupt_tail(ids, rng, self.stream)]


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


def hidden_error(states, goal_states, imitates):
    """Squared error of each layer relative to the variance of the teacher's, mean over layers."""
    return sum(
        (mine - goal_states[i]).float().square().mean() / goal_states[i].float().var().clamp_min(1e-6)
        for mine, i in zip(states, imitates)
    ) / len(imitates)


def embedding_loss(plan, states, goal_states, imitates):
    """Of one or two batches of texts (lists of their states): embeddings, all their similarities and, for questions and
    texts, the KL of the teacher's choice among the texts."""
    mine, theirs = ([pool(s[-1]) for s in every] for every in (states, goal_states))
    a, b = torch.cat(mine), torch.cat(theirs)
    loss = 10 * (1 - (a * b).sum(1).mean()) + 100 * (a @ a.T - b @ b.T).square().mean()
    if len(mine) == 2:
        choice = [F.log_softmax(asked @ texts.T / plan.temperature, -1) for asked, texts in (mine, theirs)]
        loss = loss + F.kl_div(*choice, reduction="none", log_target=True).sum(-1).mean()
    hidden = sum(hidden_error(s, g, imitates) for s, g in zip(states, goal_states)) / len(states)
    return loss + plan.hidden * hidden


def loss_of(task, plan, states, logits, labels, goal, goal_states, imitates):
    hard = 1.0 if goal is None else 0.3
    if task == "mlm":
        loss = vocabulary_loss(logits, labels, goal, plan.temperature, hard)
    else:
        logits, loss = logits.float(), 0.0
        if labels is not None:
            every = logits[: len(labels)].flatten(0, -2)
            loss = hard * F.cross_entropy(every, labels.flatten(), ignore_index=SEPARATE)
        if goal is not None:
            t = plan.temperature
            loss = loss + t * t * F.kl_div(F.log_softmax(logits / t, -1), F.log_softmax(goal.float() / t, -1),
                                           reduction="none", log_target=True).sum(-1).mean()
    return loss if goal is None else loss + plan.hidden * hidden_error(states, goal_states, imitates)


def tune_teacher(task, model, prepared, device, plan, seed) -> list:
    """Trains in place on hard labels. Returns the loss curve."""
    source = Masked(prepared, plan.rows) if task == "mlm" else Labelled(prepared, task, plan)
    trainers, shared = begin(task, {"teacher": model}, [], device, plan, plan.teacher_steps)
    curve, clock = [], time.time()
    for step in range(plan.teacher_steps):
        ids, labels, where = to(device, *source.batch(np.random.default_rng((seed, step, 7)), False))
        x = model.encoder.shared[0](ids)
        if plan.push:
            x = x.detach().requires_grad_(True)
        states, logits = model.after_embeddings(x, where)
        loss = loss_of(task, plan, states, logits, labels, None, None, None)
        loss.backward()
        if plan.push:
            against = x.grad / torch.linalg.vector_norm(x.grad, dim=(1, 2), keepdim=True, dtype=torch.float32).clamp_min(1e-20)
            length = torch.linalg.vector_norm(x.detach(), dim=(1, 2), keepdim=True, dtype=torch.float32)
            moved = (x.detach() + plan.push * length * against).to(x.dtype)
            states, logits = model.after_embeddings(moved, where)
            loss_of(task, plan, states, logits, labels, None, None, None).backward()
        trainers["teacher"].step()
        if step % 50 == 0 or step == plan.teacher_steps - 1:
            curve.append([step + 1, round(loss.item(), 4)])
    end({"teacher": model}, trainers, shared)
    say(f"{task} teacher {seed}: {plan.teacher_steps} steps in {time.time() - clock:.1f} s")
    return curve


def tune(task, models, teachers, imitates, prepared, device, plan, seed) -> dict:
    """Trains the students `models` {member: Tuned} in place, on the same batches and answers of the teachers.
    Returns their loss curves."""
    source = Masked(prepared, plan.rows) if task == "mlm" else None if task == "embed" else Labelled(prepared, task, plan)
    kind = Search if task == "embed" else Unlabelled
    text = kind(prepared, task, plan.text_tokens) if plan.text else None
    trainers, shared = begin(task, models, teachers, device, plan, plan.steps)
    curves, clock = {name: [] for name in models}, time.time()
    for step in range(plan.steps):
        rng = np.random.default_rng((seed, step, 7))
        labels = where = None
        if text is not None and rng.random() < plan.text:
            batch = text.batch(rng)
        else:
            ids, labels, where = source.batch(rng, True)
            batch = [ids]
        batch, labels, where = to(device, batch, labels, where)
        with torch.no_grad():
            answers = [[teacher(ids, where) for ids in batch] for teacher in teachers]
            goal_states = [states for states, _ in answers[0]]
            goal = answers[0][0][1] if len(answers) == 1 else sum(a[0][1].float() for a in answers) / len(answers)
        for name, model in models.items():
            parts = [model(ids, where) for ids in batch]
            states = [states for states, _ in parts]
            if task == "embed":
                loss = embedding_loss(plan, states, goal_states, imitates[name])
            else:
                loss = loss_of(task, plan, states[0], parts[0][1], labels, goal, goal_states[0], imitates[name])
            loss.backward()
            trainers[name].step()
            if step % 50 == 0 or step == plan.steps - 1:
                curves[name].append([step + 1, round(loss.item(), 4)])
        if step % 500 == 499:
            say(f"{task} {seed}, step {step + 1}: " + ", ".join(f"{n} {c[-1][1]:.3f}" for n, c in curves.items()))
    end(models, trainers, shared)
    say(f"{task} {seed}: {plan.steps} steps of {len(models)} members in {time.time() - clock:.1f} s")
    return curves


def to(device, *things):
    """Tensors, lists of them and None, on the device."""
    move = lambda t: None if t is None else [move(part) for part in t] if isinstance(t, list) else t.to(device, non_blocking=True)
    return [move(t) for t in things]


def begin(task, models, teachers, device, plan, steps):
    """Trainers of the models {name: Tuned}, which from now on share half-precision embeddings with the teachers."""
    first = next(iter(models.values()))
    shared, half = first.encoder.shared, copy.deepcopy(first.encoder.shared[0])
    if device.type == "cuda":
        half.bfloat16()
    trainers = {}
    for name, model in models.items():
        for layer in model.encoder.layers:
            layer.drop = 0.0 if teachers else plan.dropout
            if plan.freeze and teachers and layer.ffn.spec.trees:
                (layer.ffn.linear_in if plan.freeze == 1 else layer.ffn).requires_grad_(False)
            if not plan.flip:
                layer.ffn.flip = 0.0
        rates = (plan.lr, plan.lr_ffn) if teachers else (plan.teacher_lr, plan.teacher_lr)
        trainers[name] = Trainer(model.train(), *rates, steps)
    for model in [*models.values(), *teachers]:
        model.encoder.shared = [half]
    return trainers, shared


def end(models, trainers, shared) -> None:
    for name, model in models.items():
        trainers[name].settle(model)
        model.encoder.shared = shared


def parse_job(job: str) -> tuple[str, str, int]:
    task, rest = job.split(":", 1)
    member, seed = (rest, 0) if rest == "teacher" else rest.rsplit(":", 1)
    return task, member, int(seed)


def run_teacher(job, prepared, teacher, device, args) -> None:
    task, member, seed = parse_job(job)
    plan = PLANS[task].changed(args.set)
    setup.seed(seed)
    clock = time.time()
    model = Tuned(copy.deepcopy(teacher).requires_grad_(True), new_head(task)).to(device)
    curve = tune_teacher(task, model, prepared, device, plan, seed)
    report(job, model, None, ["d1536"] * len(teacher.layers), curve, plan, time.time() - clock, prepared, teacher, device, args)


def run_students(task, seed, members, prepared, teacher, device, args) -> None:
    """Jobs of one task and seed: their members share batches and the teachers' answers."""
    plan = PLANS[task].changed(args.set)
    setup.seed(seed)
    clock = time.time()
    general = args.general_seed if args.general_seed is not None else seed
    goals = [Tuned(copy.deepcopy(teacher), NoHead()).to(device)] if task == "embed" else []
    for i in range(plan.teachers if task != "embed" else 0):
        goal = Tuned(copy.deepcopy(teacher), new_head(task)).to(device)
        state, _ = checkpoint.load(args.work / "tasks", f"{task}-teacher-s{i}")
        goal.load_state_dict({k: v.to(device) for k, v in state.items()})
        goals.append(goal.requires_grad_(False).eval())
    models, imitates, specs = {}, {}, {}
    for member in members:
        specs[member], flip = parse_member(member)
        student, imitates[member] = make_student(teacher, specs[member], flip)
        state, _ = checkpoint.load(args.start, file_name(member, general))
        student.load_state_dict({k: v.to(device) for k, v in state.items()})
        models[member] = Tuned(student, copy.deepcopy(goals[0].head)).to(device).requires_grad_(True)
    if device.type == "cuda":
        for goal in goals:
            goal.bfloat16()
    curves = tune(task, models, goals, imitates, prepared, device, plan, seed)
    seconds = (time.time() - clock) / len(models)
    for member, model in models.items():
        report(f"{task}:{member}:{seed}", model, imitates[member], [str(s) for s in specs[member]], curves[member], plan, seconds,
               prepared, teacher, device, args)


def report(job, model, imitates, specs, curve, plan, seconds, prepared, teacher, device, args) -> None:
    """Judges a tuned model; its result goes to --work/results, its checkpoint to where it is needed."""
    task, member, seed = parse_job(job)
    result = {"task": task, "member": member, "seed": seed, "specs": specs, "plan": dataclasses.asdict(plan), "tag": args.tag,
              "seconds": round(seconds, 1), "loss": curve,
              **judge(task, model, imitates, teacher, prepared, device), **evaluate.tree_health(model.encoder, prepared)}
    name = result_name(job)
    about = {k: v for k, v in result.items() if k not in ("loss", "plan")}
    say(f"{job} {args.tag}: {about}")
    kept = job in args.keep.split(",")
    for where in [args.work / "tasks"] * (member == "teacher") + [args.out] * kept:
        checkpoint.save(where, name + args.tag, model, about)
    results = args.work / "results"
    results.mkdir(parents=True, exist_ok=True)
    part = results / f"{name}{args.tag}.part{args.tag}"
    part.write_text(json.dumps(result))
    part.replace(results / f"{name}{args.tag}.json")


def main() -> None:
    p = setup.parser(__doc__)
    p.add_argument("--jobs", required=True)
    p.add_argument("--from", dest="start", type=setup.pathlib.Path, help="general checkpoints (default: --work/general)")
    p.add_argument("--general-seed", type=int, help="seed of the general checkpoint (default: the job's)")
    p.add_argument("--keep", default="", help="jobs whose checkpoint is written to --out")
    p.add_argument("--workers", type=int, default=1, help="processes that share a GPU")
    p.add_argument("--set", default="", help="changes of the task's plan: lr=2e-4,steps=800")
    p.add_argument("--tag", default="", help="ends the result's name: trials of other plans")
    args = p.parse_args()
    args.start = args.start or args.work / "general"
    groups = {}  # jobs that share batches
    for job in args.jobs.split(","):
        task, member, seed = parse_job(job)
        if not finished(args, job):
            groups.setdefault((task, seed, member == "teacher"), []).append(job)
    if args.workers > 1 and len(groups) > 1:
        share(args, list(groups.values()))
    elif groups:
        prepared, teacher, device = setup.begin(args, 4)
        for (task, seed, is_teacher), jobs in groups.items():
            if is_teacher:
                run_teacher(jobs[0], prepared, teacher, device, args)
            else:
                run_students(task, seed, [parse_job(j)[1] for j in jobs], prepared, teacher, device, args)
    gather(args)


def share(args, groups) -> None:
    """The same command for one group of jobs each, `workers` processes at a time on every GPU."""
    values = sys.argv[1:]
    drop = [i for i, v in enumerate(values) if v in ("--jobs", "--workers")]
    rest = [v for i, v in enumerate(values) if i not in drop and i - 1 not in drop]
    gpus = max(1, torch.cuda.device_count())
    free, load, running, failed = list(range(gpus)) * args.workers, [0] * gpus, {}, False
    while groups or running:
        while groups and free:
            gpu, jobs = min(free, key=lambda g: load[g]), groups.pop(0)
            free.remove(gpu)
            work = len(jobs) * PLANS[parse_job(jobs[0])[0]].steps
            load[gpu] += work
            command = [sys.executable, "-m", "distil.tasks", *rest, "--jobs", ",".join(jobs)]
            running[subprocess.Popen(command, env={**os.environ, "CUDA_VISIBLE_DEVICES": str(gpu)})] = gpu, work
        time.sleep(0.2)
        for process in [p for p in running if p.poll() is not None]:
            failed |= process.returncode != 0
            gpu, work = running.pop(process)
            free.append(gpu)
            load[gpu] -= work
    if failed:
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
