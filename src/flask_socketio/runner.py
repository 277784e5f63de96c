"""Runs a handler in its contexts and turns what it returns or raises into the outcome of the call."""

from __future__ import annotations

import logging
import sys
from asyncio import CancelledError, current_task
from builtins import ConnectionRefusedError as BuiltinConnectionRefusedError
from collections.abc import Callable
from typing import Any, cast

from .context import EventContext, EventContexts, public_reason
from .errors import ConnectionRefusedError, refusal_body
from .handlers import HandlerTable
from .hub.call import Call, CallKind, Outcome
from .protocol.socketio import Codec

logger = logging.getLogger("flask_socketio.server")

_EVENT = CallKind.EVENT  # looking up a member of an enum takes as long as a call

#: What a handler may raise without taking its thread with it. sys.exit() in a handler ends that handler.
_FAILURES = (Exception, SystemExit)

_REJECTED = {"message": "Connection rejected by server"}
_REFUSED = {"message": "Connection refused by server"}
_DONE = Outcome()
_FAILED = {"error": "the handler of this event failed"}


class Runner:
    """`report` is called with every call that has ended and its outcome, from the thread it ran on."""

    def __init__(
        self,
        contexts: EventContexts,
        handlers: HandlerTable,
        report: Callable[[Call, Outcome], None],
        codec: Codec,
        *,
        ack_errors: bool = False,
    ) -> None:
        self._contexts = contexts
        self._handlers = handlers
        self._report = report
        self._codec = codec
        self._ack_errors = ack_errors
        self._acked = Outcome(body=codec.encode_body([]))

    def run(self, call: Call) -> BaseException | None:
        """Run a `def` handler; returns what it raised and nothing has handled."""
        failure: BaseException | None = None
        try:
            with EventContext(self._contexts, call):
                try:
                    result = call.handler.function(*_arguments(call))
                except Exception as error:  # noqa: BLE001 - raised again where nobody handles it
                    result = self._handle(call, error)
        except _FAILURES as error:
            failure = error
            outcome = self._failed(call, error)
        else:
            outcome, failure = self._succeeded(call, result)
        self._report(call, outcome)
        return failure

    async def run_async(self, call: Call) -> BaseException | None:
        """Run an `async def` handler; returns what it raised and nothing has handled."""
        failure: BaseException | None = None
        try:
            with EventContext(self._contexts, call):
                try:
                    result = await call.handler.function(*_arguments(call))
                except Exception as error:  # noqa: BLE001 - raised again where nobody handles it
                    result = self._handle(call, error)
        except (*_FAILURES, CancelledError) as error:
            failure = error
            outcome = self._failed(call, error)
        else:
            outcome, failure = self._succeeded(call, result)
        self._report(call, outcome)
        task = current_task()
        if isinstance(failure, CancelledError) and task is not None and task.cancelling():
            raise failure  # it was not the handler's own
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

    def _succeeded(self, call: Call, result: Any) -> tuple[Outcome, TypeError | None]:
        if call.kind is CallKind.CONNECT and result is False:
            return self._refused(_REJECTED), None
        if call.kind is _EVENT and call.ack_id is not None:
            if result is None:
                return self._acked, None
            try:
                return Outcome(body=self._codec.encode_body(_answer(result))), None
            except TypeError as error:
                logger.error(  # noqa: TRY400 - the traceback would say no more
                    "no ack for event %r: what its handler returned cannot be encoded: %s",
                    call.event,
                    error,
                )
                return self._error(call), error
        return _DONE, None

    def _failed(self, call: Call, error: BaseException) -> Outcome:
        if call.kind is CallKind.CONNECT and is_refusal(error):
            if isinstance(error, BuiltinConnectionRefusedError):
                return self._refused(_REFUSED)
            return self._refused(refusal_body(error.args))
        what = f"handler of event {call.event!r}" if call.event else "ack callback"
        logger.error("%s in namespace %r failed", what, call.socket.namespace, exc_info=error)
        return self._refused(_REJECTED) if call.kind is CallKind.CONNECT else self._error(call)

    def _refused(self, why: dict[str, Any]) -> Outcome:
        return Outcome(accepted=False, body=self._codec.encode_body(why))

    def _error(self, call: Call) -> Outcome:
        """No ack, unless the application wants its clients to be told (ack_errors=True)."""
        if self._ack_errors and call.ack_id is not None:
            return Outcome(body=self._codec.encode_body([_FAILED]))
        return Outcome()


def is_refusal(error: BaseException) -> bool:
    """Whether it is a connect handler's way to refuse; python-socketio's own exception counts as well."""
    if isinstance(error, (ConnectionRefusedError, BuiltinConnectionRefusedError)):
        return True
    neighbour = sys.modules.get("socketio.exceptions")
    return neighbour is not None and isinstance(error, neighbour.ConnectionRefusedError)


def _arguments(call: Call) -> tuple[Any, ...]:
    """Connect and disconnect handlers may leave out their argument."""
    if call.kind is _EVENT:
        return call.args
    if call.kind is CallKind.CONNECT:
        return call.args[: call.handler.max_args]
    if call.kind is CallKind.DISCONNECT:
        return (public_reason(call.args[0]),)[: call.handler.max_args]
    return call.args


def _answer(result: Any) -> list[Any]:
    """What an ack carries: a tuple its elements, anything else itself."""
    return list(cast("tuple[Any, ...]", result)) if isinstance(result, tuple) else [result]
