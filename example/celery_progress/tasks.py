"""The work, in processes of Celery's: it shows its progress in the page that has started it, and asks it something."""

import os
import time

from celery import Celery

from flask_socketio import SocketIO
from flask_socketio.errors import TimeoutError, UnknownClientError

URL = os.environ["REDIS_URL"]
#: Seconds that one piece of the work takes.
STEP = float(os.environ.get("STEP", 0.2))

celery = Celery("progress", broker=URL)
# Without an app: it serves nobody, and reaches the clients of all servers that share the queue.
socketio = SocketIO(message_queue=URL)


@celery.task
def sort_pictures(sid, count):
    """Half of it without asking."""
    for number in range(1, count + 1):
        time.sleep(STEP)
        socketio.emit("progress", (number, count), to=sid)
        if number == count // 2 and not goes_on(sid, number):
            socketio.emit("ended", f"stopped after {number} of {count}", to=sid)
            return
    socketio.emit("ended", f"all {count} sorted", to=sid)


def goes_on(sid, number):
    """Wait for the visitor's answer; who has left wants nothing more."""
    try:
        return socketio.call(
            "confirm", f"{number} pictures are sorted. Go on?", to=sid, timeout=300
        )
    except UnknownClientError:
        print("the page has been closed", flush=True)
    except TimeoutError:
        print("nobody has answered", flush=True)
    return False
