"""Icechunk: repositories, sessions and their stores, through the `icechunk` package.

A session that only reads shows one snapshot, which never changes. What a session writes is kept by its own store, so
that its commit holds all of it.
"""

from __future__ import annotations

import datetime as dt
import os
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from zarrite import _engine
from zarrite._engine import Store
from zarrite.errors import MissingDependencyError, NodeNotFoundError, StoreError, UrlError
from zarrite.stores.coroutines import collect
from zarrite.stores.names import name_of
from zarrite.stores.paths import file_path, scheme_of
from zarrite.stores.protocol import Answers, Question, store_of_object
from zarrite.stores.remote import remote_store
from zarrite.stores.roots import kept
from zarrite.stores.zarr_stores import ZarrStore

__all__ = ["IcechunkStore", "icechunk_store", "open_repository", "session_store", "store_of", "writable_session"]

_CHUNK = re.compile(r"(?:^|/)c(?:/[0-9]+)*$")

# What fsspec's users and the clouds' tools type, and the package's name for it.
_S3 = {
    "anon": "anonymous",
    "skip_signature": "anonymous",
    "key": "access_key_id",
    "aws_access_key_id": "access_key_id",
    "secret": "secret_access_key",
    "aws_secret_access_key": "secret_access_key",
    "token": "session_token",
    "aws_session_token": "session_token",
    "endpoint": "endpoint_url",
    "region_name": "region",
    "aws_region": "region",
    "request_payer": "requester_pays",
}
_GOOGLE = {"anon": "anonymous", "token": "service_account_file", "service_account": "service_account_file"}
_AZURE = {"account_name": "account", "account_key": "access_key", "anon": "anonymous"}
# Options of the repository and not of its storage.
_REPOSITORY = ("config", "authorize_virtual_chunk_access")


def store_of(place: Any) -> IcechunkStore:
    """The store of a session; of a repository, what its main branch holds now."""
    if hasattr(place, "readonly_session"):
        return session_store(place.readonly_session("main"))
    return session_store(place.session if hasattr(place, "session") else place)


def session_store(session: Any, url: str | None = None) -> IcechunkStore:
    """The store of a session, to be read, and written where the session is writable.

    Args:
        session: the session.
        url: where its repository is.
    """
    return IcechunkStore(session.store, url)


def icechunk_store(
    location: Any,
    version: str | None = None,
    storage_options: Mapping[str, Any] | None = None,
    read_only: bool = True,  # noqa: ARG001 -- a version of a repository is only read
    *,
    branch: str | None = None,
    tag: str | None = None,
    snapshot: str | None = None,
    as_of: dt.datetime | None = None,
) -> Store:
    """What a repository holds at a branch, a tag, a snapshot or a time, for reading.

    Args:
        location: a path, a URL, or a repository of the `icechunk` package.
        version: the same in one text: `branch.main`, `tag.v1` or a snapshot's id.
        storage_options: options of the storage, by the names that fsspec's users type; `config` and
            `authorize_virtual_chunk_access` are handed to the repository.
        read_only: as the openers of other places have it; what a repository holds is changed by transactions alone.
        branch: a branch's name; "main" when nothing else is given.
        tag: a tag's name.
        snapshot: a snapshot's id.
        as_of: the last snapshot of the branch that is not younger than this.

    Raises:
        MissingDependencyError: the `icechunk` package is not installed.
        NodeNotFoundError: there is no such repository, branch, tag or snapshot.
        UrlError: a place that holds no repository, or a version that is none.
    """
    if version is not None:
        branch, tag, snapshot = _version(version)
    if sum(given is not None for given in (branch, tag, snapshot)) > 1 or (as_of and (tag or snapshot)):
        raise UrlError("give one of branch, tag and snapshot; as_of goes with a branch")
    repository, url = open_repository(location, storage_options)
    named = tag is not None or snapshot is not None
    asked: dict[str, Any] = {"branch": None if named else branch or "main", "tag": tag, "snapshot_id": snapshot}
    if as_of is not None:
        asked["as_of"] = as_of
    given = {name: value for name, value in asked.items() if value is not None}
    session = _found(lambda: repository.readonly_session(**given), url, _words(branch, tag, snapshot))
    adapter = session_store(session, None if repository is location else url)
    store = store_of_object(adapter, read_only=True)
    objects = None if repository is location else _objects(url, storage_options)
    if objects is not None and hasattr(adapter.store, "array_chunk_iterator"):
        store = _engine.references_store(store, objects, "chunks", adapter.references)
    return store if repository is location else kept(store, storage_options)


