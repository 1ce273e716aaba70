"""Good requests of every route, each with the answer that the command line gives for the same texts.

Both sides print the shortest decimals that give the same float, and results do not depend on what is computed beside
them, so that answers are compared as they are: exactly.
"""

import base64
import json
import random
import struct
from dataclasses import dataclass, field
from typing import Callable

from live.harness import GOLDEN, SOURCE, Sapwood

SHIPPED = SOURCE / "models"
# The first one answers where no name is given.
MODELS = {
    "embed": SHIPPED / "minilm-fff-embed/model.safetensors",
    "sst2": SHIPPED / "minilm-fff-sst2/model.safetensors",
    "ner": SHIPPED / "minilm-fff-ner/model.safetensors",
    "mlm": SHIPPED / "minilm-fff-mlm/model.safetensors",
    "static": SHIPPED / "minilm-static-embed/model.safetensors",
    "cross": GOLDEN / "data/bert-cross-encoder",
    "qa": GOLDEN / "data/bert-qa",
    "nli": GOLDEN / "data/bert-nli",
    "sparse": GOLDEN / "sentence/sparse-router",
}
WORDS = (
    "the a of sapwood carries water from roots to leaves while heartwood is dead and Maria Keller moved to Berlin in 1918 with "
    "three charming but dull films about tax law , prices rose ; oaks grow slowly . not nobody can't e-mail 3.5 % unbelievable"
).split()
ODD = ["café naïve", "日本語のテキスト", "Ελλάδα", "नमस्ते", "مرحبا", "👩‍👩‍👧 🇩🇪", "\u200b\u202e", "e\u0301\u0323", "\U0010ffff", "\x00\x07", "ß ﬃ", "\r\n\t", "\ufffd"]


@dataclass
class Case:
    name: str
    path: str
    body: object = None  # None: GET
    expected: object = None
    # What of an answer's JSON is compared.
    part: Callable = field(default=lambda answer: answer)

    def problem(self, raw: bytes) -> str | None:
        """How an answer with status 200 differs from the library's, or None."""
        if self.expected is None:
            return None
        try:
            found = self.part(json.loads(raw))
        except (TypeError, KeyError, IndexError):
            return f"an answer of another form: {raw[:200]!r}"
        if found == self.expected:
            return None
        return f"expected {short(self.expected)}, found {short(found)}"


def short(value) -> str:
    text = json.dumps(value)
    return text if len(text) < 200 else text[:200] + "..."


def make_texts(draw: random.Random) -> list[str]:
    def words(count):
        return " ".join(draw.choice(WORDS) for _ in range(count))

    texts = [words(draw.randint(1, 12)) for _ in range(24)] + [words(draw.randint(20, 120)) for _ in range(8)]
    texts += [words(draw.randint(300, 3000)) for _ in range(4)]  # longer than the models read
    texts += [f"{words(3)} {odd} {words(2)}" for odd in ODD] + ["x" * 5000, "ä" * 300, " "]
    draw.shuffle(texts)
    return texts


def cut(items: list, draw: random.Random, most: int) -> list[list]:
    """All items in their order, in lists of 1 to `most`."""
    lists = []
    while items:
        size = draw.randint(1, most)
        lists.append(items[:size])
        items = items[size:]
    return lists


def unpacked(text: str) -> list[float]:
    data = base64.b64decode(text)
    return list(struct.unpack(f"<{len(data) // 4}f", data))


def as_floats(values: list[float]) -> list[float]:
    return list(struct.unpack(f"<{len(values)}f", struct.pack(f"<{len(values)}f", *values)))


def dot(a: list[float], b: list[float]) -> float:
    """Of two vectors of length 1, as the server adds it up: in double precision, from the first number on."""
    total = 0.0
    for x, y in zip(as_floats(a), as_floats(b)):
        total += x * y  # sum() is more exact from Python 3.12 on
    return as_floats([total])[0]


