"""Errors: their builtin parents, their facts, and that they travel."""

from __future__ import annotations

import builtins
import errno
import inspect
import pickle

import pytest

import zarrite
from zarrite import errors

PARENTS: dict[str, tuple[type[BaseException], ...]] = {
    "NodeNotFoundError": (ValueError, FileNotFoundError),
    "ArrayNotFoundError": (errors.NodeNotFoundError, ValueError, FileNotFoundError),
    "GroupNotFoundError": (errors.NodeNotFoundError, ValueError, FileNotFoundError),
    "ContainsArrayError": (ValueError,),
    "ContainsGroupError": (ValueError,),
    "ContainsArrayAndGroupError": (ValueError,),
    "MetadataValidationError": (errors.BaseZarrError, ValueError),
    "NodeTypeValidationError": (errors.MetadataValidationError, ValueError),
    "UnknownCodecError": (errors.BaseZarrError, ValueError),
    "ChunkNotFoundError": (errors.BaseZarrError, ValueError),
    "ChunkDecodeError": (errors.BaseZarrError, ValueError),
    "ChunkEncodeError": (errors.BaseZarrError, ValueError),
    "PickleCodecDisabledError": (errors.BaseZarrError,),
    "DataTypeValidationError": (ValueError,),
    "BoundsCheckError": (IndexError,),
    "NegativeStepError": (IndexError,),
    "VindexInvalidSelectionError": (IndexError,),
    "ArrayIndexError": (IndexError,),
    "ReadOnlyError": (errors.BaseZarrError, PermissionError, ValueError),
    "StoreError": (OSError,),
    "StoreNotFoundError": (errors.StoreError, FileNotFoundError),
    "StorePermissionError": (errors.StoreError, PermissionError),
    "NodeExistsError": (FileExistsError, ValueError),
    "UnknownNameError": (KeyError, ValueError),
    "LimitError": (MemoryError,),
    "HandleError": (TypeError,),
    "MissingDependencyError": (ImportError,),
    "ZarrUserWarning": (UserWarning,),
    "ZarrDeprecationWarning": (DeprecationWarning,),
    "ZarrFutureWarning": (FutureWarning,),
    "UnstableSpecificationWarning": (errors.ZarrFutureWarning,),
    "ZarrRuntimeWarning": (RuntimeWarning,),
}


@pytest.mark.parametrize("name", PARENTS)
def test_an_error_is_caught_as_what_it_is(name: str) -> None:
    for parent in PARENTS[name]:
        assert issubclass(getattr(errors, name), parent)


def test_every_error_has_one_root() -> None:
    for name in errors.__all__:
        found = getattr(errors, name)
        assert issubclass(found, (errors.ZarriteError, builtins.Warning)), name
        assert inspect.getdoc(found), name


def test_zarr_pythons_errors_are_all_here() -> None:
    theirs = pytest.importorskip("zarr").errors
    names = [
        name for name, found in vars(theirs).items() if isinstance(found, type) and found.__module__ == "zarr.errors"
    ]
    assert [name for name in names if not hasattr(errors, name)] == []
    for name in names:
        expected = {base for base in getattr(theirs, name).__mro__ if base.__module__ == "builtins"}
        assert expected <= set(getattr(errors, name).__mro__), name


EXAMPLES: list[tuple[errors.ZarriteError, str]] = [
    (
        errors.NodeNotFoundError("memory://1", "a", ("a/x", "a/y")),
        "no array or group at path 'a' in memory://1; looked for a/x, a/y",
    ),
    (errors.ArrayNotFoundError("file:///d", "a/b"), "no array at path 'a/b' in file:///d"),
    (errors.GroupNotFoundError("a plain sentence"), "a plain sentence"),
    (
        errors.ContainsArrayError("memory://1", "a"),
        "an array is already at path 'a' in memory://1; pass overwrite=True",
    ),
    (errors.MetadataValidationError("shape", "a list", 3), "shape must be a list, not 3"),
    (errors.MetadataValidationError("one sentence"), "one sentence"),
    (
        errors.ChunkDecodeError("a", "a/c/0", "zstd: wrong magic"),
        "cannot decode chunk 'a/c/0' of array 'a': zstd: wrong magic",
    ),
    (errors.ChunkNotFoundError("a", "a/c/0"), "chunk 'a/c/0' of array 'a' is not in the store"),
    (errors.StoreError("a/c/0", "No space left on device", errno.ENOSPC), "a/c/0: No space left on device"),
    (errors.StorePermissionError("a", "denied", errno.EACCES), "a: denied"),
    (errors.ReadOnlyError("file:///d"), "file:///d is open for reading only; open it with mode='r+'"),
    (errors.KeyRefusedError("../a", "it leaves the store"), "key '../a' is refused: it leaves the store"),
    (errors.LimitError("too much"), "too much"),
    (errors.UnknownNameError("no codec is called x"), "no codec is called x"),
    (errors.MissingDependencyError("rich", "drawing bars", "cli"), "pip install 'zarrite[cli]'"),
    (errors.MissingDependencyError("rich", "drawing bars"), "pip install rich"),
    (errors.BoundsCheckError("index 3 is outside"), "index 3 is outside"),
]


@pytest.mark.parametrize(("error", "says"), EXAMPLES, ids=lambda value: type(value).__name__)
def test_the_sentence_names_thing_place_and_way_out(error: errors.ZarriteError, says: str) -> None:
    assert says in str(error)


@pytest.mark.parametrize("error", [error for error, _ in EXAMPLES], ids=lambda error: type(error).__name__)
def test_an_error_travels_with_its_facts(error: errors.ZarriteError) -> None:
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert str(again) == str(error)
    assert again.__dict__ == error.__dict__
    assert getattr(again, "errno", None) == getattr(error, "errno", None)


def test_facts_are_there_for_programs() -> None:
    error = errors.ChunkDecodeError(array="a", key="a/c/0", why="x")
    assert (error.array, error.key, error.why) == ("a", "a/c/0", "x")
    failed = errors.StoreError(key="k", why="full", errno=errno.ENOSPC)
    assert (failed.errno, failed.key, failed.why) == (errno.ENOSPC, "k", "full")


def test_a_damaged_chunk_names_array_and_key() -> None:
    array = zarrite.create_array({}, name="deep/a", data=[1, 2, 3])
    array.store.put("deep/a/c/0", b"damaged").result()
    with pytest.raises(errors.ChunkDecodeError, match="chunk 'deep/a/c/0' of array 'deep/a'"):
        array[:]
    array[:] = 5
    assert array[:].tolist() == [5, 5, 5]
