"""One engine in one process, from text to answer: python -m compare.answers.worker SETTINGS TEXTS

SETTINGS: JSON, the arguments of pipelines.make(). TEXTS: a JSON list of texts, or of pairs.
"""

import json
import os
import sys

from ..worker import medians, now, since


class Worker:
    def __init__(self, settings: dict, texts: list):
        from . import pipelines

        self.pipeline, self.texts = pipelines.make(**settings), texts

    def answers(self, count: int, path: str) -> dict:
        import numpy

        numpy.save(path, numpy.asarray(self.pipeline(self.texts[:count]), numpy.float32))
        return {}

    def batches(self, of: int) -> dict:
        self.pipeline.batch = of
        return {}

    def warm(self) -> dict:
        """All texts, so that every shape was there."""
        self.pipeline(self.texts)
        return {}

    def time(self, every: int) -> dict:
        """Each so-manieth text, to its answer."""
        texts = self.texts[::every]
        start = now()
        self.pipeline(texts)
        return medians([since(start)]) | {"texts": len(texts)}


def main() -> None:
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    settings, path = json.loads(sys.argv[1]), sys.argv[2]

    def answer(value: dict) -> None:
        answers.write(json.dumps(value) + "\n")

    try:
        with open(path, encoding="utf-8") as file:
            worker = Worker(settings, json.load(file))
    except Exception as error:  # whatever a library raises, from the want of a module on
        return answer({"unavailable": f"{type(error).__name__}: {error}"[:500]})
    answer({"ready": True})
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer(getattr(worker, request.pop("do"))(**request))
        except Exception as error:  # ends this question, not the others
            answer({"error": f"{type(error).__name__}: {error}"[:500]})


if __name__ == "__main__":
    main()
    sys.stdout.flush()
    os._exit(0)  # some libraries are slow to unload
