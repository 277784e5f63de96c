"""The TLS arguments of `run()`."""

from __future__ import annotations

import ssl
import sys
from pathlib import Path
from typing import Any, cast

from werkzeug import serving

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
    try:
        context.load_cert_chain(certfile, keyfile)
    except ssl.SSLError as error:
        sys.exit(
            f"{str(certfile)!r} and its key {str(keyfile or certfile)!r} cannot be used ({error.reason}): both have "
            "to be in PEM form, the key has to fit the certificate and to have no password."
        )
    return context
