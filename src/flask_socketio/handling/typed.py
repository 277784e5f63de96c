"""Handlers whose annotations are models: what a client has sent is checked and converted before they are called."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import wraps
from typing import Any

from ..errors import Misfit, PayloadError
from ..hub.call import Handler
from .hints import EMPTY, Parameter, Signature, signature_of
from .mistakes import place_of
from .models import MANY, Convert, UnfitError, converter, is_checked, shown

logger = logging.getLogger("flask_socketio.server")

_ANY = "*"  # whose handlers get the event's name in front


def convert_for(handler: Handler, event: str, *, required: bool) -> None:
    """Put the conversion in front of a handler whose annotations ask for one; others are left alone.

    Where annotations name what is not there yet, it is looked for again when the first event comes. `required`: raises
    ImportError where the library is missing and TypeError for a type it does not know, which otherwise are logged.
    """
    function = handler.written = handler.written or handler.function
    signature = signature_of(function)
    if signature is None:
        return
    if signature.unresolved:
        handler.function = _once_more(handler, event, required=required)
    else:
        handler.function = _converting(function, event, signature, required=required)


def as_written(handler: Handler, event: str) -> None:
    """Take the conversion away again, from a handler that has one."""
    handler.function = handler.written or handler.function


def _asks(signature: Signature, *, typed_dicts: bool) -> bool:
    hints = (parameter.hint.type for parameter in signature.parameters)
    return any(is_checked(hint, typed_dicts=typed_dicts) for hint in hints)


def _once_more(handler: Handler, event: str, *, required: bool) -> Callable[..., Any]:
    """Where the names of annotations are not there yet: until the first event has come."""
    function = handler.written
    assert function is not None

    @wraps(function)
    def first(*args: Any) -> Any:
        signature = signature_of(function)
        assert signature is not None
        for text in signature.unresolved:
            logger.debug(
                "%s is annotated with %s, which is nothing at run time: that is not checked",
                place_of(function),
                text,
            )
        handler.function = _converting(function, event, signature, required=required)
        return handler.function(*args)

    return first


def _converting(
    function: Callable[..., Any], event: str, signature: Signature, *, required: bool
) -> Callable[..., Any]:
    """The function with the conversion in front, if its annotations ask for one."""
    if not _asks(signature, typed_dicts=required):
        return function
    try:
        # A decorator that passes *args on may pass more than that.
        convert = _Arguments(
            event, signature, exact=required or not hasattr(function, "__wrapped__")
        )
    except (ImportError, TypeError) as error:
        if required:
            kind = ImportError if isinstance(error, ImportError) else TypeError
            raise kind(f"{place_of(function)}: {error}") from None
        logger.warning(
            "what clients send to %s is not checked: %s. typed_events=True makes that an error, False silent",
            place_of(function),
            error,
        )
        return function

    @wraps(function)
    def typed(*args: Any) -> Any:
        return function(*convert(args))

    return typed


class _Arguments:
    """Converts what one event brings. Unless `exact`, what are not as many as the handler takes is left as it is."""

    def __init__(self, event: str, signature: Signature, *, exact: bool) -> None:
        self._event = event
        self._exact = exact
        self._front = 1 if event == _ANY else 0
        self._parameters = [item for item in signature.parameters if not item.variadic]
        self._rest = next((item for item in signature.parameters if item.variadic), None)
        named = self._front if self._parameters else 0
        self._converters = {item.name: _converter_of(item) for item in signature.parameters[named:]}
        self._required = sum(item.required for item in self._parameters)

    def __call__(self, args: tuple[Any, ...]) -> list[Any]:
        """Raises PayloadError."""
        front = self._front
        if not self._fits(args):
            if self._exact:
                raise self._miscounted(args)
            return list(args)
        misfits: list[Misfit] = []
        values = list(args[:front])
        for number, value in enumerate(args[front:], front):
            name = self._name(number)
            convert = self._converters[name]
            try:
                values.append(value if convert is None else convert(value))
            except UnfitError as unfit:
                misfits += [Misfit(name, *problem, unfit.shown) for problem in unfit.problems]
            if len(misfits) >= MANY:
                break
        if misfits:
            raise PayloadError(self._name_of_event(args), misfits[:MANY])
        return values

    def _fits(self, args: tuple[Any, ...]) -> bool:
        """As many as the handler takes?"""
        most = len(self._parameters)
        return self._required <= len(args) and (len(args) <= most or self._rest is not None)

    def _miscounted(self, args: tuple[Any, ...]) -> PayloadError:
        """The names of those that are missing are in the handler's signature."""
        given, most, front = len(args), len(self._parameters), self._front
        if given < self._required:
            missing = [item.name for item in self._parameters[given : self._required]]
            misfits = [Misfit(name, "", "Missing", "nothing") for name in missing]
        else:
            takes = f"Expected at most {most - front}, got {given - front}"
            misfits = [Misfit("", "", takes, shown(args[most]))]
        return PayloadError(self._name_of_event(args), misfits)

    def _name(self, number: int) -> str:
        if number < len(self._parameters):
            return self._parameters[number].name
        assert self._rest is not None
        return self._rest.name

    def _name_of_event(self, args: tuple[Any, ...]) -> str:
        return args[0] if self._front else self._event


def _converter_of(parameter: Parameter) -> Convert | None:
    hint = parameter.hint.type
    return None if hint is EMPTY or hint is Any else converter(hint)
