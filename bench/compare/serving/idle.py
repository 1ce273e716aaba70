"""Connections that nobody uses, and the time from a process's start until it says that it is ready."""

import resource
import socket
import ssl
import subprocess
import time
from statistics import median

from ..contestants import COPIED, Refused
from ..paths import ROOT, SAPWOOD
from . import library, processes
from .texts import FOLDER, Mix

CONNECTIONS, SPARE = 10_000, 200
STARTS = 15


def run(mix: Mix, settings, store) -> None:
    for key, make in (
        ("serve.idle.plain", lambda: connections(mix, settings, False)),
        ("serve.idle.tls", lambda: connections(mix, settings, True)),
        ("serve.ready", lambda: ready(settings)),
    ):
        if store.has(key):
            continue
        try:
            store.put(key, {"part": "serve"} | make())
        except (Refused, FileNotFoundError) as reason:
            print(f"  {key}: left out: {reason}", flush=True)


def certificate() -> tuple:
    """A certificate for this machine and its key, made by openssl."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    key, chain = FOLDER / "key.pem", FOLDER / "certificate.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650".split()
    command += ["-subj", "/CN=localhost", "-keyout", str(key), "-out", str(chain)]
    subprocess.run(command, check=True, capture_output=True)
    return chain, key


def open_connections(port: int, count: int, tls: bool) -> list:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    found = []
    for _ in range(count):
        connection = socket.create_connection((processes.HOST, port), 30)
        found.append(context.wrap_socket(connection) if tls else connection)
    return found


def connections(mix: Mix, settings, tls: bool) -> dict:
    """Resident bytes of the server for each connection that it holds open, and one client's median before and during."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    count = min(CONNECTIONS, hard - SPARE)
    model, path = {"fff-sst2": library.model_file("fff-sst2")}, library.route("fff-sst2")
    options = list(COPIED)
    if tls:
        chain, key = certificate()
        options += ["--tls-cert", chain, "--tls-key", key]
    rounds = []
    for _ in range(1 if settings.quick else 3):
        with (
            settings.quiet_machine(),
            processes.sapwood_server(model, *options, name="sapwood idle") as server,
        ):
            wait_until_open(server)
            rounds.append(one_round(server, path, mix, count, tls))
    cell = {"what": "idle", "tls": tls, "connections": count, "rounds": rounds}
    for kind in rounds[0]:
        cell[kind] = median(r[kind] for r in rounds)
    print(f"serve, {count} idle connections{' with TLS' if tls else ''}: {cell['bytes']:.0f} bytes each", flush=True)  # fmt: skip
    return cell


def one_round(server, path: str, mix: Mix, count: int, tls: bool) -> dict:
    found = {}
    if tls:  # the generator speaks no TLS
        for connection in open_connections(server.port, 64, True):
            connection.close()
    else:
        processes.closed_loop(server, path, mix.bodies(), 64, 0.5)
        found["before_ms"] = processes.closed_loop(server, path, mix.bodies(), 1, 2.0)["p50"]
    before = server.memory()
    idle = open_connections(server.port, count, tls)
    time.sleep(0.5)
    found["bytes"] = (server.memory() - before) / count
    if not tls:
        found["during_ms"] = processes.closed_loop(server, path, mix.bodies(), 1, 2.0)["p50"]
    for connection in idle:
        connection.close()
    return found


def wait_until_open(server) -> None:
    end = time.monotonic() + 30
    while time.monotonic() < end:
        try:
            socket.create_connection((processes.HOST, server.port), 1).close()
            return
        except OSError:
            time.sleep(0.02)
    raise Refused("did not listen within 30 s")


def shipped() -> list:
    return sorted((ROOT / "models").glob("*/model.safetensors"))


def says_ready(port: int) -> bool:
    try:
        with socket.create_connection((processes.HOST, port), 1) as connection:
            connection.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
            return connection.recv(4096).startswith(b"HTTP/1.1 200")
    except OSError:
        return False


def ready(settings) -> dict:
    """Milliseconds from the start of a process that serves all shipped models to the first /health that says so."""
    files, times = shipped(), []
    for _ in range(5 if settings.quick else STARTS):
        port = processes.free_port()
        words = [SAPWOOD, "serve", "--host", processes.HOST, "--port", port, "--quiet"]
        words += [word for file in files for word in ("-m", f"{file.parent.name}={file}")]
        with settings.quiet_machine():
            start = time.perf_counter()
            process = subprocess.Popen(
                list(map(str, words)), stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
            try:
                while not says_ready(port):
                    if process.poll() is not None or time.perf_counter() - start > 30:
                        raise Refused("sapwood serve was not ready")
                    time.sleep(0.0005)
                times.append(1e3 * (time.perf_counter() - start))
            finally:
                process.kill()
                process.wait()
    print(f"serve, ready with {len(files)} models after {median(times):.1f} ms", flush=True)
    return {"what": "ready", "models": len(files), "ms": median(times), "rounds_ms": times}
