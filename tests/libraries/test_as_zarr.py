"""zarrite under the name zarr: each test in a process of its own, since the name is the process's."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import zarrite

BEGIN = "import zarrite\nzarrite.install_as_zarr()\nimport zarr\n"


def python(*arguments: str, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    """What came of an interpreter that finds this package and no other."""
    package = Path(zarrite.__file__).parent.parent
    environment = {**os.environ, "PYTHONPATH": str(package)}
    return subprocess.run(
        [sys.executable, "-W", "error", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def runs(code: str) -> None:
    """Fails where the code does."""
    done = python("-c", BEGIN + code)
    assert done.returncode == 0, done.stderr


def test_the_classes_are_those_of_zarrite() -> None:
    runs(
        "assert zarr.Array is zarrite.Array and zarr.Group is zarrite.Group\n"
        "import zarr.errors, zarr.codecs\n"
        "assert zarr.errors.ArrayNotFoundError is zarrite.errors.ArrayNotFoundError\n"
        "assert zarr.codecs.ZstdCodec is zarrite.codecs.ZstdCodec\n"
        "assert zarr.config is zarrite.config"
    )


def test_the_version_is_that_of_the_interface_for_who_asks_the_installation_too() -> None:
    runs("import importlib.metadata as m\nassert zarr.__version__ == m.version('zarr') == '3.4.2'")


def test_every_module_of_the_list_is_imported_and_keeps_its_own_name() -> None:
    runs(
        "import importlib, sys\n"
        "from zarrite.as_zarr import MODULES\n"
        "for name, target in MODULES.items():\n"
        "    module = importlib.import_module(name)\n"
        "    assert module is sys.modules[target] and module.__name__ == target, name\n"
        "from zarr.core.config import config\n"
        "assert config is zarrite.config"
    )


def test_a_module_that_is_not_there_is_refused_in_words() -> None:
    done = python("-c", BEGIN + "import zarr.core.nothing")
    assert done.returncode != 0
    assert "ModuleNotFoundError" in done.stderr
    assert "no module 'zarr.core.nothing'" in done.stderr


def test_it_refuses_when_zarr_is_imported_already_and_does_nothing_the_second_time(tmp_path: Path) -> None:
    (tmp_path / "zarr.py").write_text("")
    done = python("-c", "import sys; sys.path.insert(0, '.')\nimport zarr\n" + BEGIN, folder=tmp_path)
    assert "RuntimeError: zarr-python is imported already" in done.stderr
    runs("zarrite.install_as_zarr()")


def test_a_group_shows_the_store_that_it_was_given() -> None:
    runs(
        "from zarr.storage import *\n"
        "import tempfile\n"
        "place = tempfile.mkdtemp()\n"
        "for store in (MemoryStore(), MemoryStore({}), LocalStore(place), ZipStore(place + '/a.zip', mode='w'),\n"
        "              ManagedMemoryStore('n')):\n"
        "    group = zarr.open_group(store, mode='a')\n"
        "    array = group.create_array('a', data=[1, 2, 3])\n"
        "    assert group.store is store and array.store is store, store\n"
        "    assert group['a'].store_path == StorePath(store, 'a')\n"
        "    assert isinstance(store, zarr.abc.store.Store)\n"
        "group = zarr.open_group(place, mode='r')\n"
        "assert type(group.store) is LocalStore and group.store.read_only and group.store is group.store\n"
        "assert group.store == LocalStore(place)"
    )


def test_a_store_whose_methods_a_subclass_changes_is_asked_through_them() -> None:
    runs(
        "from zarr.storage import MemoryStore, WrapperStore\n"
        "class Counting(MemoryStore):\n"
        "    asked = 0\n"
        "    async def get(self, key, prototype, byte_range=None):\n"
        "        type(self).asked += 1\n"
        "        return await super().get(key, prototype, byte_range)\n"
        "store = Counting()\n"
        "group = zarr.open_group(store, mode='w')\n"
        "group.create_array('a', data=list(range(10)), chunks=(5,))\n"
        "before = Counting.asked\n"
        "assert group['a'][:].tolist() == list(range(10)) and Counting.asked - before == 3\n"
        "class Below(WrapperStore):\n"
        "    async def get(self, key, prototype, byte_range=None):\n"
        "        return None if key.endswith('c/1') else await super().get(key, prototype, byte_range)\n"
        "below = zarr.open_array(Below(store), path='a', mode='r')\n"
        "assert below[:].tolist() == [0, 1, 2, 3, 4, 0, 0, 0, 0, 0]"
    )


def test_a_small_shard_that_is_wanted_whole_is_one_call_of_a_store_that_counts() -> None:
    runs(
        "from zarr.storage import MemoryStore, WrapperStore\n"
        "asked = []\n"
        "class Counting(WrapperStore):\n"
        "    async def get(self, key, prototype=None, byte_range=None):\n"
        "        asked.append(key)\n"
        "        return await self._store.get(key, prototype, byte_range)\n"
        "    def get_sync(self, key, prototype=None, byte_range=None):\n"
        "        asked.append(key)\n"
        "        return self._store.get_sync(key, prototype=prototype, byte_range=byte_range)\n"
        "store = MemoryStore()\n"
        "zarr.create_array(store, data=list(range(64)), chunks=(8,), shards=(32,))\n"
        "array = zarr.open_array(Counting(store), mode='r')\n"
        "asked.clear()\n"
        "assert array[:].tolist() == list(range(64)) and asked == ['c/0', 'c/1'], asked\n"
        # A store that reads an object to know its size is asked for all of it, and then for the chunk.
        "asked.clear()\n"
        "assert array[3:5].tolist() == [3, 4] and asked == ['c/0', 'c/0'], asked"
    )


def test_every_data_type_is_found_by_its_name() -> None:
    runs(
        "from zarr.dtype import TimeDelta64, data_type_registry\n"
        "assert data_type_registry.get('numpy.timedelta64') is TimeDelta64\n"
        "kinds = data_type_registry.contents\n"
        "assert len(kinds) == 22 and all(kind.word == name for name, kind in kinds.items())\n"
        "try: data_type_registry.get('none')\n"
        "except KeyError: pass\n"
    )


def test_what_is_not_there_has_the_error_of_a_group() -> None:
    runs(
        "try: zarr.open({}, mode='r')\n"
        "except zarr.errors.GroupNotFoundError as error: assert 'no array or group' in str(error)\n"
    )


def test_the_interface_of_stores_can_be_implemented_anew() -> None:
    runs(
        "from zarr.abc.store import Store\n"
        "from zarr.core.buffer import default_buffer_prototype\n"
        "class Mine(Store):\n"
        "    supports_writes = supports_deletes = supports_listing = True\n"
        "    def __init__(self):\n"
        "        super().__init__()\n"
        "        self.kept = {}\n"
        "    def __eq__(self, other): return self is other\n"
        "    async def get(self, key, prototype=None, byte_range=None):\n"
        "        return self.kept.get(key)\n"
        "    async def get_partial_values(self, prototype, key_ranges):\n"
        "        return [await self.get(key, prototype, asked) for key, asked in key_ranges]\n"
        "    async def exists(self, key): return key in self.kept\n"
        "    async def set(self, key, value): self.kept[key] = value\n"
        "    async def delete(self, key): self.kept.pop(key, None)\n"
        "    async def list(self):\n"
        "        for key in list(self.kept): yield key\n"
        "    async def list_prefix(self, prefix):\n"
        "        for key in list(self.kept):\n"
        "            if key.startswith(prefix): yield key\n"
        "    async def list_dir(self, prefix):\n"
        "        start = prefix.rstrip('/') + '/' if prefix else ''\n"
        "        below = [key[len(start):] for key in self.kept if key.startswith(start)]\n"
        "        for name in {key.split('/')[0] for key in below}: yield name\n"
        "store = Mine()\n"
        "group = zarr.open_group(store, mode='w')\n"
        "group.create_array('a', data=[1, 2, 3])\n"
        "assert group.store is store and list(group) == ['a'] and group['a'][1:].tolist() == [2, 3]"
    )


def test_the_functions_are_there_as_coroutines() -> None:
    runs(
        "import asyncio, zarr.api.asynchronous as api\n"
        "from zarr.storage import MemoryStore\n"
        "async def work():\n"
        "    group = await api.open_group(MemoryStore(), mode='w')\n"
        "    array = await group.create_array('a', shape=(4,), dtype='i4')\n"
        "    await array.setitem(slice(None), 7)\n"
        "    names = [name async for name, _ in group.members()]\n"
        "    assert isinstance(group, zarr.AsyncGroup) and isinstance(array, zarr.AsyncArray)\n"
        "    return names, (await array.getitem(slice(2))).tolist()\n"
        "assert asyncio.run(work()) == (['a'], [7, 7])\n"
        "from zarr.core.sync import sync\n"
        "assert sync(work()) == (['a'], [7, 7])"
    )


def test_handles_travel_to_processes_that_know_nothing_of_the_name(tmp_path: Path) -> None:
    runs(
        "import pickle\n"
        f"group = zarr.open_group({str(tmp_path / 'a.zarr')!r}, mode='w')\n"
        "group.create_array('a', data=[1, 2, 3])\n"
        f"pickle.dump((group['a'], group.store), open({str(tmp_path / 'p')!r}, 'wb'))\n"
    )
    done = python(
        "-c",
        f"import pickle\na, s = pickle.load(open({str(tmp_path / 'p')!r}, 'rb'))\nassert a[:].tolist() == [1, 2, 3]",
    )
    assert done.returncode == 0, done.stderr


def test_a_script_and_a_module_run_under_the_name(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text("import sys, zarr, zarrite\nprint(zarr.Array is zarrite.Array, sys.argv[1:])\n")
    done = python("-m", "zarrite.as_zarr", "script.py", "x", folder=tmp_path)
    assert done.stdout == "True ['x']\n", done.stderr
    done = python("-m", "zarrite.as_zarr", "-m", "script", "y", folder=tmp_path)
    assert done.stdout == "True ['y']\n", done.stderr


@pytest.mark.parametrize("name", ["xarray", "dask.array"])
def test_libraries_take_arrays_for_zarrs(name: str, tmp_path: Path) -> None:
    pytest.importorskip(name)
    if name == "xarray":
        code = (
            "import numpy as np, xarray as xr\n"
            "ds = xr.Dataset({'a': (('x', 'y'), np.arange(6.0).reshape(2, 3))}, coords={'x': [1, 2]})\n"
            f"ds.to_zarr({str(tmp_path / 'd.zarr')!r}, consolidated=True)\n"
            f"xr.testing.assert_identical(xr.open_zarr({str(tmp_path / 'd.zarr')!r}, chunks=None).load(), ds)\n"
        )
    else:
        code = (
            "import dask.array as da\n"
            f"da.ones((4, 4), chunks=2).to_zarr({str(tmp_path / 'd.zarr')!r})\n"
            f"found = da.from_zarr(zarr.open({str(tmp_path / 'd.zarr')!r}))\n"
            "assert found.chunks == ((2, 2), (2, 2)) and float(found.sum().compute()) == 16\n"
        )
    done = python("-W", "default", "-c", BEGIN + code)
    assert done.returncode == 0, done.stderr


def test_what_a_store_cannot_do_is_refused_with_the_way_out(tmp_path: Path) -> None:
    runs(
        "import asyncio\n"
        "from zarr.storage import LocalStore, MemoryStore, WrapperStore\n"
        "def refused(work, *words):\n"
        "    try:\n"
        "        work()\n"
        "    except NotImplementedError as error:\n"
        "        assert isinstance(error, zarrite.errors.UnsupportedError)\n"
        "        assert all(word in str(error) for word in words), error\n"
        "    else:\n"
        "        raise AssertionError(words)\n"
        f"local = LocalStore({str(tmp_path)!r})\n"
        "refused(lambda: asyncio.run(local.move('elsewhere')), 'elsewhere', 'zarrite.move')\n"
        "refused(lambda: setattr(WrapperStore(MemoryStore()), '_is_open', True), '_open')\n"
        "refused(lambda: zarr.copy(1, 2), 'zarrite.copy')\n"
        "class Frozen(MemoryStore):\n"
        "    supports_deletes = False\n"
        "    async def delete_dir(self, prefix):\n"
        "        self._need(self.supports_deletes, 'delete')\n"
        "refused(lambda: asyncio.run(Frozen().delete_dir('')), 'Frozen', 'cannot delete')"
    )


def test_the_stand_in_of_a_place_in_an_archive_is_opened_for_reading_and_travels(tmp_path: Path) -> None:
    runs(
        "import asyncio, pickle\n"
        f"place = {str(tmp_path)!r}\n"
        "zarrite.save(place + '/a.zarr', [1, 2, 3])\n"
        "zarrite.pack(place + '/a.zarr', place + '/a.zip')\n"
        "store = zarrite.open_array(place + '/a.zip|zip:', mode='r').store\n"
        "for other in (store.with_read_only(True), pickle.loads(pickle.dumps(store))):\n"
        "    assert other.read_only and str(other) == str(store)\n"
        "    assert asyncio.run(other.exists('zarr.json'))"
    )
