"""N5 is read: every compression, blocks of every length, groups that are bare directories; and never written."""

from __future__ import annotations

import json
import pickle
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numcodecs
import numpy as np
import pytest

import zarrite
from zarrite.errors import ChunkDecodeError, MetadataValidationError, ReadOnlyError, UnknownCodecError

tensorstore = pytest.importorskip("tensorstore")

CELLS = np.arange(7 * 5 * 3, dtype="uint16").reshape(3, 5, 7)  # C order: the file's axes are 7, 5, 3
COMPRESSIONS: list[dict[str, Any]] = [
    {"type": "raw"},
    {"type": "gzip", "level": 6},
    {"type": "gzip", "useZlib": True},
    {"type": "bzip2", "blockSize": 9},
    {"type": "xz", "preset": 1},
    {"type": "blosc", "cname": "lz4", "clevel": 5, "shuffle": 1},
    {"type": "zstd", "level": 3},
]


def attributes(**changed: Any) -> dict[str, Any]:
    found = {"dimensions": [7, 5, 3], "blockSize": [4, 2, 2], "dataType": "uint16", "compression": {"type": "raw"}}
    return {name: value for name, value in {**found, **changed}.items() if value is not None}


def block(cells: np.ndarray[Any, Any], pack: Callable[[bytes], bytes] = bytes, mode: int = 0) -> bytes:
    """A block, from cells in C order."""
    lengths = cells.shape[::-1]
    header = struct.pack(f">HH{len(lengths)}I", mode, len(lengths), *lengths)
    count = struct.pack(">I", cells.size) if mode else b""
    return header + count + pack(cells.astype(cells.dtype.newbyteorder(">")).tobytes())


def lz4_of_java(data: bytes) -> bytes:
    """The stream as Java's library writes it, with the sum left to the reader's own check of damage."""
    parts = []
    for start in range(0, len(data), 64):
        plain = data[start : start + 64]
        packed = bytes(numcodecs.LZ4().encode(plain))[4:]
        method, stored = (0x20, packed) if len(packed) < len(plain) else (0x10, plain)
        parts.append(b"LZ4Block" + struct.pack("<Biii", method, len(stored), len(plain), SUMS[plain]) + stored)
    return b"".join(parts) + b"LZ4Block" + struct.pack("<Biii", 0x10, 0, 0, 0)


class _Sums(dict[bytes, int]):
    def __missing__(self, plain: bytes) -> int:
        return xxh32(plain) & 0x0FFFFFFF


SUMS = _Sums()


