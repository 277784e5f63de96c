"""What is said of a handler that has failed, where a traceback would not say what to do."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from reprlib import Repr
from typing import Any

from werkzeug.sansio.response import Response

from .mistakes import place_of

#: What a client has sent is shown cut to so many characters, and escaped as `repr` does.
_SHOWN = Repr()
_SHOWN.maxstring = _SHOWN.maxother = 60
_MOST = 200
_JSONIFY = ", jsonify() and Response are for views: return the dict or the list itself"


def misfit(error: TypeError, function: Callable[..., Any], args: tuple[Any, ...]) -> str:
    """Of a handler that does not take what the client has sent."""
    if not args:
        sent = "no argument"
    else:
        shown = ", ".join(map(_SHOWN.repr, args[:10]))[:_MOST]
        sent = f"{len(args)} argument{'s' * (len(args) > 1)}, {shown}"
    return (
        f"the client has sent {sent}: {error}. It is {place_of(function)}, called as {_signature(function)}; "
        "*args takes any number"
    )


def _signature(function: Callable[..., Any]) -> str:
    try:
        return f"{getattr(function, '__name__', 'handler')}{inspect.signature(function)}"
    except (TypeError, ValueError):
        return "one that shows no signature"


def about_answer(result: Any) -> str:
    """A hint at what a handler should have returned, which has returned what cannot be encoded."""
    return _JSONIFY if isinstance(result, Response) else ""
