"""The processes that take part: servers on 127.0.0.1, the generator of requests, the library's own calls."""

import contextlib
import ctypes
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from ..contestants import Process, Refused
from ..paths import BINARIES, LOGS, ROOT, SAPWOOD
from . import figures

HOST = "127.0.0.1"
LOAD_HTTP, LOAD_LIBRARY = (BINARIES / "bench" / name for name in ("load_http", "load_library"))
TICK = 1 / os.sysconf("SC_CLK_TCK")
PDEATHSIG = 1


def end_with_parent() -> None:
    """In a child, before it becomes another program: whatever ends this comparison ends it too."""
    ctypes.CDLL(None).prctl(PDEATHSIG, signal.SIGKILL)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return probe.getsockname()[1]


class Server:
    """A program that answers on a port of its own until stop()."""

    def __init__(self, name: str, command: list, port: int, environment: dict | None = None):
        self.name, self.port, self.log = name, port, LOGS / f"serve-{name.replace(' ', '-')}.log"
        LOGS.mkdir(parents=True, exist_ok=True)
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                list(map(str, command)),
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=ROOT / "bench",
                env={**os.environ, "HF_HUB_OFFLINE": "1", **(environment or {})},
                preexec_fn=end_with_parent,
            )  # fmt: skip

    def ask(self, path: str, body=None) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection(HOST, self.port, timeout=30)
        try:
            headers = {"Content-Type": "application/json"}
            method = "GET" if body is None else "POST"
            connection.request(method, path, body and json.dumps(body), headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def wait_ready(self, seconds: float = 120) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.process.poll() is not None:
                said = self.log.read_text(errors="replace").strip().splitlines()[-1:] or ["nothing"]
                raise Refused(f"ended with status {self.process.returncode}; it said: {said[0]}")
            try:
                if self.ask("/health")[0] == 200:
                    return
            except OSError:
                pass
            time.sleep(0.05)
        raise Refused(f"was not ready after {seconds:.0f} s")

    def processor(self) -> float:
        """Seconds of the process and those that it started."""
        return sum(processor_of(pid) for pid in family(self.process.pid))

    def memory(self) -> int:
        """Resident bytes of the process itself."""
        return resident(self.process.pid)

    def stop(self) -> None:
        if self.process.poll() is not None:
            return
        children = family(self.process.pid)[1:]
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        for pid in children:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass

    def __enter__(self):
        return self

    def __exit__(self, *_) -> None:
        self.stop()


def sapwood_server(models: dict, *options, name: str = "sapwood", environment=None) -> Server:
    """`models`: name -> what -m takes."""
    port = free_port()
    named = [word for model, path in models.items() for word in ("-m", f"{model}={path}")]
    command = [SAPWOOD, "serve", *named, "--host", HOST, "--port", port, "--quiet", *options]
    return Server(name, command, port, environment)


def family(pid: int) -> list[int]:
    """A process and all that descend from it."""
    found = [pid]
    for one in found:
        try:
            for thread in os.listdir(f"/proc/{one}/task"):
                children = Path(f"/proc/{one}/task/{thread}/children").read_text()
                found += map(int, children.split())
        except OSError:
            pass  # it has ended
    return found


def processor_of(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return TICK * (int(fields[11]) + int(fields[12]))


def resident(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return 1024 * int(status.partition("VmRSS:")[2].split()[0])


@contextlib.contextmanager
def awake(count: int):
    """So many processors never halt meanwhile: each has a program to run that gives way to every other at once."""

    def give_way() -> None:
        end_with_parent()
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))

    words = [sys.executable, "-S", "-c", "while True: pass"]
    spinning = [subprocess.Popen(words, preexec_fn=give_way) for _ in range(count)]
    try:
        time.sleep(0.1)
        yield
    finally:
        for process in spinning:
            process.kill()
            process.wait()


class Load:
    """One run of the generator against a server."""

    def __init__(self, server: Server, path: str, bodies: Path, seconds: float, *options):
        with tempfile.NamedTemporaryFile(suffix=".txt") as results:
            command = [LOAD_HTTP, "--address", f"{HOST}:{server.port}", "--path", path]
            command += ["--bodies", bodies, "--seconds", seconds, "--warmup", 0]
            command += ["--results", results.name, *options]
            before = server.processor()
            done = subprocess.run(
                list(map(str, command)), capture_output=True, text=True, preexec_fn=end_with_parent
            )
            self.processor = server.processor() - before
            if done.returncode != 0:
                raise Refused(f"{server.name}: {done.stderr.strip()}")
            said = json.loads(done.stdout)
            self.answers = figures.Answer.read(Path(results.name))
        self.seconds, self.span = seconds, said["span"]
        self.generator = said["processor_seconds"]

    def closed(self) -> dict:
        """The closed loop's figures; processor seconds for each answer of the server and of the generator."""
        found = figures.closed_loop(self.answers, self.seconds)
        if found["failed"]:
            raise Refused(f"{found['failed']} of {len(self.answers)} requests were not answered")
        if not found["per_s"]:
            raise Refused(f"answered nothing within {self.seconds} s")
        count = len(self.answers)
        return found | {"server_s": self.processor / count, "generator_s": self.generator / count}


def closed_loop(server: Server, path: str, bodies: Path, clients: int, seconds: float) -> dict:
    return Load(server, path, bodies, seconds, "--clients", clients).closed()


class Library(Process):
    """load_library: the library's own calls on the same texts."""

    def __init__(self, model, task: str, texts: Path, threads: int, name: str):
        command = [LOAD_LIBRARY, "-m", model, "--texts", texts, "--task", task, "--threads", threads]
        super().__init__(f"library-{name}", list(map(str, command)), {})

    def one(self, seconds: float) -> dict:
        return self.ask(f"one {seconds}")

    def all(self, seconds: float) -> dict:
        return self.ask(f"all {seconds}")

    def scheduler(self, clients: int, seconds: float) -> dict:
        return self.ask(f"scheduler {clients} {seconds}")
