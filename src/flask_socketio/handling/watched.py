"""A runner that tells of the handlers that it runs; one that nobody watches does not ask whether to."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from typing import Any

from ..base.hooks import overriding
from ..hub.call import Call, Outcome
from .runner import Runner

Report = Callable[[Call, Outcome], None]


class CallWatcher:
    """What happens to calls of handlers; a method that is left as it is costs nothing.

    Both are called where the handler runs, on its thread or on the loop, and in the `contextvars` context of the call,
    which is its own: what is set in there is what the handler sees, and is gone with it.
    """

    def handler_begins(self, call: Call) -> None:
        """Nothing of it has run."""

    def handler_ended(self, call: Call, outcome: Outcome) -> None:
        """`call.failure` is what it has raised, if nobody has handled that. The hub does not know yet."""


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
        *args: Any,
        **kwargs: Any,
    ) -> None:
        if ended:
            report = partial(_tell, ended, report)
        super().__init__(contexts, handlers, report, *args, **kwargs)
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
