"""What a user is told who does something wrong: `mistakes.txt` has each mistake, and the error word for word.

`PYTHONPATH=python:tests python tests/errors/test_sixty_mistakes.py` writes the errors as they are now. Read what it
changed: does each text name the thing, the place, and the way out?
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

import zarrite
from servers.s3 import Server
from zarrite import codecs

TABLE = Path(__file__).with_name("mistakes.txt")
LONGEST = 400
"""A text that goes on with all the names that are known is cut there."""


class Mistake(NamedTuple):
    """A line of Python, or of a shell, and what is said about it."""

    line: str
    says: str


def table() -> Iterator[Mistake]:
    lines = iter(TABLE.read_text("utf-8").splitlines())
    for line in lines:
        if line.startswith((">>> ", "$ ")):
            yield Mistake(line, next(lines))


def scene() -> dict[str, Any]:
    """The names that the mistakes use; everything lies in the working directory."""
    array = make()
    array[...] = 1
    group = zarrite.create_group("weather.zarr")
    group.create_array("air", shape=(4, 6), dtype="f4", dimension_names=("y", "x"))
    group.create_array("wind", shape=(4, 6), dtype="f4")
    group.create_group("deep/lower-down")
    make("plain.zarr", compressors=None)[...] = 1
    make("shards.zarr", shards=(4, 6))[...] = 1
    Path("notes.txt").write_text("no cells here")
    Path("notes.zip").write_text("no archive")
    Path("model.nc").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(100))
    Path("old.nc").write_bytes(b"CDF\x01" + bytes(100))
    np.save("cells.npy", np.ones(3))
    return {
        "DOCUMENT": Path("air.zarr/zarr.json").read_bytes(),
        "array": array,
        "broken": broken,
        "codecs": codecs,
        "counts": zarrite.create_array({}, shape=(3,), dtype="uint8"),
        "damaged": damaged,
        "group": group,
        "make": make,
        "np": np,
        "scalar": zarrite.create_array({}, shape=(), dtype="i4"),
        "xr_open": xr_open,
        "zarrite": zarrite,
    }


def make(path: str = "air.zarr", **settings: Any) -> zarrite.Array:
    """An array, made with one setting that is wrong."""
    usual: dict[str, Any] = {"shape": (4, 6), "chunks": (2, 3), "dtype": "float32"}
    return zarrite.create_array(path, **{**usual, **settings})


def broken(name: str, document: bytes) -> None:
    """Opens an array whose document is not what it should be."""
    place = Path(f"{name}.zarr")
    place.mkdir()
    (place / "zarr.json").write_bytes(document)
    zarrite.open(place, mode="r")


def damaged(name: str, key: str, stored: bytes) -> None:
    """Reads an array that has a damaged object."""
    Path(name, key).write_bytes(stored)
    zarrite.open_array(name, mode="r").read()


def xr_open(place: str, **settings: Any) -> None:
    """Opens a dataset with the engine of xarray."""
    xarray = pytest.importorskip("xarray")
    xarray.open_dataset(place, engine=zarrite.xarray.ZarriteBackendEntrypoint, **settings).load()


def told(mistake: Mistake, place: Path) -> str:
    """What is said about a mistake, with the folder named PLACE."""
    names = scene()
    if mistake.line.startswith("$ zarrite "):
        says = _of_command(mistake.line.split()[2:])
    else:
        try:
            exec(mistake.line.removeprefix(">>> "), names)
        except (Exception, Warning) as error:
            says = f"{type(error).__name__}: {error}"
        else:
            says = "nothing"
    says = says.replace(f"file://{place}", "PLACE").replace(str(place), "PLACE")
    return says if len(says) <= LONGEST else says[: LONGEST - 1] + "…"


def _of_command(words: list[str]) -> str:
    pytest.importorskip("typer")
    pytest.importorskip("rich")
    from typer.testing import CliRunner

    from zarrite.cli.app import app

    done = CliRunner().invoke(app, words)
    assert done.exception is None or isinstance(done.exception, SystemExit)
    assert "Traceback" not in done.output
    (line,) = done.output.splitlines()
    return f"exit {done.exit_code}: {line}"


@pytest.fixture(autouse=True)
def as_usual() -> Iterator[None]:
    yield
    zarrite.config.reset()


MISTAKES = tuple(table())


def test_there_are_more_than_sixty_and_each_stands_once() -> None:
    assert len(MISTAKES) == len({mistake.line for mistake in MISTAKES}) > 60


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.line)
def test_a_mistake_is_told_in_these_words(mistake: Mistake, in_tmp_path: Path) -> None:
    assert told(mistake, in_tmp_path) == mistake.says


# ---------------------------------------------------------------- networks


def options(server: Server, **more: Any) -> dict[str, Any]:
    """What opens the server's bucket; nothing is asked twice."""
    return {"endpoint_url": server.url, "key": "a", "secret": "b", "region": "eu", "retries": 0, **more}


