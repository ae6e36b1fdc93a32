"""URL pipelines: what is written, what it means, and what is refused."""

from __future__ import annotations

import gzip
import json
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

import zarrite
from servers.s3 import Server
from zarrite import _engine
from zarrite.errors import HandleError, ReadOnlyError, UrlError
from zarrite.storage import StorePath, overlay, prefixed, read_json, read_only, recorded, requests
from zarrite.stores import address, reopen
from zarrite.stores.paths import escaped, join_url, unescaped
from zarrite.stores.pipelines import Pipeline, Stage, bound_format, parse

CELLS = np.arange(10)
ODD = "a b/50%25|c?d#e"


def written(place: Any, name: str = "a", **settings: Any) -> None:
    zarrite.create_group(place, **settings).create_array(name, data=CELLS, chunks=3)


def zipped(folder: Path, archive: Path) -> Path:
    with zipfile.ZipFile(archive, "w") as made:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                made.write(file, file.relative_to(folder.parent))
    return archive


@pytest.fixture
def archive(in_tmp_path: Path) -> Path:
    """An archive with a folder in it: `x.zarr` with the array `a`."""
    written("x.zarr")
    return zipped(in_tmp_path / "x.zarr", in_tmp_path / "x.zip")


# ---------------------------------------------------------------- texts


@pytest.mark.parametrize(
    ("text", "stages"),
    [
        ("s3://b/a.zip|zip:x/y.zarr|zarr3:array/", [("zip", "x/y.zarr"), ("zarr3", "array")]),
        ("a.zip|ZIP|zarr", [("zip", ""), ("zarr", "")]),
        ("gs://b/a%7Cb|zip:c%7Cd%20e/", [("zip", "c|d e")]),
        ("x.zip.gz|gzip:|zip:a", [("gzip", ""), ("zip", "a")]),
        ("x|byte-range:010-20|zstd:|zip:", [("byte-range", "10-20"), ("zstd", ""), ("zip", "")]),
        ("a.zip|zip:x|..:|zip:y", [("zip", "y")]),
        ("x.json|json:/a~1b/0", [("json", "/a~1b/0")]),
        ("s3://b/x|com.example.foo:/bar?q", [("com.example.foo", "/bar?q")]),
    ],
)
def test_a_text_is_taken_apart_at_its_bars(text: str, stages: list[tuple[str, str]]) -> None:
    assert [(stage.scheme, stage.body) for stage in parse(text).stages] == stages


@pytest.mark.parametrize(
    ("old", "new", "version", "path"),
    [
        ("@branch.main/a/b", "//branch.main/a/b", "branch.main", "a/b"),
        ("@tag.v5", "//tag.v5/", "tag.v5", ""),
        ("@branch.with%2Fslash/a", "//branch.with%2Fslash/a", "branch.with/slash", "a"),
        ("@1CECHNKREP0F1RSTCMT0/a", "//1CECHNKREP0F1RSTCMT0/a", "1CECHNKREP0F1RSTCMT0", "a"),
        ("a/b", "//branch.main/a/b", "branch.main", "a/b"),
        ("", "//branch.main/", "branch.main", ""),
    ],
)
def test_both_spellings_of_a_version_are_read_and_the_new_one_is_printed(
    old: str, new: str, version: str, path: str
) -> None:
    for body in (old, new):
        pipeline = parse(f"s3://b/repo|icechunk:{body}")
        assert pipeline.stages == (Stage("icechunk", path, version),)
        assert str(pipeline) == f"s3://b/repo|icechunk:{new}"


