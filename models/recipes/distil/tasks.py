"""Task distillation: teacher and students are tuned for SST-2, WikiANN NER, masked LM and embeddings.

    python -m distil.tasks --data ... --teacher ... --tokenizer ... --out results --jobs ner:teacher:0,sst2:teacher:0
    python -m distil.tasks ... --jobs ner:f8d7~:0,ner:f8d7~:1,mlm:d72:0 --keep ner:f8d7~:0 --workers 4

A job is TASK:MEMBER:SEED; TASK:teacher:SEED tunes a teacher (hard labels), and comes first. Jobs of one task and seed run
as one group, on the same batches. A student starts from its general checkpoint and the teacher's head. What differs
between tasks is in PLANS (tuning.py); `--set lr=1e-4,text=0` changes it. The last step counts, whatever dev says.
"""

import copy
import dataclasses
import json
import os
import subprocess
import sys
import time

import torch

from distil import checkpoint, corpus, evaluate, setup
from distil.general import file_name, parse_member
from distil.model import make_student
from distil.setup import say
from distil.tuning import PLANS, NoHead, Tuned, new_head, tune, tune_teacher


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
    logits_at = lambda ids, where: model(ids, where)[1]
    long = {f"{key}_512": value for key, value in evaluate.mlm_accuracy(logits_at, prepared, device, length=512).items()}
    return {**evaluate.mlm_accuracy(logits_at, prepared, device), **long}


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
        checkpoint.save(where, name + args.tag, model.state_dict(), about)
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
    if any(PLANS[task].changed(args.set).open for task, _, _ in groups):
        corpus.add({}, args)  # makes the caches once, before the workers ask for them
    if args.workers > 1 and len(groups) > 1:
        share(args, list(groups.values()))
    elif groups:
        prepared, teacher, device = setup.begin(args, 4)
        if any(PLANS[task].changed(args.set).open for task, _, _ in groups):
            corpus.add(prepared, args)
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
