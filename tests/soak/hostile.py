"""Clients that do everything wrong. The server refuses each with a status that HTTP.md names for it, or closes."""

import http.client
import json
import random
import socket
import time

from soak import wire

ERRORS = {400, 401, 404, 405, 408, 411, 413, 414, 415, 417, 422, 424, 429, 431, 501, 503, 505}
TEXT = b'{"inputs": "a tree"}'
HEAD = "POST /embed HTTP/1.1\r\nHost: soak\r\nContent-Type: application/json\r\n"


def post(headers: str, body: bytes = TEXT, head: str = HEAD) -> bytes:
    return (head + headers + "\r\n").encode() + body


LENGTH = f"Content-Length: {len(TEXT)}\r\n"
# What is no good HTTP, and the status for it.
BROKEN = [
    (400, b"POST /embed HTTP/1.1\r\n" + LENGTH.encode() + b"\r\n" + TEXT),
    (400, post("Host: other\r\n" + LENGTH)),
    (400, post(LENGTH + "Transfer-Encoding: chunked\r\n", b"0\r\n\r\n")),
    (400, post("Content-Length: 20\r\nContent-Length: 21\r\n")),
    (400, post("Content-Length: -1\r\n")),
    (400, post("Transfer-Encoding: chunked\r\n", b"xyz\r\n")),
    (400, post(LENGTH + "X: a\r\n b\r\n")),
    (400, wire.request("/embed%zz", TEXT)),
    (400, wire.request("/\x01", TEXT)),
    (400, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(64)),
    (400, b"\r\n\r\nnothing of the kind\r\n\r\n"),
    (411, post("")),
    (413, post("Content-Length: 3000000\r\n", b"")),
    (413, post("Content-Length: 99999999999\r\n", b"")),
    (413, post("Transfer-Encoding: chunked\r\n", b"200000\r\n" + b" " * 0x200000)),
    (414, wire.request("/" + "a" * 9000, TEXT)),
    (415, post(LENGTH, head=HEAD.replace("application/json", "text/plain"))),
    (415, post(LENGTH + "Content-Encoding: gzip\r\n")),
    (417, post(LENGTH + "Expect: tea\r\n")),
    (431, post(LENGTH + "X: y\r\n" * 130)),
    (431, post(LENGTH + "X: " + "y" * 17000 + "\r\n")),
    (501, post("Transfer-Encoding: gzip, chunked\r\n", b"0\r\n\r\n")),
    (505, post(LENGTH, head=HEAD.replace("HTTP/1.1", "HTTP/3.0"))),
]
# Bodies that cannot be answered, with their paths.
BODIES = [
    (400, "/embed", b""), (400, "/embed", b"{"), (400, "/embed", b'{"inputs": "\xff"}'), (400, "/embed", b'{"inputs": "\xed\xa0\x80"}'),
    (400, "/embed", b'{"inputs": "\\ud800"}'), (400, "/embed", b'\xef\xbb\xbf{"inputs": "a"}'), (400, "/embed", b'{"inputs": "a", "inputs": "b"}'),
    (400, "/embed", b'{"inputs": ' + b"[" * 100 + b"]" * 100 + b"}"), (400, "/embed", b"[" * 1_900_000), (400, "/embed", b'{"a":' * 300_000),
    (400, "/embed", b'{"inputs": []}'), (400, "/embed", b'{"inputs": "' + b"a" * 100_000), (400, "/embed", TEXT + b"x"),
    (422, "/embed", b'{"inputs": 5}'), (422, "/embed", b'{"inputs": null}'), (422, "/embed", b"{}"), (422, "/embed", b'{"inputs": [[99999999]]}'),
    (422, "/embed", b'{"inputs": "a", "dimensions": 1e99}'), (422, "/embed", b'{"inputs": "a", "prompt_name": "none"}'),
    (422, "/v1/embeddings", b'{"input": "a", "x": 1}'), (422, "/embed", b'{"inputs": "' + b"a tree " * 5000 + b'", "truncate": false}'),
    (413, "/embed", json.dumps({"inputs": ["a"] * 33}).encode()), (413, "/embed", json.dumps({"inputs": ["a"] * 100_000}).encode()),
    (404, "/v1/embeddings", b'{"model": "none", "input": "a"}'), (404, "/models/none/embed", TEXT), (404, "/nothing", TEXT),
    (424, "/embed_sparse", TEXT), (424, "/predict", TEXT),
]


