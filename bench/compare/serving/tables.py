"""The server's tables of the report, as Markdown."""

from ..goals import number
from ..results import Results
from ..tables import ms, table
from .open_loop import DEADLINE_MS, MAX_WAIT_MS, PHASES

US = 1e6


def sections(results: Results) -> list[tuple[str, str]]:
    """Titles and texts, of what was measured."""
    found = [
        ("Server: one client, milliseconds", overhead(results)),
        ("Server: all cores, beside the library's own calls", shares(results)),
    ]
    for model, title in (
        ("fff-sst2", "the shipped FFF classifier, peers serve its dense teacher's shape"),
        ("minilm", "MiniLM-L6 int8, and the shipped FFF embedder (sapwood fff)"),
        ("distilbert", "DistilBERT-base int8"),
    ):
        found.append((f"Server beside Python servers: {title}", contest(results, model)))
    for cell in results.select("serve", what="open"):
        found.append((f"Server, open loop: {cell['model']}", open_loop(cell)))
    found.append(("Server: idle connections, and start", idle(results)))
    return [(title, text) for title, text in found if text]


def overhead(results: Results) -> str:
    rows = []
    for cell in results.select("serve", what="overhead"):
        times = cell["ms"]
        kinds = ("library", "scheduler", "http", "added", "added_awake")
        rows.append([cell["model"], cell["tokens"], *(f"{times[kind]:.3f}" for kind in kinds)])
    header = ["model", "tokens", "library call", "scheduler", "HTTP", "HTTP - library", "processors awake"]
    return table(header, rows) if rows else ""


def shares(results: Results) -> str:
    rows = []
    for cell in results.select("serve", what="share"):
        rates = [number(cell[k]) for k in ("library_per_s", "scheduler_per_s", "http_per_s")]
        costs = [number(US * cell[k]) for k in ("library_s", "scheduler_s", "server_s", "generator_s")]
        rows.append([cell["model"], cell["clients"], *rates, *costs, f"{cell['wall']:.3f}", f"{cell['processor']:.3f}"])  # fmt: skip
    if not rows:
        return ""
    header = ["model", "clients", "library, texts/s", "scheduler, texts/s", "HTTP, texts/s"]
    header += [f"{who}, us/text" for who in ("library", "scheduler", "server", "generator")]
    text = table([*header, "share by wall", "share by processor"], rows)
    return text + ("\nus/text: processor time of the whole process. The generator of the requests runs on the same processors: "
                   "the share by wall has its time against us, the share by processor time (library's over server's) has not.\n")  # fmt: skip


def contest(results: Results, model: str) -> str:
    cells = {
        cell["clients"]: cell for cell in results.select("serve", what="peers", model=model)
    }
    if not cells:
        return ""
    cells = dict(sorted(cells.items()))
    names = list(dict.fromkeys(name for cell in cells.values() for name in cell["per_s"]))
    names.sort(key=lambda name: not name.startswith("sapwood"))
    kinds = (("per_s", "answers/s"), ("p50", "p50 ms"), ("p99", "p99 ms"))
    header = ["server", *(f"{title}, {n}" for _, title in kinds for n in cells)]
    last = cells[max(cells)]
    rows = []
    for name in names:
        values = [ms(cell[kind].get(name)) for kind, _ in kinds for cell in cells.values()]
        rows.append([name, *values, number(US * last["server_s"][name])])
    text = table([*header, f"processor us/answer, {max(cells)}"], rows) + tried(last)
    bare = results.one("serve", what="bare", model=model)
    if bare:
        batches = {name: f" in batches of {batch}" for name, batch in bare["batches"].items()}
        rates = "; ".join(f"{n} {number(r)}{batches.get(n, '')}" for n, r in bare["per_s"].items())
        text += f"\nThe bare engines on the same texts and cores, texts/s: {rates}.\n"
    return text


def tried(cell: dict) -> str:
    said = [
        f"{entry['name']}: {entry['refused']}"
        if "refused" in entry
        else f"{entry['name']}: {number(entry['per_s'])}/s, {number(entry['p50'])} ms"
        for entry in cell["tried"]
    ]
    return "\nTried for a moment (64 clients; one client): " + "; ".join(said) + ".\n"


def open_loop(cell: dict) -> str:
    rows = []
    for phase in PHASES:
        entry = cell[phase.name]
        rows.append([
            phase.name, ms(entry["p50"]), ms(entry["p99"]), ms(entry["p50_services"]), ms(entry["p99_services"]),
            f"{100 * entry['in_time']:.1f}", f"{100 * entry['goodput']:.1f}", f"{100 * entry['generator']:.1f}",
            ms(entry["late_p99"]),
        ])  # fmt: skip
    lists = cell["lists"]
    rows.append(["0.7x, half in lists of 64: singles", ms(lists["p50"]), ms(lists["p99"]),
                 ms(lists["p50_services"]), ms(lists["p99_services"]), "-", "-", "-", "-"])  # fmt: skip
    header = ["load", "p50 ms", "p99 ms", "p50 services", "p99 services", f"work in {DEADLINE_MS} ms, %"]
    header += ["goodput, % of the best", "generator, % of a core", "starts late p99, ms"]
    fast = "-" if cell["fast_refusals"] is None else f"{100 * cell['fast_refusals']:.2f} %"
    return (
        f"A text takes {number(cell['service_ms'])} ms on one thread (a service); capacity {number(cell['capacity'])} texts/s at "
        f"64 clients. 2x and 4x: `--max-wait {MAX_WAIT_MS}`, deadlines of {DEADLINE_MS} ms; the others refuse nobody. p50 and p99 "
        f"are of status 200.\n\n{table(header, rows)}\n{cell['refused']} refusals, {fast} of them within 5 ms; resident memory after "
        f"the last overload over that after the first: {cell['memory_growth']:.3f}.\n"
    )  # fmt: skip


def idle(results: Results) -> str:
    said = []
    for cell in results.select("serve", what="idle"):
        title = "with TLS" if cell["tls"] else "without TLS"
        line = f"- {cell['connections']} idle connections {title}: {cell['bytes']:.0f} bytes each, resident, kernel memory not counted"
        if "before_ms" in cell:
            line += f"; one client's p50 {cell['before_ms']:.3f} ms before and {cell['during_ms']:.3f} ms meanwhile"
        said.append(line + "\n")
    ready = results.one("serve", what="ready")
    if ready:
        said.append(f"- From a process's start to ready with {ready['models']} models: {ready['ms']:.1f} ms\n")
    return "".join(said)
