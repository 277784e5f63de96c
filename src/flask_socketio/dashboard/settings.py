"""What `instrument()` was told."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast, get_args

from ..cluster.base import as_namespace
from ..handling.signature import is_async

Mode = Literal["development", "production"]
Account = dict[str, str]
#: Who may log in: one, several, whoever a function accepts, or (False) everybody.
Auth = Account | Sequence[Account] | Callable[[Any], object] | Literal[False]

#: How bcrypt's hashes begin, which Node's instrument() takes.
_BCRYPT = ("$2a$", "$2b$", "$2y$")
_ASYNC_AUTH = (
    "auth's function is a def, not an async def: it is called on a thread, and may take its time"
)
_NO_AUTH = (
    "instrument() needs auth={'username': ..., 'password': ...}, a list of such, or a function; "
    "auth=False lets in everybody who reaches the server"
)


@dataclass(frozen=True, slots=True)
class Settings:
    """`interval` is in seconds."""

    auth: Auth
    mode: Mode = "development"
    read_only: bool = False
    server_id: str | None = None
    namespace: str = "/admin"
    interval: float = 2.0

    @property
    def shows_clients(self) -> bool:
        """Not sums alone."""
        return self.mode == "development"

    @property
    def takes_commands(self) -> bool:
        return self.shows_clients and not self.read_only

    @property
    def features(self) -> list[str]:
        """What the page is told that there is."""
        features = ["AGGREGATED_EVENTS"]
        if self.shows_clients:
            features.append("ALL_EVENTS")
        if self.takes_commands:
            features += ["EMIT", "JOIN", "LEAVE", "DISCONNECT", "MJOIN", "MLEAVE", "MDISCONNECT"]
        return features


def read_settings(
    auth: object,
    mode: object,
    read_only: object,
    server_id: object,
    namespace: str | None,
    interval: object,
) -> Settings:
    """Raises ValueError for a value that makes no sense."""
    if mode not in get_args(Mode):
        raise ValueError(f"mode is 'development' or 'production', not {mode!r}")
    if server_id is not None and not isinstance(server_id, str):
        raise ValueError(f"server_id is a str, not {server_id!r}")
    if not isinstance(interval, int | float) or not 0 < interval < math.inf:
        raise ValueError(f"server_stats_interval is a number of seconds, not {interval!r}")
    name = as_namespace(namespace or "/admin")
    if name in ("/", "*"):
        raise ValueError(f"the dashboard needs a namespace of its own, not {name!r}")
    return Settings(
        _read_auth(auth), cast(Mode, mode), bool(read_only), server_id, name, float(interval)
    )


def _read_auth(auth: object) -> Auth:
    if callable(auth) and is_async(auth):
        raise ValueError(_ASYNC_AUTH)
    if auth is False or callable(auth):
        return auth
    if isinstance(auth, dict):
        return _account(cast("dict[object, object]", auth))
    if isinstance(auth, list | tuple) and auth:
        return [_account(each) for each in cast("list[object]", auth)]
    raise ValueError(_NO_AUTH)


def _account(value: object) -> Account:
    given = cast("dict[object, object]", value) if isinstance(value, dict) else {}
    name, password = given.get("username"), given.get("password")
    if not (isinstance(name, str) and isinstance(password, str) and name and password):
        raise ValueError(_NO_AUTH)
    if password.startswith(_BCRYPT):
        raise ValueError(
            "auth's password is the password itself, not its bcrypt hash; for hashes give a function that checks them"
        )
    return {"username": name, "password": password}
