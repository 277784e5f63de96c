"""Runs a handler in its contexts and turns what it returns or raises into the outcome of the call."""

from __future__ import annotations

import logging
import signal
import sys
import traceback
from asyncio import CancelledError, current_task
from builtins import ConnectionRefusedError as BuiltinConnectionRefusedError
from collections.abc import Callable, Coroutine, Generator
from contextlib import suppress
from inspect import isawaitable
from types import CoroutineType, NoneType, TracebackType
from typing import Any, TypeGuard, cast

from werkzeug.exceptions import HTTPException
from werkzeug.sansio.response import Response

from ..base.real import on_main_thread
from ..base.told import Told
from ..errors import ConnectionRefusedError, PayloadError, refusal_body, refuses_payload
from ..hub.call import Call, CallKind, Outcome
from ..protocol.socketio import Body, Codec
from .context import Entered, EventContexts, public_reason
from .failures import about_answer, misfit
from .mistakes import place_of
from .signature import did_not_fit
from .table import HandlerTable

logger = logging.getLogger("flask_socketio.server")

_told = Told(logger)

# Looking up a member of an enum takes as long as a call.
_CONNECT, _EVENT, _DISCONNECT = CallKind.CONNECT, CallKind.EVENT, CallKind.DISCONNECT

#: What nearly every handler returns; it need not be asked whether it can be awaited.
_PLAIN = frozenset((NoneType, str, int, float, bool, list, tuple, dict, bytes))
#: What an `async def` returns.
_COROUTINE: Any = CoroutineType

_REJECTED = {"message": "Connection rejected by server"}
_REFUSED = {"message": "Connection refused by server"}
_REFUSED_PAYLOAD = "%s in namespace %r refused: %s"
_PYTHONS_REFUSAL = (
    "client refused by Python's own ConnectionRefusedError(%s), whose text it is not told: for that, "
    "from flask_socketio import ConnectionRefusedError"
)
_DONE = Outcome()
#: in the place of an error that knows the frame it stands in: a circle that waits for the garbage collector
_FORGOTTEN = Exception()
_FAILED = {"error": "the handler of this event failed"}


