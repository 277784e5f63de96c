"""python-socketio's clients, fit for a machine that is busy."""

from __future__ import annotations

from typing import Any

import engineio
import socketio
from engineio.payload import Payload

#: Seconds for a server to answer a request, or to let a client in. By themselves they give up after 5, and after 1.
PATIENCE = 30

# Over polling it refuses more than 16 packets in one answer, and more may wait until it asks again.
Payload.max_decode_packets = 10_000


class PatientClient(socketio.Client):
    def __init__(self, **options: Any) -> None:
        super().__init__(**{"request_timeout": PATIENCE, **options})

    def connect(self, url: str, **options: Any) -> None:
        super().connect(url, **{"wait_timeout": PATIENCE, **options})


class _OrderedEngine(engineio.Client):
    def _trigger_event(self, event: str, *args: Any, **kwargs: Any) -> Any:
        return super()._trigger_event(event, *args, **{**kwargs, "run_async": False})


class OrderedClient(PatientClient):
    """With its messages handled in the order in which they come.

    By itself it starts a thread for each: on a busy machine an attachment overtakes its packet, and an event another.
    """

    def _engineio_client_class(self) -> type[engineio.Client]:
        return _OrderedEngine


class PatientSimpleClient(socketio.SimpleClient):
    client_class = OrderedClient

    def connect(self, url: str, **options: Any) -> None:
        super().connect(url, **{"wait_timeout": PATIENCE, **options})
