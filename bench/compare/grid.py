"""Ids to last hidden state over batch x tokens, and the models whose feedforward is a tree."""

from dataclasses import dataclass

from . import rounds, verify
from .contestants import Peer, Refused, Sapwood
from .engines import PEERS, takes_part
from .specs import SPECS

SHAPES = [(1, 8), (1, 32), (1, 128), (1, 384), (8, 128), (32, 32)]


@dataclass(frozen=True)
class Contest:
    """Cells that share their processes."""

    part: str
    shapes: tuple[tuple[int, int], ...]
    ours: tuple[tuple[str, str], ...]  # label, model
    peers: str  # the model that the peers run
    dtypes: tuple[str, ...] = ("f32", "bf16", "int8")
    beside_f32: bool = False  # in bf16 our own f32 takes turns with it

    def entrants(self, dtype: str) -> dict[str, tuple[str, str]]:
        """Of ours: label -> model and type."""
        found = {label: (model, dtype) for label, model in self.ours}
        if dtype == "bf16" and self.beside_f32:
            found |= {f"{label} f32": (model, "f32") for label, model in self.ours}
        return found


def whole_grid(part: str, model: str) -> Contest:
    return Contest(part, tuple(SHAPES), (("sapwood", model),), model, beside_f32=True)


CONTESTS = {
    contest.part: contest
    for contest in (
        whole_grid("minilm", "minilm"),
        Contest(
            "students",
            ((1, 32), (1, 128)),
            (("sapwood", "fff-embed"), ("sapwood dense", "minilm")),
            "minilm",
            dtypes=("int8",),
        ),
        # The shapes of its dense students in models/recipes, whose README sets them beside the trees.
        *(
            Contest(name, ((1, 32), (1, 128)), (("sapwood", name),), name, dtypes=("int8",))
            for name in ("minilm-d112", "minilm-3l")
        ),
        whole_grid("grid", "distilbert"),
        whole_grid("bge-small", "bge-small"),
        whole_grid("bge-base", "bge-base"),
        Contest(
            "ultrafast",
            ((1, 128),),
            (("sapwood", "ultrafast-1x11"), ("sapwood twin", "ultrafast-twin")),
            "ultrafast-twin",
        ),
        Contest(
            "six-layers",
            ((1, 32), (1, 128)),
            (("sapwood", "distilbert-fff"), ("sapwood dense", "distilbert")),
            "distilbert",
        ),
        Contest("mpnet", ((1, 128),), (("sapwood", "mpnet"),), "mpnet"),
        Contest("xlm-r", ((1, 128),), (("sapwood", "xlm-r"),), "xlm-r"),
    )
}


def run(part: str, dtype: str, threads: int, settings, store) -> None:
    contest = CONTESTS[part]
    keys = {f"{part}.{dtype}.t{threads}.{b}x{n}": (b, n) for b, n in contest.shapes}
    missing = {key: shape for key, shape in keys.items() if not store.has(key)}
    if not missing:
        return
    print(f"{part}, {dtype}, threads {threads}", flush=True)
    refused: dict = {}
    contestants = enter(contest, dtype, threads, settings.quick, refused)
    try:
        for key, shape in missing.items():
            contestants = [c for c in contestants if c.name not in refused]
            if not any(c.ours for c in contestants):
                return
            cell = rounds.shape_cell(contestants, shape, settings)
            cell["refused"] |= refused
            cell |= {"part": part, "dtype": dtype, "threads": threads}
            cell["isa"] = next((c.isa for c in contestants if hasattr(c, "isa")), None)
            store.put(key, cell)
            print("  " + line(cell), flush=True)
            contestants = [c for c in contestants if c.name not in cell["refused"]]
    finally:
        for contestant in contestants:
            contestant.close()
        verify.close_references()


def enter(contest: Contest, dtype: str, threads: int, quick: bool, refused: dict) -> list:
    """Everyone who can take part, started; the others' reasons go to `refused`. None without us."""
    family = SPECS[contest.peers].family
    makers = {
        label: lambda label=label, model=model, kind=kind: Sapwood(model, kind, threads, label)
        for label, (model, kind) in contest.entrants(dtype).items()
    }
    contestants = start(makers, refused)
    if len(contestants) < len(makers):
        return []
    makers = {
        name: lambda name=name: Peer(name, contest.peers, dtype, threads)
        for name in PEERS
        if takes_part(name, dtype, family, quick, refused)
    }
    return contestants + start(makers, refused)


def start(makers: dict, refused: dict) -> list:
    contestants = []
    for name, make in makers.items():
        try:
            contestant = make()
            contestant.wait_ready()
            contestants.append(contestant)
        except Refused as reason:
            print(f"  {name}: left out: {reason}", flush=True)
            refused[name] = str(reason)
    return contestants


def line(cell: dict) -> str:
    times = ", ".join(f"{name} {ms:.2f}" for name, ms in cell["median_ms"].items())
    return f"{cell['shape']}: {times} ms"
