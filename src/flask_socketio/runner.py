"""Runs a handler in its contexts and turns what it returns or raises into the outcome of the call."""

from __future__ import annotations

import logging
import sys
from builtins import ConnectionRefusedError as BuiltinConnectionRefusedError
from collections.abc import Callable
from typing import Any, cast

from .context import EventContexts, public_reason
from .errors import ConnectionRefusedError, refusal_body
from .handlers import HandlerTable
from .hub.call import Call, CallKind, Outcome
from .protocol.socketio import Body, encode_body

logger = logging.getLogger("flask_socketio.server")

#: What a handler may raise without taking its thread with it. sys.exit() in a handler ends that handler.
_FAILURES = (Exception, SystemExit)

_REJECTED = encode_body({"message": "Connection rejected by server"})
_REFUSED = encode_body({"message": "Connection refused by server"})


class Runner:
    """`report` is called with every call that has ended and its outcome, from the thread it ran on."""

    def __init__(
        self,
        contexts: EventContexts,
        handlers: HandlerTable,
        report: Callable[[Call, Outcome], None],
    ) -> None:
        self._contexts = contexts
        self._handlers = handlers
        self._report = report

    def run(self, call: Call) -> BaseException | None:
        """Run a `def` handler; returns what it raised and nothing has handled."""
        failure: BaseException | None = None
        try:
            with self._contexts.open(call):
                try:
                    result = call.handler.function(*_arguments(call))
                except Exception as error:  # noqa: BLE001 - raised again where nobody handles it
                    result = self._handle(call, error)
        except _FAILURES as error:
            failure = error
            outcome = _failed(call, error)
        else:
            outcome, failure = _succeeded(call, result)
        self._report(call, outcome)
        return failure

    async def run_async(self, call: Call) -> BaseException | None:
        """Run an `async def` handler; returns what it raised and nothing has handled."""
        failure: BaseException | None = None
        try:
            with self._contexts.open(call):
                try:
                    result = await call.handler.function(*_arguments(call))
                except Exception as error:  # noqa: BLE001 - raised again where nobody handles it
                    result = self._handle(call, error)
        except _FAILURES as error:
            failure = error
            outcome = _failed(call, error)
        else:
            outcome, failure = _succeeded(call, result)
        self._report(call, outcome)
        return failure

    def _handle(self, call: Call, error: Exception) -> Any:
        """Give an exception to the application's error handler, whose result takes the place of the handler's.

        Raises the exception where there is none, and for a client that is refused. A connect handler that has failed
        never accepts, whatever the error handler returns.
        """
        if is_refusal(error):
            raise error
        for handle in self._handlers.error_handlers_of(call.socket.namespace):
            try:
                result = handle(error)
            except Exception as again:  # noqa: BLE001 - the next one's, or raised below
                error = again
            else:
                return False if call.kind is CallKind.CONNECT else result
        raise error


def is_refusal(error: BaseException) -> bool:
    """Whether it is a connect handler's way to refuse; python-socketio's own exception counts as well."""
    if isinstance(error, (ConnectionRefusedError, BuiltinConnectionRefusedError)):
        return True
    neighbour = sys.modules.get("socketio.exceptions")
    return neighbour is not None and isinstance(error, neighbour.ConnectionRefusedError)


def _arguments(call: Call) -> tuple[Any, ...]:
    """Connect and disconnect handlers may leave out their argument."""
    if call.kind is CallKind.CONNECT:
        return call.args[: call.handler.max_args]
    if call.kind is CallKind.DISCONNECT:
        return (public_reason(call.args[0]),)[: call.handler.max_args]
    return call.args


def _succeeded(call: Call, result: Any) -> tuple[Outcome, TypeError | None]:
    if call.kind is CallKind.CONNECT and result is False:
        return Outcome(accepted=False, body=_REJECTED), None
    if call.kind is CallKind.EVENT and call.ack_id is not None:
        try:
            return Outcome(body=_encode_answer(result)), None
        except TypeError as error:
            logger.error(  # noqa: TRY400 - the traceback would say no more
                "no ack for event %r: what its handler returned is no JSON: %s", call.event, error
            )
            return Outcome(), error
    return Outcome(), None


def _encode_answer(result: Any) -> Body:
    """What an ack carries: None nothing, a tuple its elements, anything else itself. Raises TypeError."""
    if result is None:
        answer: list[Any] = []
    else:
        answer = list(cast("tuple[Any, ...]", result)) if isinstance(result, tuple) else [result]
    return encode_body(answer)


def _failed(call: Call, error: BaseException) -> Outcome:
    if call.kind is CallKind.CONNECT and is_refusal(error):
        if isinstance(error, BuiltinConnectionRefusedError):
            return Outcome(accepted=False, body=_REFUSED)
        return Outcome(accepted=False, body=encode_body(refusal_body(error.args)))
    what = f"handler of event {call.event!r}" if call.event else "ack callback"
    logger.error("%s in namespace %r failed", what, call.socket.namespace, exc_info=error)
    return Outcome(accepted=False, body=_REJECTED) if call.kind is CallKind.CONNECT else Outcome()
