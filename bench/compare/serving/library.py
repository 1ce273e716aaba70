"""What HTTP adds to the library's own calls: to the time of one text, and to the processor time of many."""

from statistics import median

from .. import machine
from ..contestants import COPIED, convert
from ..paths import ROOT
from . import checks, processes
from .texts import Mix

LENGTHS = (8, 32)
CLIENTS = (8, 64)
MODELS = ("fff-sst2", "minilm")
# Those that ship, with feedforward trees. The others are dense.
FFF = {"fff-sst2": "minilm-fff-sst2", "fff-embed": "minilm-fff-embed"}
CLASSIFIERS = ("fff-sst2",)


def model_file(name: str):
    """What -m takes: a shipped model, or one that is converted to int8."""
    return ROOT / "models" / FFF[name] / "model.safetensors" if name in FFF else convert(name, "int8")


def task(name: str) -> str:
    return "classify" if name in CLASSIFIERS else "embed"


def route(name: str) -> str:
    return f"/models/{name}/{'predict' if name in CLASSIFIERS else 'embed'}"


def check(server, name: str, texts: list[str]) -> None:
    """Raises Refused where the server's answers are not the library's."""
    embedder = name not in CLASSIFIERS
    test = checks.embeds_as_library if embedder else checks.classifies_as_library
    test(server, route(name), model_file(name), texts)


def run(mix: Mix, settings, store) -> None:
    for name in MODELS:
        for tokens in LENGTHS:
            key = f"serve.overhead.{name}.{tokens}"
            if not store.has(key):
                store.put(key, overhead(name, tokens, settings))
        if not all(store.has(f"serve.share.{name}.{clients}") for clients in CLIENTS):
            for clients, cell in share(name, mix, settings).items():
                store.put(f"serve.share.{name}.{clients}", cell)


def overhead(name: str, tokens: int, settings) -> dict:
    """One client's median request beside the median call, a thread each for computing, in alternate turns."""
    texts, rounds = Mix.of_length(tokens), []
    seconds = 0.4 if settings.quick else 0.6
    options = ["--threads", 1, *COPIED]
    library = processes.Library(model_file(name), task(name), texts.file(), 1, f"{name}-{tokens}")
    with processes.sapwood_server({name: model_file(name)}, *options) as server:
        server.wait_ready()
        check(server, name, texts.texts)
        processes.closed_loop(server, route(name), texts.bodies(), 1, 0.5)

        def turn() -> dict:
            http = processes.closed_loop(server, route(name), texts.bodies(), 1, seconds)["p50"]
            return {"http": http, "library": library.one(seconds)["p50_ms"]}

        for _ in range(2 * settings.rounds):
            with settings.quiet_machine():
                found = turn() | {"scheduler": library.scheduler(1, seconds)["p50_ms"]}
                with processes.awake(machine.cores()):
                    awake = turn()
            found["added"] = found["http"] - found["library"]
            rounds.append(found | {"added_awake": awake["http"] - awake["library"]})
    library.close()
    cell = {kind: median(r[kind] for r in rounds) for kind in rounds[0]}
    print(f"serve, {name}, {tokens} tokens: {cell['added']:.3f} ms over {cell['library']:.3f}", flush=True)  # fmt: skip
    found = {"part": "serve", "what": "overhead", "model": name, "tokens": tokens, "ms": cell}
    return found | {"rounds": rounds}


def share(name: str, mix: Mix, settings) -> dict[int, dict]:
    """Closed loops beside all texts in one call after another, both on all cores. By count of clients."""
    seconds, cells = (1.5 if settings.quick else 3.0), {}
    library = processes.Library(model_file(name), task(name), mix.file(), machine.cores(), name)
    with processes.sapwood_server({name: model_file(name)}, *COPIED) as server:
        server.wait_ready()
        check(server, name, mix.texts)
        for clients in CLIENTS:
            processes.closed_loop(server, route(name), mix.bodies(), clients, 0.5)
            rounds = []
            for _ in range(settings.rounds):
                with settings.quiet_machine():
                    http = processes.closed_loop(
                        server, route(name), mix.bodies(), clients, seconds
                    )
                    calls = library.all(seconds)
                    scheduler = library.scheduler(clients, seconds / 2)
                rounds.append({
                    "http_per_s": http["per_s"], "library_per_s": calls["texts_per_s"],
                    "scheduler_per_s": scheduler["texts_per_s"],
                    "server_s": http["server_s"], "library_s": calls["processor_s"],
                    "scheduler_s": scheduler["processor_s"], "generator_s": http["generator_s"],
                })  # fmt: skip
            cells[clients] = shares(name, clients, rounds) | {"texts": mix.name}
    library.close()
    return cells


def shares(name: str, clients: int, rounds: list[dict]) -> dict:
    """Medians of the rounds, and of their ratios."""
    cell = {"part": "serve", "what": "share", "model": name, "clients": clients}
    cell |= {kind: median(r[kind] for r in rounds) for kind in rounds[0]}
    cell["wall"] = median(r["http_per_s"] / r["library_per_s"] for r in rounds)
    cell["processor"] = median(r["library_s"] / r["server_s"] for r in rounds)
    print(f"serve, {name}, {clients} clients: {cell['wall']:.3f} of the library's throughput, "
          f"{cell['processor']:.3f} by processor time", flush=True)  # fmt: skip
    return cell | {"rounds": rounds}
