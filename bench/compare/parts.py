"""All that tools/bench measures, as jobs, the most telling first."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from . import answers, grid, lengths, serving, startup, static_embedding, suites, tokenizing
from .plan import Job, Pick, ordered

NAMES = (
    *grid.CONTESTS, *answers.PARTS, lengths.PART, *startup.MODELS, tokenizing.PART, static_embedding.PART,
    suites.LAYER, suites.TREES, suites.KERNELS, serving.PART,
)  # fmt: skip
# What is measured on all cores as well; f32 and int8 say enough there.
ALL_CORES = ("minilm", "grid", "texts-stsb")
# The most used model first, in the type in which it is deployed; then what the README says; then the rest.
ORDER = (
    Pick("minilm", ("int8",)),
    Pick("texts-stsb", ("int8",)),
    Pick("students"),
    Pick("minilm", ("f32", "bf16")),
    Pick("startup-minilm", ("int8",)),
    Pick("grid", ("int8",)),
    Pick("texts-stsb", ("int8",), all_cores=True),
    Pick("minilm-d112"),
    Pick("minilm-3l"),
    Pick("grid", ("f32", "bf16")),
    Pick("six-layers", ("int8",)),
    Pick("bge-small"),
    Pick("texts-stsb", ("f32", "bf16")),
    Pick("texts-pairs", ("int8",)),
    Pick("texts-xquad", ("int8",)),
    Pick("texts-sst2", ("int8",)),
    Pick("bge-base"),
    Pick("minilm", all_cores=True),
    Pick("tokenizer"),
    Pick("static"),
    Pick("texts-pairs", ("f32", "bf16")),
    Pick("texts-xquad", ("f32", "bf16")),
    Pick("texts-sst2", ("f32", "bf16")),
    Pick("texts-stsb", ("f32", "bf16"), all_cores=True),
    Pick("grid", all_cores=True),
    Pick("layer"),
    Pick("trees"),
    Pick("ultrafast"),
    Pick("six-layers"),
    Pick("lengths"),
    Pick("startup"),
    Pick("startup-minilm"),
    Pick("mpnet"),
    Pick("xlm-r"),
    Pick("kernels"),
    Pick("serve"),
)


@dataclass(frozen=True)
class Asked:
    """What the options ask for."""

    parts: tuple[str, ...]
    dtypes: tuple[str, ...]
    threads: list[int]
    data: Path


def jobs(asked: Asked, settings, store) -> list[Job]:
    return ordered([job for job in every(asked, settings, store) if job.part in asked.parts], ORDER)


def every(asked: Asked, settings, store) -> Iterator[Job]:
    for threads in dict.fromkeys(asked.threads):
        for dtype in asked.dtypes:
            yield from by_type(dtype, threads, asked, settings, store)
    yield Job(tokenizing.PART, lambda: tokenizing.run(settings, store, asked.data))
    yield Job(static_embedding.PART, lambda: static_embedding.run(settings, store, asked.data))
    yield Job(suites.LAYER, lambda: suites.run_layer(settings, store))
    yield Job(suites.TREES, lambda: suites.run_trees(settings, store))
    yield Job(suites.KERNELS, lambda: suites.run_kernels(settings, store))
    yield Job(serving.PART, lambda: serving.run(settings, store, asked.data))


def by_type(dtype: str, threads: int, asked: Asked, settings, store) -> Iterator[Job]:
    def job(part: str, run, *arguments) -> Job:
        return Job(part, lambda: run(*arguments), dtype, threads)

    for part, contest in grid.CONTESTS.items():
        if dtype in contest.dtypes and (threads == 1 or part in ALL_CORES):
            yield job(part, grid.run, part, dtype, threads, settings, store)
    for part in answers.PARTS:
        if threads == 1 or part in ALL_CORES:
            yield job(part, answers.run, part, dtype, threads, settings, store, asked.data)
    if threads == 1:
        yield job(lengths.PART, lengths.run, dtype, threads, settings, store, asked.data)
        for part in startup.MODELS:
            yield job(part, startup.run, part, dtype, settings, store)
