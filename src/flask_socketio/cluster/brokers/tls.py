"""TLS as a broker's URL has it in its query: ssl_ca_certs, ssl_certfile, ssl_keyfile, as in redis-py's URLs."""

from __future__ import annotations

import ssl
from typing import NamedTuple
from urllib.parse import parse_qsl, urlencode


class TlsFiles(NamedTuple):
    """Whose certificates are trusted, where that is not up to the system; and the own one, with its key."""

    ca_certs: str | None = None
    certfile: str | None = None
    keyfile: str | None = None

    def context(self) -> ssl.SSLContext:
        """Checks the server's certificate and its name. Raises OSError for files that cannot be read."""
        context = ssl.create_default_context(cafile=self.ca_certs)
        if self.certfile is not None:
            context.load_cert_chain(self.certfile, self.keyfile)
        return context


def split_off(url: str) -> tuple[str, TlsFiles]:
    """The URL without those, and those."""
    base, _, query = url.partition("?")
    fields = dict(parse_qsl(query, keep_blank_values=True))
    files = TlsFiles(*[fields.pop(f"ssl_{name}", None) for name in TlsFiles._fields])
    return base + ("?" + urlencode(fields) if fields else ""), files
