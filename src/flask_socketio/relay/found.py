"""Other servers' workers: they find each other where they have the same parent, and nobody else has it."""

from __future__ import annotations

import logging
import os
import stat
import tempfile
from pathlib import Path

from ..base.real import multiprocessing_parent

logger = logging.getLogger("flask_socketio.server")

#: Of the 108 bytes of a socket's address, what may stand before what we add.
_LONGEST_TEMPORARY = 50
#: What others than the owner may do.
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def temporary_folder() -> Path:
    """Where temporary files go; a socket's address must not be long."""
    usual = tempfile.gettempdir()
    return Path(usual if len(usual) <= _LONGEST_TEMPORARY else "/tmp")  # noqa: S108 - a folder is made in it, for us alone


def folder_of_siblings() -> Path | None:
    """Where this process finds others that its parent has started to serve the same port; None where there are none.

    gunicorn's workers are forked by it. Those of uvicorn, hypercorn and granian are multiprocessing's.
    """
    if not hasattr(os, "getuid"):
        return None
    if os.environ.get("SERVER_SOFTWARE", "").startswith("gunicorn/"):
        parent: int | None = os.getppid()
    else:
        parent = multiprocessing_parent()
    if parent is None:
        return None
    folder = temporary_folder() / f"flask-duplex-{os.getuid()}-{parent}"
    return folder if _is_private(folder) else None


def _is_private(folder: Path) -> bool:
    """Make it, unless it is there; whoever else could have made it is not to be trusted."""
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & _OTHERS:
        return True
    logger.warning("%s is another user's: workers know nothing of each other's clients", folder)
    return False
