"""Every error and warning of zarrite, in one tree.

```
ZarriteError                        everything zarrite raises by design
├── BaseZarrError(ValueError)       something about a node, its document or its data is wrong
│   ├── NodeNotFoundError(FileNotFoundError)
│   │   ├── ArrayNotFoundError
│   │   └── GroupNotFoundError
│   ├── ContainsArrayError, ContainsGroupError, ContainsArrayAndGroupError
│   ├── NodeExistsError(FileExistsError)
│   ├── MetadataValidationError
│   │   └── NodeTypeValidationError, MetadataTypeError(TypeError), NotJsonError(TypeError)
│   ├── UnknownCodecError, UnknownNameError(KeyError)
│   ├── ChunkError: ChunkDecodeError, ChunkEncodeError, ChunkNotFoundError
│   ├── ProgramError, KeyRefusedError, UrlError, PickleCodecDisabledError
│   └── ReadOnlyError(PermissionError)
├── StoreError(OSError)             the place that keeps the objects failed
│   ├── StoreNotFoundError(FileNotFoundError)
│   └── StorePermissionError(PermissionError)
├── ArrayIndexError, BoundsCheckError, NegativeStepError, VindexInvalidSelectionError   (IndexError)
├── DataTypeValidationError(ValueError)
├── ConflictError(RuntimeError)     somebody else committed what a transaction wrote
├── HandleError(TypeError)          a handle that cannot travel to where it was sent
├── LimitError(MemoryError)
├── UnsupportedError(NotImplementedError)   what a store cannot do, or zarrite does in another way
└── MissingDependencyError(ImportError)
```

Names and builtin parents are zarr-python's where it has the idea, so `except` clauses keep working.
Messages name the thing, the place and the way out; the same facts are attributes for programs.
"""

from __future__ import annotations

import errno as errno_
from collections.abc import Iterable
from typing import Any

__all__ = [
    "ArrayIndexError",
    "ArrayNotFoundError",
    "BaseZarrError",
    "BoundsCheckError",
    "ChunkDecodeError",
    "ChunkEncodeError",
    "ChunkError",
    "ChunkNotFoundError",
    "ConflictError",
    "ContainsArrayAndGroupError",
    "ContainsArrayError",
    "ContainsGroupError",
    "DataTypeValidationError",
    "GroupNotFoundError",
    "HandleError",
    "KeyRefusedError",
    "LimitError",
    "MetadataTypeError",
    "MetadataValidationError",
    "MissingDependencyError",
    "NegativeStepError",
    "NodeExistsError",
    "NodeNotFoundError",
    "NodeTypeValidationError",
    "NotJsonError",
    "PickleCodecDisabledError",
    "ProgramError",
    "ReadOnlyError",
    "StoreError",
    "StoreNotFoundError",
    "StorePermissionError",
    "UnknownCodecError",
    "UnknownNameError",
    "UnsafeWriteError",
    "UnsafeWriteWarning",
    "UnstableSpecificationWarning",
    "UnsupportedError",
    "UrlError",
    "VindexInvalidSelectionError",
    "ZarrDeprecationWarning",
    "ZarrFutureWarning",
    "ZarrRuntimeWarning",
    "ZarrUserWarning",
    "ZarriteError",
]


class ZarriteError(Exception):
    """Anything zarrite refuses or reports. Its text is one sentence or two, ready to be shown."""

    def __str__(self) -> str:
        # Builtin parents such as KeyError and OSError print themselves in their own way; the sentence is what counts.
        return " ".join(str(part) for part in self.args)

    def __reduce__(self) -> tuple[Any, ...]:
        # Subclasses take facts and build the sentence; every one also takes a finished sentence, as here, and the facts
        # then return as attributes.
        state = dict(self.__dict__)
        number = getattr(self, "errno", None)
        return _restore, (type(self), self.args, state, number)


