"""TLS between machines, for which each end has a certificate of the same authority."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class MutualTls:
    """Who has a certificate of the authority belongs to the cluster, whatever names are in it."""

    of_host: ssl.SSLContext
    of_guest: ssl.SSLContext


def mutual_tls(certificate: Any, key: Any, authority: Any) -> MutualTls:
    """Of PEM files. Raises OSError, which what `ssl` raises is as well."""
    contexts = [ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)]
    for context in contexts:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_REQUIRED
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.load_cert_chain(certificate, key)
        context.load_verify_locations(authority)
    return MutualTls(*contexts)
