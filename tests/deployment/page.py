"""docs/deployment.md, from the rows that the tests try: python -m tests.deployment.page writes it."""

from __future__ import annotations

from pathlib import Path

from tests.deployment.rows import ALL, ROWS, Row

PAGE = Path(__file__).parents[2] / "docs" / "deployment.md"
COMMAND = "python -m tests.deployment.page"

_TEXT = f"""# Ways to run an app

`module` is the file with `app = Flask(__name__)` and `socketio = SocketIO(app)`; where it says `asgi`, with
`asgi = socketio.asgi_app(app)` too. One process each; [several](serving.md#several-processes) find each other.
[serving.md](serving.md) says more about the ways that we recommend.

"Upgrade" is what a client does that may use both transports: it starts to poll and goes on by WebSocket. Where there
is none it stays with polling, and the server's log says once which command would serve it better.

{{table}}

This page is made by `{COMMAND}` from [the rows](../tests/deployment/rows.py) that
[the tests](../tests/deployment/test_matrix.py) try with real servers and clients.
"""


def text() -> str:
    head = [
        "| command | polling | WebSocket | upgrade | remarks |",
        "|---|---|---|---|---|",
    ]
    return _TEXT.format(table="\n".join([*head, *map(line, ROWS)]))


def line(row: Row) -> str:
    cells = [verdict(*pair) for pair in zip(row.wanted, ALL, strict=True)]
    return f"| {' | '.join([row.command, *cells])} | {row.remark} |"


def verdict(seen: str, best: str) -> str:
    if seen == best:
        return "yes"
    return "stays with polling" if seen == "polling" else "no"


if __name__ == "__main__":
    PAGE.write_text(text())
