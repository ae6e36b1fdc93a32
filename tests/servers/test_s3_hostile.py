"""Nothing that arrives brings the server of the tests down."""

from __future__ import annotations

import asyncio
import re
from typing import Any

from hypothesis import given, strategies as st

from servers.connection import Connection
from servers.objects import Stored
from servers.s3 import S3
from servers.state import State

GOOD = [
    b"GET /bucket/a HTTP/1.1\r\nRange: bytes=0-4\r\nIf-Modified-Since: Fri, 01 Jan 2100 00:00:00 GMT\r\n\r\n",
    b"PUT /bucket/b HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    b"PUT /bucket/b HTTP/1.1\r\nContent-Encoding: aws-chunked\r\nContent-Length: 12\r\n\r\n2\r\nab\r\n0\r\n\r\n",
    b"GET /bucket?list-type=2&max-keys=3&prefix=%C3%A9&continuation-token=a2E= HTTP/1.1\r\n\r\n",
    b"POST /bucket?delete HTTP/1.1\r\nContent-Length: 46\r\n\r\n<Delete><Object><Key>a</Key></Object></Delete>",
    b"PUT /bucket/b?partNumber=1&uploadId=x HTTP/1.1\r\nx-amz-copy-source: /bucket/a\r\n\r\n",
]


class Wire(asyncio.Transport):
    """A transport that keeps what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.heard = b""
        self.closed = False

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        class Socket:
            def setsockopt(self, *of: object) -> None:
                pass

        return Socket()

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass

    def get_write_buffer_size(self) -> int:
        return 0

    def write(self, data: Any) -> None:
        assert not self.closed
        self.heard += bytes(data)

    def close(self) -> None:
        self.closed = True


@given(
    st.sampled_from(GOOD),
    st.lists(st.tuples(st.integers(0, 160), st.integers(0, 3), st.binary(max_size=6)), max_size=4),
    st.integers(1, 64),
)
def test_damaged_requests_are_answered_and_never_with_a_bug(
    said: bytes, changes: list[tuple[int, int, bytes]], step: int
) -> None:
    for at, taken, put in changes:
        said = said[:at] + put + said[at + taken :]
    state = State("bucket")
    state.bucket("bucket").put("a", Stored(b"0123456789", '"x"', {}))
    wire = Wire()
    connection = Connection(S3(state))
    connection.connection_made(wire)
    for start in range(0, len(said), step):
        if not wire.closed:
            connection.data_received(said[start : start + step])
    connection.connection_lost(None)
    assert b" 500 " not in wire.heard
    assert re.match(rb"HTTP/1\.1 [1-5]\d\d |$", wire.heard)
    assert state.ledger.in_flight == 0
