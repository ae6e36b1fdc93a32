"""`zarrite.config`."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

import zarrite
from zarrite import _engine, config
from zarrite.config import ArrayConfig, array_config


@pytest.fixture(autouse=True)
def as_it_was() -> Iterator[None]:
    yield
    config.reset()


def test_every_key_of_zarr_python_is_there() -> None:
    theirs = pytest.importorskip("zarr").config.config

    def keys(nested: dict[str, object], prefix: str = "") -> Iterator[str]:
        for name, value in nested.items():
            if isinstance(value, dict):
                yield from keys(value, f"{prefix}{name}.")
            else:
                yield prefix + name

    own = {"codecs", "dtypes", "v2_default_compressor", "v2_default_filters", "v3_default_compressors"}
    missing = [key for key in keys(theirs) if config.get(key, None) is None and key.split(".")[0] not in own]
    assert all(config.get(key, "absent") != "absent" for key in missing)


def test_a_setting_holds_until_its_block_ends() -> None:
    with config.set({"array.order": "F", "json_indent": 4}):
        assert config.get("array.order") == "F"
        with config.set(array__order="C"):
            assert config.get("array.order") == "C"
        assert config.get("array.order") == "F"
    assert config.get("array.order") == "C"
    assert config.get("json_indent") == 2


def test_a_setting_without_a_block_stays_until_reset() -> None:
    config.set({"array": {"order": "F"}})
    assert config.get("array")["order"] == "F"
    config.update({"array.order": "C"})
    assert config.get("array.order") == "C"
    config.set({"own.key": 1})
    assert config.get("own.key") == 1
    config.reset()
    assert config.get("own.key", None) is None


def test_an_unknown_key_says_what_there_is() -> None:
    with pytest.raises(KeyError, match="no setting is called 'colour'"):
        config.get("colour")
    assert config.get("colour", 3) == 3
    with config.set({"colour": 5}):
        assert config.get("colour") == 5
    assert config.get("colour", None) is None


def test_a_value_that_cannot_be_is_refused() -> None:
    for settings in ({"array.order": "X"}, {"engine.threads": -1}, {"engine.threads": 1.5}, {"engine.colour": 1}):
        with pytest.raises(ValueError, match=r"must be|no setting"):
            config.set(settings)
    assert config.get("array.order") == "C"


def test_settings_of_arrays_reach_new_handles() -> None:
    with config.set({"array.write_empty_chunks": True, "array.order": "F", "array.read_missing_chunks": False}):
        array = zarrite.create_array(None, shape=(2, 2), dtype="i1")
        assert array.config == ArrayConfig("F", True, False)
        assert zarrite.open_array(array.store).config == ArrayConfig("F", True, False)
    assert zarrite.open_array(array.store).config == ArrayConfig()


def test_the_default_format_is_a_setting() -> None:
    with config.set({"default_zarr_format": 2}):
        assert zarrite.create_group(None).zarr_format == 2
        assert zarrite.create_array(None, shape=1, dtype="i1").zarr_format == 2
        assert zarrite.create_array(None, shape=1, dtype="i1", zarr_format=3).zarr_format == 3


def test_the_engine_is_told_its_limits_and_gets_them_back() -> None:
    before = _engine.configure()
    with config.set({"engine.memory_bytes": 123 << 20}):
        assert _engine.configure()["memory_bytes"] == 123 << 20
    assert _engine.configure() == before


def test_array_config_takes_dictionaries_and_its_own_kind() -> None:
    base = ArrayConfig()
    assert array_config(None) == base
    assert array_config({"order": "F"}).order == "F"
    assert array_config(ArrayConfig("F")) == ArrayConfig("F")
    assert array_config(None, order="F").order == "F"
    assert array_config({"sharding_coalesce_max_bytes": 5}) == base
    assert ArrayConfig("F").to_dict() == {
        "order": "F",
        "write_empty_chunks": False,
        "read_missing_chunks": True,
        "decoded_cache": None,
    }
    with pytest.raises(TypeError, match="no colour"):
        array_config({"colour": 1})


def test_environment_variables_set_defaults() -> None:
    code = "import zarrite; print(zarrite.config.get('array.order'), zarrite.config.get('json_indent'))"
    variables = {**os.environ, "ZARRITE_ARRAY__ORDER": "F", "ZARRITE_JSON_INDENT": "4", "ZARRITE_DATA": "x"}
    done = subprocess.run([sys.executable, "-c", code], env=variables, capture_output=True, check=True)
    assert done.stdout.split() == [b"F", b"4"]


def test_settings_can_be_shown(capsys: pytest.CaptureFixture[str]) -> None:
    config.pprint()
    assert "'write_empty_chunks': False" in capsys.readouterr().out
    assert config.config["array"]["order"] == "C"
    assert "array" in repr(config)
