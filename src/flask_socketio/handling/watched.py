"""A runner that tells of the handlers that it runs; one that nobody watches does not ask whether to."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from typing import Any

from ..base.hooks import overriding
from ..hub.call import Call, Outcome
from ..protocol.socketio import Codec
from .runner import Runner
from .watcher import CallWatcher

Report = Callable[[Call, Outcome], None]


def runner_maker(watchers: Sequence[CallWatcher]) -> Callable[..., Runner]:
    """What makes a runner, as the class does."""
    begins = overriding(watchers, CallWatcher, "handler_begins")
    ended = overriding(watchers, CallWatcher, "handler_ended")
    return partial(_Watched, begins, ended) if begins or ended else Runner


class _Watched(Runner):
    def __init__(
        self,
        begins: tuple[Callable[[Call], object], ...],
        ended: tuple[Callable[[Call, Outcome], object], ...],
        contexts: Any,
        handlers: Any,
        report: Report,
        codec: Codec,
        *,
        ack_errors: bool = False,
    ) -> None:
        if ended:
            report = partial(_tell, ended, report)
        super().__init__(contexts, handlers, report, codec, ack_errors=ack_errors)
        self._begins = begins

    def begin(self, call: Call) -> Coroutine[Any, Any, None] | None:
        if not call.handler.is_async:
            self._tell_begins(call)
        return super().begin(call)

    async def _run(self, call: Call) -> None:
        self._tell_begins(call)
        await super()._run(call)

    def _tell_begins(self, call: Call) -> None:
        for tell in self._begins:
            tell(call)


def _tell(
    ended: tuple[Callable[[Call, Outcome], object], ...],
    report: Report,
    call: Call,
    outcome: Outcome,
) -> None:
    for tell in ended:
        tell(call, outcome)
    report(call, outcome)
