"""Requests that come when they come: latencies below capacity, what is left of the work above it, lists beside singles."""

from dataclasses import dataclass
from statistics import median

from ..contestants import COPIED, Refused
from . import figures, library, processes

DEADLINE_MS, MAX_WAIT_MS = 100, 50
UNBOUNDED_MS = 3_600_000  # of --max-wait: nobody is refused
LIST, LIST_SHARE, LIST_LOAD = 64, 0.5, 0.7  # texts of a list, lists' share of all texts, of capacity
MODELS = ("distilbert", "fff-sst2")


@dataclass(frozen=True)
class Phase:
    """A share of the capacity, and which of the two servers it comes to."""

    name: str
    load: float
    bounded: bool
    seconds: float


PHASES = (
    Phase("0.5x", 0.5, False, 10),
    Phase("0.8x", 0.8, False, 10),
    Phase("2x", 2, True, 7),
    Phase("4x", 4, True, 7),
    Phase("2x, no bounds", 2, False, 4),
)


def run(mix, settings, store) -> None:
    for model in MODELS:
        key = f"serve.open.{model}"
        if not store.has(key):
            store.put(key, measure(model, mix, settings))


def measure(model: str, mix, settings) -> dict:
    """Both servers live through all rounds; idle, they cost nothing."""
    path, file = library.route(model), {model: library.model_file(model)}
    bounds = ["--max-wait", MAX_WAIT_MS, *COPIED]
    free = ["--max-wait", UNBOUNDED_MS, "--max-client-batch-size", LIST, *COPIED]
    service = processes.Library(file[model], library.task(model), mix.file(), 1, f"{model}-open")
    rounds = []
    with (
        processes.sapwood_server(file, *bounds, name="sapwood bounded") as bounded,
        processes.sapwood_server(file, *free, name="sapwood unbounded") as unbounded,
    ):
        for server in (bounded, unbounded):
            server.wait_ready()
            library.check(server, model, mix.texts)
            processes.closed_loop(server, path, mix.bodies(), 2, 1.0)
        for number in range(1 if settings.quick else 3):
            with settings.quiet_machine():
                rounds.append(one_round(number, bounded, unbounded, path, mix, service, settings))
    service.close()
    return {"part": "serve", "what": "open", "model": model, "texts": mix.name} | summary(rounds)


def one_round(number: int, bounded, unbounded, path: str, mix, service, settings) -> dict:
    scale = 0.4 if settings.quick else 1.0
    capacity = processes.closed_loop(unbounded, path, mix.bodies(), 64, 2.0 * scale)["per_s"]
    found = {"capacity": capacity, "service_ms": 1e3 / service.one(1.5 * scale)["texts_per_s"]}
    for phase in PHASES:
        server = bounded if phase.bounded else unbounded
        header = ["--header", f"x-request-timeout-ms: {DEADLINE_MS}"] if phase.bounded else []
        options = ["--rate", phase.load * capacity, "--seed", 10 * number + 1, *header]
        load = processes.Load(server, path, mix.bodies(), phase.seconds * scale, *options)
        found[phase.name] = figures.open_loop(
            load.answers, mix.tokens, DEADLINE_MS, load.processor
        ) | {"generator": load.generator / load.span, "memory": server.memory()}
    found["lists"] = beside_lists(unbounded, path, mix, capacity, number, 12.0 * scale)
    said = {name: found[name]["p99"] for name in ("0.5x", "0.8x", "lists")}
    print(f"serve, open loop, {found['service_ms']:.2f} ms a text, {capacity:.0f}/s; p99: {said}; goodput of 4x "
          f"beside 0.8x: {found['4x']['goodput'] / found['0.8x']['goodput']:.3f}", flush=True)  # fmt: skip
    return found


def beside_lists(server, path: str, mix, capacity: float, number: int, seconds: float) -> dict:
    """p50 and p99 of requests of one text while lists bring half of the work."""
    per_request = LIST / (LIST_SHARE + LIST * (1 - LIST_SHARE))  # texts of a request, in the mean
    rate = LIST_LOAD * capacity / per_request
    pairs, count = path.endswith("/predict"), int(rate * seconds * 1.2) + 100
    bodies, _, single = mix.with_lists(LIST, LIST_SHARE, count, pairs)
    load = processes.Load(server, path, bodies, seconds, "--rate", rate, "--seed", 10 * number + 5)
    chosen = [answer for answer in load.answers if single[answer.body]]
    lists = [answer for answer in load.answers if not single[answer.body]]
    good = figures.latencies(chosen)
    failed = [answer.status for answer in load.answers if answer.status != 200]
    if failed:
        raise Refused(f"{len(failed)} requests beside lists were not answered: {set(failed)}")
    return {
        "p50": figures.percentile(good, 0.5),
        "p99": figures.percentile(good, 0.99),
        "lists_p50": figures.percentile(figures.latencies(lists), 0.5),
        "singles": len(chosen),
        "lists": len(lists),
    }


def summary(rounds: list[dict]) -> dict:
    """Medians; latencies also in mean service times, goodput as a share of the round's best."""
    services = [r["service_ms"] for r in rounds]
    cell = {kind: median(r[kind] for r in rounds) for kind in ("capacity", "service_ms")}
    for name in (*(phase.name for phase in PHASES), "lists"):
        entry = {}
        for kind in ("p50", "p99"):
            pairs = [(r[name][kind], s) for r, s in zip(rounds, services) if r[name][kind] is not None]
            entry[kind] = median(value for value, _ in pairs) if pairs else None
            entry[f"{kind}_services"] = median(v / s for v, s in pairs) if pairs else None
        cell[name] = entry
    for phase in PHASES:
        best = [max(r[p.name]["goodput"] for p in PHASES) for r in rounds]
        shares = [r[phase.name]["goodput"] / b for r, b in zip(rounds, best)]
        cell[phase.name] |= {
            "goodput": median(shares),
            "in_time": median(r[phase.name]["in_time"] for r in rounds),
            "generator": median(r[phase.name]["generator"] for r in rounds),
            "late_p99": median(r[phase.name]["late_p99"] for r in rounds),
        }
    refused = [r[phase.name]["refusals"] for r in rounds for phase in PHASES if phase.bounded]
    count = sum(entry["count"] for entry in refused)
    fast = sum(entry["count"] * entry["fast"] for entry in refused if entry["count"])
    cell |= {"refused": count, "fast_refusals": fast / count if count else None}
    memory = [r["4x"]["memory"] for r in rounds]
    cell["memory_growth"] = memory[-1] / rounds[0]["2x"]["memory"]
    return cell | {"rounds": rounds}
