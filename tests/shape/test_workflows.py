"""The workflows of the repository's host: pinned, with the least rights, and one door to the package index."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

yaml = pytest.importorskip("yaml")

FOLDER = Path(__file__).parents[2] / ".github" / "workflows"
NAMES = ("ci.yml", "matrix.yml", "release.yml")
PINNED = re.compile(r"uses: [\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$")


def workflow(name: str) -> dict[Any, Any]:
    found: dict[Any, Any] = yaml.safe_load((FOLDER / name).read_text("utf-8"))
    return found


def steps(name: str) -> list[tuple[str, dict[str, Any]]]:
    return [(job, step) for job, found in workflow(name)["jobs"].items() for step in found["steps"]]


def test_these_are_all() -> None:
    assert sorted(path.name for path in FOLDER.iterdir()) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_actions_are_pinned_to_commits_with_their_version_beside(name: str) -> None:
    lines = [line.strip().removeprefix("- ") for line in (FOLDER / name).read_text("utf-8").splitlines()]
    used = [line for line in lines if line.startswith("uses:")]
    assert used
    assert [line for line in used if not PINNED.fullmatch(line)] == []


@pytest.mark.parametrize("name", NAMES)
def test_a_job_has_the_rights_that_it_names_and_an_end(name: str) -> None:
    found = workflow(name)
    assert found["permissions"] == {}
    for job in found["jobs"].values():
        assert job["permissions"]
        assert job["timeout-minutes"] <= 240


def test_one_job_may_publish_and_a_maintainer_is_asked() -> None:
    jobs = workflow("release.yml")["jobs"]
    publishing = {job for job, step in steps("release.yml") if "pypi-publish" in step.get("uses", "")}
    assert publishing == {"publish"}
    assert jobs["publish"]["environment"]["name"] == "pypi"
    assert jobs["publish"]["permissions"] == {"id-token": "write"}
    assert set(jobs["publish"]["needs"]) == {"checks", "wheels", "sdist"}
    assert {job for job, found in jobs.items() if "write" in found["permissions"].values()} == {"publish", "provenance"}


@pytest.mark.parametrize("name", NAMES)
def test_no_secret_is_kept_and_no_checkout_keeps_a_credential(name: str) -> None:
    assert "secrets." not in (FOLDER / name).read_text("utf-8")
    for _, step in steps(name):
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False


def test_no_text_of_others_is_pasted_into_a_shell() -> None:
    pasted = [step["run"] for name in NAMES for _, step in steps(name) if "${{" in step.get("run", "")]
    assert pasted == []


def test_nothing_that_others_can_write_to_is_built_from() -> None:
    text = (FOLDER / "release.yml").read_text("utf-8")
    assert "cache:" not in text
    assert "pull_request" not in text


def test_every_command_of_the_project_is_there() -> None:
    root = FOLDER.parents[1]
    targets = set(re.findall(r"^([\w-]+):", (root / "Makefile").read_text("utf-8"), re.MULTILINE))
    for name in NAMES:
        for _, step in steps(name):
            for line in step.get("run", "").splitlines():
                made = re.match(r"make ([\w-]+)", line.strip())
                assert made is None or made[1] in targets
                for script in re.findall(r"tools/\w+\.py", line):
                    assert (root / script).is_file(), script


def test_the_compiler_and_the_builder_are_those_that_are_tested_with() -> None:
    root = FOLDER.parents[1]
    told = workflow("release.yml")["env"]
    locked = re.search(r"^maturin==(\S+)$", (root / "requirements" / "base.txt").read_text("utf-8"), re.MULTILINE)
    assert locked is not None
    assert told["MATURIN"] == f"v{locked[1]}"
    needed = re.search(r'^rust-version = "(\d+)\.(\d+)"', (root / "Cargo.toml").read_text("utf-8"), re.MULTILINE)
    assert needed is not None
    assert tuple(map(int, told["RUST"].split(".")[:2])) >= (int(needed[1]), int(needed[2]))
