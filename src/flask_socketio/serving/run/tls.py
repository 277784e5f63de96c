"""The TLS arguments of `run()`, and clients that speak HTTP where TLS is spoken."""

from __future__ import annotations

import ssl
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from werkzeug import serving

from .pem import why_unusable

_MAKE_ONE = (
    "For development ssl_context='adhoc' makes one (needs the package cryptography); a real one comes from a "
    "certificate authority such as Let's Encrypt."
)


def make_context(certfile: Any, keyfile: Any, ssl_context: Any) -> ssl.SSLContext | None:
    """A context from `certfile` and `keyfile`, or from `ssl_context`: a context, a pair of files, or 'adhoc'.

    None without any. Where a file is missing or is no certificate, a sentence says so and the program ends.
    """
    if isinstance(ssl_context, ssl.SSLContext):
        return ssl_context
    if ssl_context == "adhoc":
        try:
            return cast(Any, serving).generate_adhoc_ssl_context()
        except TypeError:
            sys.exit("ssl_context='adhoc' needs the package cryptography: pip install cryptography")
    if ssl_context is not None:
        certfile, keyfile = ssl_context
    if certfile is None:
        if keyfile is not None:
            sys.exit(f"keyfile={str(keyfile)!r} is given without a certfile: give both.")
        return None
    for name, path in (("certificate", certfile), ("key", keyfile)):
        if path is not None and not Path(path).is_file():
            sys.exit(f"The {name} file {str(path)!r} does not exist in {Path.cwd()}. {_MAKE_ONE}")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    asked: list[bool] = []

    def no_password() -> str:  # else OpenSSL asks for it, and waits
        asked.append(True)
        return ""

    try:
        context.load_cert_chain(certfile, keyfile, no_password)
    except OSError as error:
        files = str(certfile), str(certfile if keyfile is None else keyfile)
        sys.exit(why_unusable(*files, error, wants_password=bool(asked)))
    return context


def look_for_http(context: ssl.SSLContext, found: Callable[[], object]) -> None:
    """Have the context's handshakes call `found` where a client has sent a request in plain HTTP.

    A loop says nothing of it: to it that is one of the handshakes that fail every day.
    """
    kind = context.sslobject_class or ssl.SSLObject

    class Handshake(kind):
        def do_handshake(self) -> None:
            try:
                super().do_handshake()
            except ssl.SSLError as error:
                if error.reason == "HTTP_REQUEST":
                    found()
                raise

    context.sslobject_class = Handshake
