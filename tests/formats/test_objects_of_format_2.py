"""Python objects of format 2, "|O", through every codec that keeps them; numcodecs is the other side."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import zarrite
from zarrite.errors import (
    ChunkDecodeError,
    MetadataValidationError,
    PickleCodecDisabledError,
    ZarriteError,
)

numcodecs = pytest.importorskip("numcodecs")

VALUES = ["a", "", "\u00fc\U0001f600", 7, -1.5, None, True, [1, [2, "x"]], {"k": {"l": []}}]
ARRAYS = [[1, 2, 3], [], [2**31 - 1], [-5, 0]]
LABELS = {"id": "categorize", "labels": ["left", "right", "\u00fcber"], "dtype": "|O", "astype": "|u1"}


def objects(values: list[Any], shape: tuple[int, ...]) -> Any:
    cells = np.empty(len(values), object)
    for at, value in enumerate(values):
        cells[at] = np.asarray(value, "i4") if values is ARRAYS else value
    return cells.reshape(shape)


def cells_for(codec: dict[str, Any]) -> Any:
    if codec["id"] == "vlen-array":
        return objects(ARRAYS, (2, 2))
    if codec["id"] == "categorize":
        return objects(["left", "", "\u00fcber", "right"], (2, 2))
    return objects(VALUES, (3, 3))


def plain(cells: Any) -> Any:
    return [one.tolist() if isinstance(one, np.ndarray) else one for one in np.asarray(cells, object).ravel().tolist()]


def needs(codec: dict[str, Any]) -> None:
    if codec["id"] == "msgpack2":
        pytest.importorskip("msgpack")


CODECS = [{"id": "json2"}, {"id": "msgpack2"}, {"id": "pickle"}, {"id": "vlen-array", "dtype": "<i4"}, LABELS]
every = pytest.mark.parametrize("codec", CODECS, ids=lambda codec: codec["id"])


@pytest.fixture(autouse=True)
def allowed():
    with zarrite.config.set({"array.allow_unsafe_pickle_decode": True}):
        yield


def made(codec: dict[str, Any], cells: Any, **settings: Any) -> zarrite.Array:
    settings = {"filters": [codec], "compressors": None, "fill_value": None, "chunks": cells.shape, **settings}
    array = zarrite.create_array(None, shape=cells.shape, dtype=object, zarr_format=2, **settings)
    array[...] = cells
    return array


@every
@pytest.mark.parametrize("order", ["C", "F"])
def test_objects_come_back_by_every_selection(codec: dict[str, Any], order: str) -> None:
    needs(codec)
    cells = cells_for(codec)
    for chunks in (cells.shape, (2, 1), (1, 2)):
        array = made(codec, cells, chunks=chunks, order=order)
        again = zarrite.open_array(array.store, mode="r")
        assert again.metadata == array.metadata
        for key in (..., (slice(None, None, -1),), (0,), (slice(None), 1)):
            assert plain(again[key]) == plain(cells[key])
        assert plain(again.oindex[[1, 0], [1]]) == plain(cells[np.ix_([1, 0], [1])])
        assert plain(again.vindex[[1, 0], [1, 1]]) == plain(cells[[1, 0], [1, 1]])
        assert plain(objects([again[0, 1]], (1,))) == plain(cells[0, 1:2])


@every
def test_numcodecs_reads_what_we_write(codec: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    needs(codec)
    if codec["id"] == "pickle":
        monkeypatch.setattr(numcodecs.pickles, "ALLOW_UNSAFE_PICKLE_DECODE", True, raising=False)
    cells = cells_for(codec)
    stored = made(codec, cells).store.get("0.0").result()
    found = numcodecs.get_codec(codec).decode(stored)
    assert plain(np.asarray(found, object).reshape(cells.shape)) == plain(cells)


@every
def test_what_numcodecs_writes_is_read(codec: dict[str, Any]) -> None:
    needs(codec)
    cells = cells_for(codec)
    array = made(codec, cells)
    array.store.put("0.0", bytes(numcodecs.get_codec(codec).encode(cells))).result()
    assert plain(array[...]) == plain(cells)


@every
def test_the_codec_may_be_the_compressor(codec: dict[str, Any]) -> None:
    needs(codec)
    cells = cells_for(codec)
    array = made(codec, cells)
    document = json.loads(array.store.get(".zarray").result())
    document["compressor"], document["filters"] = document["filters"][0], None
    array.store.put(".zarray", json.dumps(document).encode()).result()
    assert plain(zarrite.open_array(array.store, mode="r")[...]) == plain(cells)


@every
def test_damaged_chunks_are_errors(codec: dict[str, Any]) -> None:
    needs(codec)
    array = made(codec, cells_for(codec))
    good = array.store.get("0.0").result()
    random = np.random.default_rng(3)
    for at in range(300):
        bad = bytearray(good)
        for place in random.integers(0, len(bad), 1 + at % 4):
            bad[place] = random.integers(0, 256)
        if codec["id"] == "pickle":  # damage there may mean any code
            bad = bad[: len(bad) // 2]
        array.store.put("0.0", bytes(bad[: random.integers(0, len(bad) + 1)])).result()
        try:
            array[...]
        except (ChunkDecodeError, ValueError):
            continue


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (b"{}", "does not end with"),
        (b'[1,2,"|O",[3]]', "shape"),
        (b'[1,2,3,4,5,"|O",[4]]', "5 cells"),
        (b'[[1,2],[3],"|O",[2,2]]', "lists"),
        (b'["|O",[-4]]', "shape of the cells"),
        (b"[" * 100_000, "RecursionError"),
        (b"\xff\xfe", "UnicodeDecodeError"),
    ],
)
def test_json_that_holds_no_such_chunk_is_refused(text: bytes, sentence: str) -> None:
    array = made({"id": "json2"}, objects([1, 2, 3, 4], (4,)))
    array.store.put("0", text).result()
    with pytest.raises(ChunkDecodeError, match=sentence):
        array[...]


def test_text_that_is_no_label_is_refused_and_not_lost() -> None:
    array = made(LABELS, cells_for(LABELS))
    with pytest.raises(ValueError, match="none of the labels"):
        array[0, 0] = "up"


def test_numbers_beyond_the_labels_are_damage() -> None:
    array = made(LABELS, cells_for(LABELS))
    array.store.put("0.0", b"\1\2\3\4").result()
    with pytest.raises(ValueError, match="there are 3 labels"):
        array[...]


def test_labels_of_text_of_one_length_are_a_filter_like_others() -> None:
    codec = {"id": "categorize", "labels": ["ab", "c"], "dtype": "<U2", "astype": "|u1"}
    cells = np.array([["ab", ""], ["c", "ab"]])
    array = zarrite.create_array(None, data=cells, filters=[codec], compressors=None, zarr_format=2)
    assert array.store.get("0.0").result() == bytes(numcodecs.get_codec(codec).encode(cells)) == b"\1\0\2\1"
    assert zarrite.open_array(array.store)[...].tolist() == cells.tolist()
    with pytest.raises(ZarriteError, match="none of the labels"):
        array[0, 0] = "d"


def test_pickles_open_and_their_cells_ask_for_leave_by_name(tmp_path: Path) -> None:
    ran = tmp_path / "ran"

    class Bomb:
        def __reduce__(self) -> tuple[Any, ...]:
            return Path.touch, (ran,)

    array = made({"id": "pickle"}, objects([1, 2], (2,)))
    array.store.put("0", pickle.dumps(np.array([Bomb(), 1], object))).result()
    ran.unlink(missing_ok=True)
    with zarrite.config.set({"array.allow_unsafe_pickle_decode": False}):
        shut = zarrite.open_array(array.store)
        assert shut.shape == (2,)
        for read in (
            lambda: shut[...],
            lambda: shut[0],
            lambda: shut.vindex[[0]],
            lambda: list(shut),
            shut.read,
        ):
            with pytest.raises(PickleCodecDisabledError, match=r"array\.allow_unsafe_pickle_decode"):
                read()
    assert not ran.exists()


@pytest.mark.parametrize(
    "codec",
    [
        {"id": "json2", "encoding": "rot47"},
        {"id": "json2", "separators": [1, 2]},
        {"id": "json2", "shape": [1]},
        {"id": "msgpack2", "raw": 3},
        {"id": "pickle", "protocol": 99},
        {"id": "vlen-array"},
        {"id": "vlen-array", "dtype": "|O"},
        {"id": "vlen-array", "dtype": [["a", "<i4"]]},
        {"id": "categorize", "labels": "ab", "dtype": "|O"},
        {"id": "categorize", "labels": ["a", "a"], "dtype": "|O"},
        {"id": "categorize", "labels": ["a"], "dtype": "<f4"},
        {"id": "categorize", "labels": ["a"] * 1, "dtype": "|O", "astype": "<f4"},
        {"id": "categorize", "labels": [str(at) for at in range(256)], "dtype": "|O", "astype": "|u1"},
    ],
)
def test_settings_that_make_no_sense_are_refused(codec: dict[str, Any]) -> None:
    with pytest.raises(MetadataValidationError):
        zarrite.create_array(None, shape=(2,), dtype=object, filters=[codec], zarr_format=2)


def test_the_arrays_of_json_of_another_writer_are_right(data: Path) -> None:
    for name in ("data.zarr", "data.zipped_from_within.zarr.zip"):
        place = data / "zarr" / "zarrita.js" / "v2" / name
        array = zarrite.open_array(place, path="1d.contiguous.json2.O", mode="r")
        assert array[...].tolist() == ["foo", "bar", "baz", "qux"]
        assert array[1] == "bar"
