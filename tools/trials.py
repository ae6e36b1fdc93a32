"""Finds out what works by trying it: tiny arrays of every data type and with every codec, written and read back.

What is listed in the registries is tried, and what comes back equal counts. Nothing about a type or codec is said here,
but for parameters that have no default.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import itertools
import json
import math
import re
import warnings
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

import zarrite
from zarrite import config
from zarrite.codecs import BytesCodec, GzipCodec, TransposeCodec
from zarrite.errors import ZarriteError
from zarrite.model import dtype_names
from zarrite.model.chain import BUILT_IN, CODECS
from zarrite.model.codecs import Codec

NEWEST = 3
FORMATS = (NEWEST, 2)
SHAPE, CHUNKS = (2, 6), (2, 4)

PARAMETRISED: dict[str, Any] = {
    "fixed_length_utf32": {"length_bytes": 8},
    "null_terminated_bytes": {"length_bytes": 3},
    "raw_bytes": {"length_bytes": 3},
    "numpy.datetime64": {"unit": "s", "scale_factor": 1},
    "numpy.timedelta64": {"unit": "ms", "scale_factor": 10},
    "struct": {"fields": [{"name": "x", "data_type": "int16"}, {"name": "y", "data_type": "float64"}]},
    "structured": {"fields": [["x", "int16"], ["y", "float64"]]},
    "fixed_size_list": {"base_data_type": "int16", "list_size": 3},
    "optional": {"name": "int32", "configuration": {}},
    "zarrs.optional": {"name": "int32", "configuration": {}},
}
"""Parameters of the data types that need some, by name."""

ARGUMENTS: dict[str, tuple[Any, ...]] = {
    "order": ((1, 0),),
    "chunk_shape": ((1, 2), (2, 2)),
    "dtype": ("<i4", "<f4", "|b1", "|O"),
    "encode_dtype": ("<i8",),
    "decode_dtype": ("<i4",),
    "data_type": ("int16", "int64", "float64"),
    "digits": (2,),
    "offset": (0,),
    "scale": (1,),
    "keepbits": (8,),
    "mode": ("reversible",),
    "shape": ((4, 2), ((0, 1),), (8,)),
    "codecs": ((), (TransposeCodec((1, 0)), BytesCodec("big")), (GzipCodec(1),)),
    "mask_codecs": ((BytesCodec(),),),
    "data_codecs": ((BytesCodec("little"),),),
    "level": (1,),
    "labels": (("a", "b"),),
    "id": ("zlib",),
    "name": ("zlib",),
}
"""What to try for parameters of codecs that have no default, by their names."""

TYPES = ("int32", "float32", "bool", "uint8", "string", "bytes", "O")
"""Data types that a codec is tried with first, until one works; then come all others."""


class Trial(NamedTuple):
    """What came of trying something in one format.

    Attributes:
        read: whether cells come back equal.
        write: whether it can be written by a user who asks for nothing but it.
        spelling: how documents of the format name it.
        setting: the setting that had to be given before it could be written, or "".
    """

    read: bool = False
    write: bool = False
    spelling: str = ""
    setting: str = ""


def settings() -> Iterator[str]:
    """Nothing, and then each setting that allows what no specification has fixed yet."""
    yield ""
    for key, value in config.flat.items():
        if value is False and ("experimental" in key or "unsafe" in key or key == "array.rectilinear_chunks"):
            yield key


# ------------------------------------------------------------------ cells


def candidates(array: zarrite.Array) -> Iterator[Any]:
    """Cells for an array, the most telling first."""
    count, dtype = math.prod(array.shape), array.dtype
    if dtype.kind == "T":
        yield np.array([("", "a", "\u00fc")[at % 3] for at in range(count)], dtype=dtype).reshape(array.shape)
    elif dtype.kind == "O":
        values: tuple[Any, ...]
        for values in ((b"", b"a", b"\0\xff"), ("", "a", "b"), (1, "a", None), ([1, 2], [], [3])):
            cells = np.empty(count, dtype=object)
            cells[:] = [values[at % 3] for at in range(count)]
            yield cells.reshape(array.shape)
    elif dtype.names is None and dtype.kind not in "VSU":
        yield np.array([at % 2 for at in range(count)]).astype(dtype).reshape(array.shape)
    raw = bytes(at % 2 for at in range(count * dtype.itemsize))
    if dtype.kind not in "OT" and raw:
        yield np.frombuffer(raw, dtype=dtype).reshape(array.shape)


def same(one: Any, other: Any) -> bool:
    """Whether two results have equal cells."""
    if np.ma.isMaskedArray(one) or np.ma.isMaskedArray(other):
        masks = np.array_equal(np.ma.getmaskarray(one), np.ma.getmaskarray(other))
        return masks and same(np.ma.getdata(one), np.ma.getdata(other))
    one, other = np.asarray(one), np.asarray(other)
    if one.shape != other.shape or one.dtype != other.dtype:
        return False
    return bool(one.tolist() == other.tolist()) if one.dtype.kind in "OT" else one.tobytes() == other.tobytes()


def round_trip(store: dict[str, bytes], array: zarrite.Array) -> bool:
    """Whether some cells that are not all the fill value come back through another handle."""
    for cells in candidates(array):
        try:
            array[...] = cells
            back = zarrite.open_array(dict(store), mode="r")[...]
        except Exception:  # noqa: S112 - that it does not work is what is found out
            continue
        if same(back, cells) and len(store) > 1:
            return True
    return False


# ------------------------------------------------------------------ data types


@functools.cache
def data_types() -> dict[str, Any]:
    """Every data type of the registry, by name, as a document names it."""
    names = dict.fromkeys((*dtype_names.PLAIN, *listed_types(), *(name for name in PARAMETRISED if is_known(name))))
    found = {
        name: {"name": name, "configuration": PARAMETRISED[name]} if name in PARAMETRISED else name for name in names
    }
    for name, document in found.items():
        try:
            dtype_names.dtype_from_json(document)
        except ZarriteError as error:
            raise AssertionError(f"say in tools/trials.py with which parameters {name!r} is tried: {error}") from None
    return {**found, "r<bits>": "r24"}


def listed_types() -> list[str]:
    """The names that the library itself lists when it refuses one."""
    try:
        dtype_names.dtype_from_json("no such type")
    except ZarriteError as error:
        known = str(error).partition("known: ")[2]
        names = re.findall(r"[a-z][\w.]*(?:<bits>)?", known.split(". ")[0])
        return [name for name in names if name != "r<bits>"]
    raise AssertionError("a data type that does not exist was taken")


def is_known(name: str) -> bool:
    """Whether a name and its parameters are a data type here."""
    try:
        dtype_names.dtype_from_json({"name": name, "configuration": PARAMETRISED[name]})
    except ZarriteError:
        return False
    return True


@functools.cache
def try_type(name: str, zarr_format: int) -> Trial:
    """Writes and reads back an array of a data type."""
    asked = data_types()[name]
    for setting in settings():
        store: dict[str, bytes] = {}
        with quiet(setting):
            try:
                kind = dtype_names.dtype_from_json(asked)
                array = zarrite.create_array(store, shape=SHAPE, chunks=CHUNKS, dtype=kind, zarr_format=zarr_format)
                if round_trip(store, array):
                    told = spelled(array)
                    read = zarr_format != NEWEST or told == asked or reads_as(store, array, asked)
                    wrote = not setting and (zarr_format != NEWEST or told == asked)
                    return Trial(read, wrote, told if isinstance(told, str) else named(told), setting)
            except Exception:  # noqa: S112 - that it does not work is what is found out
                continue
    return Trial()


def reads_as(store: dict[str, bytes], array: zarrite.Array, asked: Any) -> bool:
    """Whether the same cells are read where the document names the type in another way."""
    (key,) = [name for name in store if name.endswith(".json")]
    document = {**json.loads(store[key]), "data_type": asked}
    other = {**store, key: json.dumps(document).encode()}
    return same(zarrite.open_array(other, mode="r")[...], array[...])


def spelled(array: zarrite.Array) -> Any:
    """How the array's own document names its data type."""
    document = array.metadata.to_dict()
    return document["data_type"] if "data_type" in document else document["dtype"]


