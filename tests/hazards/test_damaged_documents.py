"""Documents with something wrong in every member: refused in words that name the node, or understood; never worse."""

from __future__ import annotations

import copy
import json
import math
import os
import random
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import zarrite
from zarrite import codecs
from zarrite.errors import BaseZarrError, DataTypeValidationError, ZarriteError
from zarrite.storage import MemoryStore

PATH = "some/array"
GONE = object()
PART = int(os.environ.get("ZARRITE_DOCUMENTS", "3"))
"""One in so many of all changes is tried; 1 tries all 26,000."""

WRONG: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 2, 1.5, -0.0, 1e300, 2**31, 2**53, 2**63 - 1, 2**63, 2**64, 2**200),
    *("", "x", "0", "NaN", "c", "../..", "\0", "a/b"),
    *([], [1], [None], [[]], ["x"], [-1], [0], [2**63], [2**40] * 4, [{"name": "bytes"}], [[["x", "int8"]]]),
    *({}, {"name": "x"}, {"name": "bytes"}, {"name": 1}, {"x": 1}, {"name": "default", "configuration": None}),
    GONE,
)
ARRAYS: tuple[dict[str, Any], ...] = (
    {"attributes": {"a": 1}, "dimension_names": ["x", None]},
    {
        "compressors": [codecs.BloscCodec(), codecs.GzipCodec(1), codecs.Crc32cCodec()],
        "filters": [codecs.TransposeCodec([1, 0])],
    },
    {"shards": (6, 4), "dtype": "f4", "fill_value": np.nan},
    {"dtype": [("a", "i4"), ("b", "M8[ns]"), ("c", [("d", "S2")])]},
    {"dtype": "string"},
    {"dtype": "bytes"},
    {"dtype": "M8[10s]"},
    {"dtype": "U3"},
    {"dtype": "r16"},
    {"dtype": "c16"},
    {"dtype": "bool", "filters": [codecs.PackBits()]},
    {"dtype": "f4", "filters": [codecs.FixedScaleOffset(1, 2, "<f4", "<i2")]},
    {"filters": [codecs.Delta("<i4"), codecs.AsType("<i8", "<i4")]},
    {"dtype": "f8", "filters": [codecs.Quantize(2, "<f8"), codecs.BitRound(2)]},
    {"compressors": [codecs.LZMA(), codecs.LZ4(), codecs.BZ2(), codecs.Zlib()]},
    {
        "zarr_format": 2,
        "dtype": ">i4",
        "order": "F",
        "attributes": {"a": 1},
        "filters": [codecs.Delta(">i4")],
        "compressors": codecs.BloscCodec(),
    },
    {"zarr_format": 2, "dtype": [("a", "<i4"), ("b", ">f8", (2,))]},
    {"zarr_format": 2, "dtype": "string"},
)


