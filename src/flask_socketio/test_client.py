"""Where Flask-SocketIO has its test client."""

from .testing import SocketIOTestClient

__all__ = ["SocketIOTestClient"]
