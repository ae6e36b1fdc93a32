"""Servers that others wrote: moto and versitygw for S3, azurite for Azure, nginx for the web.

Each is skipped where it is absent.
"""

from __future__ import annotations

import base64
import hmac
import os
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from email.utils import formatdate
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import zarrite
from stores.remotes import CELLS
from zarrite._engine import Store
from zarrite.errors import StoreError
from zarrite.stores.remote import remote_store
from zarrite.testing import StoreContract

# The account that every azurite has.
ACCOUNT = "devstoreaccount1"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def up(process: subprocess.Popen[bytes], port: int, seconds: float = 20) -> None:
    """Waits until a server listens."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if process.poll() is not None:
            pytest.skip(f"the server ended with {process.returncode}")
        with socket.socket() as asked:
            if asked.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    pytest.skip(f"the server did not listen within {seconds} s")


def running(words: list[str], port: int, **more: Any) -> Iterator[int]:
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **more)
    try:
        up(process, port)
        yield port
    finally:
        process.terminate()
        process.wait(20)


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    """An S3 server that only Python is needed for."""
    pytest.importorskip("moto.server", reason="moto[server] is not installed")
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(scope="module")
def azurite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Microsoft's own imitation of its blobs. `ZARRITE_AZURITE` names its `azurite-blob`."""
    program = os.environ.get("ZARRITE_AZURITE") or shutil.which("azurite-blob")
    if not program:
        pytest.skip("azurite is not installed (npm install -g azurite)")
    port = free_port()
    place = str(tmp_path_factory.mktemp("azurite"))
    words = [
        program,
        "--blobPort",
        str(port),
        "--location",
        place,
        "--silent",
        "--skipApiVersionCheck",
        "--disableTelemetry",
    ]
    for found in running(words, port):
        yield f"http://127.0.0.1:{found}/{ACCOUNT}"


