"""A server whose spans can be read back, as the SDK's exporter in memory has them."""

from __future__ import annotations

import json
import os
import time
from typing import Any

from flask import Flask
from opentelemetry import baggage, trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from flask_socketio import ConnectionRefusedError, Namespace, SocketIO, emit, join_room

exporter = InMemorySpanExporter()
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(exporter))
trace.set_tracer_provider(provider)
tracer = trace.get_tracer("the application")

app = Flask(__name__)
socketio = SocketIO(app, tracing=True, **json.loads(os.environ.get("OPTIONS", "{}")))


def shown(span: ReadableSpan) -> dict[str, Any]:
    context, parent = span.get_span_context(), span.parent
    assert context is not None and span.end_time and span.start_time
    return {
        "name": span.name,
        "kind": span.kind.name,
        "attributes": dict(span.attributes or {}),
        "trace": f"{context.trace_id:032x}",
        "id": f"{context.span_id:016x}",
        "parent": parent and f"{parent.span_id:016x}",
        "links": [
            f"{link.context.trace_id:032x} {link.context.span_id:016x}" for link in span.links
        ],
        "status": span.status.status_code.name,
        "events": [dict(event.attributes or {}) for event in span.events],
        "seconds": (span.end_time - span.start_time) / 1e9,
        "scope": span.instrumentation_scope.name if span.instrumentation_scope else "",
    }


@app.get("/forget")
def forget() -> list[str]:
    exporter.clear()
    return []


@app.get("/spans")
def spans() -> list[dict[str, Any]]:
    return [shown(span) for span in exporter.get_finished_spans()]


@socketio.on("connect")
def connect(auth: Any) -> None:
    if isinstance(auth, dict) and auth.get("refuse"):
        raise ConnectionRefusedError("no")


@socketio.on("order")
def order(item: str) -> str:
    with tracer.start_as_current_span("a query"):
        time.sleep(0.02)
        join_room("kitchen")
        emit("cook", item, to="kitchen")
    return str(baggage.get_all())


@socketio.on("later")
async def later() -> str:
    import asyncio

    await asyncio.sleep(0.02)
    with tracer.start_as_current_span("a query"):
        emit("cook", "later", callback=lambda _: None)
    return "done"


@socketio.on("fail")
def fail() -> None:
    raise LookupError("nothing in stock")


@socketio.on("*")
def anything(event: str, *_: Any) -> str:
    return event


class News(Namespace):
    def on_read(self) -> str:
        return "read"


socketio.on_namespace(News("/news"))


if __name__ == "__main__":
    socketio.run(app, port=int(os.environ["PORT"]))
