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
from tests.kit.broker import Nats
from tests.kit.daemons import Certificates, Encrypting, Postgres, RabbitMq, Redis, Tansu
from tests.kit.ports import free_port

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
        self.url = f"kafka://127.0.0.1:{port}?{tls.query}"

    def start(self) -> None:
        self._server.start()
        self._before.start()

    def end(self) -> None:
        self._before.end()
        self._server.end()


class EncryptedSentinel:
    """Debian's Redis, and another one of it that knows where the first one is."""

    def __init__(self, folder: Path, tls: Certificates) -> None:
        folders = [folder / name for name in ("server", "sentinel")]
        for each in folders:
            each.mkdir()
        self._server = Redis(folders[0], tls, PASSWORD)
        path = folders[1] / "sentinel.conf"
        path.write_text(
            f"sentinel monitor shop 127.0.0.1 {self._server.port} 1\n"
            f"sentinel auth-pass shop {PASSWORD}\n"
            "tls-replication yes\n"
        )
        self._sentinel = Redis(folders[1], tls, PASSWORD, path, "--sentinel")
        host = f"127.0.0.1:{self._sentinel.port}"
        self.url = f"rediss+sentinel://:{PASSWORD}@{host}/0/shop?password={PASSWORD}&{tls.query}"

    def start(self) -> None:
        self._server.start()
        self._sentinel.start()

    def end(self) -> None:
        self._sentinel.end()
        self._server.end()


def nats(_folder: Path, tls: Certificates) -> Server:
    files = ["--tlscert", tls.chain, "--tlskey", tls.key, "--tlscacert", tls.authority]
    server = Nats("--tlsverify", *files, "--user", "me", "--pass", PASSWORD)
    server.url = server.url.replace("nats://", f"tls://me:{PASSWORD}@") + f"?{tls.query}"
    return server


MAKERS = {
    "redis": lambda folder, tls: Redis(folder, tls, PASSWORD),
    "sentinel": EncryptedSentinel,
    "nats": nats,
    "postgres": lambda _folder, tls: Postgres(tls, PASSWORD),
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


#: What these libraries raise does not say why.
SILENT = ("kafka", "rediss+sentinel")


def test_a_certificate_that_nobody_has_signed(url: str) -> None:
    strange = re.sub(r"ssl_ca_certs=[^&]*", "security_protocol=SSL", url)
    if not url.startswith("kafka"):
        strange = strange.replace("security_protocol=SSL", "").replace("sslrootcert=", "sslcrl=")
    said = refused(strange)
    reasons = "certificate.verify.failed|certificate file"
    assert url.startswith(SILENT) or re.search(reasons, said, re.I)


def test_a_certificate_of_another_host(url: str) -> None:
    """The same address, by a name that is not in the certificate: libpq is told both."""
    name = "elsewhere" if url.startswith("postgres") else "127.1"
    said = refused(url.replace("127.0.0.1", name) + "&hostaddr=127.0.0.1" * (name == "elsewhere"))
    assert url.startswith(SILENT) or re.search("mismatch|does not match", said)


def test_a_wrong_password(url: str) -> None:
    if url.startswith("kafka"):
        return  # Tansu asks for none
    said = refused(re.sub(r":(s3cret|guest)@", ":wrong@", url))
    assert re.search("auth|password|refused", said, re.I)
    assert "wrong" not in said.replace("wrong password", "")


def test_no_certificate_where_one_is_demanded(url: str) -> None:
    if url.startswith("postgres"):
        return  # libpq has its own words for it
    assert refused(re.sub(r"&ssl_(cert|key)file=[^&]*", "", url))


def test_a_nats_server_without_tls() -> None:
    server = Nats()
    server.start()
    said = refused(server.url.replace("nats:", "tls:"))
    server.end()
    assert said == "the server does not demand TLS, which the URL does"
