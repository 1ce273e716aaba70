"""Clients that do nothing wrong. Every answer is the library's, or says that the server is full."""

import http.client
import random
import time

from soak import wire
from soak.cases import STATUS_PATHS, Case

# HTTP.md: the wait would be too long; too much is on its way.
FULL = (429, 503)


class GoodClient:
    def __init__(self, soak, number: int):
        self.soak = soak
        self.draw = random.Random(f"{soak.seed} good {number}")
        self.connection = self.reader = None

    def connect(self):
        if self.connection is None:
            self.connection = wire.connect(self.soak.server, self.draw)
            self.reader = wire.Reader(self.connection)
        return self.connection

    def close(self, by_reset=False):
        if self.connection is not None:
            wire.reset(self.connection) if by_reset else self.connection.close()
        self.connection = self.reader = None

    def turn(self):
        """One thing that a good client does."""
        way = self.draw.random()
        if way < 0.05:
            self.status()
        elif way < 0.15:
            self.leave()
        elif way < 0.20:
            self.pipeline()
        else:
            self.ask(self.draw.choice(self.soak.cases))
        if self.draw.random() < 0.1:
            self.close()

    def bytes_of(self, case: Case) -> bytes:
        whole = wire.request(case.path, case.body, "x-request-id: soak\r\n" if self.draw.random() < 0.3 else "")
        return wire.chunked(case.path, whole.split(b"\r\n\r\n", 1)[1], self.draw) if self.draw.random() < 0.1 else whole

    def send(self, data: bytes):
        """Whole, or cut anywhere."""
        if self.draw.random() < 0.1:
            at = self.draw.randrange(len(data))
            self.connect().sendall(data[:at])
            time.sleep(self.draw.random() * 0.05)
            data = data[at:]
        self.connect().sendall(data)

    def ask(self, case: Case):
        data = self.bytes_of(case)
        for _ in range(20):
            self.send(data)
            if self.check(case):
                return
            time.sleep(self.draw.random())
        self.soak.fail(case.name, "the server was full 20 times over")

    def check(self, case: Case) -> bool:
        """Whether the next answer is one to this; False where the server is full."""
        found = wire.answer(self.reader)
        if found is None:
            self.close()
            self.soak.fail(case.name, "no answer")
            return True
        status, headers, body = found
        if headers.get("Connection", "").lower() == "close":
            self.close()
        if status in FULL:
            self.soak.count("full")
            if status == 429 and not headers.get("Retry-After", "").isdigit():
                self.soak.fail(case.name, "a 429 without Retry-After")
            return False
        problem = f"status {status}: {body[:200]!r}" if status != 200 else case.problem(body)
        if problem:
            self.soak.fail(case.name, problem)
        self.soak.count(case.name)
        return True

    def status(self):
        path = self.draw.choice(STATUS_PATHS)
        self.send(wire.request(path))
        self.check(Case("status", path))

    def leave(self):
        """A request that its client does not wait for."""
        self.send(self.bytes_of(self.draw.choice(self.soak.cases)))
        time.sleep(self.draw.random() * 0.02)
        self.close(by_reset=self.draw.random() < 0.5)
        self.soak.count("left")

    def pipeline(self):
        """Several requests at once: the answers come in their order."""
        some = [self.draw.choice(self.soak.cases) for _ in range(self.draw.randint(2, 6))]
        some = [case for case in some if len(str(case.body)) < 3000]
        if some:
            self.send(b"".join(wire.request(case.path, case.body) for case in some))
        for case in some:
            self.check(case)

    def run(self, until):
        while not until():
            try:
                self.turn()
            except (OSError, http.client.HTTPException, ValueError, LookupError) as error:
                self.close()
                self.soak.fail("a good client", f"{type(error).__name__}: {error}")
        self.close()
