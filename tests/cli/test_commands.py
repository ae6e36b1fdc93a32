"""The command line: answers for people and programs, errors as one sentence, exit codes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import zarrite
from servers.s3 import Server

pytest.importorskip("typer")
pytest.importorskip("rich")


def run(*words: object, code: int = 0) -> Any:
    """Runs a command in this process; its exit code must be as given, and nothing may go through it but that."""
    from typer.testing import CliRunner

    from zarrite.cli.app import app

    done = CliRunner().invoke(app, [str(word) for word in words])
    assert done.exit_code == code, done.output
    assert done.exception is None or isinstance(done.exception, SystemExit)
    return done


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("cli") / "data.zarr"
    group = zarrite.create_group(place, attributes={"title": "a [bold] title", "numbers": [1, 2]})
    air = group.create_array(
        "ocean/air",
        shape=(4, 30),
        chunks=(2, 10),
        shards=(4, 10),
        dtype="f4",
        fill_value=np.nan,
        dimension_names=("time", "x"),
        attributes={"units": "K"},
    )
    air[:2] = np.arange(60).reshape(2, 30)
    group.create_array("words", shape=(3,), dtype="string")[:] = ["a", "b", "zz"]
    group.create_array("scalar", shape=(), dtype="i8")[...] = 7
    return place


def test_tree_shows_names_shapes_types_and_chunks(store: Path) -> None:
    shown = run("tree", store).stdout
    assert "data.zarr" in shown
    assert "air (time: 4, x: 30) float32 chunks 2×10 in shards 4×10" in shown
    assert "air" not in run("tree", store, "--depth", 1).stdout
    nested = json.loads(run("tree", store, "--json").stdout)
    assert nested["members"]["ocean"]["members"]["air"]["shards"] == [4, 10]


@pytest.mark.parametrize("way", ["{}/ocean/air", "{}:/ocean/air"])
def test_info_tells_what_an_array_is(store: Path, way: str) -> None:
    shown = run("info", way.format(store)).stdout
    for words in ("4×30", "time, x", "float32", "2×10", "units", "6 of 6 chunks"):
        assert words in shown
    facts = json.loads(run("info", way.format(store), "--json").stdout)
    assert facts["fill_value"] == "NaN"
    assert facts["shape"] == [4, 30]
    assert facts["attributes"] == {"units": "K"}
    assert facts["stored_bytes"] > 0


def test_info_tells_what_a_group_holds(store: Path) -> None:
    assert "a [bold] title" in run("info", store).stdout
    facts = json.loads(run("info", store, "--json").stdout)
    assert (facts["groups"], facts["arrays"]) == (1, 3)
    assert facts["members"] == ["ocean", "scalar", "words"]


def test_peek_shows_numbers_and_what_they_are_like(store: Path) -> None:
    shown = run("peek", f"{store}/ocean/air", "1:3, ::10").stdout
    assert "[[30. 40. 50.]" in shown
    facts = json.loads(run("peek", f"{store}/ocean/air", "1:3, ::10", "--json").stdout)
    assert facts["values"] == [[30.0, 40.0, 50.0], ["NaN", "NaN", "NaN"]]
    assert facts["statistics"] == {
        "count": 6,
        "min": 30.0,
        "max": 50.0,
        "mean": 40.0,
        "nan_count": 3,
        "fill_share": 0.5,
    }


@pytest.mark.parametrize(
    ("path", "selection", "values"),
    [
        ("ocean/air", "0,-1", 29.0),
        ("ocean/air", "0, 3::-1", [3.0, 2.0, 1.0, 0.0]),
        ("ocean/air", "..., 0", [0.0, 30.0, "NaN", "NaN"]),
        ("words", "1:", ["b", "zz"]),
        ("words", None, ["a", "b", "zz"]),
        ("scalar", None, 7),
        ("scalar", "...", 7),
    ],
)
def test_peek_takes_selections_as_brackets_do(store: Path, path: str, selection: str | None, values: object) -> None:
    words = [f"{store}/{path}"] if selection is None else [f"{store}/{path}", selection]
    assert json.loads(run("peek", "--json", "--", *words).stdout)["values"] == values


def test_peek_refuses_what_would_fill_the_memory(tmp_path: Path) -> None:
    zarrite.create_array(tmp_path / "a.zarr", shape=(10**7, 10**7), chunks=(1000, 1000), dtype="f8")
    assert "choose at most 1.0 GiB" in run("peek", tmp_path / "a.zarr", "...", code=1).stderr
    run("peek", tmp_path / "a.zarr")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("tree", "{}/nothing"), "is not there"),
        (("info", "{}:/nothing"), "nothing"),
        (("peek", "{}"), "is a group and has no cells"),
        (("peek", "{}/words", "0,1"), "zarrite: "),
        (("peek", "{}/words", "17"), "zarrite: "),
        (("peek", "{}/words", "a:b"), "selects nothing"),
        (("convert", "{}/nothing", "{}2"), "is not there"),
        (("convert", "{}", "{}"), "overlap"),
        (("convert", "{}", "{}2", "--chunks", "1,x"), "no length in cells"),
        (("convert", "{}", "{}2", "--codec", "zip"), "no codec is called 'zip'"),
        (("convert", "{}", "{}2", "--memory", "much"), "no number of bytes"),
        (("convert", "{}", "{}2", "--memory", "1"), "cannot be converted in 1 B"),
        (("info", __file__), "is a file and no Zarr store"),
    ],
)
def test_errors_are_one_sentence_and_exit_code_1(store: Path, words: tuple[str, ...], says: str) -> None:
    done = run(*(word.format(store) for word in words), code=1)
    assert says in done.stderr
    assert done.stderr.startswith("zarrite: ")
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""


@pytest.mark.parametrize("words", [("tree",), ("nonsense",), ("convert", "a"), ("info", "a", "--nonsense")])
def test_commands_that_are_not_understood_exit_with_2(words: tuple[str, ...]) -> None:
    run(*words, code=2)


def test_convert_says_what_it_did(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", v=np.arange(100.0).reshape(10, 10), **{"deep/w": np.arange(3)})
    target = tmp_path / "a.zarr"
    dry = run("convert", tmp_path / "a.npz", target, "--dry-run", "--chunks", "5,5")
    assert "Nothing was written" in dry.stdout
    assert not target.exists()
    done = run("convert", tmp_path / "a.npz", target, "--verify", "--codec", "zstd:5", "--chunks", "5,5")
    assert "every cell read back and equal" in done.stdout
    assert [json.loads(line)["work"] for line in done.stderr.splitlines()], "a pipe gets JSON lines"
    assert zarrite.open_array(target, path="v", mode="r").chunks == (5, 5)
    assert "--overwrite" in run("convert", tmp_path / "a.npz", target, code=1).stderr
    quiet = run("convert", tmp_path / "a.npz", target, "--overwrite", "--quiet")
    assert quiet.stdout == quiet.stderr == ""


def test_convert_answers_in_json(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.arange(100.0))
    done = run("convert", tmp_path / "a.npy", tmp_path / "a.zarr", "--json", "--verify", "--include", "x*")
    facts = json.loads(done.stdout)
    assert facts["verified"]
    assert facts["arrays"][0]["shape"] == [100]
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert lines[-1]["finished"]
    assert lines[-1]["done_bytes"] == 800


def test_convert_names_what_it_left_out(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["v"] = np.arange(3)
        file["refs"] = np.array([file["v"].ref], dtype=h5py.ref_dtype)
    done = run("convert", tmp_path / "a.h5", tmp_path / "a.zarr")
    assert "note refs: its cells are HDF5 object references" in done.stderr
    facts = json.loads(run("convert", tmp_path / "a.h5", tmp_path / "b.zarr", "--json").stdout)
    assert facts["skipped"][0]["path"] == "refs"


def test_a_pipe_that_closes_early_is_no_error_message(store: Path) -> None:
    script = f"{sys.executable} -m zarrite.cli peek {store}/ocean/air ... --json | head -c 1"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False)
    assert done.stdout == "{"
    assert "Traceback" not in done.stderr
    assert "Exception" not in done.stderr


def test_without_typer_the_command_names_its_extra() -> None:
    script = "import sys; sys.modules['typer'] = None; from zarrite.cli import main; main()"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "pip install 'zarrite[cli]'" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_command_of_the_shell_ends_with_a_sentence_and_not_with_a_traceback(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "zarrite.cli", "tree", str(tmp_path / "nothing")]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == f"zarrite: {tmp_path / 'nothing'} is not there\n"


def test_the_version_is_the_packages() -> None:
    assert run("--version").stdout.strip() == zarrite.__version__


def test_help_names_every_command() -> None:
    shown = subprocess.run(
        [sys.executable, "-m", "zarrite.cli", "--help"], capture_output=True, text=True, env={**os.environ}, check=True
    ).stdout
    assert all(name in shown for name in ("convert", "info", "tree", "peek"))


def test_check_speaks_by_its_exit_code(tmp_path: Path) -> None:
    place = tmp_path / "a.zarr"
    zarrite.create_array(place, shape=(4,), chunks=(2,), dtype="i4")[...] = 1
    assert "0 errors, 0 warnings, 0 notes" in run("check", place, "--chunks").stdout
    document = place / "zarr.json"
    document.write_text(json.dumps(json.loads(document.read_text()) | {"dimension_names": None}))
    shown = run("check", place, code=1).stdout
    assert "null in place of a member" in shown
    assert "can be put right with --repair" in shown
    facts = json.loads(run("check", place, "--json", code=1).stdout)
    assert facts["clean"] is False
    assert facts["findings"][0]["repairable"] is True
    assert "would be written" in run("check", place, "--repair", "--dry-run", code=1).stdout
    assert document.with_name("zarr.json.before-repair").exists() is False
    assert "zarr.json.before-repair" in run("check", place, "--repair").stdout
    assert run("check", place, "--quiet").stdout == ""


def test_check_understands_archives_and_nodes_and_refuses_what_it_does_not_understand(store: Path) -> None:
    assert "0 errors" in run("check", f"{store}:/ocean/air", "--sample", 1).stdout
    assert "is not there" in run("check", store / "nothing", code=1).stderr
    run("check", store, "--sample", 0, code=2)
    run("check", store, "--dry-run", code=2)
    run("check", store, "--nonsense", code=2)


def test_every_command_takes_urls_and_options_of_stores(store: Path, tmp_path: Path, s3: Server) -> None:
    air = "zarr3:ocean/air"
    assert "4×30" in run("info", f"{store}|{air}").stdout
    assert "4×30" in run("info", f"file://{store}/ocean/air").stdout
    assert json.loads(run("info", f"{store}/zarr.json|json:/attributes/numbers").stdout) == [1, 2]
    assert json.loads(run("peek", f"{store}|{air}", "0,-1", "--json").stdout)["values"] == 29.0
    assert "air" in run("tree", f"file://{store}").stdout
    options = [word for name, value in s3.options().items() for word in ("--option", f"{name}={value}")]
    place = f"s3://{s3.bucket}/copy.zarr"
    into = ["--target-option" if word == "--option" else word for word in options]
    run("convert", store, place, "--exclude", "words", *into, "--quiet")
    assert s3.read("copy.zarr/zarr.json") is not None
    assert "4×30" in run("info", f"{place}|{air}", *options).stdout
    assert json.loads(run("peek", f"{place}/ocean/air", "0,-1", "--json", *options).stdout)["values"] == 29.0
    assert "air" in run("tree", place, *options).stdout
    assert "0 errors" in run("check", place, *options).stdout
    run("convert", place, tmp_path / "back.zarr", *options, "--quiet")
    assert zarrite.open_array(tmp_path / "back.zarr", path="ocean/air", mode="r")[0, 29] == 29


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("info", "{}", "--option", "anon"), "says no value"),
        (("info", "{}", "--option", "a=1", "--option", "a.b=1"), "was given a value already"),
        (("info", "{}", "--option", "anon=true"), "belong to remote stores"),
        (("tree", "{}|nope:"), "nothing opens the stage"),
        (("peek", "{}|hdf5:air"), "zarrite convert"),
    ],
)
def test_urls_and_options_that_mean_nothing_are_one_sentence(store: Path, words: tuple[str, ...], says: str) -> None:
    done = run(*(word.format(store) for word in words), code=1)
    assert says in done.stderr
    assert done.stderr.count("\n") == 1


# ------------------------------------------------------------------ copy, move, delete


def test_whole_nodes_are_copied_moved_and_deleted(store: Path, tmp_path: Path) -> None:
    there = run("copy", store, tmp_path / "b.zarr", "--json")
    facts = json.loads(there.stdout)
    assert facts["objects"] == len(zarrite.open_group(store, mode="r").store.list("").result())
    assert "copied" in run("copy", f"{store}:/ocean", f"{tmp_path}/b.zarr:/again/ocean").stdout
    assert "moved" in run("move", f"{tmp_path}/b.zarr:/again", f"{tmp_path}/b.zarr:/once").stdout
    assert sorted(zarrite.open_group(tmp_path / "b.zarr", mode="r")) == ["ocean", "once", "scalar", "words"]
    run("delete", f"{tmp_path}/b.zarr:/once", "--yes", "--quiet")
    assert sorted(zarrite.open_group(tmp_path / "b.zarr", mode="r")) == ["ocean", "scalar", "words"]
    assert "already" in run("copy", store, tmp_path / "b.zarr", code=1).stderr
    run("copy", store, tmp_path / "b.zarr", "--overwrite", "--quiet")


def test_a_deletion_is_rehearsed_and_asked_for(store: Path, tmp_path: Path) -> None:
    zarrite.copy(store, tmp_path / "b.zarr")
    shown = run("delete", tmp_path / "b.zarr", "--dry-run").stdout
    assert "ocean/air" in shown
    assert "Nothing was changed" in shown
    assert "--yes" in run("delete", tmp_path / "b.zarr", code=2).stderr
    assert (tmp_path / "b.zarr").is_dir()
    run("delete", tmp_path / "b.zarr", "--yes")
    assert not (tmp_path / "b.zarr").exists()
    assert "no array or group" in run("delete", tmp_path / "b.zarr", "--yes", code=1).stderr


def test_what_a_stopped_copy_left_is_deleted_by_force(tmp_path: Path) -> None:
    (tmp_path / "left/c").mkdir(parents=True)
    (tmp_path / "left/c/0").write_bytes(b"a chunk")
    run("delete", tmp_path / "left", "--yes", code=1)
    run("delete", tmp_path / "left", "--yes", "--force")
    assert not (tmp_path / "left").exists()
