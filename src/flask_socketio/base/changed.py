"""Libraries' own names, which are used without a promise that they stay: what is said when one is gone or has changed.

Each stands in one file, which knows a public way as well. tests/versions has the list.
"""

from __future__ import annotations

import logging
import platform
from importlib import metadata

logger = logging.getLogger("flask_socketio.server")

_said: set[str] = set()


def say_once(library: str, fault: str, consequence: str) -> None:
    """One log line per library, or Python: what is not as it was, and what happens instead."""
    if library not in _said:
        _said.add(library)
        logger.warning(
            "%s %s is not as Flask-Duplex knows it (%s): %s",
            library,
            platform.python_version() if library == "Python" else metadata.version(library),
            fault,
            consequence,
        )