@pytest.mark.parametrize(
    "body", ["@v1/a", "//v123/a", "@2025-01-01T01:23:45Z/a", "//2025-01-01T01:23:45.678Z/a", "a", ""]
)
def test_ocdbt_is_understood_in_both_spellings_and_refused_with_the_way_out(body: str) -> None:
    with pytest.raises(UrlError, match=r"tensorstore reads them and copies"):
        zarrite.open(f"s3://b/db|ocdbt:{body}", mode="r")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("x||zip:", "names no stage"),
        ("|zip:", "begins with"),
        ("x|zip file", "names no stage"),
        ("x|zip:a#b", "no '#' part"),
        ("x|zip:a?b", "takes no options"),
        ("x|zip:../y", "no '.' or '..' parts"),
        ("x|..:", "there is none"),
        ("x|zip:|..:up", "nothing behind its colon"),
        ("x|zarr3:|zip:", "nothing can follow 'zarr3'"),
        ("x|gzip:|zarr3:", "makes a file and 'zarr3' needs a directory"),
        ("x|gzip:path", "takes nothing behind its colon"),
        ("x|byte-range:1", "first and end byte"),
        ("x|byte-range:9-1", "first and end byte"),
        ("x|byte-range:0-99999999999999999999", "first and end byte"),
        ("x|json:a", "pointer"),
        ("x|icechunk:@main/a", "branch.NAME"),
        ("x|icechunk://1CECHNKREP0F1RSTCMT/a", "branch.NAME"),
        ("x|icechunk://branch./a", "branch.NAME"),
        ("x|ocdbt:@v0/a", "v123 or a time"),
        ("x|zip:%ff", "not UTF-8"),
        ("zip://a::s3://b/c|zip:", "mixes"),
        ("s3://b/c|zip://a::b", "mixes"),
        ("zip://a::", "last part"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_a_sentence(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        zarrite.open(text, mode="r")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("x.nc|hdf5:/group", "zarrite convert"),
        ("x|neuroglancer-precomputed:", "tensorstore"),
        ("x|tiff:", "zarrite.save"),
        ("x|png:", "zarrite.save"),
        ("x|nifti:", "nibabel"),
        ("x|com.example.foo:bar", "its vendor may bring it"),
        ("x|nope:", "known: zip:"),
        ("x|json:/a", "read_json"),
        ("s3+ftp://h/b/k", "names no bucket"),
        ("s3+http://h", "names no bucket"),
    ],
)
def test_what_is_known_and_not_opened_is_refused_by_name_with_the_way_out(text: str, says: str) -> None:
    with pytest.raises(UrlError, match=says):
        zarrite.open(text, mode="r")


def test_a_chain_is_read_from_the_inside_out() -> None:
    assert parse("zip://x/y.zarr::s3://b/a.zip") == Pipeline("s3://b/a.zip", (Stage("zip", "x/y.zarr"),), chained=True)
    assert parse("zip://y::zip://x.zip::a.zip").stages == (Stage("zip", "x.zip"), Stage("zip", "y"))
    assert parse("simplecache::s3://b/a") == Pipeline("simplecache::s3://b/a", (), chained=True)
    assert not parse("http://[::1]:80/a").chained


@pytest.mark.parametrize(
    ("text", "name"), [("a|zarr2:x", "zarr2"), ("a|zarr3", "zarr3"), ("a|n5:", "n5"), ("a|zarr:", None)]
)
def test_a_text_may_name_the_format(text: str, name: str | None) -> None:
    assert bound_format(text) == name


PATHS = st.lists(
    st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="/\\\0"), min_size=1).filter(
        lambda part: part not in (".", "..")
    ),
    max_size=3,
).map("/".join)
VERSIONS = st.sampled_from(["branch.main", "tag.v 1/2%", "1CECHNKREP0F1RSTCMT0"])
REPOSITORY = st.lists(st.builds(Stage, st.just("icechunk"), PATHS, VERSIONS), max_size=1)
STAGES = st.one_of(
    st.builds(Stage, st.just("zip"), PATHS, st.none()),
    st.builds(
        Stage,
        st.just("zarrite.overlay"),
        st.sampled_from(["memory://up", "file:///a%7Cb|zip:x", "memory://u\0in/it"]),
        st.none(),
    ),
)


