"""UltraFastBERT's own way at small scale: masked LM from scratch on open text, one member a GPU at a time.

    python -m scratch.train --data ... --tokenizer ... --out out --jobs f8d7~:0:20000,d192:0:20000+30500 --seconds 570

A job is MEMBER:SEED:STEPS[+STEPS...]. A member (distil.general.parse_member) is a feedforward specification; `f1d11` is the
authors' layer, one tree without gradients of decisions; `~` adds these; `d64/f8d7~` has a dense first layer. The rate is
flat until it falls for the last two fifths, so trainings of one member and seed to several lengths share their flat part.
crammedBERT's architecture, 6 layers, hidden 384; a step is 256 rows of 128 pieces. With --seconds a run stops in time and
keeps its state; the same command goes on. Jobs are taken in order by all GPUs; finished ones are not repeated.
"""

import argparse
import dataclasses
import json
import math
import pathlib
import queue
import sys
import time
import traceback

import torch
from torch import multiprocessing

from distil import checkpoint, corpus, setup
from distil.general import file_name, parse_member
from distil.model import VOCAB
from distil.vocab_loss import vocabulary_loss
from scratch import probe, rows
from scratch.model import MaskedLM
from scratch.trainer import Trainer, fall, trapezoid

RATE, CHUNK = 1e-3, 50  # steps between readings; a batch is a function of its chunk
SAVE_SECONDS, JUDGE_SECONDS = 150, 45  # states are kept so often; what measuring a finished model takes at most


@dataclasses.dataclass(frozen=True)
class Size:
    hidden: int = 384
    heads: int = 6
    layers: int = 6
    rows: int = 256
    evaluate_every: int = 2000
    probe_steps: int | None = None  # None: as probe.py plans
    probe_seeds: int = 2


@dataclasses.dataclass(frozen=True)
class Job:
    member: str
    seed: int
    lengths: tuple[int, ...]

    @staticmethod
    def parse(text: str) -> "Job":
        member, seed, lengths = text.rsplit(":", 2)
        job = Job(member, int(seed), tuple(sorted(map(int, lengths.split("+")))))
        parse_member(member)
        for steps in job.lengths:
            if steps % CHUNK or fall(steps) % CHUNK:
                raise ValueError(f"{text}: {steps} steps and three fifths of them are no multiples of {CHUNK}")
        return job

    def name(self, steps: int | None = None) -> str:
        return file_name(self.member, self.seed).replace("general", "scratch") + (f"-{steps}" if steps else "")


