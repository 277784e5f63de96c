"""Flask-SocketIO owns the same import name; with both installed, each has overwritten some files of the other."""

from __future__ import annotations

from pathlib import Path


def refuse_flask_socketio(package: Path) -> None:
    """Raise ImportError where Flask-SocketIO has been installed into the directory that holds the package."""
    if any(package.parent.glob("[Ff]lask_[Ss]ocket[Ii][Oo]-*.dist-info")):
        raise ImportError(
            "Flask-Duplex and Flask-SocketIO are both installed, and both are imported as flask_socketio. To keep "
            "Flask-Duplex:\n"
            "    pip uninstall flask-socketio\n"
            "    pip install --force-reinstall flask-duplex"
        )
