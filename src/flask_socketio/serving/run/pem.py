"""Why a certificate and its key cannot be used: OpenSSL says for most reasons no more than "PEM lib"."""

from __future__ import annotations

import re
from pathlib import Path
from ssl import SSLError

_LABEL = re.compile(rb"^-----BEGIN ([A-Z0-9 ]+)-----", re.M)
_CERTIFICATES = {"CERTIFICATE", "TRUSTED CERTIFICATE", "X509 CERTIFICATE"}
#: What binary forms of certificates and keys begin with: an ASN.1 sequence.
_DER = b"\x30"

_SWAPPED = "certfile={} and keyfile={} are the wrong way round: the first holds the key, the second the certificate"
_EMPTY = "The {} file {!r} is empty."
_BINARY = (
    "The {} file {!r} is not in PEM form but in a binary one: openssl {} -inform der -in {} makes PEM of DER, "
    "openssl pkcs12 -nodes -in {} of a .pfx or .p12 file."
)
_NO_PEM = "The {} file {!r} is not in PEM form, which has a line -----BEGIN {}-----."
_OTHER_PEM = "The {} file {!r} has no {}, but: {}."
_LOCKED = (
    "The key {0!r} has a password: openssl pkey -in {0} -out plain.pem writes it without, or give run() "
    "ssl_context= an ssl.SSLContext that has loaded it."
)
_NO_PAIR = "The key {!r} does not belong to the certificate {!r}."
_UNKNOWN = "The certificate {!r} and its key {!r} cannot be used: {}."


def why_unusable(certfile: str, keyfile: str, error: OSError, *, wants_password: bool) -> str:
    """A sentence on why a pair of files was not taken, with `error`."""
    if not isinstance(error, SSLError):
        return _UNKNOWN.format(certfile, keyfile, error)
    if wants_password:
        return _LOCKED.format(keyfile)
    if error.reason == "KEY_VALUES_MISMATCH":
        return _NO_PAIR.format(keyfile, certfile)
    in_certfile, in_keyfile = _labels(certfile), _labels(keyfile)
    if in_keyfile & _CERTIFICATES and _has_key(in_certfile) and not in_certfile & _CERTIFICATES:
        return _SWAPPED.format(repr(certfile), repr(keyfile))
    if not in_certfile & _CERTIFICATES:
        return _lacks(certfile, in_certfile, "certificate", "CERTIFICATE")
    if not _has_key(in_keyfile):
        return _lacks(keyfile, in_keyfile, "key", "PRIVATE KEY")
    return _UNKNOWN.format(certfile, keyfile, error)


def _labels(path: str) -> set[str]:
    """What a file has, as its PEM headings say."""
    return {label.decode() for label in _LABEL.findall(Path(path).read_bytes())}


def _has_key(labels: set[str]) -> bool:
    return any(label.endswith("PRIVATE KEY") for label in labels)


def _lacks(path: str, labels: set[str], kind: str, wanted: str) -> str:
    content = Path(path).read_bytes()
    if not content:
        return _EMPTY.format(kind, path)
    if content.startswith(_DER):
        command = "x509" if kind == "certificate" else "pkey"
        return _BINARY.format(kind, path, command, path, path)
    if not labels:
        return _NO_PEM.format(kind, path, wanted)
    return _OTHER_PEM.format(kind, path, wanted, ", ".join(sorted(labels)))
