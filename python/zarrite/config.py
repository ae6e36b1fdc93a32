"""Settings of the whole process, and the few that each array handle carries.

`zarrite.config` is used as zarr-python's is: `config.get("array.order")`, `config.set({"array.order": "F"})` for good
or in a `with` block, `config.reset()`. Environment variables set defaults: `ZARRITE_ARRAY__ORDER=F` is `array.order`.

Keys that do something:

- `default_zarr_format` (3): format of new nodes when none is asked for.
- `array.order` ("C"), `array.write_empty_chunks` (False), `array.read_missing_chunks` (True): defaults of new handles.
- `array.allow_unsafe_pickle_decode` (False): whether cells that format 2 keeps as Python pickles may be read, which
  runs whatever code is in them. Asked when a handle first touches cells.
- `array.unsafe_writes` ("warn"): what becomes of writes of parts of an object where nothing keeps other processes from
  undoing them: "warn" (once for each store), "refuse" or "allow". See the page on concurrency.
- `array.target_shard_size_bytes` (None): how large `shards="auto"` makes a shard.
- `engine.threads` (None, all cores; also called `threading.max_workers`), `engine.memory_bytes` (None, a quarter of
  memory up to 2 GiB): what work in flight may use.
- `engine.recycle_bytes` (None): how much output memory is kept for the next read.
- `cache.decoded_bytes` (None): decoded chunks that are kept. None: up to 128 MiB of chunks of stores on this machine
  that were read in part; a number of bytes: every chunk of every array; 0: none.
- `cache.fresh_s` (0.0): how long a chunk that was kept of a store on a network is used without asking whether it
  changed.
- `consolidated.on_write` ("update"): what becomes of consolidated documents above a node that is changed through a
  handle that knows of them: "update" (written again; taken out where they repeat more than 128 nodes), "drop" (taken
  out) or "keep" (left as they are, stale).
- `json_indent` (2): how documents are written.
- `experimental.drafts` (False): whether new arrays may follow drafts of extensions, which are always read.

The other keys of zarr-python are accepted and kept, so that programs written for it run; they steer nothing here.
"""

from __future__ import annotations

import ast
import os
import threading
import warnings
from collections.abc import Mapping
from typing import Any, NamedTuple

from zarrite import _engine
from zarrite.errors import UnknownNameError, ZarrUserWarning, meant

__all__ = ["ArrayConfig", "Config", "config"]

DEFAULTS: dict[str, Any] = {
    "default_zarr_format": 3,
    "array.order": "C",
    "array.write_empty_chunks": False,
    "array.read_missing_chunks": True,
    "array.unsafe_writes": "warn",
    "array.target_shard_size_bytes": None,
    "array.rectilinear_chunks": False,
    "array.sharding_coalesce_max_gap_bytes": 1 << 20,
    "array.sharding_coalesce_max_bytes": 16 << 20,
    "array.allow_unsafe_pickle_decode": False,
    "async.concurrency": None,
    "async.timeout": None,
    "threading.max_workers": None,
    "codec_pipeline.path": "zarrite._engine.Program",
    "codec_pipeline.batch_size": 1,
    "codec_pipeline.max_workers": None,
    "codecs": {},
    "consolidated.on_write": "update",
    "json_indent": 2,
    "experimental.drafts": False,
    "buffer": "bytes",
    "ndbuffer": "numpy.ndarray",
    "engine.threads": None,
    "engine.memory_bytes": None,
    "engine.recycle_bytes": None,
    "cache.decoded_bytes": None,
    "cache.fresh_s": 0.0,
}

ALIASES = {"threading.max_workers": "engine.threads"}

PREFIX = "ZARRITE_"

MOST_FRESH_S = 10**9


