"""What the tests of stores on a network share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import zarrite
from servers.steer import Steering
from zarrite._engine import Store
from zarrite.stores.remote import remote_store

CELLS = np.arange(1, 4097, dtype="i4").reshape(64, 64)


def options(server: Steering, **more: Any) -> dict[str, Any]:
    """What fsspec's users type for a server, with patience that suits a test."""
    return {"endpoint_url": server.url, "key": "key", "secret": "secret", "retry_timeout": 20} | more


def store_at(server: Steering, path: str = "data", **more: Any) -> Store:
    """A place on a server."""
    return remote_store(f"s3://{server.bucket}/{path}", options(server, **more))


def made(server: Steering, path: str = "a", **settings: Any) -> zarrite.Array:
    """An array of 16 chunks on a server, with `CELLS` in it; read it through a handle of your own."""
    array = zarrite.create_array(
        store_at(server, path), shape=(64, 64), dtype="i4", **{"chunks": (16, 16), "compressors": None} | settings
    )
    array[...] = CELLS
    server.settle()
    server.forget()
    return array


def opened(server: Steering, path: str = "a", mode: str = "r", **more: Any) -> zarrite.Array:
    """The array that `made` made, by a fresh handle."""
    return zarrite.open_array(f"s3://{server.bucket}/{path}", mode=mode, storage_options=options(server, **more))


def asked(server: Steering, what: Callable[[], Any]) -> list[tuple[str, str, str, int]]:
    """The requests that something costs: method, key, range, status."""
    server.settle()
    server.forget()
    what()
    server.settle()
    return [(line.method, line.key, line.range, line.status) for line in server.requests()]
