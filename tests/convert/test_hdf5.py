"""HDF5 that no netCDF library wrote: types it does not show, links, and files that mean harm."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import zarrite
from convert.comparing import assert_identical

h5py = pytest.importorskip("h5py")


@pytest.fixture
def paths(tmp_path: Path) -> tuple[Path, Path]:
    return tmp_path / "source.h5", tmp_path / "target.zarr"


def opened(paths: tuple[Path, Path], path: str) -> zarrite.Array:
    return zarrite.open_array(paths[1], path=path, mode="r")


def noted(paths: tuple[Path, Path], **options: Any) -> dict[str, str]:
    """Converts, and gives what was left out."""
    with pytest.warns(zarrite.convert.ConversionWarning):
        done = zarrite.convert(*paths, verify=True, **options)
    return {item.path: item.why for item in done.skipped}


def test_types_that_netcdf_does_not_show_arrive(paths: tuple[Path, Path]) -> None:
    with h5py.File(paths[0], "w") as file:
        file["bool"] = np.array([True, False, True])
        file["half"] = np.array([1.5, np.nan], "f2")
        file["complex"] = np.array([1 + 2j, 3j], "c8")
        file["opaque"] = np.array([b"ab\0", b"\0\0x"], "V3")
        file["big"] = np.arange(4, dtype=">u4")
        file["record"] = np.array([(1, 2.5, b"xy")], dtype=[("a", ">i2"), ("b", "f8"), ("c", "S2")])
        file.create_dataset("when", data=np.array(["2020-01-01", "NaT"], "M8[D]").astype(h5py.opaque_dtype("M8[D]")))
    zarrite.convert(*paths, verify=True)
    assert opened(paths, "bool")[:].tolist() == [True, False, True]
    assert opened(paths, "half").dtype == np.float16
    assert opened(paths, "complex")[:].tolist() == [1 + 2j, 3j]
    assert opened(paths, "opaque")[:].tobytes() == b"ab\0\0\0x"
    assert opened(paths, "big")[:].tolist() == [0, 1, 2, 3]
    assert opened(paths, "record")[:].tolist() == [(1, 2.5, b"xy")]
    assert str(opened(paths, "when")[0]) == "2020-01-01"


def test_cells_are_kept_bit_for_bit(paths: tuple[Path, Path]) -> None:
    bits = np.array([0x7FC00001, 0xFFC12345, 0x80000000, 0x7F800001, 0], np.uint32)
    with h5py.File(paths[0], "w") as file:
        file["odd"] = bits.view(np.float32)
    zarrite.convert(*paths, verify=True)
    assert opened(paths, "odd")[:].view(np.uint32).tolist() == bits.tolist()


def test_datasets_without_scales_get_the_dimensions_that_netcdf_makes_up(paths: tuple[Path, Path]) -> None:
    pytest.importorskip("netCDF4")
    with h5py.File(paths[0], "w") as file:
        file["a"] = np.zeros((3, 3, 5))
        file["b"] = np.zeros((5, 3))
        file["flags"] = np.array([True] * 11)
        file["g/inner"] = np.zeros(3)
        file.create_dataset("grow", data=np.zeros(5), maxshape=(None,))
    done = zarrite.convert(*paths, verify=True)
    assert_identical(*paths, done)


def test_dimension_scales_give_names(paths: tuple[Path, Path]) -> None:
    with h5py.File(paths[0], "w") as file:
        file["t"], file["x"], file["v"] = np.arange(2.0), np.arange(3.0), np.zeros((2, 3))
        file["t"].make_scale("time")
        file["x"].make_scale("x")
        file["v"].dims[0].attach_scale(file["t"])
        file["v"].dims[1].attach_scale(file["x"])
    done = zarrite.convert(*paths, verify=True)
    assert_identical(*paths, done)
    assert opened(paths, "v").metadata.dimension_names == ("t", "x")


def test_scalars_empty_and_shapeless_datasets_arrive(paths: tuple[Path, Path]) -> None:
    with h5py.File(paths[0], "w") as file:
        file["scalar"] = 4.5
        file["word"] = "one"
        file["empty"] = np.zeros((0, 3), "i4")
        file["nothing"] = h5py.Empty("f8")
        file.create_dataset("never", shape=(10**12,), dtype="f8", chunks=(1000,), fillvalue=2.5)
        file.create_dataset("part", shape=(10**9,), dtype="i2", chunks=(1000,))[999_999_990:] = 7
    zarrite.convert(*paths, verify=True)
    assert opened(paths, "scalar")[()] == 4.5
    assert opened(paths, "word")[()] == "one"
    assert opened(paths, "empty").shape == (0, 3)
    assert opened(paths, "nothing").shape == (0,)
    assert opened(paths, "never")[10**11] == 2.5
    assert opened(paths, "part")[-12:].tolist() == [0, 0] + [7] * 10


def test_text_that_is_no_utf8_is_kept_as_bytes_and_named(paths: tuple[Path, Path]) -> None:
    with h5py.File(paths[0], "w") as file:
        file["latin"] = np.array(["Zürich".encode("latin-1"), b"ok"], "S8")
        file["fine"] = np.array([b"abc", b"d"], "S8")
    notes = noted(paths)
    assert notes == {"latin": "its text is not UTF-8 and is kept as bytes"}
    assert opened(paths, "latin")[:].tolist() == ["Zürich".encode("latin-1"), b"ok"]
    assert opened(paths, "fine")[:].tolist() == ["abc", "d"]


def test_references_are_left_out_and_named(paths: tuple[Path, Path]) -> None:
    with h5py.File(paths[0], "w") as file:
        file["a"] = np.arange(3)
        file["refs"] = np.array([file["a"].ref], dtype=h5py.ref_dtype)
        file["regions"] = np.array([file["a"].regionref[0:2]], dtype=h5py.regionref_dtype)
        file["a"].attrs["link"] = file["a"].ref
    notes = noted(paths)
    assert "object references" in notes["refs"]
    assert "region references" in notes["regions"]
    assert "reference" in notes["a@link"]
    assert set(dict(zarrite.open_group(paths[1], mode="r").members())) == {"a"}


def test_links_that_go_in_circles_are_cut(paths: tuple[Path, Path]) -> None:
    with h5py.File(paths[0], "w") as file:
        inner = file.create_group("a/b")
        inner["up"] = file["a"]
        inner["soft"] = h5py.SoftLink("/a")
        inner["lost"] = h5py.SoftLink("/nowhere")
        inner["v"] = np.arange(2)
        file["again"] = h5py.SoftLink("/a/b/v")
    notes = noted(paths)
    assert "leads back" in notes["a/b/up"]
    assert "leads back" in notes["a/b/soft"]
    assert "nowhere" in notes["a/b/lost"]
    assert opened(paths, "again")[:].tolist() == [0, 1]


@pytest.mark.parametrize("how", ["link", "storage", "virtual"])
def test_other_files_are_read_only_when_asked_for(paths: tuple[Path, Path], tmp_path: Path, how: str) -> None:
    secret = tmp_path / "secret.bin"
    np.arange(4, dtype="u1").tofile(secret)
    with h5py.File(tmp_path / "other.h5", "w") as other:
        other["v"] = np.arange(4, dtype="u1")
    with h5py.File(paths[0], "w") as file:
        if how == "link":
            file["v"] = h5py.ExternalLink(str(tmp_path / "other.h5"), "/v")
        elif how == "storage":
            file.create_dataset("v", shape=(4,), dtype="u1", external=[(str(secret), 0, 4)])
        else:
            layout = h5py.VirtualLayout((4,), "u1")
            layout[:] = h5py.VirtualSource(str(tmp_path / "other.h5"), "v", (4,))
            file.create_virtual_dataset("v", layout)
    assert "another file" in noted(paths)["v"]
    zarrite.convert(*paths, overwrite=True, follow_external=True, verify=True)
    assert opened(paths, "v")[:].tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("way", ["soft", "deep", "virtual"])
def test_ways_around_into_other_files_are_closed(paths: tuple[Path, Path], tmp_path: Path, way: str) -> None:
    secret = tmp_path / "secret.bin"
    np.arange(4, dtype="u1").tofile(secret)
    with h5py.File(tmp_path / "other.h5", "w") as other:
        other["g/v"] = np.arange(4, dtype="u1")
    with h5py.File(paths[0], "w") as file:
        file["fine"] = 1
        file["out"] = h5py.ExternalLink(str(tmp_path / "other.h5"), "/g")
        if way == "soft":
            file["v"] = h5py.SoftLink("/out/v")
        elif way == "deep":
            file.create_group("a")["hop"] = h5py.SoftLink("/out")
            file["v"] = h5py.SoftLink("a/hop/v")
        else:
            file.create_dataset("stored", shape=(4,), dtype="u1", external=[(str(secret), 0, 4)])
            layout = h5py.VirtualLayout((4,), "u1")
            layout[:] = h5py.VirtualSource(".", "stored", (4,))
            file.create_virtual_dataset("v", layout)
    notes = noted(paths)
    assert "another file" in notes["v"]
    assert "another file" in notes["out"]
    assert set(dict(zarrite.open_group(paths[1], mode="r").arrays())) == {"fine"}


def test_attributes_that_are_no_utf8_are_kept_as_far_as_they_are(paths: tuple[Path, Path]) -> None:
    with h5py.File(paths[0], "w") as file:
        file.attrs["fixed"] = np.bytes_("Zürich".encode("latin-1"))
    with pytest.warns(zarrite.convert.ConversionWarning, match="UTF-8"):
        zarrite.convert(*paths)
    attributes = zarrite.open_group(paths[1], mode="r").attrs
    assert attributes["fixed"] == "Z\ufffdrich"


@pytest.mark.parametrize("name", ["__hidden", "zarr.json", ".zarray"])
def test_names_that_zarr_cannot_keep_are_left_out_and_named(paths: tuple[Path, Path], name: str) -> None:
    with h5py.File(paths[0], "w") as file:
        file["fine"], file[name] = 1, 2
    assert name in noted(paths)


def test_a_chunk_of_the_source_that_exceeds_the_memory_is_refused_with_a_limit_that_works(
    paths: tuple[Path, Path],
) -> None:
    with h5py.File(paths[0], "w") as file:
        file.create_dataset("huge", shape=(1 << 26,), dtype="f8", chunks=(1 << 25,))
    with pytest.raises(zarrite.convert.ConversionError, match=r"allow 1\.0 GiB"):
        zarrite.convert(*paths, memory="64MiB")
    assert not paths[1].exists()


def test_datasets_of_arrays_get_one_more_axis(paths: tuple[Path, Path]) -> None:
    with h5py.File(paths[0], "w") as file:
        made = file.create_dataset("v", shape=(2,), dtype=np.dtype(("i4", (3,))))
        made[...] = np.arange(6).reshape(2, 3)
    zarrite.convert(*paths, verify=True)
    assert opened(paths, "v")[:].tolist() == [[0, 1, 2], [3, 4, 5]]


def test_a_damaged_file_is_one_sentence(paths: tuple[Path, Path]) -> None:
    with h5py.File(paths[0], "w") as file:
        file["v"] = np.arange(100_000)
    whole = paths[0].read_bytes()
    paths[0].write_bytes(whole[:5000])
    with pytest.raises(zarrite.convert.ConversionError, match="cannot be read as HDF5"):
        zarrite.convert(*paths)
    assert not paths[1].exists()


def test_a_damaged_chunk_stops_the_conversion_and_nothing_opens(paths: tuple[Path, Path]) -> None:
    with h5py.File(paths[0], "w") as file:
        made = file.create_dataset("v", data=np.arange(100_000), chunks=(1000,), compression="gzip")
        place = made.id.get_chunk_info(50)
    raw = bytearray(paths[0].read_bytes())
    raw[place.byte_offset : place.byte_offset + place.size] = bytes(place.size)
    paths[0].write_bytes(raw)
    with pytest.raises((zarrite.convert.ConversionError, OSError, zarrite.errors.ChunkDecodeError)):
        zarrite.convert(*paths)
    with pytest.raises(FileNotFoundError):
        zarrite.open(paths[1], mode="r")


# ---------------------------------------------------------------- chunks that the engine reads

FILTERS = {
    "gzip": {"compression": "gzip"},
    "shuffle and gzip": {"compression": "gzip", "shuffle": True},
    "checksum": {"compression": "gzip", "fletcher32": True},
    "shuffle alone": {"shuffle": True},
    "lzf": {"compression": "lzf"},
    "none": {},
}
READ_BY_THE_ENGINE = {"gzip", "shuffle and gzip"}


@pytest.mark.parametrize("dtype", ["<f4", ">f8", "<i2", ">u8", "u1"])
@pytest.mark.parametrize("filters", FILTERS)
def test_compressed_chunks_are_the_same_whoever_reads_them(paths: tuple[Path, Path], filters: str, dtype: str) -> None:
    from zarrite.convert.hdf5_chunks import chunk_reader

    cells = (np.random.default_rng(0).normal(size=(700, 500)) * 50 + 100).astype(dtype)
    with h5py.File(paths[0], "w") as file:
        made = file.create_dataset(
            "v", shape=(700, 500), maxshape=(None, 500), chunks=(300, 200), dtype=dtype, fillvalue=7, **FILTERS[filters]
        )
        made[:] = cells
        gaps = file.create_dataset(
            "gaps", shape=(3000, 400), chunks=(300, 200), dtype=dtype, fillvalue=7, compression="gzip"
        )
        gaps[650:660, 190:210] = cells[:10, :20]
    with h5py.File(paths[0]) as file:
        assert (chunk_reader(h5py, file["v"], 1 << 30) is not None) == (filters in READ_BY_THE_ENGINE)
        assert chunk_reader(h5py, file["v"], 1 << 10) is None, "chunks that do not fit the memory are read one by one"
        wanted = file["gaps"][:]
    zarrite.convert(*paths, verify=True, memory="16MiB")
    assert np.array_equal(opened(paths, "v")[:], cells)
    assert np.array_equal(opened(paths, "gaps")[:], wanted)


def test_chunks_that_skip_their_filters_are_left_to_hdf5(paths: tuple[Path, Path]) -> None:
    cells = np.arange(200_000, dtype="i4").reshape(400, 500)
    with h5py.File(paths[0], "w") as file:
        made = file.create_dataset("v", shape=(400, 500), chunks=(200, 500), dtype="i4", compression="gzip")
        made[:] = cells
        made.id.write_direct_chunk((200, 0), np.ascontiguousarray(cells[200:]).tobytes(), filter_mask=1)
    zarrite.convert(*paths, verify=True)
    assert np.array_equal(opened(paths, "v")[:], cells)