def _restore(cls: type[ZarriteError], args: tuple[Any, ...], state: dict[str, Any], number: int | None) -> ZarriteError:
    error = cls(*args)
    error.args = args
    error.__dict__.update(state)
    if isinstance(error, OSError):
        error.errno = number
    return error


def meant(name: object, known: Iterable[str]) -> str:
    """Which of the known names somebody may have meant, as the end of a sentence; "" where none is like it."""
    import difflib

    if not isinstance(name, str):
        return ""
    plain = {other.casefold(): other for other in known}
    near = [plain[close] for close in difflib.get_close_matches(name.casefold(), plain, 3, 0.7)]
    return f"; did you mean {' or '.join(map(repr, near))}?" if near else ""


def _at(store: object, path: str) -> str:
    return f"at path {path!r} in {store}" if path else f"at {store}"


class BaseZarrError(ZarriteError, ValueError):
    """Something about a node, its document or its data is wrong."""


# ---------------------------------------------------------------- nodes


class NodeNotFoundError(BaseZarrError, FileNotFoundError):
    """No array or group at a path.

    Attributes:
        store: where we looked, as a URL.
        path: the path inside the store.
        tried: the keys we asked for, in order.
        near: names beside it that are like its own.
        instead: what is there instead, in words; "" where nothing is known of it.
        absent: whether the place itself is not there, the folder of a store on this machine.
        kind: what was looked for, in words.
    """

    kind = "array or group"

    def __init__(
        self,
        store: object = "",
        path: str | None = None,
        tried: tuple[str, ...] = (),
        near: tuple[str, ...] = (),
        instead: str = "",
        absent: bool = False,
        kind: str = "",
    ) -> None:
        self.store = store
        self.kind = kind or self.kind
        self.path = path
        self.tried = tuple(tried)
        self.near = tuple(near)
        self.instead = instead
        self.absent = absent
        if path is None:
            sentence = str(store)
        else:
            looked = f"; looked for {', '.join(self.tried)}" if self.tried else ""
            meant = f"; did you mean {' or '.join(map(repr, self.near))}?" if self.near else ""
            there = f"; {instead}" if instead else ""
            lost = ", which does not exist" if absent else ""
            sentence = f"no {self.kind} {_at(store, path)}{lost}{looked}{there}{meant}"
        super().__init__(sentence)


class ArrayNotFoundError(NodeNotFoundError):
    """No array at a path."""

    kind = "array"


class GroupNotFoundError(NodeNotFoundError):
    """No group at a path."""

    kind = "group"


REPLACE = "pass overwrite=True (or mode='w') to replace it"


class _ContainsError(BaseZarrError):
    kind = "node"

    def __init__(self, store: object = "", path: str | None = None) -> None:
        self.store = store
        self.path = path
        if path is None:
            sentence = str(store)
        else:
            sentence = f"{self.kind} is already {_at(store, path)}; {REPLACE}"
        super().__init__(sentence)


class ContainsArrayError(_ContainsError):
    """An array is where something new was to be made."""

    kind = "an array"


class ContainsGroupError(_ContainsError):
    """A group is where something new was to be made."""

    kind = "a group"


class ContainsArrayAndGroupError(_ContainsError):
    """Documents of an array and of a group are both at one path."""

    kind = "an array and also a group"


class NodeExistsError(BaseZarrError, FileExistsError):
    """Something is where mode "w-" was to make a new node."""


class MetadataValidationError(BaseZarrError):
    """A metadata document, or a value meant for one, is not what the format allows.

    Takes a sentence, or what was wrong, what was expected and what was found.
    """

    def __init__(self, *args: object) -> None:
        if len(args) == 3:
            what, expected, found = args
            super().__init__(f"{what} must be {expected}, not {found!r}")
        else:
            super().__init__(*args)


class MetadataTypeError(MetadataValidationError, TypeError):
    """A value of the wrong type, such as a fraction or a text where a count belongs."""