class Run:
    """A job in training. `trunk`: while the rate falls, the state at which it began to."""

    def __init__(self, job: Job, prepared: dict, device: torch.device, args: argparse.Namespace):
        setup.seed(job.seed)
        self.job, self.prepared, self.device, self.args = job, prepared, device, args
        specs, flip = parse_member(job.member)
        self.specs = (specs * args.size.layers)[: args.size.layers]
        self.build = lambda: MaskedLM(VOCAB, args.size.hidden, args.size.heads, self.specs, flip)
        self.model = self.build()
        self.model.start()
        loss = lambda ids, where, labels: vocabulary_loss(self.model(ids, where), labels, width=VOCAB)
        self.trainer = Trainer(self.model, loss, trapezoid(RATE, max(job.lengths)), device)
        self.source = rows.Rows(prepared["stream"], args.size.rows, job.seed, device)
        self.sets = rows.held_out_sets(prepared, device)
        self.done, self.curve, self.measured, self.spent = 0, [], [], 0.0
        self.trunk, self.falls_to = None, None
        self.saved = time.time()

    def snapshot(self) -> dict:
        return {"trainer": self.trainer.state(), "done": self.done, "curve": list(self.curve), "measured": list(self.measured),
                "spent": self.spent}

    def go_back(self, kept: dict) -> None:
        if self.device.type == "cuda" and self.trainer.graph is None:
            self.trainer.capture([t[0] for t in self.source(0, 1)])
        self.trainer.restore(kept["trainer"])
        self.done, self.curve, self.measured, self.spent = kept["done"], list(kept["curve"]), list(kept["measured"]), kept["spent"]

    def state_path(self) -> pathlib.Path:
        return self.args.work / "scratch" / (self.job.name() + ".pt")

    def keep_state(self) -> None:
        path = self.state_path()
        path.parent.mkdir(parents=True, exist_ok=True)
        torch.save({"now": self.snapshot(), "trunk": self.trunk, "falls_to": self.falls_to}, path.with_suffix(".part"))
        path.with_suffix(".part").replace(path)
        self.saved = time.time()

    def resume(self) -> None:
        if not self.state_path().exists():
            return
        kept = torch.load(self.state_path(), map_location=self.device, weights_only=True)
        self.trunk, self.falls_to = kept["trunk"], kept["falls_to"]
        if self.trunk is not None and (self.falls_to not in self.job.lengths or self.result_path(self.falls_to).exists()):
            kept["now"], self.trunk, self.falls_to = self.trunk, None, None
        self.go_back(kept["now"])
        setup.say(f"{self.job.name()}: resumes after step {self.done}")

    def advance(self, until: int) -> bool:
        """False where the time is over before that step."""
        while self.done < until:
            if time.time() > self.args.deadline:
                self.keep_state()
                setup.say(f"{self.job.name()}: the time is over at step {self.done}")
                return False
            clock = time.time()
            self.trainer.run(self.source(self.done, CHUNK))
            loss, norm = self.trainer.read(CHUNK)
            self.spent += time.time() - clock
            self.done += CHUNK
            self.curve.append([self.done, round(loss, 4)])
            if not math.isfinite(loss):
                raise FloatingPointError(f"{self.job.name()}: the loss is {loss} at step {self.done}")
            if self.done % self.args.size.evaluate_every == 0:
                found = rows.measure(self.model, self.sets)
                self.measured.append([self.done, found["held out"][0], *found["wikitext-2"][:2]])
                setup.say(f"{self.job.name()}: step {self.done}, {1000 * self.spent / self.done:.2f} ms a step, loss {loss:.3f}, norm "
                          f"{norm:.2f}, held out {found['held out'][0]:.3f}, wikitext-2 {found['wikitext-2'][0]:.3f}")
            if time.time() - self.saved > SAVE_SECONDS:
                self.keep_state()
        return True

    def train(self) -> bool:
        """False where the time is over before all lengths are done."""
        self.resume()
        for steps in self.job.lengths:
            if self.result_path(steps).exists():
                continue
            if self.falls_to is None:
                if not self.advance(fall(steps)):
                    return False
                self.trunk, self.falls_to = self.snapshot(), steps
            self.trainer.plan(trapezoid(RATE, steps))
            if not self.advance(steps):
                return False
            if time.time() > self.args.deadline - JUDGE_SECONDS:
                self.keep_state()
                setup.say(f"{self.job.name(steps)}: trained, to be measured")
                return False
            self.report(steps)
            trunk, self.trunk, self.falls_to = self.trunk, None, None
            self.trainer.plan(trapezoid(RATE, max(self.job.lengths)))
            self.go_back(trunk)
            if steps != max(self.job.lengths):
                self.keep_state()
        self.state_path().unlink(missing_ok=True)
        return True

    def result_path(self, steps: int) -> pathlib.Path:
        return self.args.work / "scratch" / (self.job.name(steps) + ".json")

    def report(self, steps: int) -> None:
        clock = time.time()
        found, size = rows.measure(self.model, self.sets), self.args.size
        exact = {n: t.clone() for n, t in self.trainer.flat.masters.items()}
        last = self.specs[-1]
        about = {"member": self.job.member, "seed": self.job.seed, "specs": [str(s) for s in self.specs], "active": last.active,
                 "neurons": last.rows, "hidden": size.hidden, "heads": size.heads, "steps": steps,
                 "tokens": steps * size.rows * rows.LENGTH, "seconds": round(self.spent, 1)}
        result = {**about, "loss": self.curve[3::4], "measured": self.measured, "test": found,
                  "leaf_entropy_bits": rows.leaf_entropy(self.model, self.sets["wikitext-2"][0][:1536])}
        if size.probe_seeds:
            result.update({task: [probe.tune(lambda: self.loaded(exact), task, self.prepared, self.device, seed, size.probe_steps)
                                  for seed in range(size.probe_seeds)] for task in probe.TASKS})
        if self.job.name(steps) in self.args.keep.split(","):
            checkpoint.save(self.args.out, self.job.name(steps), self.model.stored(exact), about)
        write(self.result_path(steps), result)
        setup.say(f"{self.job.name(steps)}: held out {found['held out']}, wikitext-2 {found['wikitext-2']}, "
                  f"bits {result['leaf_entropy_bits']}, {[result.get(t) for t in probe.TASKS]}; judged in {time.time() - clock:.1f} s")

    def loaded(self, state: dict) -> MaskedLM:
        model = self.build()
        model.load_state_dict({n: t.cpu() for n, t in state.items()})
        return model