class Runner:
    """`report` is called with every call that has ended and its outcome, where it ended."""

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
        self._acked = Outcome(body=codec.encode_body([]))
        self._rejected = _refused(codec.encode_body(_REJECTED))
        #: the answer to an event whose handler has failed: none, unless clients are to be told
        self._failed_ack = Outcome(body=codec.encode_body([_FAILED]) if ack_errors else None)

    def begin(self, call: Call) -> Coroutine[Any, Any, None] | None:
        """Run a handler and report how that ended; where there is more to do than to call it, return a coroutine.

        Both belong into one `contextvars.Context`. The coroutine is suspended when it needs a loop to go on, unless the
        handler is an `async def`: nothing of that has been done before. They raise only what ends more than the call:
        Ctrl-C, and that a task is cancelled.
        """
        if call.handler.is_async:
            return self._run(call)
        try:
            entered = self._contexts.enter(call)
        except BaseException as error:  # noqa: BLE001 - whatever it is, it ends this call alone
            self._end(call, None, error=error)
            return None
        args = call.args if call.kind is _EVENT else _arguments(call)
        call.entered = True
        try:
            result = call.handler.function(*args)
            is_final = type(result) in _PLAIN or not isawaitable(result)
        except BaseException as error:  # noqa: BLE001
            return self._finish(call, entered, error=error)
        if not is_final:
            return self._finish(call, entered, result)
        self._end(call, entered, result)
        return None

    async def _run(self, call: Call) -> None:
        """The whole of a call, in its task: of those that have not begun, nothing is there yet but this."""
        entered = None
        try:
            entered = self._contexts.enter(call)
            try:
                args = call.args if call.kind is _EVENT else _arguments(call)
                result = call.handler.function(*args)
                if type(result) is _COROUTINE:
                    result = await result
                if type(result) not in _PLAIN:
                    result = await _settle(call, result)
            except Exception as failure:  # noqa: BLE001 - raised again where nobody handles it
                result = await self._recover(call, failure)
        except BaseException as failure:  # noqa: BLE001
            self._end(call, entered, error=failure)
        else:
            self._end(call, entered, result)

    async def _finish(
        self,
        call: Call,
        entered: Entered,
        result: Any = None,
        *,
        error: BaseException | None = None,
    ) -> None:
        """What is left of a call when its handler has returned something, or has raised."""
        try:
            try:
                if error is not None:
                    raise error
                result = await _settle(call, result)
            except Exception as failure:  # noqa: BLE001 - raised again where nobody handles it
                result = await self._recover(call, failure)
        except BaseException as failure:  # noqa: BLE001
            self._end(call, entered, error=failure)
        else:
            self._end(call, entered, result)
        finally:
            error = None  # it knows this frame: a circle that waits for the garbage collector

    def _end(
        self,
        call: Call,
        entered: Entered | None,
        result: Any = None,
        *,
        error: BaseException | None = None,
    ) -> None:
        outcome = _DONE
        try:
            if entered is not None:
                self._contexts.leave(entered, error)
            if error is None:
                outcome = self._outcome(call, result)
        except BaseException as failure:  # noqa: BLE001
            error = failure
        if error is not None:
            outcome = self._failure(call, error)
        raised = call.failure
        self._report(call, outcome)
        if raised is not None and _ends_more(raised):
            raise raised

    async def _recover(self, call: Call, error: Exception) -> Any:
        """What comes of a call that raised an exception: the result of one with other arguments, or an error handler's.

        Raises what none of these handles.
        """
        try:
            if isinstance(error, TypeError) and call.kind in (
                CallKind.CONNECT,
                CallKind.DISCONNECT,
            ):
                handler = call.handler
                if did_not_fit(error, handler.function, __name__):
                    # It takes no argument; or it did not the last time, and now it does.
                    handler.max_args = None if "missing" in str(error) else 0
                    try:
                        return await _settle(call, handler.function(*_arguments(call)))
                    except Exception as again:  # noqa: BLE001
                        error = again
            return await self._handle(call, error)
        finally:
            error = _FORGOTTEN

    async def _handle(self, call: Call, error: Exception) -> Any:
        """Give an exception to the application's error handler, whose result takes the place of the handler's.

        Raises the exception where there is none, and for a client that is refused. A connect handler that has failed
        never accepts, whatever the error handler returns.
        """
        try:
            for handle in self._handlers.error_handlers_of(call.socket.namespace):
                if is_refusal(error) and not isinstance(error, BuiltinConnectionRefusedError):
                    break
                if refuses_payload(error) and call.kind is CallKind.CONNECT:
                    break
                try:
                    result = await _settle(call, handle(error))
                except Exception as again:  # noqa: BLE001 - the next one's, or raised below
                    error = again
                else:
                    return False if call.kind is CallKind.CONNECT else result
            raise error
        finally:
            error = _FORGOTTEN

    def _outcome(self, call: Call, result: Any) -> Outcome:
        if call.kind is _CONNECT:
            return self._rejected if _refuses(call, result) else _DONE
        if call.kind is not _EVENT or call.ack_id is None:
            return _DONE
        if result is None:
            return self._acked
        try:
            return Outcome(body=self._codec.encode_body(_answer(result)))
        except BaseException as error:  # noqa: BLE001 - a TypeError's traceback would say no more
            call.failure = error
            shown = None if isinstance(error, TypeError) else error
            _log(
                "no ack for event %r: what its handler %s returned cannot be encoded: %s%s",
                call.event,
                place_of(call.handler.function),
                error,
                about_answer(result),
                error=shown,
            )
            return self._failed_ack

    def _failure(self, call: Call, error: BaseException) -> Outcome:
        connects = call.kind is CallKind.CONNECT
        if connects and is_refusal(error):
            try:
                return _refused(self._codec.encode_body(_why(error)))
            except BaseException as again:  # noqa: BLE001 - what the client was to be told is no JSON
                error = again
        else:
            call.failure = error
        what = f"handler of event {call.event!r}" if call.event else "ack callback"
        if refuses_payload(error):
            # Of each handler one line in a minute: clients may send anything as often as they like.
            kind = place_of(call.handler.function)
            _told.warning(_REFUSED_PAYLOAD, what, call.socket.namespace, error, kind=kind)
            return self._unfit(call, error)
        if _ends_more(error):
            _log("%s in namespace %r was stopped", what, call.socket.namespace, error=None)
        elif call.kind is _EVENT and _did_not_fit(error, call):
            why = misfit(error, call.handler.function, call.args)
            _log("%s in namespace %r failed: %s", what, call.socket.namespace, why, error=None)
        else:
            _log("%s in namespace %r failed", what, call.socket.namespace, error=error)
        if connects:
            return self._rejected
        return _DONE if call.ack_id is None else self._failed_ack

    def _unfit(self, call: Call, error: PayloadError) -> Outcome:
        """The client is told what does not fit: it is its own payload."""
        answer = error.answer
        if call.kind is CallKind.CONNECT:
            body = refusal_body((answer["error"], {"fields": answer["fields"]}))
            return _refused(self._codec.encode_body(body))
        if call.ack_id is None:
            return _DONE
        return Outcome(body=self._codec.encode_body([answer]))