def named(spelling: Any) -> str:
    """A data type's spelling in one word."""
    return str(spelling["name"]) if isinstance(spelling, dict) else "fields"


@contextlib.contextmanager
def quiet(setting: str) -> Iterator[None]:
    """A setting for a while; warnings of drafts are not what is found out."""
    with warnings.catch_warnings(), config.set({setting: True} if setting else {}):
        warnings.simplefilter("ignore")
        yield


# ------------------------------------------------------------------ codecs


def built_in() -> tuple[type[Codec], ...]:
    """Every codec of the registry, once, those that are not in the list of built-in ones too."""
    found = dict.fromkeys(BUILT_IN)
    for name in CODECS:
        codec = CODECS[name]
        if isinstance(codec, type) and issubclass(codec, Codec):
            found.setdefault(codec)
    return tuple(found)


def parameters_without_default(codec: type[Codec]) -> list[str]:
    """The parameters that must be given."""
    found = inspect.signature(codec).parameters.items()
    variable = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return [name for name, one in found if one.default is inspect.Parameter.empty and one.kind not in variable]


def made(codec: type[Codec], typed: Mapping[str, tuple[Any, ...]] | None = None) -> Iterator[Codec]:
    """Codecs of a class, with every choice of arguments that it takes.

    Args:
        codec: the class.
        typed: choices that go before those of `ARGUMENTS`.
    """
    choices = {**ARGUMENTS, **(typed or {})}
    needed = parameters_without_default(codec)
    unknown = [name for name in needed if name not in choices]
    assert not unknown, f"say in tools/trials.py what {codec.__name__} may be given for {', '.join(unknown)}"
    for chosen in itertools.product(*(choices[name] for name in needed)):
        try:
            yield codec(**dict(zip(needed, chosen, strict=True)))
        except Exception:  # noqa: S112 - arguments that do not go together
            continue


