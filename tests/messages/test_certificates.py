"""Certificates and keys that cannot be used: one line says why, and the program ends."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

pytest.importorskip("cryptography")
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from tests.kit import warm

CASES = [
    ("key.pem", "cert.pem", "certfile='key.pem' and keyfile='cert.pem' are the wrong way round: the first holds"),
    ("cert.der", "key.pem", "The certificate file 'cert.der' is not in PEM form but in a binary one: openssl x509"),
    ("cert.pem", "key.der", "The key file 'key.der' is not in PEM form but in a binary one: openssl pkey"),
    ("cert.pem", "other.pem", "The key 'other.pem' does not belong to the certificate 'cert.pem'."),
    ("cert.pem", "locked.pem", "The key 'locked.pem' has a password: openssl pkey -in locked.pem -out plain.pem"),
    ("empty.pem", "key.pem", "The certificate file 'empty.pem' is empty."),
    ("cert.pem", "text.pem", "The key file 'text.pem' is not in PEM form, which has a line -----BEGIN PRIVATE"),
    ("cert.pem", "cert.pem", "The key file 'cert.pem' has no PRIVATE KEY, but: CERTIFICATE."),
    ("cert.pem", None, "The key file 'cert.pem' has no PRIVATE KEY, but: CERTIFICATE."),
    ("broken.pem", "key.pem", "The certificate 'broken.pem' and its key 'key.pem' cannot be used: "),
    ("none.pem", "key.pem", "The certificate file 'none.pem' does not exist in "),
]  # fmt: skip


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a certificate, its key, and what people take for them."""
    folder = tmp_path_factory.mktemp("files")
    key, other = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    contents = {"empty.pem": b"", "text.pem": b"my key\n"}
    for ending, encoding in (("pem", Encoding.PEM), ("der", Encoding.DER)):
        contents[f"cert.{ending}"] = certificate.public_bytes(encoding)
        contents[f"key.{ending}"] = key.private_bytes(encoding, PrivateFormat.PKCS8, NoEncryption())
    for file, its_key, encryption in (
        ("other.pem", other, NoEncryption()),
        ("locked.pem", key, BestAvailableEncryption(b"secret")),
    ):
        contents[file] = its_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)
    contents["broken.pem"] = contents["cert.pem"].replace(b"\nMII", b"\nAAA")
    for file, content in contents.items():
        (folder / file).write_bytes(content)
    return folder


@pytest.mark.parametrize(("certfile", "keyfile", "said"), CASES)
def test_the_line_alone(
    files: Path, write: Callable[[str], Path], certfile: str, keyfile: str | None, said: str
) -> None:
    path = write("socketio = SocketIO(app)")
    run = f"socketio.run(app, port=0, certfile={certfile!r}, keyfile={keyfile!r})"
    path.write_text(
        path.read_text().replace('socketio.run(app, port=int(os.environ["PORT"]))', run)
    )
    ended = warm.run([sys.executable, str(path)], cwd=files)
    assert ended.returncode == 1
    (line,) = ended.stderr.splitlines()
    assert line.startswith(said)