def xxh32(data: bytes, seed: int = 0x9747B28C) -> int:
    """XXH32 by its description, slowly."""
    one, two, three, four, five = 2654435761, 2246822519, 3266489917, 668265263, 374761393
    mask = 0xFFFFFFFF

    def turned(value: int, by: int) -> int:
        value &= mask
        return (value << by | value >> (32 - by)) & mask

    words = [int.from_bytes(data[at : at + 4], "little") for at in range(0, len(data) // 4 * 4, 4)]
    stripes = len(data) // 16
    if stripes:
        lanes = [seed + one + two, seed + two, seed, seed - one]
        for stripe in range(stripes):
            lanes = [turned(lane + words[4 * stripe + at] * two, 13) * one for at, lane in enumerate(lanes)]
        total = sum(turned(lane, by) for lane, by in zip(lanes, (1, 7, 12, 18), strict=True))
    else:
        total = seed + five
    total += len(data)
    for word in words[4 * stripes :]:
        total = turned(total + word * three, 17) * four
    for byte in data[len(words) * 4 :]:
        total = turned(total + byte * five, 11) * one
    total &= mask
    total = (total ^ total >> 15) * two & mask
    total = (total ^ total >> 13) * three & mask
    return total ^ total >> 16


def write(folder: Path, blocks: dict[str, bytes], **changed: Any) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "attributes.json").write_text(json.dumps(attributes(**changed)))
    for key, data in blocks.items():
        (folder / key).parent.mkdir(parents=True, exist_ok=True)
        (folder / key).write_bytes(data)
    return folder


def blocks_of(cells: np.ndarray[Any, Any], edges: tuple[int, int, int], **how: Any) -> dict[str, bytes]:
    """Every block of some cells, cut off at the edges as N5's own library does."""
    found = {}
    for place in np.ndindex(*(-(-n // edge) for n, edge in zip(cells.shape, edges, strict=True))):
        at = tuple(slice(i * edge, (i + 1) * edge) for i, edge in zip(place, edges, strict=True))
        found["/".join(str(i) for i in place[::-1])] = block(cells[at], **how)
    return found


@pytest.mark.parametrize("compression", COMPRESSIONS, ids=lambda found: "-".join(map(str, found.values())))
@pytest.mark.parametrize("dtype", ["uint16", "float64", "int8"])
def test_what_tensorstore_writes_is_read_with_axes_turned_round(
    tmp_path: Path, compression: dict[str, Any], dtype: str
) -> None:
    cells = CELLS.astype(dtype)
    metadata = attributes(dataType=dtype, compression=compression)
    spec = {"driver": "n5", "kvstore": {"driver": "file", "path": f"{tmp_path}/"}, "metadata": metadata}
    theirs = tensorstore.open(spec, create=True).result()
    theirs.write(cells.T).result()
    array = zarrite.open_array(tmp_path, mode="r")
    assert (array.shape, array.chunks, array.dtype) == ((3, 5, 7), (2, 2, 4), np.dtype(dtype))
    np.testing.assert_array_equal(array[...], cells)
    np.testing.assert_array_equal(array[1, ::2, 3:], cells[1, ::2, 3:])
    as_filed = zarrite.open_array(tmp_path, mode="r", axis_order="file")
    assert (as_filed.shape, as_filed.chunks) == ((7, 5, 3), (4, 2, 2))
    np.testing.assert_array_equal(as_filed[...], cells.T)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(as_filed))[...], cells.T)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(array))[...], cells)


@pytest.mark.parametrize("mode", [0, 1], ids=["default", "varlength"])
def test_blocks_at_the_edge_are_cut_or_filled_up_and_both_in_one_array(tmp_path: Path, mode: int) -> None:
    blocks = blocks_of(CELLS, (2, 2, 4), mode=mode)
    full = np.full((2, 2, 4), 999, "uint16")
    full[:1, :1, :3] = CELLS[2:, 4:, 4:]
    blocks["1/2/1"] = block(full, mode=mode)
    write(tmp_path, blocks)
    np.testing.assert_array_equal(zarrite.open_array(tmp_path, mode="r")[...], CELLS)


def test_a_block_that_is_not_there_is_zeros(tmp_path: Path) -> None:
    blocks = blocks_of(CELLS + 1, (2, 2, 4))
    del blocks["0/1/0"]
    expected = CELLS + 1
    expected[:2, 2:4, :4] = 0
    array = zarrite.open_array(write(tmp_path, blocks), mode="r")
    np.testing.assert_array_equal(array[...], expected)
    assert (array.nchunks, array.nchunks_initialized) == (12, 11)


@pytest.mark.parametrize(
    ("named", "pack"),
    [
        ({"compression": {"type": "lz4", "blockSize": 64}}, lz4_of_java),
        ({"compression": {"type": "zlib"}}, zlib.compress),
        ({"compression": None, "compressionType": "raw"}, bytes),
        ({"compression": None, "compressionType": "lz4"}, lz4_of_java),
        ({"compression": {"type": "gzip", "level": -1}}, lambda data: numcodecs.GZip(6).encode(data)),
        ({"compression": {"type": "blosc", "nthreads": 8}}, lambda data: numcodecs.Blosc().encode(data)),
        ({"compression": {"type": "zstd", "nbWorkers": 2}}, lambda data: numcodecs.Zstd(1).encode(data)),
    ],
    ids=lambda value: json.dumps(value) if isinstance(value, dict) else "",
)
def test_every_compression_and_the_older_word_for_it(
    tmp_path: Path, named: dict[str, Any], pack: Callable[[bytes], bytes]
) -> None:
    cells = np.repeat(CELLS, 2, axis=2)[..., :7]
    write(tmp_path, blocks_of(cells, (2, 2, 4), pack=pack), **named)
    np.testing.assert_array_equal(zarrite.open_array(tmp_path, mode="r")[...], cells)


