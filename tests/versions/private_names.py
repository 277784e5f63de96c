"""What is used of other libraries without their promise that it stays: where, and what happens without it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class PrivateName:
    library: str
    #: with an underscore in front, or a module
    name: str
    #: the one file of the package that knows it
    file: str
    #: what is served without it, and in what way
    without: str


PLAIN_ASGI = "everything, by uvicorn's own protocols"
NO_RELOADING = "everything; a changed file starts nothing anew"
ALL_TOPICS = (
    "everything; every server gets the messages for all rooms, and passes by what concerns nobody"
)
SLOW_CONTEXTS = "everything; Flask makes a context for each event"

PRIVATE_NAMES = [
    PrivateName("uvicorn", "uvicorn.protocols.http.flow_control", "serving/http/protocol.py", PLAIN_ASGI),
    PrivateName("uvicorn", "uvicorn.protocols.http.httptools_impl", "serving/http/protocol.py", PLAIN_ASGI),
    PrivateName("uvicorn", "_start_asgi_task", "serving/http/protocol.py", PLAIN_ASGI),
    PrivateName("picows", "picows.picows", "engine/parser.py", PLAIN_ASGI + "; under a WSGI server polling alone"),
    PrivateName("werkzeug", "werkzeug._reloader", "serving/run/reloader.py", NO_RELOADING),
    PrivateName("flask", "_cv_app", "handling/flask_contexts.py", SLOW_CONTEXTS),
    PrivateName("flask", "_cv_request", "handling/flask_contexts.py", SLOW_CONTEXTS),
    PrivateName("flask", "_cv_tokens", "handling/flask_contexts.py", SLOW_CONTEXTS),
    PrivateName("flask", "_after_request_functions", "handling/flask_contexts.py", SLOW_CONTEXTS),
    PrivateName("flask", "_session", "handling/flask_contexts.py", SLOW_CONTEXTS),
    PrivateName(
        "flask", "_context_stack", "test_client.py",
        "everything; in a `with` block of Flask's test client connecting ends the contexts of its last page",
    ),
    PrivateName("nats-py", "_send_command", "cluster/brokers/nats_subjects.py", ALL_TOPICS),
    PrivateName("nats-py", "_flush_pending", "cluster/brokers/nats_subjects.py", ALL_TOPICS),
    PrivateName("python", "_sock", "serving/wsgi_sockets.py", "polling alone under gevent's pywsgi"),
    PrivateName(
        "python", "_threads_queues", "base/real.py",
        "everything; under gunicorn polls are answered once a second, whether others need their threads or not",
    ),
    PrivateName("python", "_lock", "base/green.py", "everything; in a patched process two threads that log may hang"),
]  # fmt: skip

#: What begins with an underscore all the same: documented, or our own.
PROMISED = {
    "_current_frames": "of sys, documented",
    "_get_current_object": "werkzeug's proxies, documented",
    "_placeholder": "Socket.IO's protocol",
    "_disconnect": "a command of the Admin UI's",
    "_asdict": "of named tuples, documented",
    "_replace": "of named tuples, documented",
    "_socketio_home": "an attribute that we give a request",
    "_socketio_session": "an attribute that we give a context",
    "_thread": "a module of the standard library, documented",
}

#: Packages of which every module but the package itself is private.
PRIVATE_MODULES = ("picows", "uvicorn")