def _did_not_fit(error: BaseException, call: Call) -> TypeGuard[TypeError]:
    """Whether the client's arguments were not the handler's, so that its code has not run."""
    function = call.handler.function
    is_ours = (getattr(function, "__module__", None) or "").startswith("flask_socketio")
    return not is_ours and isinstance(error, TypeError) and did_not_fit(error, function, __name__)


class _Loop:
    """Awaiting it suspends a call, so that it goes on where there is a loop."""

    def __await__(self) -> Generator[None]:
        yield


_LOOP = _Loop()


async def _settle(call: Call, result: Any) -> Any:
    """What comes of something that was returned: what can be awaited is, on the loop."""
    while isawaitable(result):
        if not call.handler.is_async:
            await _LOOP
        result = await result
    return result


def _arguments(call: Call) -> tuple[Any, ...]:
    """Connect and disconnect handlers may leave out their argument."""
    if call.kind is _CONNECT:
        return call.args[: call.handler.max_args]
    if call.kind is _DISCONNECT:
        return (public_reason(call.args[0]),)[: call.handler.max_args]
    return call.args


def _answer(result: Any) -> list[Any]:
    """What an ack carries: a tuple its elements, anything else itself."""
    return list(cast("tuple[Any, ...]", result)) if isinstance(result, tuple) else [result]


def _refuses(call: Call, result: Any) -> bool:
    """Whether a connect handler's result refuses the client: False, or what a decorator for views answers instead."""
    answer: object = result
    if isinstance(result, tuple) and result:
        answer = cast("tuple[object, ...]", result)[0]
    if not isinstance(answer, Response | HTTPException):
        return result is False
    logger.warning(
        "client refused in namespace %r: its connect handler returned %r, the answer of a view",
        call.socket.namespace,
        answer,
    )
    return True


def is_refusal(error: BaseException) -> bool:
    """Whether it is a connect handler's way to refuse; python-socketio's own exception counts as well."""
    if isinstance(error, (ConnectionRefusedError, BuiltinConnectionRefusedError)):
        return True
    neighbour = sys.modules.get("socketio.exceptions")
    return neighbour is not None and isinstance(error, neighbour.ConnectionRefusedError)


def _why(refusal: BaseException) -> dict[str, Any]:
    """What the client is told."""
    if isinstance(refusal, BuiltinConnectionRefusedError):
        _told.warning(_PYTHONS_REFUSAL, refusal)
        return _REFUSED
    return refusal_body(refusal.args)


def _refused(body: Body) -> Outcome:
    return Outcome(accepted=False, body=body)


def _ends_more(error: BaseException) -> bool:
    """Whether it is none of the handler's: its task is being cancelled, or somebody has pressed Ctrl-C."""
    if isinstance(error, CancelledError):
        try:
            task = current_task()
        except RuntimeError:  # on a thread, where there is no loop
            return False
        return task is not None and task.cancelling() > 0
    return (
        isinstance(error, KeyboardInterrupt)
        and on_main_thread()
        and signal.getsignal(signal.SIGINT) is signal.default_int_handler
    )


def _without_ours(traceback: TracebackType | None) -> TracebackType | None:
    """From the application's first line on; the whole, where there is none."""
    found = traceback
    while found is not None and found.tb_frame.f_globals.get("__package__") == __package__:
        found = found.tb_next
    return found or traceback


def _log(message: str, *args: object, error: BaseException | None) -> None:
    """Log a failure. What the application's own logging raises ends nobody's call either; both are shown on stderr."""
    shown = None if error is None else (type(error), error, _without_ours(error.__traceback__))
    try:
        logger.error(message, *args, exc_info=shown)
    except BaseException as broken:  # noqa: BLE001
        with suppress(BaseException):
            traceback.print_exception(error)
            traceback.print_exception(broken)
