"""What is said of a thread of the application's that looks for the request of a handler, where there is none."""

from __future__ import annotations

import logging

from ..base.real import follow_thread_failures

logger = logging.getLogger("flask_socketio.server")

#: What Flask's error begins with.
_NO_REQUEST = "Working outside of request context"
_SAID = (
    "thread %r has looked for a request, and there is one in a handler alone. Give it what it needs, "
    "start_background_task(work, request.sid), and have it emit by socketio.emit(..., to=sid); or the request itself: "
    "start_background_task(flask.copy_current_request_context(work))"
)
_is_installed = False


def explain_lost_requests() -> None:
    """Have a line follow the traceback of a thread that has failed so; at the first call. The process's own hook is
    called as before."""
    global _is_installed
    if not _is_installed:
        _is_installed = True
        follow_thread_failures(_explain)


def _explain(failure: BaseException | None, thread: str) -> None:
    if isinstance(failure, RuntimeError) and str(failure).startswith(_NO_REQUEST):
        logger.error(_SAID, thread)
