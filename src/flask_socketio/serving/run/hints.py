"""Sentences for mistakes that Flask itself reports in its own terms."""

from __future__ import annotations

import logging
from pathlib import Path
from types import TracebackType
from typing import Any

from flask import Flask, got_request_exception, has_request_context, request
from jinja2 import TemplateNotFound

from ...base.nearest import did_you_mean
from ..asgi import TOLD

logger = logging.getLogger("flask_socketio.server")

#: What jinja's frames have in their globals.
_JINJAS = ("__jinja_template__", "__jinja_exception__")
#: Characters of a path that are shown.
_LENGTH = 100


def hint_at_missing_templates(app: Flask) -> None:
    """Say which folder, or which template, is missing in place of the traceback that says so with its last line."""
    got_request_exception.connect(_look_for_templates, app)
    app.logger.addFilter(_was_not_told)
    folder = _template_folder(app)
    if (
        app.template_folder not in (None, "templates")
        and folder is not None
        and not folder.is_dir()
    ):
        logger.warning("%s", _sentence(folder))


def _look_for_templates(app: Flask, exception: BaseException, **_: Any) -> None:
    folder = _template_folder(app)
    if not isinstance(exception, TemplateNotFound) or folder is None:
        return
    if _comes_from_a_template(exception.__traceback__):  # which one, the traceback says
        return
    asked = f"{request.method} {request.path[:_LENGTH]!r}"
    if folder.is_dir():
        hint = did_you_mean(str(exception.name), _templates(app), cutoff=0.6)
        logger.error(
            "there is no template %r in %r%s (%s)", exception.name, str(folder), hint, asked
        )
    else:
        logger.error(
            "%s Its template %r was asked for (%s).", _sentence(folder), exception.name, asked
        )
    request.environ[TOLD] = True


def _templates(app: Flask) -> list[str]:
    """Those that there are; none where a loader of the application's does not tell."""
    try:
        return app.jinja_env.list_templates()
    except TypeError:
        return []


def _comes_from_a_template(traceback: TracebackType | None) -> bool:
    while traceback is not None:
        if any(name in traceback.tb_frame.f_globals for name in _JINJAS):
            return True
        traceback = traceback.tb_next
    return False


def _was_not_told(record: logging.LogRecord) -> bool:
    """A filter for the application's log, where Flask shows the same exception."""
    return not (record.exc_info and has_request_context() and request.environ.get(TOLD))


def _template_folder(app: Flask) -> Path | None:
    return Path(app.root_path, app.template_folder) if app.template_folder is not None else None


def _sentence(folder: Path) -> str:
    return (
        f"There is no template folder {str(folder)!r}: make it and put the templates there, "
        "or name another one, Flask(__name__, template_folder=...)."
    )
