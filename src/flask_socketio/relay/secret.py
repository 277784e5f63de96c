"""What machines that share a key can prove to each other: who one is, and that bytes have not been changed."""

from __future__ import annotations

from hashlib import blake2b
from hmac import compare_digest

#: Bytes of a key, at least. The bytes of a proof, and of what each record of a connection carries.
SHORTEST, PROOF, TAG = 32, 32, 16


class ForgedError(Exception):
    """What has come was not made by one who has the key."""


class Secret:
    """A key. What it signs for one purpose says nothing for another one.

    The empty one proves nothing: where TLS does, which both ends need a certificate for.
    """

    def __init__(self, key: bytes) -> None:
        self._key = blake2b(key, digest_size=32, person=b"duplex key").digest() if key else b""

    def sign(self, purpose: bytes, *parts: bytes) -> bytes:
        """A proof of who has the key; `purpose` has 16 bytes at most."""
        proof = blake2b(key=self._key, digest_size=PROOF, person=purpose)
        for part in parts:
            proof.update(len(part).to_bytes(4) + part)
        return proof.digest()

    def check(self, proof: bytes, purpose: bytes, *parts: bytes) -> None:
        """Raises ForgedError."""
        if not compare_digest(proof, self.sign(purpose, *parts)):
            raise ForgedError


def tag(key: bytes, number: int, data: bytes) -> bytes:
    """What the record with that number carries: it can be neither changed, nor left out, nor sent again."""
    return blake2b(number.to_bytes(8) + data, key=key, digest_size=TAG).digest()