class Cases:
    def __init__(self, sapwood: str, seed: int):
        self.tool = Sapwood(sapwood)
        self.draw = random.Random(f"{seed} cases")
        self.texts = make_texts(self.draw)
        self.all: list[Case] = []
        for make in (self.embeddings, self.other_vectors, self.ranks, self.labels, self.hub_tasks, self.tokens, self.kserve):
            make()

    def add(self, name, path, body, expected, part=lambda answer: answer):
        self.all.append(Case(name, path, body, expected, part))

    def ask(self, task, model, records, *options):
        return self.tool.ask(task, MODELS[model], records, "-q", *options)

    def vectors(self, model, texts, *options):
        return [row["embedding"] for row in self.ask("embed", model, [{"text": t} for t in texts], *options)]

    def lists(self, most=8):
        """All texts, one alone or several, as indices."""
        return cut(list(range(len(self.texts))), self.draw, most)

    def embeddings(self):
        normal = self.vectors("embed", self.texts, "--normalize")
        for i, text in enumerate(self.texts):
            self.add("embed: one", "/embed", {"inputs": text}, [normal[i]])
        for some in self.lists():
            texts, rows = [self.texts[i] for i in some], [normal[i] for i in some]
            self.add("similarity", "/similarity", {"inputs": {"source_sentence": texts[0], "sentences": texts}},
                     [dot(rows[0], row) for row in rows], as_floats)
            self.add("embed: list", "/models/embed/embed", {"inputs": texts}, rows)
            self.add("openai", "/v1/embeddings", {"model": "embed", "input": texts}, rows,
                     lambda answer: [row["embedding"] for row in answer["data"]])
            self.add("openai: base64", "/embeddings", {"model": "embed", "input": texts, "encoding_format": "base64"},
                     [as_floats(row) for row in rows], lambda answer: [unpacked(row["embedding"]) for row in answer["data"]])
            self.add("ollama", "/api/embed", {"model": "embed:latest", "input": texts}, rows, lambda answer: answer["embeddings"])
            self.add("hub: vectors", "/", {"inputs": texts}, rows)
            self.add("vertex", "/vertex", {"instances": [{"inputs": text} for text in texts]}, [[row] for row in rows],
                     lambda answer: answer["predictions"])
        self.add("ollama: older", "/api/embeddings", {"model": "embed", "prompt": self.texts[0]}, normal[0],
                 lambda answer: answer["embedding"])

    def other_vectors(self):
        for some in self.lists():
            texts = [self.texts[i] for i in some]
            self.add("embed: dimensions", "/embed", {"inputs": texts, "dimensions": 64},
                     self.vectors("embed", texts, "--normalize", "--dimensions", 64))
            break
        static = self.vectors("static", self.texts, "--normalize")
        raw = self.vectors("embed", self.texts, "--no-normalize")
        all_tokens = self.vectors("embed", self.texts, "--pooling", "none")
        sparse = self.ask("embed", "sparse", [{"text": t} for t in self.texts], "--sparse")
        for some in self.lists():
            texts = [self.texts[i] for i in some]
            self.add("embed: static", "/models/static/embed", {"inputs": texts}, [static[i] for i in some])
            self.add("embed: raw", "/embed", {"inputs": texts, "normalize": False}, [raw[i] for i in some])
            self.add("embed_all", "/embed_all", {"inputs": texts}, [all_tokens[i] for i in some])
            self.add("embed_sparse", "/models/sparse/embed_sparse", {"inputs": texts}, [sparse[i]["embedding"] for i in some])

    def ranks(self):
        groups = [[self.texts[i] for i in some] for some in self.lists()]
        records = [{"query": group[0], "texts": group} for group in groups]
        for model in ("embed", "cross"):
            for group, ranked in zip(groups, self.ask("rerank", model, records)):
                scores = [[row["index"], row["score"]] for row in ranked]
                query = {"query": group[0]}
                self.add("rerank", f"/models/{model}/rerank", query | {"texts": group}, scores,
                         lambda answer: [[row["index"], row["score"]] for row in answer])
                for path in ("/v1/rerank", "/v2/rerank", "/rerank"):
                    self.add("rerank: cohere and jina", path, query | {"model": model, "documents": group}, scores,
                             lambda answer: [[row["index"], row["relevance_score"]] for row in answer["results"]])

    def labels(self):
        def rows(answer):
            return [{"score": row["score"], "label": row["label"]} for row in answer]

        plain = self.ask("classify", "sst2", [{"text": t} for t in self.texts], "--top-k", 0)
        raw = self.ask("classify", "sst2", [{"text": t} for t in self.texts], "--top-k", 0, "--function-to-apply", "none")
        self.logits = [[row["score"] for row in sorted(answer, key=lambda row: row["label"])] for answer in raw]
        for some in self.lists():
            texts = [[self.texts[i]] for i in some]
            self.add("predict", "/models/sst2/predict", {"inputs": texts}, [rows(plain[i]) for i in some])
            self.add("predict: raw", "/models/sst2/predict", {"inputs": texts, "raw_scores": True}, [rows(raw[i]) for i in some])
        pairs = [[text, self.draw.choice(self.texts)] for text in self.texts]
        answers = self.ask("classify", "sst2", [{"text": a, "text_pair": b} for a, b in pairs], "--top-k", 0)
        for pair, answer in zip(pairs, answers):
            self.add("predict: pair", "/models/sst2/predict", {"inputs": pair}, rows(answer))

    def hub_tasks(self):
        entities = self.ask("ner", "ner", [{"text": t} for t in self.texts], "--aggregation", "simple")
        masked = [f"The [MASK] of {text[:200]}" for text in self.texts]
        words = self.ask("fill-mask", "mlm", [{"text": t} for t in masked], "--top-k", 3)
        zero_shot = self.ask("classify", "nli", [{"text": t} for t in self.texts], "--labels", "wood,law,film", "--top-k", 0)
        told = [text for text in self.texts if text.strip()]
        asked = [{"question": self.draw.choice(told)[:12].strip(), "context": text} for text in told]
        found = self.ask("qa", "qa", asked)
        for i, text in enumerate(self.texts):
            self.add("hub: entities", "/models/ner", {"inputs": text, "parameters": {"aggregation_strategy": "simple"}}, entities[i])
            self.add("hub: words", "/models/mlm", {"inputs": masked[i], "parameters": {"top_k": 3}}, words[i])
            self.add("hub: zero-shot", "/models/nli", {"inputs": text, "parameters": {"candidate_labels": ["wood", "law", "film"]}}, zero_shot[i])
        for record, answer in zip(asked, found):
            if isinstance(answer, dict):  # an error: the question alone fills what the small model reads
                continue
            self.add("hub: answers", "/models/qa", {"inputs": record}, answer[0])

    def tokens(self):
        rows = self.ask("tokenize", "embed", [{"text": t} for t in self.texts], "--max-length", 100_000)
        shown = [[[i, s == 1] + (o if s == 0 else [None, None]) for i, s, o in
                  zip(row["ids"], row["special_tokens_mask"], row["offsets"])] for row in rows]
        decoded = self.tool.ask("tokenize", MODELS["embed"], [{"ids": row["ids"]} for row in rows], "-q", "--decode")
        for some in self.lists():
            self.add("tokenize", "/tokenize", {"inputs": [self.texts[i] for i in some]}, [shown[i] for i in some],
                     lambda answer: [[[t["id"], t["special"], t["start"], t["stop"]] for t in row] for row in answer])
            self.add("decode", "/decode", {"ids": [rows[i]["ids"] for i in some]}, [decoded[i]["text"] for i in some])

    def kserve(self):
        own = self.vectors("embed", self.texts)
        for some in self.lists():
            texts = {"inputs": [{"name": "text", "shape": [len(some)], "datatype": "BYTES", "data": [self.texts[i] for i in some]}]}
            for model, name, numbers in (("embed", "embedding", own), ("sst2", "logits", self.logits)):
                self.add(f"kserve: {name}", f"/v2/models/{model}/infer", texts, [x for i in some for x in numbers[i]],
                         lambda answer: answer["outputs"][0]["data"])


# Asked as they are: these answer 200.
STATUS_PATHS = ["/health", "/ping", "/", "/info", "/models/sst2/info", "/v1/models", "/v1/models/ner", "/v2", "/v2/models/sst2",
                "/v2/models/sst2/ready", "/v2/health/live", "/v2/health/ready", "/api/tags", "/api/version", "/openapi.json", "/metrics"]