class NotJsonError(MetadataValidationError, TypeError):
    """An attribute, or another value for a metadata document, that JSON has no form for."""


class NodeTypeValidationError(MetadataValidationError):
    """A group was found where an array was asked for, or the other way round."""


class UnknownCodecError(BaseZarrError):
    """No codec has the name a document uses."""


class UnknownNameError(BaseZarrError, KeyError):
    """A name that no registry, field list or table knows."""


class PickleCodecDisabledError(BaseZarrError):
    """Cells are Python pickles, which run code when they are read, and no setting allows that by name."""


# ---------------------------------------------------------------- chunks


class ChunkError(BaseZarrError):
    """Something is wrong with one stored chunk or shard.

    Attributes:
        array: path of the array.
        key: key of the stored object.
        why: what went wrong.
        url: the store that holds it.
    """

    verb = "use"
    way_out = ""

    def __init__(self, array: str = "", key: str | None = None, why: str = "", url: str = "") -> None:
        self.array = array
        self.key = key
        self.why = why
        self.url = url
        if key is None:
            sentence = str(array)
        else:
            sentence = f"cannot {self.verb} chunk {key!r} of {self.named()}: {why}{self.way_out}"
        super().__init__(sentence)

    def named(self) -> str:
        """The array in words: its path, and the store that it is in."""
        if not self.url:
            return f"array {self.array!r}"
        return f"array {self.array!r} in {self.url}" if self.array else f"the array {self.url}"


class ChunkDecodeError(ChunkError):
    """Stored bytes do not decode to the chunk they should hold."""

    verb = "decode"
    way_out = "; the object is damaged or was written with other codecs, rewrite it or delete it to read fill values"


class ChunkEncodeError(ChunkError):
    """Cells cannot be encoded by the array's codecs."""

    verb = "encode"


class ChunkNotFoundError(ChunkError):
    """A chunk was never written and the array is configured to report that (`read_missing_chunks=False`)."""

    def __init__(self, array: str = "", key: str | None = None, url: str = "") -> None:
        super().__init__(array, key, "it is not in the store", url)
        if key is not None:
            sentence = (
                f"chunk {key!r} of {self.named()} is not in the store; "
                "open the array with config={'read_missing_chunks': True} to read fill values there"
            )
            self.args = (sentence,)


class ProgramError(BaseZarrError):
    """An array's codecs or grid do not fit together.

    Attributes:
        why: what does not fit.
    """

    def __init__(self, why: str = "") -> None:
        self.why = why
        super().__init__(why)


class IrregularGridError(BaseZarrError, NotImplementedError):
    """One shape was asked of chunks that have several; `read_chunk_sizes` and `write_chunk_sizes` list them."""


class KeyRefusedError(BaseZarrError):
    """A key that would leave its store, or that no store can keep.

    Attributes:
        key: the key.
        why: what is wrong with it.
    """

    def __init__(self, key: str = "", why: str | None = None) -> None:
        self.key = key
        self.why = why
        super().__init__(str(key) if why is None else f"key {key!r} is refused: {why}")


class UrlError(BaseZarrError):
    """A URL or path that names no place zarrite can open."""


WEB = "a web server takes no writes: write to files or to a bucket, and let the server give them out"


class ReadOnlyError(BaseZarrError, PermissionError):
    """A write to something that was opened for reading.

    Attributes:
        url: the store.
        why: what cannot be written at all, and what can be done; "" where the mode alone forbids it.
    """

    def __init__(self, url: str = "", why: str = "") -> None:
        self.url = url
        self.why = why
        way = why or (WEB if url.startswith(("http://", "https://")) else "open it with mode='r+' (or 'a') to write")
        super().__init__(f"{url} is open for reading only; {way}")


# ---------------------------------------------------------------- stores


FULL = "; make room and write again: what was there before is as it was"
WAYS_OUT = {getattr(errno_, name, 0): FULL for name in ("ENOSPC", "EDQUOT", "EFBIG")}


