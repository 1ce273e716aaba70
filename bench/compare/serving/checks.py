"""Whether a server's answers are right: before anything is timed."""

import json
import subprocess

from ..contestants import Refused
from ..paths import SAPWOOD
from ..verify import LEAST_COSINE

TEXTS = 8
EQUAL = 2e-6  # what is left of a float in either program's decimals


def library_answers(command: str, model, texts: list[str], *options) -> list[dict]:
    """What `sapwood COMMAND` says of each text."""
    words = [SAPWOOD, command, "-m", model, "--format", "jsonl", "--threads", 1, *options]
    done = subprocess.run(
        list(map(str, words)), input="".join(text + "\n" for text in texts), capture_output=True, text=True
    )  # fmt: skip
    if done.returncode != 0:
        raise Refused(f"sapwood {command}: {done.stderr.strip()}")
    return [json.loads(line) for line in done.stdout.splitlines()]


def ask(server, path: str, text: str):
    status, body = server.ask(path, {"inputs": text})
    if status != 200:
        raise Refused(f"{path}: status {status}: {body[:200].decode(errors='replace')}")
    return json.loads(body)[0]


def classifies_as_library(server, path: str, model, texts: list[str]) -> None:
    for text, want in zip(texts[:TEXTS], library_answers("classify", model, texts[:TEXTS])):
        got = ask(server, path, text)
        if got["label"] != want["label"] or abs(got["score"] - want["score"]) > EQUAL:
            raise Refused(f"{path} answers {got} where the library answers {want}")


def vectors(model, texts: list[str]) -> list[list[float]]:
    """The library's, of length 1."""
    lines = library_answers("embed", model, texts[:TEXTS], "--normalize")
    return [line["embedding"] for line in lines]


def embeds_as_library(server, path: str, model, texts: list[str]) -> None:
    for text, want in zip(texts, vectors(model, texts)):
        difference = max(abs(a - b) for a, b in zip(want, ask(server, path, text), strict=True))
        if difference > EQUAL:
            raise Refused(f"{path} differs from the library by {difference:.1e}")


def cosine(server, path: str, wanted: list[list[float]], texts: list[str]) -> float:
    """The mean over some texts, to vectors of length 1."""
    found = [ask(server, path, text) for text, _ in zip(texts, wanted)]
    return sum(sum(a * b for a, b in zip(f, w)) for f, w in zip(found, wanted)) / len(wanted)


def require_close(value: float, dtype: str = "int8") -> float:
    if value < LEAST_COSINE[dtype]:
        raise Refused(f"its vectors differ: mean cosine {value:.4f} to the model's in f32")
    return value

