"""The server beside FastAPI servers over other engines, closed loops of 1, 8 and 64 clients on the same texts."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from statistics import median

from .. import machine, models
from ..contestants import COPIED, Peer, Refused
from . import checks, library, peers, processes

CLIENTS = (1, 8, 64)
BARE_BATCHES = (1, 8, 32)


@dataclass(frozen=True)
class Entrant:
    name: str
    server: processes.Server
    path: str


# By the model that the peers serve: contests, each with the route of the peers and who enters for us.
CONTESTS = {
    "minilm": {
        "minilm": ("/embed", {"sapwood": "minilm", "sapwood fff": "fff-embed"}),
        "fff-sst2": ("/predict", {"sapwood fff": "fff-sst2"}),
    },
    "distilbert": {"distilbert": ("/embed", {"sapwood": "distilbert"})},
}


def run(mix, settings, store) -> None:
    for model, contests in CONTESTS.items():
        keys = [key(contest, clients) for contest in contests for clients in CLIENTS]
        if not all(map(store.has, keys)):
            print(f"serve, beside Python servers of {model}", flush=True)
            beside_peers(model, contests, mix, settings, store)
    if not store.has("serve.bare.distilbert"):
        store.put("serve.bare.distilbert", bare(mix, settings))


def key(contest: str, clients: int) -> str:
    return f"serve.peers.{contest}.{clients}"


def beside_peers(model: str, contests: dict, mix, settings, store) -> None:
    """All contests with the same peers, which stay loaded."""
    wanted, cosines = checks.vectors(models.directory(model), mix.texts), {}

    def check(server) -> None:
        found = checks.require_close(checks.cosine(server, "/embed", wanted, mix.texts))
        cosines[server.name] = found

    ours = {name for _, entrants in contests.values() for name in entrants.values()}
    files, running = {name: library.model_file(name) for name in ours}, {}
    with processes.sapwood_server(files, *COPIED) as server:
        try:
            server.wait_ready()
            for name in ours:
                library.check(server, name, mix.texts)
            running, tried = peers.best(model, machine.cores(), mix, settings.quick, check)
            for contest, (path, entrants) in contests.items():
                taking_part = [Entrant(n, server, library.route(m)) for n, m in entrants.items()]
                taking_part += [Entrant(name, peer, path) for name, peer in running.items()]
                for clients in CLIENTS:
                    rounds = rounds_of(taking_part, clients, mix, settings)
                    cell = {"part": "serve", "what": "peers", "model": contest, "clients": clients}
                    cell |= {"tried": tried, "cosines": cosines, "texts": mix.name}
                    store.put(key(contest, clients), cell | medians(rounds) | {"rounds": rounds})
        finally:
            for peer in running.values():
                peer.stop()


def rounds_of(entrants: list[Entrant], clients: int, mix, settings) -> dict[str, list[dict]]:
    """Everyone once a round, in rotating order."""
    seconds, rounds = (1.5 if settings.quick else 2.0), {}
    for entrant in entrants:
        processes.closed_loop(entrant.server, entrant.path, mix.bodies(), clients, 0.5)
    for _ in range(settings.rounds):
        entrants = entrants[1:] + entrants[:1]
        with settings.quiet_machine():
            for entrant in entrants:
                found = processes.closed_loop(
                    entrant.server, entrant.path, mix.bodies(), clients, seconds
                )
                rounds.setdefault(entrant.name, []).append(found)
    return rounds


def medians(rounds: dict[str, list[dict]]) -> dict:
    kinds = ("per_s", "p50", "p99", "server_s", "generator_s")
    found = {
        kind: {name: median(r[kind] for r in taken) for name, taken in rounds.items()}
        for kind in kinds
    }
    rates = ", ".join(f"{name} {rate:.0f}" for name, rate in found["per_s"].items())
    print(f"  answers/s: {rates}", flush=True)
    return found


class Bare:
    """An engine without a server: `workers` processes that share the texts, each called with ids in batches."""

    def __init__(self, engine: str, workers: int, threads: int):
        self.name = f"{engine}, {workers} x {threads}"
        name, self.batch = peers.process_engine(engine, workers), None
        self.processes = [
            Peer(name, "distilbert", "int8", threads, masked=True, label=f"{name}-{i}")
            for i in range(workers)
        ]

    def prepare(self, ids: list) -> None:
        """Finds the batch that suits it best."""
        for process in self.processes:
            process.wait_ready()
            process.prepare(-1, -1)
        rates = {batch: self.per_s(ids, batch) for batch in BARE_BATCHES}
        self.batch = max(rates, key=rates.get)

    def per_s(self, ids: list, batch: int | None = None) -> float:
        count, size = len(self.processes), batch or self.batch
        with ThreadPoolExecutor(count) as pool:  # the whole is done when the last is
            done = [
                pool.submit(process.time_texts, ids[i::count], size, 1)
                for i, process in enumerate(self.processes)
            ]
            return 1e3 * len(ids) / max(future.result()["wall"] for future in done)

    def close(self) -> None:
        for process in self.processes:
            process.close()


def bare(mix, settings) -> dict:
    """The engines without servers: the same texts on all cores, in rounds."""
    cores, ids, refused, others = machine.cores(), token_ids(mix), {}, []
    ours = processes.Library(library.model_file("distilbert"), "embed", mix.file(), cores, "bare")
    for engine in peers.ENGINES:
        for workers, threads in peers.ways(cores):
            other = Bare(engine, workers, threads)
            try:
                other.prepare(ids[:128])
                others.append(other)
            except Refused as reason:
                refused[other.name] = str(reason)
                other.close()
    rounds: list[dict] = []
    try:
        for _ in range(min(3, settings.rounds)):
            with settings.quiet_machine():
                turn = {"sapwood": ours.all(3.0)["texts_per_s"]}
                rounds.append(turn | {other.name: other.per_s(ids) for other in others})
    finally:
        for process in (ours, *others):
            process.close()
    per_s = {name: median(turn[name] for turn in rounds) for name in rounds[0]}
    said = ", ".join(f"{name} {rate:.0f}" for name, rate in per_s.items())
    print(f"  bare engines, texts/s: {said}", flush=True)
    cell = {"part": "serve", "what": "bare", "model": "distilbert", "per_s": per_s}
    batches = {other.name: other.batch for other in others}
    return cell | {"batches": batches, "refused": refused, "rounds": rounds}


def token_ids(mix) -> list[list[int]]:
    from tokenizers import Tokenizer

    from ..paths import TOKENIZER

    tokenizer = Tokenizer.from_file(str(TOKENIZER / "tokenizer.json"))
    return [tokenizer.encode(text).ids for text in mix.texts]
