"""One connection: requests come off it one by one, answers go on it, as fast and as whole as the knobs say."""

from __future__ import annotations

import asyncio
import itertools
import socket
import struct
from collections.abc import Callable
from typing import Protocol

from servers.admin import PATH
from servers.faults import Fault
from servers.http1 import (
    MOST_HEAD,
    Body,
    Chunked,
    MalformedError,
    Reply,
    Request,
    Sized,
    framing,
    parse_head,
    render_head,
)
from servers.ledger import Entry
from servers.pace import Pace

JOINED = 160 * 1024
"""Head and body up to this long leave in one call to the system."""

STEERING = f" {PATH}".encode()

_NUMBERS = itertools.count(1)


class Service(Protocol):
    """What answers."""

    open: set[Connection]

    def began(self, request: Request, connection: int) -> Entry | None:
        """A head has arrived; None when the ledger does not hear of it."""

    def take(self, connection: Connection, request: Request, entry: Entry | None) -> None:
        """A whole request has arrived: `connection.answer` is called once, now or later."""

    def ended(self, entry: Entry, status: int, sent: int) -> None:
        """The last byte of an answer is gone; status 0 when there was none."""

    def paces(self) -> tuple[float, Pace | None]:
        """Bytes a second on each connection (0: no limit), and the pace that all share."""


