"""What lies at a place is found out, with as few requests as it takes, and what is not read is named."""

from __future__ import annotations

import asyncio
import json
import re
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import zarrite
from servers.s3 import Server
from zarrite.errors import MetadataValidationError, NodeNotFoundError, ReadOnlyError, StoreError

HDF5 = b"\x89HDF\r\n\x1a\n"
CELLS = np.arange(10)


def archive_of(objects: dict[str, Any], comment: bytes = b"") -> bytes:
    made = BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for key, raw in objects.items():
            archive.writestr(key, bytes(raw))
        archive.comment = comment
    return made.getvalue()


@pytest.fixture
def objects() -> dict[str, Any]:
    """The objects of a group that holds the array `a`."""
    made: dict[str, Any] = {}
    zarrite.create_group(made).create_array("a", data=CELLS, chunks=4)
    return made


def asked(s3: Server, call: Callable[[], object]) -> list[tuple[str, str]]:
    """Methods and keys of the requests that something makes, and whether they came at once."""
    s3.settle()
    s3.forget()
    call()
    s3.settle()
    return [(one.method, one.key) for one in s3.requests()]


def fails(s3: Server, url: str, **settings: Any) -> Callable[[], object]:
    def call() -> None:
        with pytest.raises(NodeNotFoundError):
            zarrite.open(url, storage_options=s3.options(), **{"mode": "r", **settings})

    return call


# ---------------------------------------------------------------- requests


def test_what_is_called_by_its_format_costs_one_request(s3: Server) -> None:
    options = s3.options()
    root = f"s3://{s3.bucket}/data"
    zarrite.create_group(root, storage_options=options).create_array("a", data=CELLS)
    for text in (root, f"{root}/a", f"{root}|zarr3:", f"{root}|zarr3:a", f"{root}|zarr:a"):
        requests = asked(s3, lambda text=text: zarrite.open(text, mode="r", storage_options=options))  # type: ignore[misc]
        assert [method for method, _ in requests] == ["GET"], text
        assert requests[0][1].endswith("zarr.json")


def test_nothing_is_looked_for_beyond_the_documents_where_a_format_was_named(s3: Server) -> None:
    root = f"s3://{s3.bucket}/nothing"
    assert asked(s3, fails(s3, f"{root}|zarr3:a")) == [("GET", "nothing/a/zarr.json")]
    assert len(asked(s3, fails(s3, f"{root}|zarr2:a"))) == 4
    assert asked(s3, fails(s3, f"{root}|n5:a")) == [("GET", "nothing/a/attributes.json")]


def test_a_place_with_nothing_is_looked_at_with_one_round_beyond_its_documents(s3: Server) -> None:
    s3.turn(latency=0.2)
    requests = asked(s3, fails(s3, f"s3://{s3.bucket}/nothing"))
    assert {method for method, _ in requests} == {"GET"}
    documents = [key for _, key in requests[:6]]
    assert documents[0] == "nothing/zarr.json"
    assert documents[-1] == "nothing/attributes.json"
    keys = {key for _, key in requests[6:]}
    assert {"nothing/repo", "nothing/refs/branch.main/ref.json", "nothing/manifest.ocdbt", "nothing/info"} < keys
    assert len(requests) == 14
    s3.settle()
    starts = [one.begun for one in s3.requests()][6:]
    assert max(starts) - min(starts) < 0.2, "all of them at once"


def test_what_ends_in_a_slash_is_no_file(s3: Server) -> None:
    requests = asked(s3, fails(s3, f"s3://{s3.bucket}/nothing/"))
    assert "nothing" not in {key for _, key in requests}


# ---------------------------------------------------------------- what is opened


@pytest.mark.parametrize("name", ["a.zip", "a.ozx", "a.of.some.kind"])
@pytest.mark.parametrize("comment", [b"", b"x" * 100, b"x" * 60_000])
def test_an_archive_is_known_by_its_end_whatever_its_name(
    in_tmp_path: Path, objects: dict[str, Any], name: str, comment: bytes
) -> None:
    Path(name).write_bytes(archive_of(objects, comment))
    group = zarrite.open_group(name, mode="r")
    assert group["a"][:].tolist() == CELLS.tolist()  # type: ignore[index]
    assert zarrite.open_array(name, path="a", mode="r")[9] == 9
    assert zarrite.open(Path(name))["a"][9] == 9  # type: ignore[index]
    assert asyncio.run(zarrite.open.aio(name, mode="r")).url == group.url
    assert zarrite.open_group(group.url, mode="r")["a"][1] == 1  # type: ignore[index]
    if not name.endswith((".zip", ".ozx")):
        with pytest.raises(ReadOnlyError, match="open for reading only"):
            zarrite.open(name, mode="r+")


