"""A small S3 server, and plain web server, in memory: for tests and benchmarks.

As a process: `python -m servers.s3 --port 9000 --bucket data --latency 0.02` in the folder `tests`; the first line it
prints is its address. In a thread of the caller: `Server`. What both can be told, and what they tell, is in
`servers.steer`.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import json
import random
import signal
import threading
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from servers import plain, s3_buckets, s3_multipart, s3_objects
from servers.admin import PATH, steer
from servers.connection import Connection
from servers.contents import etag_of
from servers.faults import Fault
from servers.http1 import Reply, Request
from servers.knobs import Knobs
from servers.ledger import Entry
from servers.objects import Stored
from servers.pace import Pace
from servers.refusals import BY_STATUS, RefusalError, refusal
from servers.state import Operation, State, admit, place
from servers.steer import Steering

OPERATIONS: dict[str, Operation] = {
    **s3_objects.OPERATIONS,
    **s3_buckets.OPERATIONS,
    **s3_multipart.OPERATIONS,
    **plain.OPERATIONS,
}


class S3:
    """What answers: the knobs on the way in, an operation, the knobs on the way out."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.open: set[Connection] = set()
        self._shared = Pace()
        self._random = random.Random(state.knobs.seed)

    def began(self, request: Request, connection: int) -> Entry | None:
        if request.path.startswith(PATH):
            return None
        place(request, self.state.first if self.state.knobs.plain else "")
        return self.state.ledger.begin(
            request.method, request.bucket, request.key, request.operation, request.query, request.headers, connection
        )

    def take(self, connection: Connection, request: Request, entry: Entry | None) -> None:
        if entry is None:
            connection.answer(request, steer(self.state, request), None, request.keeps)
            return
        knobs = self.state.knobs
        fault = next((fault for fault in knobs.faults if fault.strikes(request)), None) if knobs.faults else None
        if fault is not None:
            entry.fault = fault.kind
        delay = knobs.latency + (knobs.jitter and self._random.random() * knobs.jitter)
        if delay:
            asyncio.get_running_loop().call_later(delay, self._act, connection, request, fault)
        else:
            self._act(connection, request, fault)

    def _act(self, connection: Connection, request: Request, fault: Fault | None) -> None:
        reply = Reply(500)
        if fault is None or fault.acts:
            reply = self.reply(request)
        if fault is not None and not fault.on_the_wire:
            reply = _spoilt(request, fault)
        most = self.state.knobs.requests_per_connection
        connection.answer(request, reply, fault, request.keeps and (not most or connection.answered + 1 < most))

    def reply(self, request: Request) -> Reply:
        """The answer of a server that works."""
        try:
            admit(self.state, request)
            return OPERATIONS.get(request.operation, _unknown)(self.state, request)
        except RefusalError as error:
            if error.code == "NotModified":
                return Reply(304, headers=error.headers)
            return refusal(request, error.code, headers=error.headers, told=error.told)
        except Exception:
            traceback.print_exc()
            return refusal(request, "InternalError")

    def ended(self, entry: Entry, status: int, sent: int) -> None:
        self.state.ledger.end(entry, status, sent)

    def paces(self) -> tuple[float, Pace | None]:
        knobs = self.state.knobs
        self._shared.rate = knobs.bandwidth
        return knobs.bandwidth_per_connection, self._shared if knobs.bandwidth else None


def _unknown(state: State, request: Request) -> Reply:
    """The answer to what no server here does."""
    raise RefusalError("NotImplemented" if request.query else "MethodNotAllowed")


def _spoilt(request: Request, fault: Fault) -> Reply:
    """The answer of a server that does not."""
    if fault.kind == "page":
        return plain.page(request, 200, "Please log in")
    headers = f"Retry-After: {fault.retry_after:g}\r\n" if fault.retry_after >= 0 else ""
    return refusal(request, fault.code or BY_STATUS.get(fault.status, "InternalError"), fault.status, headers)


async def serve(state: State, host: str, port: int, started: asyncio.Future[int], stop: asyncio.Event) -> None:
    """Serves until told to stop; `started` gets the port."""
    service = S3(state)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(service), host, port, backlog=1024)
    started.set_result(server.sockets[0].getsockname()[1])
    await stop.wait()
    # asyncio forgets a connection that it is taking up while its server closes: the client would wait for ever.
    while taking_up := asyncio.all_tasks() - {asyncio.current_task()}:
        await asyncio.wait(taking_up)
    server.close()
    for connection in list(service.open):
        connection.close()
    await asyncio.sleep(0)


class Server(Steering):
    """A server in a thread of this process. It starts when made, and as a context manager stops at the end.

    Args:
        bucket: the name of its first bucket.
        port: the TCP port; 0 takes a free one.
        knobs: settings it starts with, as in `Knobs`.
    """

    def __init__(self, bucket: str = "bucket", host: str = "127.0.0.1", port: int = 0, **knobs: Any) -> None:
        self.state = State(bucket, Knobs().told(knobs))
        self._ready = threading.Event()
        self._failed: BaseException | None = None
        self._host = host
        self._port = port
        self._thread = threading.Thread(target=self._run, name="servers.s3", daemon=True)
        self._thread.start()
        self._ready.wait()
        if self._failed is not None:
            raise self._failed
        super().__init__(f"http://{host}:{self._port}", bucket)

    def _run(self) -> None:
        try:
            asyncio.run(self._main())
        except BaseException as error:
            self._failed = error
            self._ready.set()

    async def _main(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        started = self._loop.create_future()

        def tell(port: asyncio.Future[int]) -> None:
            self._port = port.result()
            self._ready.set()

        started.add_done_callback(tell)
        await serve(self.state, self._host, self._port, started, self._stop)

    def stop(self) -> None:
        """Closes every connection and ends the thread."""
        super().stop()
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()


def load(state: State, folder: Path) -> None:
    """Takes every file below a folder into the first bucket."""
    for file in sorted(folder.rglob("*")):
        if file.is_file():
            data = file.read_bytes()
            state.bucket(state.first).put(file.relative_to(folder).as_posix(), Stored(data, etag_of(state, data), {}))


def main(words: Sequence[str] | None = None) -> None:
    """The process."""
    parser = argparse.ArgumentParser(
        prog="servers.s3", description="A small S3 server in memory, for tests and benchmarks."
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0, the default, takes a free one")
    parser.add_argument("--bucket", default="bucket", help="the name of the first bucket")
    parser.add_argument("--folder", type=Path, help="files to start with")
    parser.add_argument("--latency", type=float, default=0.0, help="seconds before each answer")
    parser.add_argument("--plain", action="store_true", help="a plain web server")
    parser.add_argument("--knobs", default="{}", help="further settings, as JSON")
    said = parser.parse_args(words)
    knobs = {"latency": said.latency, "plain": said.plain} | json.loads(said.knobs)
    state = State(said.bucket, Knobs().told(knobs))
    if said.folder is not None:
        load(state, said.folder)

    async def run() -> None:
        loop = asyncio.get_running_loop()
        stop = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop.set)
        started = loop.create_future()
        started.add_done_callback(lambda port: print(f"http://{said.host}:{port.result()}", flush=True))
        await serve(state, said.host, said.port, started, stop)

    # Every line of the ledger is an object that stays: collecting them over and over would show as latency.
    gc.set_threshold(200_000, 50, 100)
    asyncio.run(run())


if __name__ == "__main__":
    main()
