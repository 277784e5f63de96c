"""python-socketio's client, with its messages handled in the order in which they come.

By itself it starts a thread for each: on a busy machine an attachment overtakes its packet, and an event another.
"""

from __future__ import annotations

from typing import Any

import engineio
import socketio


class _OrderedEngine(engineio.Client):
    def _trigger_event(self, event: str, *args: Any, **kwargs: Any) -> Any:
        return super()._trigger_event(event, *args, **{**kwargs, "run_async": False})


class OrderedClient(socketio.Client):
    def _engineio_client_class(self) -> type[engineio.Client]:
        return _OrderedEngine
