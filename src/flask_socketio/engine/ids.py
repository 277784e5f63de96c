"""Session ids, of connections and of clients in namespaces."""

from __future__ import annotations

import secrets


def new_sid() -> str:
    """120 random bits as 20 characters that are safe in a URL."""
    return secrets.token_urlsafe(15)