def test_a_folder_in_an_archive_is_named_where_the_archive_holds_no_node(
    in_tmp_path: Path, objects: dict[str, Any]
) -> None:
    top = {f"top.zarr/{key}": raw for key, raw in objects.items()}
    Path("packed").write_bytes(archive_of(top | {"other.zarr/readme": b"x"}))
    with pytest.raises(NodeNotFoundError, match=r"did you mean 'other\.zarr' or 'top\.zarr'"):
        zarrite.open("packed", mode="r")
    assert zarrite.open("packed", path="top.zarr/a", mode="r")[9] == 9  # type: ignore[index]


def test_looking_makes_and_changes_nothing(in_tmp_path: Path, objects: dict[str, Any]) -> None:
    raw = archive_of(objects)
    Path("packed").write_bytes(raw)
    zarrite.open("packed")
    zarrite.open("packed", mode="a")
    assert Path("packed").read_bytes() == raw
    assert [path.name for path in Path().iterdir()] == ["packed"]


# ---------------------------------------------------------------- what is named

NAMED = {
    "HDF5": (HDF5 + b"\0" * 64, "an HDF5 file.*zarrite convert"),
    "HDF5 behind a user's block": (b"\0" * 1024 + HDF5 + b"\0" * 64, "an HDF5 file"),
    "netCDF": (b"CDF\x02" + b"\0" * 64, "a netCDF file.*zarrite convert"),
    "NumPy": (b"\x93NUMPY" + b"\0" * 64, "a NumPy file"),
    "TIFF": (b"II*\0" + b"\0" * 64, "a TIFF image.*tifffile"),
    "BigTIFF": (b"MM\0+" + b"\0" * 64, "a TIFF image"),
    "gzip": (b"\x1f\x8b" + b"\0" * 64, r"packed by gzip.*\|gzip:"),
    "kerchunk": (json.dumps({"version": 1, "refs": {".zgroup": "{}"}}).encode(), "kerchunk.*VirtualiZarr"),
    "kerchunk of version 0": (json.dumps({".zgroup": "{}", "a/0": ["u", 1, 2]}).encode(), "kerchunk"),
}


@pytest.mark.parametrize("kind", NAMED)
@pytest.mark.parametrize("mode", ["r", "a", None])
def test_a_file_that_is_not_read_is_named_with_the_way_out(in_tmp_path: Path, kind: str, mode: str | None) -> None:
    raw, says = NAMED[kind]
    Path("file").write_bytes(raw)
    with pytest.raises(MetadataValidationError, match=says):
        zarrite.open("file", mode=mode)
    assert Path("file").read_bytes() == raw


FOLDERS = {
    "ocdbt": ({"manifest.ocdbt": b"\x0c\xdb\x3a\x2a" + b"\0" * 64}, "an OCDBT database.*tensorstore"),
    "precomputed": ({"info": json.dumps({"scales": [], "data_type": "uint8"}).encode()}, "Neuroglancer"),
    "kerchunk in Parquet": (
        {".zmetadata": json.dumps({"metadata": {".zgroup": {"zarr_format": 2}}, "record_size": 10}).encode()},
        "kerchunk references in Parquet",
    ),
}


@pytest.mark.parametrize("kind", FOLDERS)
def test_a_folder_that_is_not_read_is_named_with_the_way_out(s3: Server, in_tmp_path: Path, kind: str) -> None:
    objects, says = FOLDERS[kind]
    Path("place").mkdir()
    for name, raw in objects.items():
        s3.write(f"place/{name}", raw)
        Path("place", name).write_bytes(raw)
    for place, options in (("place", None), (f"s3://{s3.bucket}/place", s3.options())):
        for mode in ("r", "a"):
            with pytest.raises(MetadataValidationError, match=says):
                zarrite.open_group(place, mode=mode, storage_options=options)
    assert sorted(path.name for path in Path("place").iterdir()) == sorted(objects)


