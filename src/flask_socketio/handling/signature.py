"""How many arguments a handler takes: what its signature says, and what a call says that has failed.

What a decorator makes of a function may take any number of them and pass them on to the function, which does not.
"""

from __future__ import annotations

import dis
import inspect
import re
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any

from ..hub.call import Handler

#: What Python, C functions and Cython say of too many arguments, and of too few.
_MISFIT = re.compile(r"\b(takes|expected) .*\barguments?\b|missing \d+ required positional arg")


def make_handler(function: Callable[..., Any]) -> Handler:
    """Look at a function once. Raises TypeError for what cannot be called."""
    if not callable(function):
        raise TypeError(f"an event handler must be callable, not {type(function).__name__}")
    return Handler(function, is_async(function), max_args(function))


def is_async(function: Callable[..., Any]) -> bool:
    """Whether it is an `async def`, or an object whose call is one."""
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(
        getattr(function, "__call__", None)  # noqa: B004
    )


def max_args(function: Callable[..., Any]) -> int | None:
    """How many positional arguments it takes itself, whatever it wraps; None for any number, or if nobody can tell."""
    try:
        parameters = inspect.signature(function, follow_wrapped=False).parameters.values()
    except Exception:  # noqa: BLE001 - a signature may be code of anybody's
        return None
    if any(parameter.kind is parameter.VAR_POSITIONAL for parameter in parameters):
        return None
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return sum(parameter.kind in positional for parameter in parameters)


def did_not_fit(error: TypeError, function: Callable[..., Any], caller: str) -> bool:
    """Whether a call has failed because the arguments did not fit what does the work, which therefore has not run.

    Either the function, and whatever it called, was passing on its own `*args`; or the error names the function that
    it wraps (functools.wraps), and that one was never entered. `caller`: the module that made the call.
    """
    if not _MISFIT.search(str(error)):
        return False
    steps = [step for step in _steps(error) if step.tb_frame.f_globals.get("__name__") != caller]
    return all(map(_passes_on, steps)) or _names_the_wrapped(error, function, steps)


def _steps(error: BaseException) -> Iterator[TracebackType]:
    step = error.__traceback__
    while step is not None:
        yield step
        step = step.tb_next


def _passes_on(step: TracebackType) -> bool:
    """Whether a function has come to a call with its own `*args` among the arguments."""
    code = step.tb_frame.f_code
    if not code.co_flags & inspect.CO_VARARGS:
        return False
    args = code.co_varnames[code.co_argcount + code.co_kwonlyargcount]
    instructions = list(dis.get_instructions(code))
    return any(
        call.opname == "CALL_FUNCTION_EX"
        and any(args in _names(item) and _is_within(item, call) for item in instructions)
        for call in instructions
        if call.offset == step.tb_lasti
    )


def _names(instruction: dis.Instruction) -> tuple[Any, ...]:
    """The variables that an instruction is about: from Python 3.13 on there may be two."""
    value = instruction.argval
    return value if isinstance(value, tuple) else (value,)  # pyright: ignore[reportUnknownVariableType]


def _is_within(inner: dis.Instruction, outer: dis.Instruction) -> bool:
    """Whether it stands, in the source, inside of the expression of the other."""
    one, other = inner.positions, outer.positions
    assert one is not None
    assert other is not None
    return (one.lineno, one.col_offset) >= (other.lineno, other.col_offset) and (
        one.end_lineno,
        one.end_col_offset,
    ) <= (other.end_lineno, other.end_col_offset)


def _names_the_wrapped(
    error: TypeError, function: Callable[..., Any], steps: list[TracebackType]
) -> bool:
    wrapped = inspect.unwrap(function)
    return (
        wrapped is not function
        and str(error).startswith(getattr(wrapped, "__qualname__", "?") + "() ")
        and all(step.tb_frame.f_code is not getattr(wrapped, "__code__", None) for step in steps)
    )
