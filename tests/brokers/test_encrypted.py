"""TLS and passwords: who asks for them gets them, or no connection."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Protocol

import pytest

from flask_socketio.cluster.brokers import make_broker
from flask_socketio.cluster.queue import UnreachableError
from tests.brokers.test_contract import heard, new_channel, take
from tests.kit.broker import Nats, free_port
from tests.kit.daemons import Certificates, Encrypting, Postgres, RabbitMq, Redis, Tansu

PASSWORD = "s3cret"


class Server(Protocol):
    url: str

    def start(self) -> None: ...

    def end(self) -> None: ...


class EncryptedTansu:
    """It has no TLS that works: with what stands before it."""

    def __init__(self, tls: Certificates) -> None:
        port = free_port()
        self._server = Tansu(advertised=port)
        self._before = Encrypting(port, self._server.port, tls)
        self.url = f"kafka://127.0.0.1:{port}?ssl_ca_certs={tls.authority}"

    def start(self) -> None:
        self._server.start()
        self._before.start()

    def end(self) -> None:
        self._before.end()
        self._server.end()


def nats(_folder: Path, tls: Certificates) -> Server:
    server = Nats(
        "--tls", "--tlscert", tls.chain, "--tlskey", tls.key, "--user", "me", "--pass", PASSWORD
    )
    server.url = server.url.replace("nats://", f"tls://me:{PASSWORD}@")
    server.url += f"?ssl_ca_certs={tls.authority}"
    return server


MAKERS = {
    "redis": lambda folder, tls: Redis(folder, tls, PASSWORD),
    "nats": nats,
    "postgres": lambda folder, tls: Postgres(folder, tls, PASSWORD),
    "amqp": RabbitMq,
    "kafka": lambda _folder, tls: EncryptedTansu(tls),
}


@pytest.fixture(scope="module", params=MAKERS)
def url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp(request.param)
    server: Server = MAKERS[request.param](folder, Certificates(folder / "tls"))
    server.start()
    yield server.url
    server.end()


def refused(url: str) -> str:
    """What is said where there is no connection, whatever one wants of it."""
    broker = make_broker(url, new_channel())
    with closing(broker), pytest.raises(UnreachableError) as refusal:
        list(broker.publish([b"{}"]))
    with closing(broker.listen(0.1)) as texts, pytest.raises(Exception, match=r"."):
        next(texts)
    return str(refusal.value)


def test_it_is_encrypted(url: str) -> None:
    messages = [b'{"number":%d}' % number for number in range(50)]
    with heard(url, new_channel()) as (broker, texts):
        assert list(broker.publish(messages)) == [None] * 50
        assert take(texts, 50) == messages


def test_a_certificate_that_nobody_has_signed(url: str) -> None:
    strange = re.sub(r"ssl_ca_certs=[^&]*", "", url).replace("sslrootcert=", "sslcrl=")
    if strange.startswith("kafka"):
        strange += "security_protocol=SSL"
        assert refused(strange)  # the library does not tell why
    else:
        assert re.search("certificate.verify.failed|certificate file", refused(strange), re.I)


def test_a_certificate_of_another_host(url: str) -> None:
    """The same address, by a name that is not in the certificate: libpq is told both."""
    name = "elsewhere" if url.startswith("postgres") else "127.1"
    said = refused(url.replace("127.0.0.1", name) + "&hostaddr=127.0.0.1" * (name == "elsewhere"))
    assert url.startswith("kafka") or re.search("mismatch|does not match", said)


def test_a_wrong_password(url: str) -> None:
    if url.startswith("kafka"):
        return  # Tansu asks for none
    said = refused(re.sub(r":(s3cret|guest)@", ":wrong@", url))
    assert re.search("auth|password|refused", said, re.I)
    assert "wrong" not in said.replace("wrong password", "")


def test_a_nats_server_without_tls() -> None:
    server = Nats()
    server.start()
    said = refused(server.url.replace("nats:", "tls:"))
    server.end()
    assert said == "the server does not demand TLS, which the URL does"
