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


CONTESTS = {
    contest.part: contest
    for contest in (
        Contest("grid", tuple(SHAPES), (("sapwood", "distilbert"),), "distilbert"),
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
        label: lambda label=label, model=model: Sapwood(model, dtype, threads, label)
        for label, model in contest.ours
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
