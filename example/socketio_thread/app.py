"""A handler that opens a dialog on the server and waits for its answer, while everybody else is served.

Open http://127.0.0.1:8030/ in one or two browser windows.
"""

import os
import sys
import time

from flask import Flask, render_template, request

from flask_socketio import SocketIO, emit

app = Flask(__name__)
socketio = SocketIO(app)

#: Seconds that the wait takes where no dialog can be shown.
WAIT = float(os.environ.get("WAIT", 8))


@app.route("/")
def index():
    return render_template("index.html")


@socketio.on("ask")
def ask(question):
    """Blocks this handler's thread for as long as it takes; what it returns is the ack."""
    emit("asking", {"question": question, "who": request.sid}, broadcast=True)
    answer = show_dialog(question) if can_show_dialogs() else wait_instead()
    emit("answered", {"answer": answer, "who": request.sid}, broadcast=True)
    return answer


@socketio.on("echo")
def echo(text):
    """What another client, or the same one, does meanwhile."""
    return text.upper()


def can_show_dialogs():
    """tkinter needs a display, and on macOS the main thread."""
    if sys.platform == "darwin" or (sys.platform == "linux" and not os.environ.get("DISPLAY")):
        return False
    try:
        import tkinter
    except ImportError:
        return False
    return bool(tkinter)


def show_dialog(question):
    """A message box: an ordinary blocking call, made as in any other program."""
    import gc
    import tkinter
    from tkinter import messagebox

    root = tkinter.Tk()
    root.withdraw()
    try:
        return (
            "yes" if messagebox.askyesno("Question from the web", question, parent=root) else "no"
        )
    finally:
        root.destroy()
        del root
        gc.collect()  # Tk's objects have to go on the thread on which they were made


def wait_instead():
    emit("note", f"No dialog can be shown here, so the handler just blocks for {WAIT:g} seconds.")
    time.sleep(WAIT)
    return "yes, I suppose"


def tick():
    """Counts the seconds on every page, dialog or not: an ordinary thread."""
    seconds = 0
    while True:
        socketio.sleep(1)
        seconds += 1
        socketio.emit("tick", seconds)


if __name__ == "__main__":
    socketio.start_background_task(tick)
    socketio.run(app, port=int(os.environ.get("PORT", 8030)))