@pytest.fixture(scope="module")
def versity(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An S3 server in Go that keeps objects as files. `ZARRITE_VERSITYGW` names the program."""
    program = os.environ.get("ZARRITE_VERSITYGW") or shutil.which("versitygw")
    if not program:
        pytest.skip("versitygw is not installed (go install github.com/versity/versitygw/cmd/versitygw@latest)")
    port = free_port()
    place = tmp_path_factory.mktemp("versity")
    words = [program, "--access", "key", "--secret", "secret", "--port", f"127.0.0.1:{port}", "posix"]
    for found in running([*words, "--sidecar", str(tmp_path_factory.mktemp("sidecar")), str(place)], port):
        yield f"http://127.0.0.1:{found}"


@pytest.fixture(scope="module", params=["ranges", "no ranges"])
def nginx(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """A web server that most of the web runs on, with and without ranges."""
    program = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if program is None:
        pytest.skip("nginx is not installed")
    place = tmp_path_factory.mktemp("nginx")
    (place / "site").mkdir()
    port = free_port()
    ranges = "" if request.param == "ranges" else "max_ranges 0;"
    temporary = "".join(f"{name}_temp_path {place};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    (place / "conf").write_text(
        f"daemon off; master_process off; pid {place}/pid; error_log {place}/log; events {{}}\n"
        f"http {{ access_log off; {temporary} {ranges}\n"
        f"server {{ listen 127.0.0.1:{port}; root {place}/site; }} }}"
    )
    place.chmod(0o755)
    for found in running([program, "-e", f"{place}/log", "-c", f"{place}/conf"], port):
        yield f"http://127.0.0.1:{found}", place / "site"


def ask(method: str, url: str) -> None:
    with urllib.request.urlopen(urllib.request.Request(url, method=method)) as answer:
        answer.read()


def make_container(url: str, name: str) -> None:
    """Makes a container, with the signature that Azure asks for."""
    date = formatdate(usegmt=True)
    version = "2021-08-06"
    told = f"PUT{chr(10) * 12}x-ms-date:{date}\nx-ms-version:{version}\n/{ACCOUNT}/{ACCOUNT}/{name}\nrestype:container"
    digest = base64.b64encode(hmac.digest(base64.b64decode(KEY), told.encode(), "sha256")).decode()
    headers = {"x-ms-date": date, "x-ms-version": version, "Authorization": f"SharedKey {ACCOUNT}:{digest}"}
    asked = urllib.request.Request(f"{url}/{name}?restype=container", method="PUT", headers=headers)
    with urllib.request.urlopen(asked) as answer:
        answer.read()


@pytest.fixture
def on_moto(moto: str) -> Store:
    bucket = f"bucket{time.monotonic_ns()}"
    ask("PUT", f"{moto}/{bucket}")
    return remote_store(f"s3://{bucket}", {"endpoint_url": moto, "key": "key", "secret": "secret"})


@pytest.fixture
def on_azurite(azurite: str) -> Store:
    container = f"container{time.monotonic_ns()}"
    text = f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={KEY};BlobEndpoint={azurite};"
    make_container(azurite, container)
    return remote_store(f"az://{container}", {"connection_string": text})


@pytest.fixture
def on_versity(versity: str) -> Store:
    given = {"endpoint_url": versity, "key": "key", "secret": "secret"}
    bucket = f"bucket{time.monotonic_ns()}"
    s3fs = pytest.importorskip("s3fs", reason="s3fs makes the bucket")
    s3fs.S3FileSystem(**given, skip_instance_cache=True).mkdir(bucket)
    return remote_store(f"s3://{bucket}", given)


class TestMoto(StoreContract):
    @pytest.fixture
    def store(self, on_moto: Store) -> Store:
        return on_moto


class TestAzurite(StoreContract):
    @pytest.fixture
    def store(self, on_azurite: Store) -> Store:
        return on_azurite


class TestVersity(StoreContract):
    @pytest.fixture
    def store(self, on_versity: Store) -> Store:
        return on_versity


@pytest.mark.parametrize("where", ["on_moto", "on_azurite", "on_versity"])
@pytest.mark.parametrize("layout", [{}, {"shards": (64, 64)}], ids=["chunks", "shards"])
def test_arrays_are_written_changed_and_read(
    request: pytest.FixtureRequest, where: str, layout: dict[str, Any]
) -> None:
    store: Store = request.getfixturevalue(where)
    array = zarrite.create_array(store, name="g/a", shape=(64, 64), dtype="i4", **{"chunks": (16, 16)} | layout)
    array[...] = CELLS
    array[3:20, 5] = -1
    array.attrs["a"] = "b"
    wanted = CELLS.copy()
    wanted[3:20, 5] = -1
    found = zarrite.open_group(store, mode="r")["g/a"]
    np.testing.assert_array_equal(found[...], wanted)
    assert found.attrs["a"] == "b"
    assert sorted(zarrite.open_group(store, mode="r").keys()) == ["g"]
    assert store.delete_prefix("").result() > 0
    assert store.list("").result() == []


@pytest.mark.parametrize("layout", [{}, {"shards": (64, 64)}], ids=["chunks", "shards"])
def test_nginx_is_read(nginx: tuple[str, Path], layout: dict[str, Any]) -> None:
    url, site = nginx
    name = f"a b {'s' if layout else 'c'}.zarr"
    array = zarrite.create_array(
        site / name, shape=(64, 64), dtype="i4", overwrite=True, **{"chunks": (16, 16)} | layout
    )
    array[:, :48] = CELLS[:, :48]
    found = zarrite.open_array(f"{url}/{name.replace(' ', '%20')}", mode="r")
    np.testing.assert_array_equal(found[:, :48], CELLS[:, :48])
    np.testing.assert_array_equal(found[7, 40:], [*CELLS[7, 40:48], *[0] * 16])
    with pytest.raises(StoreError, match="does not list"):
        found.store.list("").result()
    with pytest.raises(FileNotFoundError):
        zarrite.open(f"{url}/nothing.zarr", mode="r")