def write(path: pathlib.Path, result) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_text(json.dumps(result))
    part.replace(path)


def worker(number: int, jobs, args, failed) -> None:
    """Takes jobs until there are none or the time is over. A job that fails leaves the others alone."""
    device = torch.device("cuda", number) if torch.cuda.is_available() else torch.device("cpu")
    if device.type == "cuda":
        torch.cuda.set_device(device)
        torch.backends.cuda.matmul.allow_bf16_reduced_precision_reduction = True
    prepared = corpus.load(args.data, args.tokenizer, args.work / "open.pt", args.limit)
    while time.time() < args.deadline:
        try:
            job = jobs.get_nowait()
        except queue.Empty:
            return
        try:
            Run(job, prepared, device, args).train()
        except Exception:
            traceback.print_exc()
            failed.value += 1
        if device.type == "cuda":
            torch.cuda.empty_cache()


def main() -> None:
    p = setup.parser(__doc__, teacher=False)
    p.add_argument("--jobs", required=True)
    p.add_argument("--seconds", type=float, help="stop in time: after so many seconds, states kept")
    p.add_argument("--keep", default="", help="results (scratch-f8d7-flip-s0-20000) whose checkpoint is written to --out")
    p.add_argument("--size", type=lambda text: Size(**json.loads(text)), default=Size(), help="smoke test: JSON of Size")
    args = p.parse_args()
    args.deadline = setup.START + args.seconds if args.seconds else math.inf
    result = lambda job, steps: args.work / "scratch" / f"{job.name(steps)}.json"
    todo = [job for job in map(Job.parse, args.jobs.split(",")) if not all(result(job, n).exists() for n in job.lengths)]
    prepared = corpus.load(args.data, args.tokenizer, args.work / "open.pt", args.limit)
    setup.say(f"{len(prepared['stream']) / 1e6:.2f} M pieces; left out: {prepared['left_out']}")
    del prepared
    gpus = torch.cuda.device_count()
    context = multiprocessing.get_context("spawn")
    jobs, failed = context.Queue(), context.Value("i", 0)
    for job in todo:
        jobs.put(job)
    processes = [context.Process(target=worker, args=(i, jobs, args, failed)) for i in range(max(1, gpus))]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
        failed.value += process.exitcode != 0
    done = [json.loads(f.read_text()) for f in sorted((args.work / "scratch").glob("scratch-*.json"))]
    args.out.mkdir(parents=True, exist_ok=True)
    write(args.out / "scratch.json", done)
    if failed.value:
        sys.exit("a job failed; its message is above. Run the same command again: finished jobs are kept")


if __name__ == "__main__":
    main()
