"""The boundary: everything Python asks of the engine, on one page. Documentation lives with the callers."""

from collections.abc import Callable, Generator, Sequence
from typing import Any, Generic, Self, TypeVar, final

import numpy as np
from numpy.typing import NDArray

T = TypeVar("T")
Buffer = bytes | bytearray | memoryview | NDArray[Any]

# One axis of a settled selection: (start, step, count) inside the array, or the indices themselves, 1-d int64.
Axis = tuple[int, int, int] | NDArray[np.int64]

__version__: str
DEBUG: bool
CODECS: tuple[str, ...]
"""The names a lowered chain may use."""

@final
class Pending(Generic[T]):
    """Work that has been described and not started. One of its doors starts it."""

    def result(self) -> T: ...
    def __await__(self) -> Generator[Any, Any, T]: ...

@final
class Version:
    """What tells one content of a key from another."""

@final
class Held:
    """A lock. It ends with `release`, with this object, or with the process."""

    def release(self) -> None: ...

@final
class Claim:
    """Which objects of an append were put already, and which were there before."""

@final
class Store:
    """A place that keeps objects under keys. Made by the functions below."""

    url: str
    read_only: bool
    is_local: bool
    identity: str
    safety: str
    """What keeps writers of one object apart: "process", "locks", "conditions", "unproven" or "nothing"."""
    def with_read_only(self, read_only: bool = True) -> Store: ...
    def prefixed(self, prefix: str, url: str | None = None) -> Store: ...
    def get(self, key: str, start: int | None = None, stop: int | None = None) -> Pending[bytes | None]: ...
    def get_many(self, keys: Sequence[str]) -> Pending[list[bytes | None]]: ...
    def put(self, key: str, value: Buffer) -> Pending[None]: ...
    def put_if_absent(self, key: str, value: Buffer) -> Pending[bool]: ...
    def get_versioned(self, key: str) -> Pending[tuple[bytes, Version] | None]: ...
    def put_if_version(self, key: str, value: Buffer, version: Version | None) -> Pending[bool]:
        """Puts an object where it is still that version of it; where it is absent when that is `None`."""
    def unprotected(self, key: str) -> None:
        """Warns or refuses, as the setting says, before something is put that nothing protects."""
    def lock(self, prefix: str) -> Pending[Held | None]:
        """Waits for the lock of all below a prefix; `None` where there are no locks, or nothing is there."""
    def put_many(self, items: Sequence[tuple[str, Buffer]]) -> Pending[None]: ...
    def delete(self, keys: Sequence[str]) -> Pending[None]: ...
    def delete_prefix(self, prefix: str) -> Pending[int]: ...
    def move_prefix(self, source: str, target: str) -> Pending[None]: ...
    def copy_prefix(self, source: str, into: Store, target: str) -> Pending[int]: ...
    def list_dir(self, prefix: str) -> Pending[tuple[list[str], list[str]]]: ...
    def usage(self, prefix: str) -> Pending[tuple[int, int]]: ...
    def size(self, key: str) -> Pending[int | None]: ...
    def close(self) -> None: ...
    def listing(self, prefix: str, documents: Sequence[str]) -> Pending[Listing]: ...
    def list(self, prefix: str) -> Pending[list[str]]: ...

@final
class Listing:
    """The objects below a prefix in the order in which they are copied: documents, named by the caller, last."""

    objects: int
    bytes: int
    def nodes(self) -> list[tuple[str, int, int]]:
        """Path, objects and bytes of every node, by path."""
    def copy(self, into: Store, target: str, start: int, stop: int) -> Pending[int]: ...
    def delete(self, start: int, stop: int) -> Pending[int]:
        """Deletes objects, counted from the last of the order."""
    def sweep(self) -> Pending[None]:
        """Deletes directories and files that no listing shows."""