def test_a_jpeg_is_read_where_imagecodecs_is(tmp_path: Path) -> None:
    grey = np.full((2, 2, 4), 77, "uint8")
    named: dict[str, Any] = {"dataType": "uint8", "compression": {"type": "jpeg"}, "dimensions": [4, 2, 2]}
    try:
        import imagecodecs
    except ImportError:
        array = zarrite.open_array(write(tmp_path, {"0/0/0": block(grey)}, **named), mode="r")
        with pytest.raises((ChunkDecodeError, ImportError), match="imagecodecs"):
            array[...]
        return
    stored = block(grey, lambda _: imagecodecs.jpeg_encode(grey.reshape(4, 4), level=100))
    np.testing.assert_array_equal(zarrite.open_array(write(tmp_path, {"0/0/0": stored}, **named), mode="r")[...], grey)


def test_members_are_datasets_and_every_directory_below_the_root(tmp_path: Path) -> None:
    (tmp_path / "attributes.json").write_text('{"n5": "4.0.0", "title": "a root"}')
    write(tmp_path / "bare" / "deeper" / "cells", blocks_of(CELLS, (2, 2, 4)), units=["nm", "nm"])
    root = zarrite.open_group(tmp_path, mode="r")
    assert root.attrs.asdict() == {"title": "a root"}
    assert [name for name, _ in root.members(max_depth=None)] == ["bare", "bare/deeper", "bare/deeper/cells"]
    array = root["bare"]["deeper"]["cells"]  # type: ignore[index]
    np.testing.assert_array_equal(array[...], CELLS)
    assert array.attrs.asdict() == {"units": ["nm", "nm"]}
    assert isinstance(root["bare/deeper"], zarrite.Group)
    assert "bare/nothing" not in root
    assert "bare/deeper/cells/0" not in root  # blocks, not members
    assert str(root.metadata.zarr_format) == "n5"
    assert pickle.loads(pickle.dumps(root["bare"])) == root["bare"]
    with pytest.raises(zarrite.errors.NodeNotFoundError):
        zarrite.open(tmp_path / "bare", mode="r")  # nothing says that it is of N5


def test_nothing_is_written_and_the_error_says_why(tmp_path: Path) -> None:
    write(tmp_path, {"n5": b""})
    write(tmp_path / "a", blocks_of(CELLS, (2, 2, 4)))
    (tmp_path / "attributes.json").write_text("{}")
    group = zarrite.open_group(tmp_path, mode="r+")
    array = group["a"]
    assert array.read_only
    assert group.read_only
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    attempts: list[Callable[[], Any]] = [
        lambda: array.write(0, 1),
        lambda: array.__setitem__(0, 1),
        lambda: array.vindex.__setitem__(([0], [0], [0]), 1),
        lambda: array.resize((1, 1, 1)),
        lambda: array.append(CELLS),
        lambda: array.attrs.update(a=1),
        lambda: group.attrs.update(a=1),
        lambda: group.create_array("b", shape=(1,), dtype="u1"),
        lambda: group.create_group("g"),
        lambda: group.delete("a"),
        lambda: group.move("a", "b"),
        lambda: group.copy("a", "b"),
        lambda: zarrite.consolidate_metadata(tmp_path),
    ]
    for attempt in attempts:
        with pytest.raises(ReadOnlyError, match="N5 is read here and never written"):
            attempt()
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_a_dataset_is_copied_into_zarr(tmp_path: Path) -> None:
    array = zarrite.open_array(write(tmp_path / "a", blocks_of(CELLS, (2, 2, 4)), units="K"), mode="r")
    copy = zarrite.from_array(tmp_path / "b", data=array)
    np.testing.assert_array_equal(copy[...], CELLS)
    assert (copy.chunks, copy.attrs["units"]) == (array.chunks, "K")
    assert zarrite.zeros_like(array).shape == array.shape


