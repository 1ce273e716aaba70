"""How a task is tuned: plans, heads, losses and the loops over the steps.

A student's loss: KL to the teacher at a temperature, + 0.3 cross entropy on the labels, + the relative error of the
hidden states. Half of a batch's rows are unlabelled, and some steps are unlabelled text alone (`text`). Task `embed` has no labels,
no head and the teacher as it is: embeddings and their similarities weigh more than before, and pseudo-questions choose
among neighbouring texts as the teacher does. In the last steps (`int8`) students compute as the engine's int8 does.
"""

import copy
import dataclasses
import time

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from distil import int8
from distil.batches import Labelled, Masked, Search, Unlabelled
from distil.data import SEPARATE, TAGS
from distil.model import EPS, HIDDEN, VOCAB, Encoder, pool
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
    temperature: float = 2.0
    hidden: float = 0.5  # weight of the hidden states' relative error
    text: float = 0.0  # share of the steps that are unlabelled text alone
    text_tokens: int = 8192
    int8: float = 0.35  # share of the steps, the last, in which students compute as the engine's int8 does
    teachers: int = 1  # teachers (seeds 0, 1, ...) whose logits are averaged
    teacher_steps: int = 1500
    teacher_lr: float = 1e-4
    dropout: float = 0.0  # the teacher's
    push: float = 0.0  # the teacher also learns from embeddings moved so far, of their length, against it (FGM, arXiv 1605.07725)
    open: int = 0  # 1: open text: masked LM reads it in rows of 16 to 512 pieces, embeddings as encyclopaedic text and pairs
    by_tokens: int = 0  # 1: lengths are drawn by their share of tokens, not of rows

    def changed(self, text: str) -> "Plan":
        kinds = {f.name: type(f.default) for f in dataclasses.fields(self)}
        pairs = [pair.split("=") for pair in text.split(",") if pair]
        return dataclasses.replace(self, **{k: kinds[k](v) for k, v in pairs})


PLANS = {
    "sst2": Plan(steps=3000, lr=3e-4, lr_ffn=3e-4, hidden=2.0, text=0.3, teachers=3, teacher_steps=2000, dropout=0.1, push=0.05,
                 by_tokens=1),
    "ner": Plan(steps=1700, lr=3e-4, lr_ffn=3e-4, hidden=2.0, text=0.5, teachers=3, teacher_steps=2000, dropout=0.1),
    "mlm": Plan(steps=5000, lr=5e-4, lr_ffn=5e-4, hidden=2.0, temperature=1.0, teacher_steps=2000, teacher_lr=4e-4),
    "embed": Plan(steps=2000, lr=4e-4, lr_ffn=4e-4, hidden=0.5, temperature=0.05, text=1.0, text_tokens=16384),
}


class Classifier(nn.Module):
    """DistilBERT's: [CLS], dense, ReLU, logits."""

    def __init__(self, labels: int):
        super().__init__()
        self.pre_classifier, self.classifier = int8.Product(HIDDEN, HIDDEN), nn.Linear(HIDDEN, labels)

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
        self.vocab_transform = int8.Product(HIDDEN, HIDDEN)
        self.vocab_layer_norm = nn.LayerNorm(HIDDEN, EPS)
        self.vocab_projector_bias = nn.Parameter(torch.zeros(VOCAB))

    def forward(self, last, words):
        x = self.vocab_layer_norm(F.gelu(self.vocab_transform(last)))
        return F.linear(self.vocab_transform.inputs(x) if self.vocab_transform.int8 else x, words, self.vocab_projector_bias)


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


class NoHead(nn.Module):
    def forward(self, last, words=None):
        return last


def new_head(task):
    if task == "embed":
        return NoHead()
    return Classifier(2) if task == "sst2" else Tagger(len(TAGS)) if task == "ner" else MaskedLM()


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
    source = Masked(prepared, plan) if task == "mlm" else Labelled(prepared, task, plan)
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
    source = Masked(prepared, plan) if task == "mlm" else None if task == "embed" else Labelled(prepared, task, plan)
    text = None
    if plan.text:
        text = Search(prepared, plan.text_tokens) if task == "embed" else Unlabelled(prepared, task, plan.text_tokens)
    trainers, shared = begin(task, models, teachers, device, plan, plan.steps)
    curves, clock = {name: [] for name in models}, time.time()
    for step in range(plan.steps):
        if step == round(plan.steps * (1 - plan.int8)):
            words = int8.narrow_embeddings(shared[0]).to(teachers[0].encoder.shared[0].word.dtype)
            for name, model in models.items():
                int8.narrow(model, trainers[name])
                model.encoder.shared = [words]
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
        rates = (plan.lr, plan.lr_ffn) if teachers else (plan.teacher_lr, plan.teacher_lr)
        trainers[name] = Trainer(model.train(), *rates, steps)
    for model in [*models.values(), *teachers]:
        model.encoder.shared = [half]
    return trainers, shared


def end(models, trainers, shared) -> None:
    for name, model in models.items():
        trainers[name].settle(model)
        int8.widen(model)
        model.encoder.shared = shared