def try_codec(codec: type[Codec], zarr_format: int) -> Trial:
    """Writes and reads back an array with a codec."""
    for setting in settings():
        for one, dtype in itertools.product(made(codec), tried_with()):
            for place in placed(one):
                store: dict[str, bytes] = {}
                with quiet(setting):
                    try:
                        array = zarrite.create_array(
                            store, shape=SHAPE, chunks=CHUNKS, dtype=dtype, zarr_format=zarr_format, **place
                        )
                        name = spelling(one, zarr_format)
                        wrote = any(f'"{name}"'.encode() in raw for raw in store.values())
                        if round_trip(store, array) and (wrote or reads_named(store, array, one)):
                            return Trial(True, wrote and not setting, name, setting)
                    except Exception:  # noqa: S112 - that it does not work is what is found out
                        continue
    return Trial()


def tried_with() -> Iterator[Any]:
    """Data types to try a codec with."""
    yield from TYPES
    for name, document in data_types().items():
        if name not in TYPES:
            yield dtype_names.dtype_from_json(document)


def reads_named(store: dict[str, bytes], array: zarrite.Array, codec: Codec) -> bool:
    """Whether the same cells are read where the document names a codec by the name it has, and is not written with."""
    (key,) = [name for name in store if name.endswith(("zarr.json", ".zarray"))]
    document = json.loads(store[key])
    asked = codec.to_json()
    for entry in document.get("codecs", ()):
        if entry.get("configuration", {}) == asked.get("configuration", {}) and entry["name"] != asked["name"]:
            entry["name"] = asked["name"]
            other = {**store, key: json.dumps(document).encode()}
            return same(zarrite.open_array(other, mode="r")[...], array[...])
    return False


def placed(codec: Codec) -> Iterator[dict[str, Any]]:
    """The settings of an array that has a codec, by its kind."""
    if codec.kind == "array":
        yield {"filters": [codec], "compressors": None}
    elif codec.kind == "serializer":
        yield {"serializer": codec, "compressors": None}
        yield {"filters": [codec], "compressors": None}
        yield {"compressors": None}  # cells of varying length choose it themselves
    else:
        yield {"compressors": [codec]}
        yield {"filters": [codec], "compressors": None}


def spelling(codec: Codec, zarr_format: int) -> str:
    """How documents of a format name a codec."""
    document = codec.to_json() if zarr_format == NEWEST else codec.get_config()
    return str(document.get("name") or document.get("id"))
