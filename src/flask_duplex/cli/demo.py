"""`flask socketio demo`: a page to try a network, a proxy or an installation with; it needs no file of the user's."""

from __future__ import annotations

import click


@click.command(short_help="A page of its own, to try a network or a proxy with.")
@click.option(
    "--host", "-h", default="127.0.0.1", show_default=True, help="The interface to listen on."
)
@click.option(
    "--port",
    "-p",
    type=click.IntRange(0, 65535),
    default=5000,
    show_default=True,
    help="The port; 0 takes a free one.",
)
def demo(host: str, port: int) -> None:
    """Serve a page of ours that shows transport, upgrade and latency, and a chat."""
    from flask_duplex.demo.app import make_demo

    socketio, app = make_demo()
    socketio.run(app, host=host, port=port)