class StoreError(ZarriteError, OSError):
    """The store could not do what was asked: disk full, connection lost, permission denied.

    Attributes:
        key: the object's key.
        why: what the system said.
        errno: the system's number for it, when it has one.
        url: the store.
    """

    def __init__(self, key: str = "", why: str | None = None, errno: int | None = None, url: str = "") -> None:
        place = f"{key} in {url}" if url and url != key else key
        super().__init__(key if why is None else f"{place}: {why}{WAYS_OUT.get(errno or -1, '')}")
        self.key = key
        self.why = why
        self.errno = errno
        self.url = url


class StoreNotFoundError(StoreError, FileNotFoundError):
    """The store itself is not there."""


class StorePermissionError(StoreError, PermissionError):
    """The system does not let us read or write there."""


class UnsafeWriteError(StoreError):
    """A part of an object would be written where nothing keeps other writers of it apart, and a setting refuses that.

    The setting is `array.unsafe_writes`.
    """


# ---------------------------------------------------------------- selections and values


class ArrayIndexError(ZarriteError, IndexError):
    """A selection that does not fit the array: too many indices, wrong kinds, wrong lengths."""


class BoundsCheckError(ArrayIndexError):
    """An index outside its axis."""


class NegativeStepError(ArrayIndexError):
    """A step of zero or below where none is allowed."""


class VindexInvalidSelectionError(ArrayIndexError):
    """A key that `vindex` cannot use: it takes one integer array (or integer) an axis, or one mask."""


class DataTypeValidationError(ZarriteError, ValueError):
    """A data type that cannot be stored, or a value that does not fit one."""


class ConflictError(ZarriteError, RuntimeError):
    """A transaction was not committed: the branch got another commit meanwhile.

    Attributes:
        conflicts: what both changed, as `(path, what, regions)`: an array or group, the kind of conflict in words, and
            the regions of the array as tuples of slices. Empty where nothing was changed by both.
    """

    def __init__(self, message: str = "", conflicts: Any = ()) -> None:
        self.conflicts = tuple(conflicts)
        super().__init__(message)


class UnsupportedError(ZarriteError, NotImplementedError):
    """What a store cannot do, or what zarrite does in another way; the sentence says how."""


class HandleError(ZarriteError, TypeError):
    """A handle was sent somewhere it cannot work, such as a memory store to another process."""


class LimitError(ZarriteError, MemoryError):
    """A request would need more memory than the machine or the budget has.

    Attributes:
        why: how much was asked and how much there is.
    """

    def __init__(self, why: str = "") -> None:
        self.why = why
        super().__init__(why)


class MissingDependencyError(ZarriteError, ImportError):
    """An optional package is needed and not installed.

    Attributes:
        package: what is missing.
        extra: the extra of zarrite that brings it.
    """

    def __init__(self, package: str = "", purpose: str | None = None, extra: str | None = None) -> None:
        self.package = package
        self.extra = extra
        if purpose is None:
            sentence = package
        else:
            way = f"pip install 'zarrite[{extra}]'" if extra else f"pip install {package}"
            sentence = f"{purpose} needs {package}, which is not installed; {way}"
        super().__init__(sentence)


# ---------------------------------------------------------------- warnings


class ZarrUserWarning(UserWarning):
    """Something worth knowing that is not an error."""


class ZarrDeprecationWarning(DeprecationWarning):
    """A name or a keyword that will go away."""


class ZarrFutureWarning(FutureWarning):
    """Behaviour that will change."""


class UnsafeWriteWarning(ZarrUserWarning):
    """A part of an object was written where nothing keeps other writers of it apart. Told once for each store."""


class UnstableSpecificationWarning(ZarrFutureWarning):
    """Data written with a feature that no specification fixes yet."""


class ZarrRuntimeWarning(RuntimeWarning):
    """Something dubious seen while running."""
