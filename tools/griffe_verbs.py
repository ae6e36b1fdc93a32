"""Shows verbs in the documentation as what they are to a caller: functions that return a result, with a second door.

Loaded by mkdocstrings (see mkdocs.yml). In the source a verb is a generator, annotated as `Steps[Result]`.
"""

from __future__ import annotations

import ast
from typing import Any

import griffe


class Verbs(griffe.Extension):
    """Takes the steps out of the signatures of verbs, and labels them."""

    def on_function_instance(
        self, *, node: ast.AST | griffe.ObjectNode, func: griffe.Function, agent: Any, **kwargs: Any
    ) -> None:
        if not any(str(decorator.value) == "verb" for decorator in func.decorators):
            return
        func.labels.add("and .aio")
        returns = func.returns
        if isinstance(returns, griffe.ExprSubscript) and str(returns.left) == "Steps":
            func.returns = returns.slice