def test_a_key_that_is_not_in_the_bucket(s3: Server) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        zarrite.open(f"s3://{s3.bucket}/none.zarr", mode="r", storage_options=options(s3))
    assert str(caught.value).startswith(f"no array or group at s3://{s3.bucket}/none.zarr; looked for zarr.json")


def test_a_bucket_without_permission(s3: Server) -> None:
    s3.turn(faults=[{"kind": "status", "status": 403, "code": "AccessDenied"}])
    with pytest.raises(PermissionError) as caught:
        zarrite.open(f"s3://{s3.bucket}/a.zarr", mode="r", storage_options=options(s3))
    assert str(caught.value) == (
        f"a.zarr/zarr.json in s3://{s3.bucket}/a.zarr: the server answers 403 Forbidden, AccessDenied: Access Denied; "
        'where servers answer so for keys that are not there, pass storage_options={"missing_status": "auto"}'
    )


def test_credentials_that_have_ended(s3: Server) -> None:
    s3.turn(faults=[{"kind": "status", "status": 400, "code": "ExpiredToken"}])
    with pytest.raises(
        PermissionError, match=r"s3://bucket/a\.zarr: .*ExpiredToken.*credentials are wrong or have ended"
    ):
        zarrite.open(f"s3://{s3.bucket}/a.zarr", mode="r", storage_options=options(s3))


def test_a_server_that_is_not_there() -> None:
    with pytest.raises(OSError, match=r"zarr\.json in http://127\.0\.0\.1:9/a\.zarr: .*Connection refused"):
        zarrite.open("http://127.0.0.1:9/a.zarr", mode="r", storage_options={"retries": 0})


def test_a_web_server_cannot_be_written_to(web: Server) -> None:
    with pytest.raises(PermissionError) as caught:
        zarrite.create_array(f"{web.url}/a.zarr", shape=(1,), dtype="i4")
    assert str(caught.value) == (
        f"{web.url}/a.zarr is open for reading only; a web server takes no writes: "
        "write to files or to a bucket, and let the server give them out"
    )


# ---------------------------------------------------------------- what is not installed

ABSENT = (
    ("h5py", "zarrite.convert('model.nc', 'new.zarr')", "pip install 'zarrite[convert]'"),
    ("scipy", "zarrite.convert('old.nc', 'new.zarr')", "pip install 'zarrite[convert]'"),
    ("dask", "zarrite.dask.from_array(array)", "pip install 'zarrite[dask]'"),
    ("xarray", "zarrite.xarray.ZarriteBackendEntrypoint()", "pip install 'zarrite[xarray]'"),
    ("rich", "zarrite.progress.reporter('bars')", "pip install 'zarrite[cli]'"),
)


@pytest.mark.parametrize(("package", "line", "way"), ABSENT, ids=[package for package, *_ in ABSENT])
def test_a_package_that_is_missing_is_named_with_what_brings_it(
    package: str, line: str, way: str, in_tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    for name in [name for name in sys.modules if package in name.split(".")[:2]]:
        monkeypatch.delitem(sys.modules, name)
    if package in vars(zarrite):
        monkeypatch.delattr(zarrite, package)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ImportError) as caught:
        exec(line, scene())
    assert package in str(caught.value)
    assert way in str(caught.value)


if __name__ == "__main__":
    written = TABLE.read_text("utf-8")
    for known in MISTAKES:
        with tempfile.TemporaryDirectory() as folder:
            os.chdir(folder)
            now = told(known, Path(folder))
            os.chdir(TABLE.parent)
        zarrite.config.reset()
        written = written.replace(f"{known.line}\n{known.says}\n", f"{known.line}\n{now}\n")
    TABLE.write_text(written, "utf-8")
