"""How two machines find out that both have the key, and agree on keys for one connection. No I/O.

    guest -> host   hello: what it comes for, its node, the node it looks for, 32 random bytes
    host -> guest   challenge: 32 random bytes, and its proof
    guest -> host   its proof, and from here on records

Either proof is made of all that was said, so none serves a second time, in another place, or to the other side. Nothing
has a length that who is not known yet could choose.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from struct import Struct

from .records import Opener, Sealer
from .secret import PROOF, ForgedError, Secret

#: Another one when frames, or what they say, become others.
_MAGIC = b"duplex 1"
_NONCE = 32
_HELLO = Struct(f"!8s1s6s6s{_NONCE}s")
_CHALLENGE = Struct(f"!{_NONCE}s{PROOF}s")
#: Who signs.
_GUEST, _HOST = b"duplex guest", b"duplex host"
#: Keys, by who seals with them.
_GUEST_SEALS, _HOST_SEALS = b"duplex of guest", b"duplex of host"

#: What a guest comes for: to exchange frames, or with the WebSocket of a client.
FRAMES, WEBSOCKET = b"F", b"W"


@dataclass(frozen=True, slots=True)
class Known:
    """The other end, which has proven that it has the key."""

    purpose: bytes
    node: str
    sealer: Sealer
    opener: Opener


class Guest:
    """Of who has connected."""

    #: bytes of what it waits for
    awaited = _CHALLENGE.size

    def __init__(self, secret: Secret, purpose: bytes, node: str, looks_for: str) -> None:
        self._secret = secret
        self._purpose = purpose
        self._looks_for = looks_for
        self.hello = _HELLO.pack(
            _MAGIC, purpose, node.encode(), looks_for.encode(), secrets.token_bytes(_NONCE)
        )

    def take(self, data: bytes) -> tuple[bytes, Known]:
        """The challenge -> what to say to it, and who that is. Raises ForgedError."""
        nonce, proof = _CHALLENGE.unpack(data)
        said = self.hello, nonce
        self._secret.check(proof, _HOST, *said)
        sealer = Sealer(self._secret.sign(_GUEST_SEALS, *said))
        opener = Opener(self._secret.sign(_HOST_SEALS, *said))
        known = Known(self._purpose, self._looks_for, sealer, opener)
        return self._secret.sign(_GUEST, *said), known


class Host:
    """Of who is connected to."""

    hello = b""

    def __init__(self, secret: Secret, node: str) -> None:
        self._secret = secret
        self._node = node.encode()
        self._hello = b""
        self._nonce = secrets.token_bytes(_NONCE)
        self.awaited = _HELLO.size

    def take(self, data: bytes) -> tuple[bytes, Known | None]:
        """What was awaited -> what to say to it, and who that is when it has proven it. Raises ForgedError."""
        if not self._hello:
            return self._challenge(data), None
        self._secret.check(data, _GUEST, self._hello, self._nonce)
        _, purpose, node, _, _ = _HELLO.unpack(self._hello)
        said = self._hello, self._nonce
        sealer = Sealer(self._secret.sign(_HOST_SEALS, *said))
        opener = Opener(self._secret.sign(_GUEST_SEALS, *said))
        return b"", Known(purpose, node.decode("latin-1"), sealer, opener)

    def _challenge(self, hello: bytes) -> bytes:
        magic, purpose, node, looks_for, _ = _HELLO.unpack(hello)
        if magic != _MAGIC or purpose not in (FRAMES, WEBSOCKET):
            raise ForgedError
        if looks_for != self._node or node == self._node:  # another process has had the port
            raise ForgedError
        self._hello = hello
        self.awaited = PROOF
        return _CHALLENGE.pack(self._nonce, self._secret.sign(_HOST, hello, self._nonce))