ROOTS = st.sampled_from(["s3://b/k", "file:///a%7Cb%20c", "memory://m", "rel/path"])


@given(ROOTS, REPOSITORY, st.lists(STAGES, max_size=4))
def test_what_is_printed_is_read_as_the_same(root: str, first: list[Stage], stages: list[Stage]) -> None:
    pipeline = Pipeline(root, (*first, *stages))
    assert parse(str(pipeline)) == pipeline


@given(PATHS)
def test_paths_survive_a_url(path: str) -> None:
    assert unescaped(escaped(path)) == path
    assert "|" not in join_url("s3://b", path)
    if path:
        assert parse(f"{join_url('s3://b/a.zip|zip:', path)}").stages[0].body == path
        assert _engine.memory_store().prefixed(path).url.endswith("/" + escaped(path)), "the engine's stores agree"


# ---------------------------------------------------------------- opening


def test_every_way_to_an_array_in_an_archive_leads_there_and_prints_one_url(archive: Path) -> None:
    whole = archive.as_uri()
    (archive.parent / "x.zip.gz").write_bytes(gzip.compress(archive.read_bytes()))
    for text in (
        "x.zip|zip:x.zarr|zarr3:a",
        "x.zip|zip:x.zarr/a",
        "x.zip|zip:/x.zarr/a/|zarr:",
        f"{whole}|zip:x.zarr|zarr3:a",
        "zip://x.zarr/a::x.zip".replace("x.zip", whole),
        f"zip://{archive}/x.zarr/a",
        "x.zip|zip:nothing|..:|zip:x.zarr/a",
    ):
        array = zarrite.open_array(text, mode="r")
        assert array[:].tolist() == CELLS.tolist()
        again = zarrite.open_array(str(array.store_path), mode="r")
        assert str(again.store_path) == str(array.store_path) == array.url
        assert repr(array.url).strip("'") in repr(array)
    assert zarrite.open_group("x.zip|zip:x.zarr", mode="r").url == f"file://{archive}|zip:x.zarr"


def test_a_format_in_the_url_is_the_one_that_is_looked_for(in_tmp_path: Path) -> None:
    written("three", zarr_format=3)
    zarrite.create_array("two|zarr2:a", data=CELLS)
    assert zarrite.open_array("two", path="a", mode="r").zarr_format == 2
    assert zarrite.open("two|zarr2:a", mode="r")[9] == 9  # type: ignore[index]
    for text, place in (("three|zarr2:a", "three"), ("two|zarr3:a", "two")):
        with pytest.raises(FileNotFoundError):
            zarrite.open(text, mode="r")
        assert zarrite.open(f"{place}|zarr:a", mode="r").path == "a"
    with pytest.raises(ValueError, match="leave one of them out"):
        zarrite.open("three|zarr3:a", zarr_format=2, mode="r")
    with pytest.raises(ValueError, match="leave one of them out"):
        zarrite.create_group("new|zarr3:", zarr_format=2)
    zarrite.open_array("three|zarr3:a", mode="r+")[0] = 7
    assert zarrite.open_array("three", path="a")[0] == 7


def test_an_archive_of_this_machine_is_changed_and_one_within_something_is_not(archive: Path) -> None:
    with zarrite.open_group("x.zip|zip:x.zarr", mode="r+").store as store:
        zarrite.open_array(StorePath(store, "x.zarr/a"), mode="r+")[0] = 77
    assert zarrite.open("x.zip|zip:x.zarr|zarr3:a", mode="r")[0] == 77  # type: ignore[index]
    raw = archive.read_bytes()
    Path("x.zip.gz").write_bytes(gzip.compress(raw))
    Path("within").write_bytes(b"abc" + raw + b"xyz")
    Path("within.gz").write_bytes(gzip.compress(Path("within").read_bytes()))
    part = f"byte-range:3-{3 + len(raw)}|zip:x.zarr"
    for text in ("x.zip.gz|gzip:|zip:x.zarr", f"within|{part}", f"within.gz|gzip:|{part}"):
        array = zarrite.open_array(f"{text}|zarr3:a", mode="r")
        assert array[:2].tolist() == [77, 1]
        assert zarrite.open_array(array.url, mode="r")[9] == 9
        with pytest.raises(ReadOnlyError):
            zarrite.open(text, mode="r+")


