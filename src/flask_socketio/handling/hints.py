"""What a handler's annotations say: of its parameters, and of what it returns."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, cast, get_type_hints

EMPTY: Any = inspect.Parameter.empty
_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
_PASSED_ON = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


@dataclass(frozen=True, slots=True)
class Hint:
    """An annotation. `type` is EMPTY where there is none, and where its names are not there (yet)."""

    type: Any = EMPTY
    #: what was written, where its names are not there
    unresolved: str = ""


@dataclass(frozen=True, slots=True)
class Parameter:
    """What one of the client's arguments is given to; all that are left, where it is `variadic`."""

    name: str
    hint: Hint
    required: bool
    variadic: bool


@dataclass(frozen=True, slots=True)
class Signature:
    """What a handler takes by position, and what it returns."""

    parameters: list[Parameter]
    returns: Hint

    @property
    def unresolved(self) -> list[str]:
        """The annotations whose names are not there."""
        hints = (parameter.hint for parameter in self.parameters)
        return [hint.unresolved for hint in hints if hint.unresolved]


def signature_of(function: Callable[..., Any]) -> Signature | None:
    """What the function that does the work takes; None if nobody can tell.

    A decorator that passes `*args` on stands for the function that it wraps (functools.wraps). One that takes
    arguments by name has its own idea of them, whatever annotations it has copied.
    """
    try:
        function = _working(function)
        found = inspect.signature(function, follow_wrapped=False, **_LATER)
    except Exception:  # noqa: BLE001 - a signature may be code of anybody's
        return None
    if hasattr(function, "__wrapped__"):
        return None
    names = _names_of(function)
    parameters = [
        Parameter(
            item.name,
            _hint_of(item.annotation, names, optional=item.default is None),
            item.kind in _POSITIONAL and item.default is EMPTY,
            item.kind is item.VAR_POSITIONAL,
        )
        for item in found.parameters.values()
        if item.kind in _POSITIONAL or item.kind is item.VAR_POSITIONAL
    ]
    return Signature(parameters, _hint_of(found.return_annotation, names))


#: From Python 3.14 on a name that is not there raises where an annotation is looked at.
_LATER: dict[str, Any] = {}
if sys.version_info >= (3, 14):
    from annotationlib import Format

    _LATER["annotation_format"] = Format.FORWARDREF


def _working(function: Callable[..., Any]) -> Callable[..., Any]:
    """What is behind decorators that pass everything on."""
    while (wrapped := getattr(function, "__wrapped__", None)) is not None:
        parameters = inspect.signature(function, follow_wrapped=False, **_LATER).parameters.values()
        if not parameters or any(item.kind not in _PASSED_ON for item in parameters):
            break
        if inspect.ismethod(function) and not inspect.ismethod(wrapped):
            wrapped = wrapped.__get__(function.__self__)  # of a method's decorator, the method
        function = wrapped
    return function


def _names_of(function: Callable[..., Any]) -> dict[str, Any]:
    """The names that its annotations may use, of the module in which it was written."""
    inner: Any = function
    while isinstance(inner, partial):
        inner = cast("partial[Any]", inner).func
    if not hasattr(inner, "__globals__"):
        inner = getattr(inner, "__func__", None) or type(inner).__call__
    return getattr(inner, "__globals__", {})


def _hint_of(annotation: Any, names: dict[str, Any], *, optional: bool = False) -> Hint:
    if annotation is EMPTY:
        return Hint()

    def holder() -> None: ...

    # One by one: a name that is there for type checkers alone takes no other annotation with it.
    holder.__annotations__ = {"it": annotation}
    try:
        found: Any = get_type_hints(holder, names, include_extras=True)["it"]
        return Hint(found | None if optional and found is not None else found)
    except Exception:  # noqa: BLE001 - it may be code of anybody's
        text = getattr(annotation, "__forward_arg__", annotation)
        return Hint(unresolved=text if isinstance(text, str) else repr(text))
