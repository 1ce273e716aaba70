"""The server's goals, each beside what was reached."""

from ..goals import Check, Goal
from ..results import Results, split

CLIENTS = (1, 8, 64)
FLAT = 1.05  # resident memory after the last overload over that after the first


def contest(results: Results, model: str, clients: int, kind: str, us: str) -> float | None:
    """How much better we are than the best other server: answers a second, or times."""
    cell = results.one("serve", what="peers", model=model, clients=clients)
    if cell is None:
        return None
    ours, (_, theirs) = cell[kind].get(us), split(cell[kind])
    if not ours or not theirs:
        return None
    return ours / max(theirs.values()) if kind == "per_s" else min(theirs.values()) / ours


def beside_servers(results: Results, entries: dict[str, tuple[str, str]]) -> list[Check]:
    """entries: label -> (contest, our name in it)."""
    checks = []
    for label, (model, us) in entries.items():
        checks.append(Check(f"{label} throughput", contest(results, model, 64, "per_s", us), 2.0))
        for kind in ("p50", "p99"):
            found = {n: contest(results, model, n, kind, us) for n in CLIENTS}
            known = {n: ratio for n, ratio in found.items() if ratio is not None}
            worst = min(known, key=known.get, default="-")
            checks.append(Check(f"{label} {kind}, least ({worst} clients)", known.get(worst), 1.0))
    return checks


def beside_bare(results: Results) -> float | None:
    """The servers' ratio over that of the engines alone, DistilBERT-base."""
    servers = contest(results, "distilbert", 64, "per_s", "sapwood")
    cell = results.one("serve", what="bare", model="distilbert")
    if servers is None or cell is None:
        return None
    ours, theirs = split(cell["per_s"])
    return servers / (ours / max(theirs.values())) if ours and theirs else None


def overhead(results: Results) -> list[Check]:
    return [
        Check(f"{cell['model']}, {cell['tokens']} tokens", cell["ms"]["added"], 0.1, False, " ms")
        for cell in results.select("serve", what="overhead")
    ] or [Check("", None, 0.1)]


def shares(results: Results) -> list[Check]:
    checks = []
    for cell in results.select("serve", what="share"):
        name = f"{cell['model']}, {cell['clients']} clients"
        checks.append(Check(f"{name}, wall", cell["wall"], 0.9))
        checks.append(Check(f"{name}, processor", cell["processor"], 0.9))
    return checks or [Check("", None, 0.9)]


def open_loop(results: Results, model: str) -> list[Check]:
    cell = results.one("serve", what="open", model=model)
    if cell is None:
        return [Check("", None, 9)]

    def most(phase: str, kind: str, bound: float) -> Check:
        return Check(f"{phase} {kind}", cell[phase][f"{kind}_services"], bound, False, "")

    def percent(label: str, value: float | None, bound: float) -> Check:
        return Check(label, None if value is None else 100 * value, bound, unit=" %")

    return [
        most("0.5x", "p99", 9), most("0.8x", "p50", 2.5), most("0.8x", "p99", 15),
        percent("goodput at 2x", cell["2x"]["goodput"], 95),
        percent("at 4x", cell["4x"]["goodput"], 95),
        percent("refusals within 5 ms", cell["fast_refusals"], 99.9),
        Check("memory", cell["memory_growth"], FLAT, False),
        most("lists", "p99", 15),
    ]  # fmt: skip


def goals(results: Results) -> list[Goal]:
    plain = results.one("serve", what="idle", tls=False)
    ready = results.one("serve", what="ready")
    loads = ("p99 <= 9 mean service times at 0.5x, p50 <= 2.5 and p99 <= 15 at 0.8x; goodput >= 95 % at 2x and 4x; 99.9 % of "
             "refusals within 5 ms; memory flat; singles beside lists of 64: p99 <= 15")  # fmt: skip
    servers = ">= 2x the throughput at 64 clients; lower p50 and p99 at 1, 8 and 64"
    return [
        Goal("serve: one client, over the library's own call", "<= 0.1 ms more", overhead(results)),
        Goal("serve: all cores, share of the library's own throughput, by wall and by processor time", ">= 0.90",
             shares(results)),
        Goal("serve: shipped FFF models beside Python servers of their dense teacher", servers,
             beside_servers(results, {"sst2": ("fff-sst2", "sapwood fff"), "embed": ("minilm", "sapwood fff")})),
        Goal("serve: MiniLM-L6 int8 beside Python servers of it", servers,
             beside_servers(results, {"": ("minilm", "sapwood")})),
        Goal("serve: DistilBERT-base int8 at 64 clients, ratio to Python servers over the ratio of the bare engines",
             ">= 1.1x", [Check("", beside_bare(results), 1.1)]),
        Goal("serve: open loop, DistilBERT-base int8", loads, open_loop(results, "distilbert")),
        Goal("serve: open loop, shipped FFF classifier", loads, open_loop(results, "fff-sst2")),
        Goal("serve: an idle connection", "<= 8 kB without TLS",
             [Check("", plain["bytes"] / 1e3 if plain else None, 8, False, " kB")]),
        Goal("serve: process start to ready, five models", "<= 100 ms",
             [Check("", ready["ms"] if ready else None, 100, False, " ms")]),
    ]  # fmt: skip
