"""Other servers' workers: they find each other where they have the same parent, and nobody else has it."""

from __future__ import annotations

import logging
import os
import stat
import sys
import tempfile
from pathlib import Path

from ..base.real import multiprocessing_parent
from .folder import OURS

logger = logging.getLogger("flask_socketio.server")

#: Of the 108 bytes of a socket's address, what may stand before what we add.
_LONGEST_TEMPORARY = 50
#: Programs whose workers multiprocessing starts.
_SERVERS = {"uvicorn"}
#: What others than the owner may do.
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def temporary_folder() -> Path:
    """Where temporary files go; a socket's address must not be long."""
    usual = tempfile.gettempdir()
    return Path(usual if len(usual) <= _LONGEST_TEMPORARY else "/tmp")  # noqa: S108 - a folder is made in it, for us alone


def find_folder(named: str | None) -> Path | None:
    """Where this process finds others that serve the same clients: as it was told, or those of the same parent.

    None where there are none, or where others than the user could get at it.
    """
    folder = _folder_of_siblings() if named is None else Path(named)
    return folder if folder is not None and _is_private(folder) else None


def _folder_of_siblings() -> Path | None:
    """gunicorn's workers are forked by it. Those of other servers are multiprocessing's, as many other things are."""
    if not hasattr(os, "getuid"):
        return None
    parent = None
    if os.environ.get("SERVER_SOFTWARE", "").startswith("gunicorn/"):
        parent = os.getppid()
    elif _SERVERS & {Path(sys.argv[0]).stem, Path(sys.argv[0]).parent.name}:
        parent = multiprocessing_parent()
    return None if parent is None else temporary_folder() / f"{OURS}{os.getuid()}-{parent}"


def _is_private(folder: Path) -> bool:
    """Make it, unless it is there; whoever else could have made it is not to be trusted."""
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.stat()
    if stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & _OTHERS:
        return True
    logger.error(
        "%s is not private (chmod 700): the workers know nothing of each other's clients", folder
    )
    return False