def test_zarr_in_the_same_place_goes_first(tmp_path: Path) -> None:
    write(tmp_path, blocks_of(CELLS, (2, 2, 4)))
    assert str(zarrite.open_array(tmp_path, mode="r").metadata.zarr_format) == "n5"
    zarrite.create_array(tmp_path, shape=(1,), dtype="u1")
    assert zarrite.open_array(tmp_path, mode="r").shape == (1,)


@pytest.mark.parametrize(
    ("changed", "error", "why"),
    [
        ({"dataType": "string"}, MetadataValidationError, "dataType: 'string' is not read"),
        ({"dimensions": [7, -5, 3]}, MetadataValidationError, "dimensions"),
        ({"dimensions": "7"}, MetadataValidationError, "dimensions"),
        ({"blockSize": [4, 2]}, MetadataValidationError, "blockSize has 2 entries for 3 axes"),
        ({"blockSize": [4, 0, 1]}, MetadataValidationError, "blockSize"),
        ({"blockSize": [2**40, 2**40, 1]}, MetadataValidationError, "more than 2"),
        ({"compression": {"type": "rot13"}}, UnknownCodecError, "'rot13' is not known"),
        ({"compression": None}, MetadataValidationError, "compression: this member is missing"),
        ({"compression": "gzip"}, MetadataValidationError, "compression must be a JSON object"),
        ({"n5": "5.0.0"}, MetadataValidationError, "newer than 4"),
        ({"n5": 4}, MetadataValidationError, "a version such as"),
    ],
)
def test_documents_that_make_no_sense_are_refused_with_a_reason(
    tmp_path: Path, changed: dict[str, Any], error: type[Exception], why: str
) -> None:
    with pytest.raises(error, match=why):
        zarrite.open_array(write(tmp_path, {}, **changed), mode="r")


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "too short"),
        (struct.pack(">HHIII", 2, 3, 4, 2, 2), "mode 2"),
        (struct.pack(">HHII", 0, 2, 4, 2), "2 axes"),
        (struct.pack(">HHIII", 0, 3, 2**32 - 1, 2**32 - 1, 2**32 - 1), "does not belong"),
        (struct.pack(">HHIIII", 1, 3, 4, 2, 2, 3), "varying length"),
        (block(CELLS[:2, :2, :4])[:-1], "32 bytes, not 31"),
    ],
)
def test_a_damaged_block_is_an_error_that_names_it(tmp_path: Path, data: bytes, why: str) -> None:
    array = zarrite.open_array(write(tmp_path, {"1/0/0": data}), mode="r")
    with pytest.raises(ChunkDecodeError, match=f"1/0/0.*{why}"):
        array[...]


def test_the_corpora_hold_groups_without_documents_and_attributes_of_all_kinds(data: Path) -> None:
    root = zarrite.open_group(data / "n5/n5-java/url/urlAttributes.n5", mode="r")
    assert root.attrs["f o o"] == "b a r"
    assert [name for name, _ in root.members(max_depth=None)] == ["a", "a/aa", "a/aa/aaa", "objs"]
    old = zarrite.open_array(data / "n5/n5-java/backward/data-1.5.0.n5", path="raw", mode="r")
    new = zarrite.open_array(data / "n5/n5-java/backward/data-3.1.3.n5", path="raw", mode="r")
    np.testing.assert_array_equal(old[...], new[...])


def test_no_document_gives_anything_but_a_node_or_an_error_of_ours() -> None:
    random = np.random.default_rng(3)
    junk: list[Any] = [
        None,
        0,
        -1,
        2**70,
        1.5,
        "",
        "gzip",
        [],
        [0],
        [[]],
        {},
        {"type": []},
        {"type": "gzip", "useZlib": 1},
        True,
    ]
    names = [*attributes(), "compressionType", "n5", "x"]
    for _ in range(2000):
        document = attributes()
        for _ in range(random.integers(1, 4)):
            document[names[random.integers(len(names))]] = junk[random.integers(len(junk))]
        try:
            zarrite.open({"attributes.json": json.dumps(document).encode()}, mode="r")
        except zarrite.errors.ZarriteError as error:
            assert "attributes.json" in str(error)
