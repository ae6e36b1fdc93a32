"""The handle of a server: its knobs, its ledger, its objects. It speaks HTTP, so the server may be anywhere."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote, urlencode, urlsplit

from servers.ledger import Entry

TESTS = Path(__file__).parent.parent


class Steering:
    """Knobs, ledger and objects of a server.

    Args:
        url: where it is.
        bucket: its first bucket.
    """

    def __init__(self, url: str, bucket: str) -> None:
        self.url = url
        self.bucket = bucket

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Lets go of the server; one that this handle started ends."""

    @property
    def port(self) -> int:
        """The TCP port."""
        port = urlsplit(self.url).port
        assert port is not None
        return port

    def options(self) -> dict[str, Any]:
        """What S3 clients built on Rust's object_store need to be told."""
        return {
            "endpoint": self.url,
            "access_key_id": "key",
            "secret_access_key": "secret",
            "region": "us-east-1",
            "virtual_hosted_style_request": "false",
            "allow_http": "true",
        }

    def _ask(
        self, method: str, path: str, query: dict[str, str] | None = None, body: bytes | None = None
    ) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection(urlsplit(self.url).hostname or "", self.port, timeout=60)
        try:
            connection.request(method, f"/_admin/{path}{'?' if query else ''}{urlencode(query or {})}", body)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def _told(self, method: str, path: str, query: dict[str, str] | None = None, body: bytes | None = None) -> Any:
        status, answer = self._ask(method, path, query, body)
        told = json.loads(answer)
        if status != 200:
            raise ValueError(told["error"])
        return told

    def knobs(self) -> dict[str, Any]:
        """Every knob of `servers.knobs.Knobs` as it stands."""
        told: dict[str, Any] = self._told("GET", "knobs")
        return told

    def turn(self, **knobs: Any) -> None:
        """Turns some knobs: `turn(latency=0.02, faults=[{"kind": "reset", "every": 3}])`."""
        self._told("PATCH", "knobs", body=json.dumps(knobs).encode())

    def calm(self) -> None:
        """Every knob back to what a good server does."""
        self._told("PUT", "knobs", body=b"{}")

    def requests(self, **wanted: object) -> list[Entry]:
        """The lines of the ledger whose fields are as wanted: `requests(method="GET", status=404)`."""
        return [Entry(**line) for line in self._told("GET", "ledger", _words(wanted))]

    def counts(self, by: str = "operation", **wanted: object) -> dict[str, int]:
        """How many lines of the ledger each value of a field has: `counts() == {"GetObject": 3}`."""
        told: dict[str, int] = self._told("GET", "counts", {"by": by} | _words(wanted))
        return told

    def summary(self) -> dict[str, int]:
        """requests, in_flight, most_in_flight, connections, sent and received bytes."""
        told: dict[str, int] = self._told("GET", "summary")
        return told

    def settle(self, timeout: float = 10.0) -> None:
        """Waits until no request is under way: a client may have its answer before the ledger has its end."""
        end = time.monotonic() + timeout
        while self.summary()["in_flight"]:
            if time.monotonic() > end:
                raise TimeoutError(f"{self.summary()['in_flight']} requests are still under way after {timeout} s")
            time.sleep(0.001)

    def forget(self) -> None:
        """Empties the ledger."""
        self._told("DELETE", "ledger")

    def keys(self, prefix: str = "") -> list[str]:
        """The keys of the first bucket, in order."""
        told: list[str] = self._told("GET", "objects", {"prefix": prefix})
        return told

    def read(self, key: str) -> bytes | None:
        """An object of the first bucket, past ledger and knobs; None when there is none."""
        status, data = self._ask("GET", f"objects/{quote(key)}")
        return data if status == 200 else None

    def write(self, key: str, data: bytes) -> None:
        """Puts an object into the first bucket, past ledger and knobs."""
        self._ask("PUT", f"objects/{quote(key)}", body=data)

    def remove(self, key: str) -> None:
        """Removes an object of the first bucket, past ledger and knobs."""
        self._ask("DELETE", f"objects/{quote(key)}")

    def clear(self) -> None:
        """Empties every bucket."""
        self._told("DELETE", "objects")


def _words(wanted: dict[str, object]) -> dict[str, str]:
    return {name: str(value) for name, value in wanted.items()}


class ServerProcess(Steering):
    """A server in a process of its own: for benchmarks, and for clients that must not share a lock with it.

    Args:
        bucket: the name of its first bucket.
        port: the TCP port; 0 takes a free one.
        knobs: settings it starts with.
    """

    def __init__(self, bucket: str = "bucket", port: int = 0, **knobs: Any) -> None:
        words = [
            sys.executable,
            "-m",
            "servers.s3",
            "--bucket",
            bucket,
            "--port",
            str(port),
            "--knobs",
            json.dumps(knobs),
        ]
        path = os.pathsep.join([str(TESTS), *filter(None, [os.environ.get("PYTHONPATH")])])
        self._process = subprocess.Popen(
            words, stdout=subprocess.PIPE, text=True, cwd=TESTS, env=os.environ | {"PYTHONPATH": path}
        )
        assert self._process.stdout is not None
        url = self._process.stdout.readline().strip()
        if not url:
            self._process.stdout.close()
            raise RuntimeError(f"the server did not start: it ended with {self._process.wait()}")
        super().__init__(url, bucket)

    def stop(self) -> None:
        """Ends the process."""
        self._process.terminate()
        self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()