@pytest.mark.parametrize(
    "objects",
    [
        {"refs/branch.main/ref.json": b'{"snapshot":"1CECHNKREP0F1RSTCMT0"}'},
        {"repo": b"ICE\xf0\x9f\xa7\x8aCHUNK" + b"\0" * 64},
    ],
)
def test_a_repository_is_never_taken_for_an_empty_place(in_tmp_path: Path, objects: dict[str, bytes]) -> None:
    for name, raw in objects.items():
        Path("repo", name).parent.mkdir(parents=True, exist_ok=True)
        Path("repo", name).write_bytes(raw)
    with pytest.raises(Exception, match=r"(?i)icechunk|repo"):
        zarrite.open("repo", mode="a")
    assert not Path("repo", "zarr.json").exists()


# ---------------------------------------------------------------- servers that answer everything


class Everywhere(dict):  # type: ignore[type-arg]
    """A server that has an answer for every path."""

    def __init__(self, answer: bytes, objects: dict[str, Any]) -> None:
        super().__init__(objects)
        self.answer = answer

    def get(self, key: str, default: Any = None) -> Any:
        return super().get(key, self.answer)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (b"<!DOCTYPE html><html><body>app</body></html>", "a page for people and no document.*login"),
        (b"\xef\xbb\xbf\n <html>", "a page for people"),
        (b"", "zarr.json is empty"),
        (b" \n", "zarr.json is empty"),
    ],
)
def test_a_server_that_answers_every_path_is_told_as_such(answer: bytes, says: str) -> None:
    with pytest.raises(MetadataValidationError, match=says):
        zarrite.open(Everywhere(answer, {}), mode="r")
    two: dict[str, Any] = {}
    zarrite.create_array(two, data=CELLS, zarr_format=2)
    assert zarrite.open_array(Everywhere(answer, two), mode="r").shape == (10,)


def test_a_page_of_a_real_server_is_told_as_such(web: Server) -> None:
    web.turn(faults=[{"kind": "page"}])
    with pytest.raises((MetadataValidationError, StoreError), match=r"web page|a page for people"):
        zarrite.open(f"{web.url}/data", mode="r")


# ---------------------------------------------------------------- what is not there


@pytest.mark.parametrize(
    ("place", "path", "near"),
    [
        ("temperatur.zarr", None, "temperature.zarr"),
        ("Temperature.zarr", None, "temperature.zarr"),
        ("temperature.zarr/aire", None, "air"),
        ("temperature.zarr", "ait", "air"),
        ("temperature.zarr", "deep/leaves", "leaf"),
    ],
)
def test_what_is_not_there_is_told_with_what_is_like_it(
    in_tmp_path: Path, place: str, path: str | None, near: str
) -> None:
    group = zarrite.create_group("temperature.zarr")
    group.create_array("air", data=CELLS)
    group.create_array("deep/leaf", data=CELLS)
    with pytest.raises(
        NodeNotFoundError, match=f"looked for .*zarr.json.*did you mean {re.escape(repr(near))}"
    ) as told:
        zarrite.open(place, path=path, mode="r")
    assert told.value.near == (near,)
    assert isinstance(told.value, FileNotFoundError)
    with pytest.raises(NodeNotFoundError) as told:
        zarrite.open("temperature.zarr", path="nothing/like/it", mode="r")
    assert told.value.near == ()


# ---------------------------------------------------------------- archives on a network


def test_an_archive_on_a_network_is_opened_with_two_requests_where_the_url_says_what_it_is(
    s3: Server, objects: dict[str, Any]
) -> None:
    s3.write("a.bin", archive_of(objects))
    options, place = s3.options(), f"s3://{s3.bucket}/a.bin"
    requests = asked(s3, lambda: zarrite.open(f"{place}|zip:|zarr3:a", mode="r", storage_options=options))
    assert {method for method, _ in requests} == {"GET"}
    assert len(requests) <= 2
    found: list[Any] = []
    requests = asked(s3, lambda: found.append(zarrite.open(place, mode="r", storage_options=options)))
    assert found[0]["a"][9] == 9
    assert found[0].url == f"{place}|zip:"
    assert {method for method, _ in requests} == {"GET"}
    assert len(requests) <= 16, "the documents, one round of everything else, and the archive"
    s3.write("b.zip", archive_of(objects))
    requests = asked(s3, lambda: zarrite.open(f"s3://{s3.bucket}/b.zip", mode="r", storage_options=options))
    assert len(requests) <= 2, "a name that ends so is tried first"


def test_a_keyword_of_arrays_is_refused_where_a_group_is() -> None:
    store: dict[str, bytes] = {}
    zarrite.create_group(store)
    for mode in ("r", "a"):
        with pytest.raises(TypeError, match=r"unexpected keyword argument 'shape': memory://.* is a group"):
            zarrite.open(store, mode=mode, shape=(1,))