def _flatten(settings: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in settings.items():
        key = prefix + name.replace("__", ".")
        if isinstance(value, Mapping):
            flat.update(_flatten(value, key + "."))
        else:
            flat[key] = value
    return flat


def _environment() -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, text in os.environ.items():
        if name.startswith(PREFIX):
            key = name[len(PREFIX) :].lower().replace("__", ".")
            if "." in key or key in DEFAULTS:
                try:
                    found[key] = ast.literal_eval(text)
                except (ValueError, SyntaxError):
                    found[key] = text
    return found


class ArrayConfig(NamedTuple):
    """What one array handle does in its own way; nothing of it is stored.

    Attributes:
        order: memory order of results, "C" or "F".
        write_empty_chunks: whether chunks that hold only the fill value are stored.
        read_missing_chunks: whether chunks that were never written read as the fill value (else: `ChunkNotFoundError`).
        decoded_cache: whether every decoded chunk is kept for the next read (True), none (False), or as the setting
            `cache.decoded_bytes` says (None).
    """

    order: str = "C"
    write_empty_chunks: bool = False
    read_missing_chunks: bool = True
    decoded_cache: bool | None = None

    def to_dict(self) -> dict[str, Any]:
        """The settings as a dictionary."""
        return self._asdict()

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> ArrayConfig:
        """Settings of a dictionary, over the process's defaults.

        Raises:
            TypeError: an unknown setting.
        """
        return array_config(data)


class Config:
    """The settings of this process. `zarrite.config` is the one there is.

    Example:
        >>> from zarrite import config
        >>> with config.set({"array.order": "F"}):
        ...     config.get("array.order")
        'F'
        >>> config.get("array.order")
        'C'
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._engine_defaults: dict[str, int] | None = None
        # Replaced as wholes and never changed in place, so reading needs no lock.
        self.flat: dict[str, Any] = {}
        self.of_arrays = ArrayConfig()
        environment = _environment()
        self._replace({**DEFAULTS, **environment})
        steering = [key for key in environment if key.startswith(("engine.", "cache.", "array.unsafe_writes"))]
        if steering:
            for key in steering:
                _check(key, environment[key])
            self._apply(environment)

    def _replace(self, flat: dict[str, Any]) -> None:
        self.flat = flat
        self.of_arrays = ArrayConfig(
            flat["array.order"], bool(flat["array.write_empty_chunks"]), bool(flat["array.read_missing_chunks"])
        )

    @property
    def config(self) -> dict[str, Any]:
        """All settings as nested dictionaries: a copy."""
        nested: dict[str, Any] = {}
        for key, value in sorted(self.flat.items()):
            *parents, name = key.split(".")
            place = nested
            for parent in parents:
                place = place.setdefault(parent, {})
            place[name] = value
        return nested

    def get(self, key: str, *default: Any) -> Any:
        """The value of a key (`"array.order"`), or a dictionary of all keys below it (`"array"`).

        Args:
            key: the key.
            default: what is given back for an unknown key.

        Raises:
            KeyError: the key is unknown and no default is given.
        """
        try:
            return self.flat[key]
        except KeyError:
            below = {name[len(key) + 1 :]: value for name, value in self.flat.items() if name.startswith(key + ".")}
            if below:
                return below
            if default:
                return default[0]
            raise UnknownNameError(
                f"no setting is called {key!r}{meant(key, self.flat) or '; known: ' + ', '.join(sorted(self.flat))}"
            ) from None

    def set(self, settings: Mapping[str, Any] | None = None, **more: Any) -> _Change:
        """Changes settings, for good or until the `with` block ends.

        Args:
            settings: values by key, flat or nested.
            more: the same as keywords, with `__` for the dot: `array__order="F"`.

        Raises:
            ValueError: a value that the key cannot take.
        """
        wanted = {**_flatten(settings or {}), **_flatten(more)}
        for key, value in wanted.items():
            _check(key, value)
            near = "" if key in self.flat else meant(key, DEFAULTS)
            if near:
                warnings.warn(f"no setting is called {key!r}{near} It is kept and steers nothing", ZarrUserWarning, 2)
        with self._lock:
            before = self.flat
            for alias, key in ALIASES.items():
                if alias in wanted:
                    wanted.setdefault(key, wanted[alias])
            self._replace({**before, **wanted})
            self._apply(wanted)
        return _Change(self, {key: before.get(key, _Change.ABSENT) for key in wanted})

    def reset(self) -> None:
        """Puts every setting back to its default (environment variables included)."""
        self.refresh()

    def refresh(self) -> None:
        """Reads defaults and environment variables again; what `set` changed is forgotten."""
        with self._lock:
            self._replace({**DEFAULTS, **_environment()})
            self._apply(self.flat)

    def update(self, settings: Mapping[str, Any]) -> None:
        """Changes settings for good."""
        self.set(settings)

    def pprint(self) -> None:
        """Prints all settings."""
        import pprint

        print(pprint.pformat(self.config))  # noqa: T201 -- printing is what was asked for

    def _restore(self, before: Mapping[str, Any]) -> None:
        with self._lock:
            flat = dict(self.flat)
            for key, value in before.items():
                if value is _Change.ABSENT:
                    flat.pop(key, None)
                else:
                    flat[key] = value
            self._replace(flat)
            self._apply({key: flat.get(key) for key in before})

    def _apply(self, changed: Mapping[str, Any]) -> None:
        if any(key.startswith("cache.") for key in changed):
            _engine.configure_caches(self.flat["cache.decoded_bytes"], float(self.flat["cache.fresh_s"]))
        if "array.unsafe_writes" in changed:
            _engine.unsafe_writes(changed["array.unsafe_writes"])
        names = [key for key in changed if key.startswith("engine.")]
        if not names:
            return
        if self._engine_defaults is None:
            if all(changed[key] is None for key in names):
                return
            self._engine_defaults = _engine.configure()
        asked: dict[str, int] = {}
        for key in names:
            name = key.removeprefix("engine.")
            value = changed[key] if changed[key] is not None else self._engine_defaults.get(name)
            if value is not None:
                asked[name] = int(value)
        _engine.configure(**asked)

    def __repr__(self) -> str:
        return f"<zarrite.Config {self.config!r}>"


class _Change:
    """What `Config.set` gives back: leaving a `with` block on it undoes the change."""

    ABSENT = object()

    def __init__(self, owner: Config, before: Mapping[str, Any]) -> None:
        self._owner = owner
        self._before = before

    def __enter__(self) -> Config:
        return self._owner

    def __exit__(self, *failure: object) -> None:
        self._owner._restore(self._before)


def _check(key: str, value: Any) -> None:
    if key == "array.order" and value not in ("C", "F"):
        raise ValueError(f"array.order must be 'C' or 'F', not {value!r}")
    if key == "array.unsafe_writes" and value not in ("warn", "refuse", "allow"):
        raise ValueError(f"array.unsafe_writes must be 'warn', 'refuse' or 'allow', not {value!r}")
    if key == "consolidated.on_write" and value not in ("update", "drop", "keep"):
        raise ValueError(f"consolidated.on_write must be 'update', 'drop' or 'keep', not {value!r}")
    if key == "cache.fresh_s":
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= MOST_FRESH_S:
            raise ValueError(f"{key} must be seconds from 0 to {MOST_FRESH_S}, not {value!r}")
    elif key == "cache.decoded_bytes":
        if value is not None and (isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**62):
            raise ValueError(f"{key} must be a number of bytes, 0 for none, or None for the default, not {value!r}")
    elif key.startswith("cache."):
        raise ValueError(f"no setting is called {key!r}; the caches have decoded_bytes and fresh_s")
    if key.startswith("engine.") or key in ALIASES:
        if key not in DEFAULTS:
            raise ValueError(f"no setting is called {key!r}; the engine has threads, memory_bytes and recycle_bytes")
        if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 0):
            raise ValueError(f"{key} must be a count of zero or more, or None for the default, not {value!r}")


# Accepted because programs written for zarr-python pass them; reads here merge ranges by rules of their own.
_IGNORED = frozenset({"sharding_coalesce_max_gap_bytes", "sharding_coalesce_max_bytes"})


def array_config(
    asked: ArrayConfig | Mapping[str, Any] | None, base: ArrayConfig | None = None, **named: Any
) -> ArrayConfig:
    """The settings of a handle: what was asked for over `base`, or over the process's defaults.

    Args:
        asked: an `ArrayConfig`, a dictionary of some of its fields, or `None`.
        base: what holds where nothing was asked.
        named: single fields; `None` means not asked.

    Raises:
        TypeError: an unknown field.
        ValueError: a value the field cannot take.
    """
    if isinstance(asked, ArrayConfig):
        return asked
    if base is None:
        base = config.of_arrays
    if not asked and not named:
        return base
    wanted = dict(named)
    if asked is not None:
        to_dict = getattr(asked, "to_dict", None)  # zarr-python's own ArrayConfig has it, too
        wanted.update(asked if to_dict is None else to_dict())
    wanted = {name: value for name, value in wanted.items() if value is not None and name not in _IGNORED}
    unknown = set(wanted) - set(ArrayConfig._fields)
    if unknown:
        raise TypeError(
            f"an array's config has no {', '.join(sorted(unknown))}; known: {', '.join(ArrayConfig._fields)}"
        )
    if wanted.get("order", "C") not in ("C", "F"):
        raise ValueError(f"order must be 'C' or 'F', not {wanted['order']!r}")
    for name in ("write_empty_chunks", "read_missing_chunks"):
        if isinstance(wanted.get(name), str):
            raise ValueError(f"{name} must be True or False, not {wanted[name]!r}")  # noqa: TRY004 -- as for others
        if name in wanted:
            wanted[name] = bool(wanted[name])
    if "decoded_cache" in wanted and not isinstance(wanted["decoded_cache"], bool):
        raise ValueError(f"decoded_cache must be True, False or None, not {wanted['decoded_cache']!r}")
    return base._replace(**wanted)


config = Config()
