"""A loop on a real thread of its own: beside a WSGI server's threads, and beside green ones."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextvars import Context
from typing import Any

from .promise import Promise
from .real import new_event_loop, start_thread


def run_loop(
    main: Callable[[], Coroutine[Any, Any, object]],
    *awaited: Promise[Any],
    context: Context | None = None,
) -> Promise[None]:
    """Run a coroutine on a new loop; the promise is kept when it has ended, and fails with what it raises.

    So do those that it should have kept before. Raises RuntimeError where there can be no further thread.
    """
    ended = Promise[None]()

    def run() -> None:
        try:
            with asyncio.Runner(loop_factory=new_event_loop) as runner:
                runner.run(main(), context=context)
        except BaseException as error:  # noqa: BLE001 - it is the waiting thread's to handle
            for promise in (
                ended,
                *awaited,
            ):  # who sees one of these fail may look whether it has ended
                promise.fail(error)
        else:
            ended.keep(None)

    start_thread(run, "flask-duplex-loop")
    return ended
