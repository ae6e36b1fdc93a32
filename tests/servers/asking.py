"""One request at a time, with nothing between a test and the wire but the standard library."""

from __future__ import annotations

import http.client
import re
import socket
from dataclasses import dataclass

from servers.steer import Steering


@dataclass(frozen=True)
class Answer:
    """Status, headers by lower-case name, body."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def code(self) -> str:
        """The code of an error."""
        return self.told("Code")[0]

    def told(self, name: str) -> list[str]:
        """The texts of every element of that name."""
        return re.findall(f"<{name}>(.*?)</{name}>", self.body.decode())


def ask(server: Steering, method: str, path: str, body: bytes | None = None, **headers: str) -> Answer:
    """Asks on a connection of its own; `If_Match="x"` is the header If-Match."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    try:
        connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        lines = {name.lower(): value for name, value in answer.getheaders()}
        return Answer(answer.status, lines, answer.read())
    finally:
        connection.close()


def talk(server: Steering, said: bytes, patience: float = 10.0) -> bytes:
    """Sends bytes as they are and tells all that comes back before the server closes or falls silent."""
    heard = b""
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as wire:
        wire.sendall(said)
        wire.settimeout(patience)
        try:
            while more := wire.recv(65536):
                heard += more
                wire.settimeout(0.3)
        except TimeoutError:
            pass
    return heard
