"""Bytes to the server and answers from it, as far apart as HTTP allows: http.client alone would not send what is wrong."""

import http.client
import io
import json
import socket
import struct


class Reader(io.BufferedReader):
    """What a connection sends, answer after answer: http.client's own buffer would take the next one's bytes with it."""

    def __init__(self, connection: socket.socket):
        super().__init__(socket.SocketIO(connection, "r"))

    def makefile(self, *_):
        return self

    def close(self):
        pass  # an answer's end is not the connection's


def connect(server, draw, timeout=60) -> socket.socket:
    """By TCP or by the Unix socket."""
    if draw.random() < 0.5:
        return socket.create_connection(("127.0.0.1", server.port), timeout)
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(timeout)
    connection.connect(server.socket)
    return connection


def request(path: str, body=None, headers: str = "", method: str | None = None) -> bytes:
    """A whole request; a body that is not bytes yet becomes JSON, in code points or in escapes."""
    if body is None:
        return f"{method or 'GET'} {path} HTTP/1.1\r\nHost: soak\r\n{headers}\r\n".encode()
    if not isinstance(body, bytes):
        body = json.dumps(body, ensure_ascii=len(path) % 2 == 0).encode()
    head = f"{method or 'POST'} {path} HTTP/1.1\r\nHost: soak\r\nContent-Type: application/json\r\n{headers}"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def chunked(path: str, body: bytes, draw) -> bytes:
    out = [f"POST {path} HTTP/1.1\r\nHost: soak\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n".encode()]
    while body:
        size = draw.randint(1, 4096)
        out.append(f"{len(body[:size]):x}\r\n".encode() + body[:size] + b"\r\n")
        body = body[size:]
    return b"".join(out) + b"0\r\n\r\n"


def answer(connection, method="POST"):
    """(status, headers, body) from a connection or its Reader; None where the server closed without an answer."""
    reader = connection if isinstance(connection, Reader) else Reader(connection)
    response = http.client.HTTPResponse(reader, method=method)
    try:
        response.begin()
        body = response.read()
    except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):
        return None
    finally:
        response.close()
    return response.status, response.headers, body


def reset(connection: socket.socket):
    """Ends the connection as a client that dies: by a reset instead of a farewell."""
    if connection.family == socket.AF_INET:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()