@pytest.mark.parametrize("name", [ODD, "50%", "a%20b", "ä", "x::y"])
def test_a_place_with_reserved_letters_prints_what_opens_it(tmp_path: Path, name: str) -> None:
    written(tmp_path / name, name="b%c|d")
    array = zarrite.open_array(tmp_path / name, path="b%c|d", mode="r")
    assert zarrite.open_array(array.url, mode="r")[9] == 9
    assert zarrite.open_array(StorePath(array.store, array.path), mode="r").url == array.url
    assert reopen(address(array.store)).url == array.store.url
    written(f"memory://reserved/{escaped(name)}", name="b%c|d")
    array = zarrite.open_array(f"memory://reserved/{escaped(name)}", path="b%c|d", mode="r")
    assert zarrite.open_array(array.url, mode="r")[9] == 9


def test_memory_has_a_url_while_it_lives() -> None:
    array = zarrite.create_array(None, shape=(3,), dtype="i4", fill_value=7)
    assert zarrite.open_array(array.url, mode="r")[0] == 7
    written("memory:forms/x")
    for text in ("memory:forms/x", "memory:/forms/x", "memory://forms/x", "MEMORY:forms/x", "memory:|zarr3:forms/x"):
        assert zarrite.open_group(text, mode="r")["a"][1] == 1  # type: ignore[index]


def test_a_bucket_of_another_server_is_named_by_the_server(s3: Server) -> None:
    options = {name: value for name, value in s3.options().items() if name != "endpoint"}
    root = f"s3+{s3.url}/{s3.bucket}/deep/a b"
    written(root, storage_options=options)
    array = zarrite.open_array(f"{root}|zarr3:a", mode="r", storage_options=options)
    assert array[:].tolist() == CELLS.tolist()
    assert s3.read("deep/a b/zarr.json") is not None
    assert array.url == f"{root}/a"
    assert zarrite.open_array(array.url, mode="r", storage_options=options)[9] == 9
    assert reopen(address(array.store)).get("a/zarr.json").result() is not None
    with pytest.raises(UrlError, match="leave one of them out"):
        zarrite.open(root, storage_options=s3.options())


def test_a_pointer_leads_to_a_value_of_a_document(archive: Path) -> None:
    zarrite.open_group("x.zarr").attrs["list"] = [{"a/b": 1}]
    document = "x.zarr/zarr.json|json:"
    assert read_json(document)["node_type"] == "group"
    assert read_json(document + "/attributes/list/0/a~1b") == 1
    assert read_json("x.zip|zip:x.zarr/zarr.json|json:/node_type") == "group"
    for pointer in ("/nothing", "/attributes/list/1", "/attributes/list/x", "/node_type/a"):
        with pytest.raises(UrlError, match="nothing at"):
            read_json(document + pointer)
    with pytest.raises(UrlError, match="does not end in 'json:'"):
        read_json("x.zarr/zarr.json")
    with pytest.raises(FileNotFoundError):
        read_json("x.zarr/nothing|json:")
    with pytest.raises(UrlError, match="not JSON"):
        read_json("x.zip|json:")


