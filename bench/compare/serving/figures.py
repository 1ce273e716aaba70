"""What the requests of one run say: computed from a line for each, so that it can be tried without a server."""

from dataclasses import dataclass
from pathlib import Path

WARMUP = 0.15  # of a closed loop's time: not counted


@dataclass(frozen=True)
class Answer:
    """One request of load_http."""

    start: float  # s: when it was due
    latency: float  # ms: from then to the last byte of the answer
    late: float  # ms: of its start
    status: int  # 0: the connection broke
    body: int

    @staticmethod
    def read(path: Path) -> "list[Answer]":
        answers = []
        for line in path.read_text().splitlines():
            start, latency, late, status, body = line.split()
            answers.append(Answer(float(start), float(latency), float(late), int(status), int(body)))
        return answers


def percentile(values, share: float) -> float | None:
    """The nearest rank: the least value that this share of all does not exceed; None of nothing."""
    ordered = sorted(values)
    if not ordered:
        return None
    rank = -(-len(ordered) * share // 1)  # rounded up
    return ordered[max(0, int(rank) - 1)]


def latencies(answers: list[Answer], status: int = 200) -> list[float]:
    return [answer.latency for answer in answers if answer.status == status]


def closed_loop(answers: list[Answer], seconds: float) -> dict:
    """Answers a second, and p50 and p99 in ms, of those that came after the warm-up and before the loop's end."""
    begin = WARMUP * seconds
    ends = [(answer, answer.start + 1e-3 * answer.latency) for answer in answers]
    counted = [answer for answer, end in ends if begin <= end <= seconds]
    good = latencies(counted)
    return {
        "per_s": len(good) / (seconds - begin),
        "p50": percentile(good, 0.5),
        "p99": percentile(good, 0.99),
        "failed": sum(answer.status != 200 for answer in answers),
    }


def goodput(answers: list[Answer], work: list[float], limit_ms: float | None) -> float:
    """Work of the requests that were answered within the limit; work[i] is that of body i."""
    return sum(
        work[answer.body]
        for answer in answers
        if answer.status == 200 and (limit_ms is None or answer.latency <= limit_ms)
    )


def refusals(answers: list[Answer], limit_ms: float = 5) -> dict:
    """How many were refused at the door (429), the share of them within the limit, and their p99.9 in ms."""
    refused = latencies(answers, 429)
    fast = sum(latency < limit_ms for latency in refused)
    return {
        "count": len(refused),
        "fast": fast / len(refused) if refused else None,
        "p999": percentile(refused, 0.999),
    }


def open_loop(answers: list[Answer], work: list[float], limit_ms: float, processor: float) -> dict:
    """`processor`: seconds of the server meanwhile. Goodput is tokens of answers in time for each of them."""
    good = latencies(answers)
    offered = sum(work[answer.body] for answer in answers)
    statuses = sorted({answer.status for answer in answers})
    return {
        "p50": percentile(good, 0.5),
        "p99": percentile(good, 0.99),
        "in_time": goodput(answers, work, limit_ms) / offered if offered else None,
        "goodput": goodput(answers, work, limit_ms) / processor,
        "statuses": {str(s): sum(answer.status == s for answer in answers) for s in statuses},
        "refusals": refusals(answers),
        "late_p99": percentile([answer.late for answer in answers], 0.99),
    }
