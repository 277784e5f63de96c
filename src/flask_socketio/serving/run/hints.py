"""Sentences for mistakes that Flask itself reports in its own terms."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from flask import Flask, got_request_exception
from jinja2 import TemplateNotFound

logger = logging.getLogger("flask_socketio.server")


def hint_at_missing_templates(app: Flask) -> None:
    """Say which folder is missing where a template is not found because of that."""
    got_request_exception.connect(_look_for_templates, app)
    folder = _template_folder(app)
    if (
        app.template_folder not in (None, "templates")
        and folder is not None
        and not folder.is_dir()
    ):
        logger.warning("%s", _sentence(folder))


def _look_for_templates(app: Flask, exception: BaseException, **_: Any) -> None:
    folder = _template_folder(app)
    if isinstance(exception, TemplateNotFound) and folder is not None and not folder.is_dir():
        logger.error("%s Its template %r was asked for.", _sentence(folder), exception.name)


def _template_folder(app: Flask) -> Path | None:
    return Path(app.root_path, app.template_folder) if app.template_folder is not None else None


def _sentence(folder: Path) -> str:
    return (
        f"There is no template folder {str(folder)!r}: make it and put the templates there, "
        "or name another one, Flask(__name__, template_folder=...)."
    )