def test_another_package_may_bring_a_stage(archive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def adapter(inner: StorePath, body: str, *, storage_options: dict[str, Any]) -> Any:
        assert storage_options == {}
        return StorePath(inner.store, f"{inner.path}/{body}")

    class Point:
        name, value = "org.example.below", "example:adapter"

        def load(self) -> Any:
            return adapter

    from importlib import metadata

    monkeypatch.setattr(metadata, "entry_points", lambda group: [Point()] if group == "zarrite.url_adapters" else [])
    assert zarrite.open_group("x.zarr|org.example.below:|zarr3:", mode="r")["a"][9] == 9  # type: ignore[index]
    assert zarrite.open("x.zarr|org.example.below:a", mode="r")[9] == 9  # type: ignore[index]


# ---------------------------------------------------------------- layers


def test_an_overlay_keeps_changes_over_a_place_that_is_not_changed(in_tmp_path: Path) -> None:
    written("theirs")
    before = {file: file.read_bytes() for file in Path("theirs").rglob("*") if file.is_file()}
    group = zarrite.open_group(overlay("theirs", "mine"), mode="r+")
    group["a"][0] = 99  # type: ignore[index]
    group["a"].attrs["mine"] = True
    group.create_array("new", data=CELLS)
    assert sorted(group) == ["a", "new"]
    assert {file: file.read_bytes() for file in Path("theirs").rglob("*") if file.is_file()} == before
    again = zarrite.open_group(group.url, mode="r+")
    assert again["a"][:2].tolist() == [99, 1]  # type: ignore[index]
    assert again["a"].attrs["mine"]
    del again["a"]
    assert list(zarrite.open_group(group.url, mode="r")) == ["new"]
    assert zarrite.open_array(f"{group.url}|zarr3:new", mode="r")[9] == 9
    assert reopen(address(group.store)).url == group.store.url


def test_a_part_of_an_archive_travels_with_the_options_of_its_root(s3: Server, archive: Path) -> None:
    s3.write("x.zip", archive.read_bytes())
    place = f"s3://{s3.bucket}/x.zip|zip:x.zarr"
    for store in (
        prefixed(place, "a", storage_options=s3.options()),
        zarrite.open_array(f"{place}/a", mode="r", storage_options=s3.options()).store.prefixed("x.zarr/a"),
    ):
        again = reopen(address(store))
        assert again.url == store.url == f"{place}/a"
        assert zarrite.open_array(again, mode="r")[9] == 9
    array = zarrite.open_array(f"{place}/a", mode="r", storage_options=s3.options())
    assert pickle.loads(pickle.dumps(array))[3] == 3


def test_an_overlay_in_memory_does_not_travel() -> None:
    with pytest.raises(HandleError, match="this process's memory"):
        address(overlay(None))


def test_layers_take_any_place(in_tmp_path: Path) -> None:
    written("x.zarr")
    store = recorded(prefixed("x.zarr", "a"))
    assert zarrite.open_array(store, mode="r")[0] == 0
    assert [(one.operation, one.key) for one in requests(store)] == [("get", "zarr.json"), ("get", "c/0")]
    assert requests(store) == []
    assert store.url == f"file://{in_tmp_path}/x.zarr/a"
    with pytest.raises(ReadOnlyError):
        zarrite.open_group(read_only("x.zarr"), mode="r+")
    with pytest.raises(TypeError, match="no ledger"):
        requests(read_only("x.zarr"))
    assert [path.name for path in Path().iterdir()] == ["x.zarr"]


def test_a_file_that_unpacks_to_too_much_is_refused(in_tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from zarrite.stores import adapters

    monkeypatch.setattr(adapters, "unpack_limit_bytes", 10_000)
    Path("x.json.gz").write_bytes(gzip.compress(json.dumps(["x" * 100_000]).encode()))
    with pytest.raises(UrlError, match="cannot be unpacked"):
        read_json("x.json.gz|gzip:|json:")
    Path("x.json.gz").write_bytes(gzip.compress(json.dumps(["x" * 1000]).encode()))
    assert read_json("x.json.gz|gzip:|json:/0") == "x" * 1000
    Path("x.json.gz").write_bytes(b"no gzip at all")
    with pytest.raises(UrlError, match="cannot be unpacked"):
        read_json("x.json.gz|gzip:|json:")


# ---------------------------------------------------------------- other people's places


def test_escapes_are_undone_in_every_url(s3: Server) -> None:
    place = f"s3://{s3.bucket}/50%25%7C%20x"
    written(place, storage_options=s3.options())
    assert s3.read("50%| x/zarr.json") is not None
    array = zarrite.open_array(f"{place}|zarr3:a", mode="r", storage_options=s3.options())
    assert array.url == f"s3://{s3.bucket}/50%25%7C x/a"
    assert zarrite.open_array(array.url, mode="r", storage_options=s3.options())[9] == 9


def test_a_chain_that_needs_fsspec_is_handed_to_it_and_prints_itself(in_tmp_path: Path) -> None:
    pytest.importorskip("fsspec")
    written("x.zarr")
    text = f"simplecache::file://{in_tmp_path}/x.zarr"
    group = zarrite.open_group(text, mode="r")
    assert group["a"][9] == 9  # type: ignore[index]
    assert group.url == text
    assert zarrite.open_array(group["a"].url, mode="r")[1] == 1
    assert reopen(address(group.store)).identity == group.store.identity


def test_schemes_that_only_fsspec_knows_are_handed_to_it(archive: Path) -> None:
    pytest.importorskip("fsspec")
    place = f"local://{archive.parent}/x.zarr"
    group = zarrite.open_group(place, mode="r")
    assert group["a"][9] == 9  # type: ignore[index]
    assert group.url == place
    assert zarrite.open_array(f"{place}|zarr3:a", mode="r").url == f"{place}/a"
    assert zarrite.open_group(f"local://{archive}|zip:x.zarr", mode="r")["a"][1] == 1  # type: ignore[index]
    with pytest.raises(UrlError, match="no store is known for nobodyknows://"):
        zarrite.open("nobodyknows://x")


@pytest.mark.parametrize(
    "text", ["{}", "{}|icechunk:", "{}|icechunk://branch.main/", "file://{}|icechunk:@branch.main"]
)
def test_a_repository_is_opened_at_a_version_and_prints_the_snapshot(data: Path, text: str) -> None:
    pytest.importorskip("icechunk")
    repository = data / "icechunk" / "icechunk" / "split-repo-v1"
    group = zarrite.open_group(text.format(repository), mode="r")
    names = list(group)
    assert names
    assert group.url.startswith(f"file://{repository}|icechunk://")
    again = zarrite.open_group(group.url, mode="r")
    assert again.url == group.url
    assert list(again) == names
    assert zarrite.open(f"{repository}|icechunk:{names[0]}|zarr3:", mode="r").path == names[0]
    assert reopen(address(group.store)).url == group.store.url
    with pytest.raises(ReadOnlyError):
        zarrite.open(text.format(repository), mode="r+")
    with pytest.raises(UrlError, match="not within 'zip'"):
        zarrite.open(f"{repository}|zip:x|icechunk:", mode="r")


@pytest.mark.parametrize("root", ["s3://{bucket}/repo", "s3+{url}/{bucket}/repo"])
def test_a_repository_in_a_bucket_is_found_out_and_opened(data: Path, s3: Server, root: str) -> None:
    pytest.importorskip("icechunk")
    repository = data / "icechunk" / "icechunk" / "split-repo-v1"
    for file in repository.rglob("*"):
        if file.is_file():
            s3.write(f"repo/{file.relative_to(repository).as_posix()}", file.read_bytes())
    place = root.format(bucket=s3.bucket, url=s3.url)
    options = {"key": "a", "secret": "b"} | ({} if place.startswith("s3+") else {"endpoint_url": s3.url})
    for text in (place, f"{place}|icechunk:"):
        group = zarrite.open_group(text, mode="r", storage_options=options)
        assert group.url.startswith(f"{place}|icechunk://")
        assert list(zarrite.open_group(group.url, mode="r", storage_options=options)) == list(group) != []
    assert {one.method for one in s3.requests()} <= {"GET", "HEAD"}
