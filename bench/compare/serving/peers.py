"""The Python servers: which engine, how many processes and threads, how texts are batched; and the best of them."""

import json
import sys

from .. import models
from ..contestants import Refused, thread_environment
from ..engines import WITHOUT
from ..paths import WORK
from . import processes

ENGINES = ("onnxruntime", "openvino")
BATCHES = (1, 8, 32)
QUICK_BATCHES = (1, 16)
DTYPE = "int8"
INFINITY = WORK / "venv-infinity" / "bin" / "infinity_emb"


def ways(cores: int) -> list[tuple[int, int]]:
    """Processes, and threads of each."""
    return [(1, cores)] + ([(cores, 1)] if cores > 1 else [])


def process_engine(engine: str, workers: int) -> str:
    """What each of so many processes loads."""
    return "openvino-shared" if engine == "openvino" and workers > 1 else engine


def start(engine: str, model: str, workers: int, threads: int, batch: int) -> processes.Server:
    port = processes.free_port()
    command = [sys.executable, "-m", "uvicorn", "compare.serving.peer_app:app", "--port", port]
    command += ["--host", processes.HOST, "--workers", workers, "--loop", "uvloop"]
    command += ["--http", "httptools", "--no-access-log", "--log-level", "warning"]
    settings = {"engine": process_engine(engine, workers), "model": model, "dtype": DTYPE}
    settings |= {"threads": threads, "batch": batch}
    environment = thread_environment(threads) | {"SERVE_PEER": json.dumps(settings)}
    name = f"{engine} {model} {workers}p{threads}t b{batch}"
    server = processes.Server(name, command, port, environment)
    try:
        server.wait_ready()
        wait_for_workers(server, workers)
    except BaseException:
        server.stop()
        raise
    return server


def wait_for_workers(server: processes.Server, workers: int) -> None:
    """Each has loaded its model when it has been heard of; who answers is the system's choice."""
    import time

    seen, end = set(), time.monotonic() + 60
    while len(seen) < workers:
        if time.monotonic() > end:
            raise Refused(f"only {len(seen)} of {workers} processes answered within a minute")
        seen.add(json.loads(server.ask("/health")[1])["process"])
        time.sleep(0.02)


def best(model: str, cores: int, mix, quick: bool, check) -> tuple[dict, list]:
    """The servers that take part, by name, running, after every way has been tried for a moment: of each engine the one with
    the most answers a second at 64 clients, and the one that answers a single client soonest. And what each way gave.

    check(server) raises Refused where its answers are wrong."""
    tried, running = [], {}
    for engine in ENGINES:
        if engine in WITHOUT:
            continue
        for workers, threads in ways(cores):
            for batch in QUICK_BATCHES if quick else BATCHES:
                try_one((engine, model, workers, threads, batch), mix, check, tried, running)
                drop(tried, running)
    if INFINITY.exists():
        try_infinity(model, mix, tried)
    return running, tried


def try_one(way: tuple, mix, check, tried: list, running: dict) -> None:
    engine, _, workers, threads, batch = way
    name = f"{engine}, {workers} x {threads}, batch {batch}"
    server = None
    try:
        server = start(*way)
        check(server)
        tried.append(moment(name, engine, server, "/embed", mix.bodies()))
        running[name] = server
    except Refused as reason:
        if server:
            server.stop()
        leave_out(name, engine, reason, tried)


def moment(name: str, engine: str, server, path: str, bodies) -> dict:
    """Answers a second at 64 clients, and the median in ms of one."""
    processes.closed_loop(server, path, bodies, 64, 0.5)
    many, one = (processes.closed_loop(server, path, bodies, clients, 1.0) for clients in (64, 1))
    print(f"  {name}: {many['per_s']:.0f}/s at 64 clients, {one['p50']:.2f} ms at one", flush=True)
    return {"name": name, "engine": engine, "per_s": many["per_s"], "p50": one["p50"]}


def leave_out(name: str, engine: str, reason: Refused, tried: list) -> None:
    print(f"  {name}: left out: {reason}", flush=True)
    tried.append({"name": name, "engine": engine, "refused": str(reason)})


def try_infinity(model: str, mix, tried: list) -> None:
    """infinity-emb computes in f32, so that it is no rival in int8: what it gives is said, and it goes."""
    name, port = "infinity-emb, f32", processes.free_port()
    command = [INFINITY, "v2", "--model-id", models.directory(model), "--served-model-name", model]
    command += ["--engine", "torch", "--device", "cpu", "--no-bettertransformer"]
    command += ["--host", processes.HOST, "--port", port, "--log-level", "warning"]
    with processes.Server(f"infinity {model}", command, port) as server:
        try:
            server.wait_ready()
            tried.append(moment(name, "infinity", server, "/embeddings", mix.bodies("input", model=model)))
        except Refused as reason:
            leave_out(name, "infinity", reason, tried)


def drop(tried: list, running: dict) -> None:
    """Stops those that are the best at nothing."""
    able = [entry for entry in tried if "refused" not in entry and entry["engine"] in ENGINES]
    keep = {min(able, key=lambda e: e["p50"])["name"]} if able else set()
    for engine in {entry["engine"] for entry in able}:
        keep.add(max((e for e in able if e["engine"] == engine), key=lambda e: e["per_s"])["name"])
    for name in set(running) - keep:
        running.pop(name).stop()