def objects_of(**settings: Any) -> dict[str, bytes]:
    """The stored objects of a small array."""
    array = zarrite.create_array(
        MemoryStore(), name=PATH, **{"shape": (6, 4), "chunks": (3, 2), "dtype": "i4", **settings}
    )
    array[0:1] = array[0:1]
    keys = array.store.list("").result()
    return dict(zip(keys, array.store.get_many(keys).result(), strict=True))


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every member of a document, the document itself first."""
    yield path
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in pairs:
        yield from places(inner, (*path, key))


def changed(document: Any, path: tuple[Any, ...], value: Any) -> Any:
    """The document with another value somewhere."""
    if not path:
        return value
    document = copy.deepcopy(document)
    at = document
    for key in path[:-1]:
        at = at[key]
    if value is GONE:
        del at[path[-1]]
    else:
        at[path[-1]] = value
    return document


def use(objects: dict[str, bytes]) -> None:
    """Opens the array and does with it what anyone does."""
    store = MemoryStore()
    store.put_many(list(objects.items())).result()
    try:
        array = zarrite.open_array(store, path=PATH, mode="r+")
    except (BaseZarrError, DataTypeValidationError) as error:
        assert PATH in str(error), f"the message does not say which node: {error}"
        return
    repr(array), str(array.info), array.metadata.to_dict(), array.fill_value, array.attrs.asdict()
    if math.prod(array.metadata.inner_chunk or array.metadata.grid.largest) * max(1, array.dtype.itemsize) > 1 << 24:
        return  # tests of their own
    one = tuple(slice(0, 1) for _ in array.shape)
    try:
        array[one if array.size > 10**6 else ...]
        array[one] = np.zeros((), array.dtype) if array.fill_value is None else array.fill_value
    except ZarriteError:
        pass  # such as a chunk that does not fit the new document


@pytest.mark.parametrize("number", range(len(ARRAYS)))
def test_a_wrong_value_anywhere_is_refused_in_words_or_understood(number: int) -> None:
    objects = objects_of(**ARRAYS[number])
    numbers = random.Random(number)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what is understood nevertheless may come with a warning
        for name in ("zarr.json", ".zarray", ".zattrs"):
            key = f"{PATH}/{name}"
            if key not in objects:
                continue
            document = json.loads(objects[key])
            for path in places(document):
                for value in WRONG:
                    if (not path and value is GONE) or (PART > 1 and numbers.randrange(PART)):
                        continue
                    text = json.dumps(changed(document, path, value)).encode()
                    try:
                        use({**objects, key: text})
                    except Exception as error:
                        pytest.fail(f"{type(error).__name__}: {error}\n{path} = {value!r}\n{text.decode()}")


BROKEN_TEXTS = {
    "nothing": b"",
    "half": b'{"zarr_format": 3, "node_ty',
    "no JSON": b"<html>404</html>",
    "a list": b"[]",
    "null": b"null",
    "a number": b"3",
    "zeros": b"\0" * 300,
    "not UTF-8": b'{"zarr_format": 3, "node_type": "array\xff"}',
    "a surrogate": b'{"zarr_format": 3, "node_type": "\\ud800"}',
    "UTF-16": '{"zarr_format": 3}'.encode("utf-16"),
    "two documents": b'{"zarr_format": 3, "node_type": "group"}{"zarr_format": 3, "node_type": "group"}',
    "a trailing comma": b'{"zarr_format": 3, "node_type": "group",}',
    "too deep": b"[" * 100_000,
    "too deep and closed": b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
    "a huge number": b'{"zarr_format": ' + b"9" * 10_000 + b"}",
}


@pytest.mark.parametrize("name", BROKEN_TEXTS)
@pytest.mark.parametrize("document", ["zarr.json", ".zarray"])
def test_a_document_that_cannot_be_read_is_refused_in_words(name: str, document: str) -> None:
    store = MemoryStore()
    store.put(f"{PATH}/{document}", BROKEN_TEXTS[name]).result()
    for opened in (zarrite.open_array, zarrite.open_group, zarrite.open):
        with pytest.raises(BaseZarrError, match=PATH) as caught:
            opened(store, path=PATH, mode="r")
        assert len(str(caught.value)) < 2000


@pytest.mark.parametrize(
    ("shape", "chunks"),
    [
        ((2**63, 1), (1, 1)),
        ((2**64, 1), (1, 1)),
        ((-1, 1), (1, 1)),
        ((4, 4), (-2, 1)),
        ((4, 4), (2**63, 1)),
        ((4, 4), (2**40, 2**40)),
        ((4, 4), (1,)),
        ((4,) * 2000, (1,) * 2000),
    ],
)
def test_shapes_that_no_array_has_are_refused(shape: tuple[int, ...], chunks: tuple[int, ...]) -> None:
    objects = objects_of()
    document = json.loads(objects[f"{PATH}/zarr.json"])
    document["shape"] = list(shape)
    document["chunk_grid"]["configuration"]["chunk_shape"] = list(chunks)
    store = MemoryStore()
    store.put(f"{PATH}/zarr.json", json.dumps(document).encode()).result()
    with pytest.raises(ZarriteError, match=PATH):
        zarrite.open_array(store, path=PATH, mode="r")[(0,) * len(shape)]


def test_a_missing_codec_is_named_with_a_way_to_get_it() -> None:
    objects = objects_of()
    document = json.loads(objects[f"{PATH}/zarr.json"])
    document["codecs"].append({"name": "example.unheard-of", "configuration": {"level": 1}})
    store = MemoryStore()
    store.put(f"{PATH}/zarr.json", json.dumps(document).encode()).result()
    with pytest.raises(zarrite.errors.UnknownCodecError, match=r"example\.unheard-of") as caught:
        zarrite.open_array(store, path=PATH)
    assert PATH in str(caught.value)
    assert "zarrite.codecs" in str(caught.value)


def test_random_bytes_in_a_document_never_do_harm() -> None:
    objects = objects_of(shards=(6, 4))
    key = f"{PATH}/zarr.json"
    numbers = random.Random(7)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in range(2400 // PART):
            text = bytearray(objects[key])
            for _ in range(numbers.choice((1, 1, 2, 8))):
                at = numbers.randrange(len(text))
                how = numbers.randrange(3)
                if how == 0:
                    text[at] = numbers.randrange(256)
                elif how == 1:
                    del text[at : at + numbers.randrange(1, 9)]
                else:
                    text[at:at] = numbers.choice((b"0", b"-", b'"', b"}", b"[", b"1e9", b"null", b"\xff"))
            use({**objects, key: bytes(text)})
