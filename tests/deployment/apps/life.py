"""An application that works in the background in every way there is: each tells its clients what it did."""

import logging
import os
import queue
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from flask import Flask, request

from flask_socketio import SocketIO, disconnect, emit, join_room

try:
    from gevent import spawn
except ImportError:
    from eventlet import spawn

app = Flask(__name__)
socketio = SocketIO(app, message_queue=os.environ["QUEUE"] or None, channel=os.environ["CHANNEL"])
log = logging.getLogger("life")
wishes = queue.Queue()
pool = ThreadPoolExecutor(2)
local = threading.local()
missed = set()


def ticker():
    """Started while the program loads; asked for a tick, it sends one, so that their number is known."""
    while True:
        socketio.sleep(0.01)
        while not wishes.empty():
            socketio.emit("ticked", wishes.get())


def work(name, sid, steps=3):
    """Progress for the client, and the end of it for all."""
    for step in range(steps):
        socketio.sleep(0.01)
        log.warning("%s has done step %s", name, step)
        socketio.emit("progress", {"of": name, "step": step}, to=sid)
    time.sleep(0.01)
    socketio.emit("finished", name)
    return name


def greet(name, sid):
    socketio.sleep(0.05)
    socketio.emit("welcome", name, to=sid)


socketio.start_background_task(ticker)


@app.get("/")
def index():
    return "a page"


@app.get("/announce/<name>")
def announce(name):
    socketio.start_background_task(work, name, "announcements")
    socketio.emit("announced", name)
    return "announced"


@socketio.on("connect")
def connect(auth):
    join_room("announcements")
    socketio.start_background_task(greet, auth["name"], request.sid)


@socketio.on("throw me out")
def throw_out():
    missed.add(request.sid)
    disconnect()


@socketio.on("disconnect")
def disconnected(reason):
    if request.sid in missed:
        threading.Thread(target=work, args=("farewell", "nobody", 1)).start()


@socketio.on("tick")
def tick(number):
    wishes.put(number)
    return "soon"


@socketio.on("task")
def task():
    socketio.start_background_task(work, "task", request.sid)
    return "started"


@socketio.on("thread")
def thread():
    threading.Thread(target=work, args=("thread", request.sid)).start()
    return "started"


@socketio.on("thread, joined")
def thread_joined():
    worker = threading.Thread(target=work, args=("thread, joined", request.sid))
    worker.start()
    worker.join()
    return worker.is_alive()


@socketio.on("timer")
def timer():
    threading.Timer(0.01, work, ("timer", request.sid)).start()
    return "started"


@socketio.on("spawn")
def spawned():
    spawn(work, "spawn", request.sid)
    return "started"


@socketio.on("spawn, waited for")
def spawned_and_waited_for():
    green = spawn(work, "spawn, waited for", request.sid)
    return green.get() if hasattr(green, "get") else green.wait()


@socketio.on("pool")
def pooled():
    return pool.submit(work, "pool", request.sid).result()


@socketio.on("queue")
def queued():
    answers = queue.Queue()
    threading.Thread(target=lambda: [answers.put(number) for number in range(5)]).start()
    return [answers.get(timeout=5) for _ in range(5)]


@socketio.on("event")
def evented():
    done = threading.Event()
    spawn(done.set)
    return done.wait(5)


@socketio.on("local")
def thread_local():
    local.value = request.sid
    socketio.sleep(0.01)
    return local.value == request.sid


@socketio.on("sleep")
def sleep(seconds):
    for number in range(3):
        socketio.sleep(seconds)
        emit("slept", number)
    return "awake"


@socketio.on("block")
def block(seconds):
    time.sleep(seconds)
    emit("unblocked")


@socketio.on("burst")
def burst():
    def run(sid):
        for number in range(10):
            socketio.emit("burst", number, to=sid)

    socketio.start_background_task(run, request.sid)
    return "started"


@socketio.on("call")
def call():
    return socketio.call("question", 1, to=request.sid, timeout=5)


@socketio.on("call in a task")
def call_in_a_task():
    def run(sid):
        answer = socketio.call("question", 2, to=sid, timeout=5)
        socketio.emit("answered", answer, to=sid)

    socketio.start_background_task(run, request.sid)
    return "started"


@socketio.on("callback")
def callback():
    sid = request.sid

    def called(answer):
        socketio.sleep(0.01)
        spawn(socketio.emit, "called back", answer, to=sid)

    emit("question", 3, callback=called)
    return "asked"


@socketio.on("failing task")
def failing_task():
    def run(sid):
        try:
            socketio.sleep(0.01)
            raise RuntimeError("no more")
        except RuntimeError as error:
            socketio.emit("failed", str(error), to=sid)

    socketio.start_background_task(run, request.sid)
    return "started"


@socketio.on("lock")
def lock():
    guard = threading.Lock()
    total = []

    def add(number):
        for _ in range(10):
            with guard:
                socketio.sleep(0)
                total.append(number)

    workers = [threading.Thread(target=add, args=(number,)) for number in range(5)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return len(total)


@socketio.on("hello", namespace="/scouts")
def hello():
    emit("heard", broadcast=True)


if __name__ == "__main__":
    socketio.run(app, port=int(os.environ["PORT"]))
