"""A URL without what is secret in it, for log lines, errors and representations."""

from __future__ import annotations

import re
from urllib.parse import unquote

_SECRET_FIELD = re.compile(r"([?&][^=&]*(?:passw|pwd|secret|token)[^=&]*=)([^&#;]+)", re.IGNORECASE)
_BETWEEN = re.compile(r"(;|,(?=\w+://))")
_HIDDEN = "***"


class Masked:
    """`str()` is the URL with its secrets masked."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._shown, self._secrets = _without_secrets(url)

    def __str__(self) -> str:
        return self._shown

    __repr__ = __str__

    def text(self, error: object) -> str:
        """What an error says. Libraries may quote the URL, or a part of it that they could not read."""
        text = str(error).replace(self._url, self._shown)
        for secret in self._secrets:
            text = re.sub(rf"(?<!\w){re.escape(secret)}(?!\w)", _HIDDEN, text)
        return text


def _without_secrets(url: str) -> tuple[str, list[str]]:
    """The URL, or the URLs with semicolons or commas between them, as it may be shown; and what may not, longest
    first."""
    secrets: set[str] = set()
    parts = _BETWEEN.split(url)
    parts[::2] = [_masked_one(one, secrets) for one in parts[::2]]
    return "".join(parts), sorted(secrets, key=len, reverse=True)


def _masked_one(url: str, secrets: set[str]) -> str:
    scheme, slashes, rest = url.partition("://") if "://" in url else ("", "", url)
    # The last @: a password that is not quoted as it should be may hold one, and slashes.
    credentials, at, rest = rest.rpartition("@")
    user, colon, password = credentials.partition(":")
    hidden = password if colon else credentials  # a name alone may be a token
    _note(hidden, secrets)
    rest = _SECRET_FIELD.sub(lambda field: field[1] + _hide(field[2], secrets), rest)
    shown = f"{user}:" if colon else ""
    return scheme + slashes + (shown + _HIDDEN if hidden else credentials) + at + rest


def _hide(value: str, secrets: set[str]) -> str:
    _note(value, secrets)
    return _HIDDEN


def _note(secret: str, secrets: set[str]) -> None:
    """With its parts: what takes a password apart at a character that it should not hold, quotes one of them."""
    for text in (secret, unquote(secret)):
        secrets.update(filter(None, (text, *re.split(r"[/?#@:\[\]]", text))))
