"""URL pipelines: one text that says how to get to a node through archives, repositories and formats.

`s3://bucket/a.zip|zip:x/y.zarr|zarr3:array` is a root and two stages. What is here reads and writes such texts and
opens nothing. Source: ZEP 8 and the grammar of jbms/url-pipeline (format reference 6.1 and 6.2).
"""

from __future__ import annotations

import re
from typing import NamedTuple

from zarrite.errors import UrlError
from zarrite.stores.paths import escaped, normalize_path, scheme_of, unescaped

__all__ = ["FILES", "FORMATS", "MAIN", "Pipeline", "Stage", "bound_format", "is_chain", "parse"]

FORMATS = ("zarr", "zarr2", "zarr3", "n5")
"""Stages that say which format lies at a place."""
FILES = ("gzip", "zstd", "byte-range")
"""Stages that make a file of a file."""
VERSIONED = ("icechunk", "ocdbt")
"""Stages whose body may begin with a version."""
MAIN = "branch.main"
"""The version of an Icechunk repository where none is named."""

UP = ".."

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*")
_SNAPSHOT = re.compile(r"[0-9A-HJKMNP-TV-Z]{20}")
_OCDBT = re.compile(r"v[1-9][0-9]*|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
_BOUNDS = re.compile(r"(\d{1,19})-(\d{1,19})")
_HOST = re.compile(r"\[[0-9A-Fa-f:.]*\]")


class Stage(NamedTuple):
    """One step of a pipeline behind its root.

    Attributes:
        scheme: its name, in lower case.
        body: what follows the colon, with its escapes undone; a path inside, without slashes at its ends.
        version: of an Icechunk repository or an OCDBT database: `branch.main`, `tag.v5`, a snapshot's id.
    """

    scheme: str
    body: str = ""
    version: str | None = None

    def __str__(self) -> str:
        if self.version is not None:
            return f"{self.scheme}://{escaped(self.version).replace('/', '%2F')}/{escaped(self.body)}"
        body = escaped(self.body)
        if self.scheme == OVERLAY:
            upper, slash, path = self.body.partition("\0")
            body = escaped(upper).replace("/", "%2F") + ("/" + escaped(path) if slash else "")
        return f"{self.scheme}:{body}"


OVERLAY = "zarrite.overlay"
"""The vendor stage of an overlay: its body is the upper store's URL, with `/` escaped, and a path. The two are kept
apart by a NUL, which neither can hold."""


class Pipeline(NamedTuple):
    """A text taken apart. Printing it gives one spelling of those that mean the same.

    Attributes:
        root: a path, or a URL with its escapes in place.
        stages: what follows it, from the outside to the inside.
        chained: whether it was written the other way round, with `::`.
    """

    root: str
    stages: tuple[Stage, ...] = ()
    chained: bool = False

    def __str__(self) -> str:
        return "|".join((self.root, *map(str, self.stages)))


def is_chain(text: str) -> bool:
    """Whether a text is a chain as fsspec writes them, the innermost part first.

    Example:
        >>> is_chain("zip://a.zarr::s3://bucket/a.zip"), is_chain("http://[::1]/a.zarr")
        (True, False)
    """
    return "::" in text and "://" in text and "::" in _HOST.sub("", text)


def parse(text: str) -> Pipeline:
    """Takes a pipeline apart; a text without stages is all root.

    Raises:
        UrlError: a stage that has no name, a body that its stage cannot have, two ways of writing in one text.

    Example:
        >>> parse("s3://bucket/repo|icechunk:@tag.v5/ocean").stages[0]
        Stage(scheme='icechunk', body='ocean', version='tag.v5')
        >>> str(parse("a.zip|ZIP|zarr3:/x/"))
        'a.zip|zip:|zarr3:x'
    """
    if "|" not in text:
        return _chain(text) if is_chain(text) else Pipeline(text)
    root, *rest = text.split("|")
    if is_chain(root) or any(is_chain(part) for part in rest):
        raise UrlError(
            f"{text!r} mixes '|' and '::'; write all of it from the outside in (root|zip:inner), or all of it as "
            "fsspec does (zip://inner::root)"
        )
    if not root:
        raise UrlError(f"{text!r} begins with '|'; the first part is a path or a URL")
    stages: list[Stage] = []
    for part in rest:
        stage = _stage(part, text)
        if stage.scheme == UP:
            if not stages:
                raise UrlError(f"{text!r}: '..:' leaves the stage before it, and there is none")
            stages.pop()
        else:
            _check_order(stages, stage, text)
            stages.append(stage)
    return Pipeline(root, tuple(stages))


def bound_format(place: object) -> str | None:
    """The format that a pipeline says its node has: `zarr2`, `zarr3` or `n5`; `None` where it says nothing."""
    if not isinstance(place, str) or "|" not in place:
        return None
    stages = parse(place).stages
    last = stages[-1].scheme if stages else ""
    return last if last in FORMATS and last != FORMATS[0] else None


def _check_order(before: list[Stage], stage: Stage, text: str) -> None:
    """Refuses what cannot follow what is before it: each stage makes a file, a directory or a node, and takes one."""
    last = before[-1].scheme if before else ""
    if last in FORMATS or last == "json":
        raise UrlError(f"{text!r}: nothing can follow {last!r}, which leads to a node or a value")
    if last and stage.scheme in VERSIONED:
        raise UrlError(f"{text!r}: a repository lies in a directory or a bucket, and not within {last!r}")
    if last in FILES and stage.scheme in FORMATS:
        raise UrlError(
            f"{text!r}: {last!r} makes a file and {stage.scheme!r} needs a directory; what opens the file stands "
            "between them, as in a.zip.gz|gzip:|zip:"
        )


def _stage(part: str, text: str) -> Stage:
    scheme, _, rest = part.partition(":")
    scheme = scheme.lower()
    if scheme == UP:
        if rest:
            raise UrlError(f"{text!r}: '..:' has nothing behind its colon")
        return Stage(UP)
    if not _SCHEME.fullmatch(scheme):
        raise UrlError(
            f"{text!r}: {part!r} names no stage; between two '|' stands a name with a colon, such as 'zip:'. "
            "A '|' in a name is written %7C, or pass a pathlib.Path"
        )
    if "#" in rest:
        raise UrlError(f"{text!r}: a stage has no '#' part; write it %23 where it belongs to a name")
    if scheme in VERSIONED:
        return _versioned(scheme, rest, text)
    if "?" in rest and "." not in scheme:
        raise UrlError(f"{text!r}: {scheme!r} takes no options behind '?'; write %3F where it belongs to a name")
    if scheme == OVERLAY:
        upper, slash, path = rest.partition("/")
        inside = normalize_path(unescaped(path))
        return Stage(scheme, unescaped(upper) + (f"\0{inside}" if slash and inside else ""))
    if scheme == "byte-range":
        bounds = _BOUNDS.fullmatch(rest)
        if bounds is None or int(bounds[1]) > int(bounds[2]):
            raise UrlError(f"{text!r}: 'byte-range' takes first and end byte, such as byte-range:100-200, not {rest!r}")
        return Stage(scheme, f"{int(bounds[1])}-{int(bounds[2])}")
    if scheme in FILES and rest:
        raise UrlError(f"{text!r}: {scheme!r} takes nothing behind its colon, not {rest!r}")
    if scheme == "json":
        pointer = unescaped(rest)
        if pointer and not pointer.startswith("/"):
            raise UrlError(f"{text!r}: 'json' takes a pointer such as /attributes/title, not {pointer!r}")
        return Stage(scheme, pointer)
    return Stage(scheme, unescaped(rest) if "." in scheme else normalize_path(unescaped(rest)))


def _versioned(scheme: str, rest: str, text: str) -> Stage:
    """Both spellings of a version: `//branch.main/path` and, older, `@branch.main/path`."""
    mark = "//" if rest.startswith("//") else "@" if rest.startswith("@") else ""
    version, _, path = rest.removeprefix(mark).partition("/") if mark else ("", "", rest)
    version, path = unescaped(version), normalize_path(unescaped(path))
    if not mark:
        return Stage(scheme, path, MAIN if scheme == "icechunk" else None)
    if scheme == "ocdbt":
        if not _OCDBT.fullmatch(version):
            raise UrlError(
                f"{text!r}: a version of OCDBT is v123 or a time such as 2025-01-01T01:23:45Z, not {version!r}"
            )
        return Stage(scheme, path, version)
    kind, dot, name = version.partition(".")
    if not (_SNAPSHOT.fullmatch(version) or (dot and name and kind in ("branch", "tag"))):
        raise UrlError(
            f"{text!r}: a version of an Icechunk repository is branch.NAME, tag.NAME or a snapshot's id of 20 "
            f"letters and digits, not {version!r}"
        )
    return Stage(scheme, path, version)


def _chain(text: str) -> Pipeline:
    """A chain of fsspec: each part lies in the one behind it. What is more than archives is left to fsspec."""
    *inner, root = text.split("::")
    stages = []
    for part in reversed(inner):
        name, path = part.partition("://")[::2]
        if name != "zip":
            return Pipeline(text, chained=True)
        stages.append(Stage("zip", normalize_path(path)))
    if not root or (not scheme_of(root)[0] and "://" in root):
        raise UrlError(f"{text!r}: the last part of a chain is a path or a URL")
    return Pipeline(root, tuple(stages), chained=True)
