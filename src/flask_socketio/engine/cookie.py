"""The session cookie that a polling handshake can set, for load balancers that stick to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

CookieValue = str | bool | None
#: None: no cookie. True or a name: a cookie of that name ("io") for the path / with SameSite=Lax. A mapping: `name` and
#: the attributes; an attribute's value is text, True for one without a value, or a callable that returns either.
CookieOption = str | bool | Mapping[str, CookieValue | Callable[[], CookieValue]] | None


def session_cookie(option: CookieOption, sid: str) -> bytes | None:
    """The value of the Set-Cookie header, None where the option is off."""
    if not option:
        return None
    if option is True:
        option = "io"
    if isinstance(option, str):
        option = {"name": option, "path": "/", "SameSite": "Lax"}
    attributes = {key: value() if callable(value) else value for key, value in option.items()}
    parts = [f"{attributes.pop('name', 'io')}={sid}"]
    for key, value in attributes.items():
        if value is True:
            parts.append(key)
        elif value is not None and value is not False:
            parts.append(f"{key}={value}")
    return "; ".join(parts).encode("latin-1")