class Connection(asyncio.Protocol):
    """The server's side of one TCP connection."""

    def __init__(self, service: Service) -> None:
        self.number = next(_NUMBERS)
        self.answered = 0
        self._service = service
        self._transport: asyncio.Transport | None = None
        self._inbox = bytearray()
        self._request: Request | None = None
        self._frame: Sized | Chunked = Sized(0)
        self._entry: Entry | None = None
        self._busy = False
        self._advancing = False
        self._when_drained: Callable[[], None] | None = None
        self._pace = Pace()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.set_write_buffer_limits(high=0)
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
        self._service.open.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._when_drained = None
        self._service.open.discard(self)
        if self._entry is not None and (self._request is not None or self._entry.status):
            self._end(self._entry.status, 0)

    def data_received(self, data: bytes) -> None:
        wait = self._time_on_the_wire(data)
        if wait < 0.001 or self._transport is None:
            self._arrived(data)
        else:
            self._transport.pause_reading()
            asyncio.get_running_loop().call_later(wait, self._arrived_late, data)

    def _arrived(self, data: bytes) -> None:
        self._inbox += data
        if not self._busy:
            self._advance()

    def _arrived_late(self, data: bytes) -> None:
        if self._transport is not None:
            self._arrived(data)
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    def resume_writing(self) -> None:
        then, self._when_drained = self._when_drained, None
        if then is not None:
            then()

    def close(self) -> None:
        """Closes at once, as a server does that goes away."""
        if self._transport is not None:
            self._transport.abort()

    def _advance(self) -> None:
        """Takes whole requests off the front of what arrived."""
        self._advancing = True
        try:
            while not self._busy and self._transport is not None:
                if self._request is None and not self._take_head():
                    return
                assert self._request is not None
                body = self._frame.take(self._inbox)
                if body is None:
                    return
                request, self._request = self._request, None
                request.body = body
                self._busy = True
                if self._entry is not None:
                    self._entry.received = len(body)
                self._service.take(self, request, self._entry)
        except MalformedError as error:
            self._refuse(error)
        finally:
            self._advancing = False

    def _take_head(self) -> bool:
        end = self._inbox.find(b"\r\n\r\n")
        if end < 0:
            if len(self._inbox) > MOST_HEAD:
                raise MalformedError("the head of a request does not end")
            return False
        request = parse_head(bytes(self._inbox[:end]))
        del self._inbox[: end + 4]
        self._frame = framing(request)
        self._request = request
        self._entry = self._service.began(request, self.number)
        if request.headers.get("expect", "").lower() == "100-continue" and self._transport is not None:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        return True

    def _refuse(self, error: MalformedError) -> None:
        if self._transport is None:
            return
        body = f"{error}\n".encode()
        if self._request is not None and self._entry is not None:
            self._end(400, len(body))
        self._busy = True
        self._transport.write(render_head(Reply(400, headers="Content-Type: text/plain\r\n"), len(body), False) + body)
        self._transport.close()

    def answer(self, request: Request, reply: Reply, fault: Fault | None, keeps: bool) -> None:
        """Sends the answer to the request that was taken, and takes the next when it is gone."""
        body: Body = reply.body
        length = len(body) if reply.length is None else reply.length
        self.answered += 1
        if self._entry is not None:
            self._entry.status = reply.status
        if self._transport is None:
            self._end(0, 0)
            return
        if fault is not None and fault.on_the_wire:
            self._answer_badly(fault, reply, length)
            return
        head = render_head(reply, length, keeps)
        each, shared = self._service.paces()
        if (each or shared) and self._entry is not None:
            self._send_slowly(head, memoryview(body), lambda: self._gone(len(body), keeps))
        else:
            self._send(head, body, lambda: self._gone(len(body), keeps))

    def _answer_badly(self, fault: Fault, reply: Reply, length: int) -> None:
        """Sends what a broken server or a broken wire would leave of an answer."""
        assert self._transport is not None
        body = reply.body
        half = len(body) // 2
        if fault.kind == "reset":
            self._transport.get_extra_info("socket").setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
            )
            self._transport.abort()
            self._end(0, 0)
        elif fault.kind == "short":
            self._send(render_head(reply, half if body else length, True), body[:half], lambda: self._gone(half, True))
        elif fault.kind == "long":
            self._send(render_head(reply, length + 7, False), body, lambda: self._gone(len(body), False))
        else:  # torn and stall: half of the body; where there is none, too little of the head to know the status
            head = render_head(reply, length, True)
            keeps_silent = fault.kind == "stall"
            head = head if body else head[:7]
            self._send(head, body[:half], lambda: None if keeps_silent else self._gone(half, False))

    def _send(self, head: bytes, body: Body, then: Callable[[], None]) -> None:
        transport = self._transport
        assert transport is not None
        if len(body) <= JOINED:
            transport.write(b"".join((head, body)) if body else head)
        else:
            transport.write(head)
            transport.write(body)
        if transport.get_write_buffer_size():
            self._when_drained = then
        else:
            then()

    def _send_slowly(self, head: bytes, body: memoryview, then: Callable[[], None]) -> None:
        """Sends pieces, each when a wire of the set bandwidth would have carried it."""
        if self._transport is None:
            return
        each, shared = self._service.paces()
        rate = min(rate for rate in (each, shared.rate if shared else 0.0, 1e12) if rate)
        size = int(min(max(rate / 200, 1024), 256 * 1024))
        piece, rest = body[:size], body[size:]
        wait = max(self._pace.wait(len(piece), each), shared.wait(len(piece)) if shared else 0.0)

        def send() -> None:
            if self._transport is not None:
                self._send(head, piece, (lambda: self._send_slowly(b"", rest, then)) if rest else then)

        asyncio.get_running_loop().call_later(wait, send)

    def _time_on_the_wire(self, data: bytes) -> float:
        """Seconds that a wire of the set bandwidth needs for what was received; steering is as fast as can be."""
        each, shared = self._service.paces()
        if not (each or shared):
            return 0.0
        if self._entry is None and (self._request is not None or STEERING in data[:32]):
            return 0.0
        return max(self._pace.wait(len(data), each), shared.wait(len(data)) if shared else 0.0)

    def _gone(self, sent: int, keeps: bool) -> None:
        """The last byte of an answer is gone."""
        if self._entry is not None:
            self._end(self._entry.status, sent)
        if self._transport is None:
            return
        if not keeps:
            self._transport.close()
            return
        self._busy = False
        if not self._advancing and self._inbox:
            self._advance()

    def _end(self, status: int, sent: int) -> None:
        entry, self._entry = self._entry, None
        if entry is not None:
            self._service.ended(entry, status, sent)
