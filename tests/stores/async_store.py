"""A store of another library, as tests make one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any


class AsyncStore:
    """A store with zarr-python's interface and nothing of zarr-python, which counts the calls under way together."""

    read_only = False

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.under_way = self.most = self.gets = 0

    async def get(self, key: str, prototype: Any, byte_range: Any = None) -> Any:
        self.gets += 1
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        await asyncio.sleep(0.002)
        self.under_way -= 1
        found = self.objects.get(key)
        if found is None:
            return None
        if hasattr(byte_range, "suffix"):
            found = found[max(len(found) - byte_range.suffix, 0) :]
        elif hasattr(byte_range, "offset"):
            found = found[byte_range.offset :]
        elif byte_range is not None:
            found = found[byte_range.start : byte_range.end]
        return prototype.buffer.from_bytes(found)

    async def set(self, key: str, value: Any) -> None:
        self.objects[key] = value.to_bytes()

    async def delete(self, key: str) -> None:
        self.objects.pop(key, None)

    async def exists(self, key: str) -> bool:
        return key in self.objects

    async def getsize(self, key: str) -> int:
        if key not in self.objects:
            raise FileNotFoundError(key)
        return len(self.objects[key])

    async def list(self) -> AsyncIterator[str]:
        for key in sorted(self.objects):
            yield key

    async def list_prefix(self, prefix: str) -> AsyncIterator[str]:
        for key in sorted(self.objects):
            if key.startswith(prefix):
                yield key

    async def list_dir(self, prefix: str) -> AsyncIterator[str]:
        below = f"{prefix}/" if prefix else ""
        names = {key.removeprefix(below).split("/")[0] for key in self.objects if key.startswith(below)}
        for name in sorted(names):
            yield name