class HostileClient:
    def __init__(self, soak, number: int):
        self.soak = soak
        self.draw = random.Random(f"{soak.seed} hostile {number}")
        self.ways = [self.broken, self.broken, self.body, self.body, self.noise, self.damaged, self.method, self.dropped,
                     self.dropped, self.slow, self.deaf, self.flood]

    def open(self) -> socket.socket:
        return wire.connect(self.soak.server, self.draw)

    def expect(self, what: str, connection, allowed, method="POST"):
        """The answer has one of these statuses, or 429 or 503, and its body is JSON; or the server closes."""
        found = wire.answer(connection, method)
        self.soak.count(what)
        if found is None:
            if None not in allowed:
                self.soak.fail(what, f"no answer, expected {allowed}")
            return
        status, _, body = found
        if status not in allowed and status not in (429, 503):
            self.soak.fail(what, f"status {status}, expected {allowed}: {body[:200]!r}")
        elif status >= 400 and method != "HEAD":
            json.loads(body)

    def broken(self):
        status, data = self.draw.choice(BROKEN)
        with self.open() as connection:
            try:
                connection.sendall(data)
            except (BrokenPipeError, ConnectionResetError):
                pass  # it has answered before all was sent
            self.expect(f"broken HTTP: {data[:60]!r}", connection, {status})

    def body(self):
        status, path, body = self.draw.choice(BODIES)
        with self.open() as connection:
            connection.sendall(wire.request(path, body))
            self.expect(f"body: {path} {body[:40]!r}", connection, {status})

    def noise(self):
        with self.open() as connection:
            connection.sendall(self.draw.randbytes(self.draw.randint(1, 2000)))
            connection.shutdown(socket.SHUT_WR)
            self.expect("noise", connection, ERRORS | {None})

    def damaged(self):
        """A good request with some bytes changed: whatever it says then, but never a failure of the server. 499: its end looks as
        if the client had left."""
        case = self.draw.choice(self.soak.cases)
        data = bytearray(wire.request(case.path, case.body)[:100_000])
        for _ in range(self.draw.randint(1, 4)):
            data[self.draw.randrange(len(data))] = self.draw.randrange(256)
        with self.open() as connection:
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
            self.expect("damaged", connection, ERRORS | {200, 499, None})

    def method(self):
        method = self.draw.choice(["PUT", "DELETE", "PATCH", "TRACE", "HEAD", "OPTIONS", "CONNECT", "BREW"])
        with self.open() as connection:
            connection.sendall(wire.request("/embed", TEXT, method=method))
            self.expect(f"method {method}", connection, {400, 405}, method)

    def dropped(self):
        """Ends in the middle of its request."""
        case = self.draw.choice(self.soak.cases)
        data = wire.request(case.path, case.body)
        connection = self.open()
        connection.sendall(data[: self.draw.randrange(len(data))])
        time.sleep(self.draw.random() * 0.01)
        wire.reset(connection) if self.draw.random() < 0.5 else connection.close()
        self.soak.count("dropped")

    def slow(self):
        """A few bytes at a time, and often gone before the end; in long runs up to the limit of 30 s."""
        data = wire.request("/embed", TEXT)
        patient = self.soak.minutes >= 2 and self.draw.random() < 0.1
        with self.open() as connection:
            if patient:
                connection.sendall(data[:-1])
                return self.expect("slow: over the limit", connection, {408})
            pieces = self.draw.randint(1, 20)
            for at in range(0, len(data), len(data) // pieces + 1):
                connection.sendall(data[at : at + len(data) // pieces + 1])
                time.sleep(0.05)
                if self.draw.random() < 0.02:
                    return self.soak.count("slow: gone")
            self.expect("slow", connection, {200})

    def deaf(self):
        """Asks for much and does not read it."""
        with self.open() as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            body = {"inputs": ["a tree and its sapwood " * 40] * 8}
            connection.sendall(b"".join([wire.request("/embed_all", body)] * 3))
            time.sleep(self.draw.random())
        self.soak.count("deaf")

    def flood(self):
        """Many connections at once, most of which say nothing."""
        some = [self.open() for _ in range(self.draw.randint(20, 200))]
        for connection in some:
            if self.draw.random() < 0.3:
                connection.sendall(b"POST /embed HTTP/1.1\r\nHost:")
        time.sleep(self.draw.random() * 0.2)
        for connection in some:
            connection.close()
        self.soak.count("flood")

    def run(self, until):
        while not until():
            way = self.draw.choice(self.ways)
            try:
                way()
            except (BrokenPipeError, ConnectionResetError):
                self.soak.count("closed by the server")
            except (OSError, http.client.HTTPException, ValueError) as error:
                self.soak.fail(way.__name__, f"{type(error).__name__}: {error}")
