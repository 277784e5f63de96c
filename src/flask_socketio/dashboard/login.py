"""Who may use the dashboard: passwords, how often one may be tried, and sessions that need no password again."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections import Counter
from collections.abc import Callable
from inspect import isawaitable
from time import monotonic
from typing import Any, cast

from ..base.real import new_lock
from .settings import Account, Auth

#: Seconds in which so many wrong passwords may be tried: from one address, and from all of them together.
_WINDOW = 60.0
_PER_ADDRESS, _IN_ALL = 10, 100
#: Seconds for which a session is good; how many there are.
_SESSION, _MAX_SESSIONS = 86_400.0, 1000
#: Characters of what a client may call itself, in the log.
_SHOWN = 64


def user_of(auth: Auth, given: object) -> str | None:
    """The name of who has logged in; None for who may not. Raises what the application's function raises."""
    fields = cast("dict[str, Any]", given) if isinstance(given, dict) else {}
    name = fields.get("username")
    shown = name[:_SHOWN] if isinstance(name, str) else "?"
    if auth is False:
        return "anybody"
    if callable(auth):
        accepted = auth(fields)
        # One that can be awaited is true whatever it would say.
        return shown if accepted and not isawaitable(accepted) else None
    accounts = [auth] if isinstance(auth, dict) else auth
    # All of them are compared in full, so that the time taken says nothing.
    found = [account for account in accounts if _is(account, fields)]
    return shown if found else None


def _is(account: Account, given: dict[str, Any]) -> bool:
    same = [_same(account[field], given.get(field)) for field in ("username", "password")]
    return all(same)


def _same(expected: str, given: object) -> bool:
    text = given if isinstance(given, str) else ""
    digests = [hashlib.sha256(each.encode(errors="replace")).digest() for each in (expected, text)]
    return hmac.compare_digest(*digests)


class Attempts:
    """How often somebody has tried to log in lately, and failed. Called on any thread."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._lock = new_lock()
        self._began = clock()
        #: by address: no more than may fail in all
        self._failed = Counter[str]()

    def begin(self, address: str) -> bool:
        """Whether one more may be made. It counts as a failure until it is known not to be one."""
        with self._lock:
            now = self._clock()
            if now - self._began >= _WINDOW:
                self._began = now
                self._failed.clear()
            may = self._failed[address] < _PER_ADDRESS and self._failed.total() < _IN_ALL
            if may:
                self._failed[address] += 1
            return may

    def succeeded(self, address: str) -> None:
        with self._lock:
            self._failed[address] -= 1
            self._failed += Counter()  # nothing is kept of who has not failed


class Sessions:
    """Of those who have logged in here. What is kept, and told other processes, is no use to who reads it."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._lock = new_lock()
        #: who has it, and until when; the oldest first
        self._users: dict[str, tuple[str, float]] = {}

    def begin(self, user: str) -> str:
        """Returns the new session's id."""
        session = secrets.token_urlsafe(24)
        with self._lock:
            if len(self._users) >= _MAX_SESSIONS:
                del self._users[next(iter(self._users))]
            self._users[digest_of(session)] = user, self._clock() + _SESSION
        return session

    def user_of(self, digest: str) -> str | None:
        """None where there is no such session, or it is too old."""
        user, until = self._users.get(digest, (None, 0.0))
        return user if self._clock() < until else None


def digest_of(session: str) -> str:
    """What a session is known by."""
    return hashlib.sha256(session.encode(errors="replace")).hexdigest()