def _objects(url: str, storage_options: Mapping[str, Any] | None) -> Store | None:
    """The engine's own store of a repository's objects; `None` where something cannot be carried over."""
    options = {name: value for name, value in (storage_options or {}).items() if name not in _REPOSITORY}
    url, options = _of_server(url, options)
    path = _path_of(url)
    if path is not None:
        return _engine.local_store(path, read_only=True)
    try:
        return remote_store(url, options, read_only=True)
    except (StoreError, UrlError):
        return None


def _path_of(url: str) -> str | None:
    """The folder that a path or a `file:` URL names."""
    scheme, rest = scheme_of(url)
    if scheme == "file":
        return file_path(url, rest)
    return None if scheme else os.path.abspath(url)


def _of_server(url: str, options: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """`s3+https://server/bucket/key` as a bucket's URL with the server among the options."""
    scheme, _, rest = url.partition("://")
    if not scheme.startswith("s3+"):
        return url, dict(options)
    server, _, place = rest.partition("/")
    return f"s3://{place}", {**options, "endpoint_url": f"{scheme.removeprefix('s3+')}://{server}"}


def _words(branch: str | None, tag: str | None, snapshot: str | None) -> str:
    if snapshot is not None:
        return f"the snapshot {snapshot!r}"
    return f"the tag {tag!r}" if tag is not None else f"the branch {branch or 'main'!r}"


def writable_session(location: Any, branch: str, storage_options: Mapping[str, Any] | None = None) -> tuple[Any, str]:
    """A session that writes to a branch, and the repository's URL.

    Args:
        location: a path, a URL, or a repository of the `icechunk` package.
        branch: the branch's name.
        storage_options: as in `icechunk_store`.

    Raises:
        MissingDependencyError: the `icechunk` package is not installed.
        NodeNotFoundError: there is no such repository or branch.
    """
    repository, url = open_repository(location, storage_options)
    return _found(lambda: repository.writable_session(branch), url, f"the branch {branch!r}"), url


def _version(version: str) -> tuple[str | None, str | None, str | None]:
    kind, dot, name = version.partition(".")
    if dot and kind == "branch" and name:
        return name, None, None
    if dot and kind == "tag" and name:
        return None, name, None
    if re.fullmatch(r"[0-9A-HJKMNP-TV-Z]{20}", version):
        return None, None, version
    raise UrlError(f"{version!r} names no version of a repository; write branch.NAME, tag.NAME or a snapshot's id")


def open_repository(location: Any, storage_options: Mapping[str, Any] | None = None) -> tuple[Any, str]:
    """A repository of the `icechunk` package, and its URL.

    Args:
        location: a path, a URL, or the repository.
        storage_options: as in `icechunk_store`.

    Raises:
        MissingDependencyError: the `icechunk` package is not installed.
        NodeNotFoundError: there is no repository.
        UrlError: a scheme or an option that the package has not.
    """
    if hasattr(location, "readonly_session"):
        return location, f"icechunk+python://{name_of(location)}"
    try:
        import icechunk
    except ImportError as error:
        raise MissingDependencyError("icechunk", "opening an Icechunk repository", "icechunk") from error
    options = dict(storage_options or {})
    settings = {name: options.pop(name) for name in _REPOSITORY if name in options}
    url = os.fspath(location)
    storage = _storage(icechunk, url, options)
    return _found(lambda: icechunk.Repository.open(storage, **settings), url, "the repository"), url


def _found(ask: Callable[[], Any], url: str, what: str) -> Any:
    """What the package gives; where it finds nothing, our error."""
    try:
        return ask()
    except Exception as error:
        text = str(error)
        absent = ("not found", "doesn't exist", "does not exist", "no repository")
        if type(error).__name__.endswith("NotFoundError") or any(words in text for words in absent):
            first = text.strip().splitlines()[0].strip(" x")
            raise NodeNotFoundError(f"{what} was not found at {url}: {first}") from error
        raise


def _storage(icechunk: Any, url: str, options: dict[str, Any]) -> Any:
    url, options = _of_server(url, options)
    path = _path_of(url)
    if path is not None:
        if options:
            raise UrlError(f"storage_options ({', '.join(sorted(options))}) belong to remote stores; {url} is none")
        return icechunk.local_filesystem_storage(path)
    scheme, _, rest = url.partition("://")
    bucket, _, prefix = rest.partition("/")
    prefix = prefix.strip("/")
    for nested in ("client_kwargs", "config_kwargs", "client_options"):
        options.update(options.pop(nested, None) or {})
    if scheme in ("s3", "s3a"):
        return _made(url, icechunk.s3_storage, _s3(options), bucket=bucket, prefix=prefix or None)
    if scheme in ("gs", "gcs"):
        given = _renamed(options, _GOOGLE)
        if not given:
            given["from_env"] = True
        return _made(url, icechunk.gcs_storage, given, bucket=bucket, prefix=prefix or None)
    if scheme in ("az", "abfs", "azure"):
        given = _renamed(options, _AZURE)
        if not {"access_key", "sas_token", "bearer_token", "anonymous"} & set(given):
            given["from_env"] = True
        given.setdefault("account", os.environ.get("AZURE_STORAGE_ACCOUNT_NAME", ""))
        return _made(url, icechunk.azure_storage, given, container=bucket, prefix=prefix)
    if scheme in ("http", "https") and hasattr(icechunk, "http_storage"):
        return _made(url, icechunk.http_storage, options, base_url=url)
    raise UrlError(
        f"{url}: repositories are opened from paths and from s3://, gs://, az:// and (icechunk 2) https:// URLs"
    )


def _s3(options: Mapping[str, Any]) -> dict[str, Any]:
    given = _renamed(options, _S3)
    endpoint = given.get("endpoint_url") or os.environ.get("AWS_ENDPOINT_URL")
    if endpoint:
        given.setdefault("endpoint_url", endpoint)
        given.setdefault("allow_http", str(endpoint).startswith("http://"))
        # Servers other than Amazon's seldom have a name for each bucket, and signing needs a region.
        given.setdefault("force_path_style", True)
        given.setdefault("region", os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1")
    if not {"access_key_id", "anonymous", "get_credentials"} & set(given):
        given["from_env"] = True
    return given


def _renamed(options: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    return {names.get(name, name): value for name, value in options.items() if value is not None}


def _made(url: str, make: Callable[..., Any], options: Mapping[str, Any], **place: Any) -> Any:
    try:
        return make(**place, **options)
    except TypeError as error:
        raise UrlError(f"{url}: {error}; options go by the names that fsspec's users type") from error


class IcechunkStore(ZarrStore):
    """The store of a session, as the engine asks for it.

    Args:
        store: the session's store.
        url: where its repository is.
    """

    def __init__(self, store: Any, url: str | None = None) -> None:
        session = store.session
        fixed = bool(session.read_only)
        name = f"snapshot/{session.snapshot_id}" if fixed else f"branch.{session.branch}/{name_of(store, share=True)}"
        own = f"python+icechunk://{name}"
        super().__init__(store, f"{url}|{own}" if url else own, session.snapshot_id if fixed else None)
        # Only what never changes can be found again by a URL.
        self.url = f"{url}|icechunk://{session.snapshot_id}/" if url and fixed else own
        self.read_only = fixed
        # What a session wrote is its own until the commit, which sees to the rest.
        self.is_shared = False
        self.session = session
        self._place = url

    def get_many(self, questions: Sequence[Question]) -> Answers:
        """The bytes of many objects; keys that no repository can hold are missing."""
        answers = super().get_many(questions)
        return [
            None if _is_refused(question[0], answer) else answer
            for question, answer in zip(questions, answers, strict=True)
        ]

    def references(self, array: str) -> list[Any] | None:
        """Where the chunks of an array lie, in batches of columns; `None` where the store itself is to be asked."""
        try:
            return collect(lambda: self.store.array_chunk_iterator(f"/{array}"))
        except Exception as error:
            # No array of the repository: whatever its store answers is right.
            if "not found" in str(error) or "not an array" in str(error):
                return None
            raise

    def _absent(self, key: str, answer: object) -> bool:
        return super()._absent(key, answer) or _is_refused(key, answer)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.store, self._place)

    def __repr__(self) -> str:
        return f"<IcechunkStore {self.url}>"


def _is_refused(key: str, answer: object) -> bool:
    """Whether the package says that a key, which is no chunk's, is none of a repository's."""
    if not isinstance(answer, Exception) or _CHUNK.search(key):
        return False
    text = str(answer)
    return "invalid zarr key" in text or "v2 key not found" in text or "node not found" in text