@final
class Stage:
    """A store whose documents are held back. `names` are those of documents; a node's last one makes it seen."""

    store: Store
    def __new__(cls, store: Store, names: Sequence[str]) -> Self: ...
    def publish(self) -> Pending[None]: ...
    def discard(self) -> Pending[None]: ...

def memory_store(
    initial: dict[str, bytes] | None = None, *, read_only: bool = False, url: str | None = None
) -> Store: ...
def living_memory_store(number: int) -> Store | None: ...
def local_store(root: str, *, read_only: bool = False, fsync: bool = False, follow_symlinks: bool = True) -> Store: ...
def zip_store(path: str, *, prefix: str = "") -> Store: ...
def remote_store(
    root: str,
    options: dict[str, str],
    rules: dict[str, str],
    *,
    sign: Callable[[str, str], tuple[str | None, list[tuple[str, str]]]] | None = None,
    credentials: Callable[[], tuple[str, str, str | None, float | None]] | None = None,
    distinct: str = "",
    from_environment: bool = True,
    read_only: bool = False,
) -> Store: ...
def python_store(store: object, *, read_only: bool = False) -> Store: ...
def references_store(rest: Store, objects: Store, folder: str, load: Callable[[str], Any]) -> Store: ...
def recorded_store(store: Store) -> Store: ...
def cached_store(store: Store, max_bytes: int, *, folder: str | None = None, check_s: float | None = None) -> Store: ...
def overlay_store(lower: Store, upper: Store) -> Store: ...
def get_parts(store: Store, parts: Sequence[tuple[str, int | None, int | None, bool]]) -> Pending[list[bytes | None]]:
    """Parts of objects, all asked for at once; the flag makes a failure at a key an answer like a missing one."""

def unpacked(raw: bytes, codec: str, most_bytes: int) -> Pending[bytes]: ...
def recorded(store: Store) -> list[tuple[str, str, int | None, int | None]]: ...

@final
class Program:
    """One array's lowered document, compiled. Immutable and shared between handles."""

    def __new__(cls, document: str, codecs: Sequence[object] = ...) -> Self: ...

@final
class Cells:
    """The cells of one array: a program bound to a store and a path."""

    def __new__(
        cls,
        program: Program,
        store: Store,
        path: str,
        dtype: np.dtype[Any],
        finish: Callable[[list[Any], tuple[int, ...]], NDArray[Any]] | None = None,
        keeps_decoded: bool | None = None,
    ) -> Self: ...
    def get(self, key: Any) -> Any:
        """The cells of a basic key (ints, slices, `...`); `NotImplemented` for any other key and out of bounds."""
    def set(self, key: Any, values: NDArray[Any]) -> bool:
        """Writes a basic key; `False`, and nothing written, when the key is anything else."""
    def read(self, axes: Sequence[Axis], drop: Sequence[int], out: NDArray[Any] | None) -> Pending[NDArray[Any]]: ...
    def write(self, axes: Sequence[Axis], values: NDArray[Any]) -> Pending[None]: ...
    def write_claimed(self, axes: Sequence[Axis], values: NDArray[Any], claim: Claim) -> Pending[bool]:
        """Writes what nobody else may write; `False` when objects were met that have to be claimed first."""
    def read_points(self, points: Sequence[NDArray[np.int64]], out: NDArray[Any] | None) -> Pending[NDArray[Any]]: ...
    def write_points(self, points: Sequence[NDArray[np.int64]], values: NDArray[Any]) -> Pending[None]: ...
    def chunk_key(self, index: Sequence[int]) -> str: ...

def configure(
    *, threads: int | None = None, memory_bytes: int | None = None, recycle_bytes: int | None = None
) -> dict[str, int]: ...
def configure_caches(decoded_bytes: int | None, fresh_s: float) -> None: ...
def pause(seconds: float) -> Pending[None]: ...
def unsafe_writes(policy: str) -> None:
    """What becomes of partial writes that nothing protects: "warn", "refuse" or "allow"."""

def stats(reset: bool = False) -> dict[str, dict[str, int]]: ...
