"""How commands speak: errors as one sentence, sizes for people, JSON for programs."""

from __future__ import annotations

import functools
import json
import math
import os
import sys
from collections.abc import Callable
from typing import Any, ParamSpec

import numpy as np
import typer
from rich.console import Console

from zarrite.errors import REPLACE, ZarriteError

__all__ = ["answers", "print_json", "show_bytes", "show_count", "show_shape", "to_stderr", "to_terminal"]

P = ParamSpec("P")

PIPE_WIDTH = 500

INTERRUPTED = 130
"""What a shell reports for a program that Ctrl-C stopped."""


def to_terminal() -> Console:
    """Where answers go. Into a pipe they are as wide as they need to be."""
    return Console(highlight=False) if sys.stdout.isatty() else Console(highlight=False, width=PIPE_WIDTH)


def to_stderr() -> Console:
    """Where progress and complaints go."""
    return Console(stderr=True, soft_wrap=True, highlight=False)


def answers(command: Callable[P, None]) -> Callable[P, None]:
    """Makes a command end with one sentence and exit code 1 where it would end with a traceback."""

    @functools.wraps(command)
    def answering(*args: P.args, **keywords: P.kwargs) -> None:
        try:
            command(*args, **keywords)
        except BrokenPipeError:
            # Whoever read our answer has seen enough; what Python still wants to flush goes nowhere.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(1) from None
        except KeyboardInterrupt:
            to_stderr().print("zarrite: stopped", markup=False)
            raise typer.Exit(INTERRUPTED) from None
        except (ZarriteError, OSError, ValueError, TypeError, LookupError, MemoryError, ImportError) as error:
            to_stderr().print(f"zarrite: {_sentence(error)}", markup=False)
            raise typer.Exit(1) from None

    return answering


def _sentence(error: BaseException) -> str:
    if isinstance(error, ZarriteError):
        return str(error).replace(REPLACE, "pass --overwrite to replace it")
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    if isinstance(error, MemoryError):
        return f"not enough memory ({error})" if str(error) else "not enough memory"
    return f"{error}" if str(error) else type(error).__name__


def show_count(count: int, name: str) -> str:
    """A number of things for people.

    Example:
        >>> show_count(1, "array"), show_count(0, "array")
        ('1 array', '0 arrays')
    """
    return f"{count:,} {name}" if count == 1 else f"{count:,} {name}s"


def show_bytes(count: float) -> str:
    """A number of bytes for people.

    Example:
        >>> show_bytes(0), show_bytes(1536), show_bytes(3 << 30)
        ('0 B', '1.5 KiB', '3.0 GiB')
    """
    unit = min(5, int(math.log2(count) // 10)) if count >= 1 else 0
    name = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")[unit]
    return f"{count:.0f} B" if unit == 0 else f"{count / (1 << (10 * unit)):.1f} {name}"


def show_shape(shape: Any) -> str:
    """Lengths for people.

    Example:
        >>> show_shape((365, 721)), show_shape(()), show_shape(None)
        ('365×721', 'one cell', '-')
    """
    if shape is None:
        return "-"
    return "×".join(str(length) for length in shape) if len(shape) else "one cell"


def print_json(value: Any) -> None:
    """An answer for programs: one JSON object, with NaN and infinities as text as Zarr writes them."""
    print(json.dumps(plain(value), indent=2, ensure_ascii=False, allow_nan=False))


def plain(value: Any) -> Any:
    """A value as strict JSON has it.

    Example:
        >>> plain({"a": (1, float("nan")), "b": b"x"})
        {'a': [1, 'NaN'], 'b': 'x'}
    """
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, dict):
        return {str(name): plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, bool | int | str) or value is None:
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}[str(value)]
    if isinstance(value, complex):
        return [plain(value.real), plain(value.imag)]
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="backslashreplace")
    return str(value)
