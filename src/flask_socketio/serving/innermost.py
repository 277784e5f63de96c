"""Our place among an application's WSGI middlewares: the innermost, whoever came first.

A proxy fix, tracing or an authenticating wrapper may stand around `app.wsgi_app` already, or be put there later. So we
do not stand around it ourselves, but answer in place of Flask's dispatching, which all of them lead to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextvars import ContextVar
from typing import Any, Protocol, cast

from flask import Flask, request

from ..runtime.life import Life
from .asgi_call import Asgi, answer_asgi_calls
from .not_found import NotFoundHints
from .pages import WsgiApp
from .wsgi_pass import ARRIVAL

#: Where an application keeps its `Innermost`.
_EXTENSION = "flask_duplex"
#: Set by Werkzeug's debugger and Flask's test client, who want to be given the contexts.
_PRESERVE = "werkzeug.debug.preserve_context"


class Face(Protocol):
    """What answers what is below one instance's path."""

    @property
    def life(self) -> Life: ...

    @property
    def path(self) -> str: ...

    @property
    def asgi(self) -> Callable[[], Asgi]:
        """Makes one ASGI application of the application and the instance."""
        ...

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]: ...


class Innermost:
    """What answers an application's requests in Flask's place: handshakes on their way, and what is below a path.

    None of Flask's contexts are entered for them, so no session is opened and no teardown function runs.
    """

    def __init__(self, app: Flask) -> None:
        #: of the application's instances, the longest path first; of several with the same path the latest counts
        self._faces: list[Face] = []
        self._answer: ContextVar[WsgiApp | None] = ContextVar("flask_duplex_answer", default=None)
        self._make_context: Callable[[dict[str, Any]], Any] = app.request_context
        self._dispatch: Callable[..., Any] = app.full_dispatch_request
        cast(Any, app).request_context = self._request_context
        cast(Any, app).full_dispatch_request = self._full_dispatch_request
        answer_asgi_calls(app, lambda: self._faces[0].asgi())
        NotFoundHints(app, lambda: [face.path for face in self._faces])

    @classmethod
    def of(cls, app: Flask) -> Innermost:
        """The application's, made at the first call."""
        found: Innermost | None = app.extensions.get(_EXTENSION)
        if found is None:
            found = app.extensions[_EXTENSION] = cls(app)
        return found

    def add(self, face: Face) -> None:
        """Have an instance answer what is below its path, or below another path from now on."""
        others = [
            other
            for other in self._faces
            if other.life is not face.life and other.path != face.path
        ]
        self._faces = sorted([face, *others], key=lambda face: len(face.path), reverse=True)

    def neighbours(self, life: Life) -> list[Life]:
        """The other instances that the application has, with other paths."""
        path = life.options.engine.path
        return [face.life for face in self._faces if face.path != path]

    def _choose(self, environ: dict[str, Any]) -> WsgiApp | None:
        arrival: WsgiApp | None = environ.get(ARRIVAL)
        if arrival is not None:
            return arrival
        path: str = environ.get("PATH_INFO", "")
        for face in self._faces:
            if path.startswith(face.path):
                return face
        return None

    # -- in place of the application's methods -------------------------------------------------

    def _request_context(self, environ: dict[str, Any]) -> Any:
        answer = self._choose(environ)
        if answer is None:
            return self._make_context(environ)
        return _NotEntered(environ, self._make_context, lambda: self._answer.set(answer))

    def _full_dispatch_request(self, *args: Any) -> Any:
        answer = self._answer.get()
        if answer is not None:
            self._answer.set(None)  # what the answer calls is not answered so
        else:  # an application that enters its contexts in a way of its own
            answer = self._choose(request.environ)
        return self._dispatch(*args) if answer is None else answer


class _NotEntered:
    """What `Flask.wsgi_app` gets in place of a request context, and pushes.

    Who enters it with `with`, or looks at it, gets the real one.
    """

    def __init__(
        self,
        environ: dict[str, Any],
        make_context: Callable[[dict[str, Any]], Any],
        pushed: Callable[[], object],
    ) -> None:
        self._environ = environ
        self._make_context = make_context
        self._pushed = pushed
        self._real: Any = None

    def push(self) -> None:
        self._environ.pop(_PRESERVE, None)  # there is nothing to preserve
        self._pushed()

    def pop(self, error: BaseException | None = None) -> None:
        """Nothing has been entered."""

    def __getattr__(self, name: str) -> Any:
        if self._real is None:
            self._real = self._make_context(self._environ)
        return getattr(self._real, name)

    def __enter__(self) -> Any:
        return self.__getattr__("__enter__")()

    def __exit__(self, *error: Any) -> Any:
        return self.__getattr__("__exit__")(*error)
