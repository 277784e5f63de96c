"""Run the Autobahn test suite against both lanes: `make autobahn`.

Sections 1 to 7 and 10, 247 cases; 9, 12 and 13 measure times and compression. The suite is written in Python 2.7, which
is looked for on PATH and among pyenv's versions. Where there is none, that is said, and it is no failure.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.kit.server import ROOT, ServerProcess

ENVIRONMENT = ROOT / ".venv-autobahn"
SCRIPT = Path(__file__).parent / "websocket_echo.py"
CASES = [f"{section}.*" for section in (1, 2, 3, 4, 5, 6, 7, 10)]
EXPECTED = 247

#: The lanes, each with what fails there and why.
LANES = {
    "fast": dict[str, str](),
    "asgi": {
        "7.1.5": "websockets, the server's parser, answers 1002 to a close frame in the midst of a message in fragments"
    },
}
#: What passes. Not strict: as RFC 6455 allows, but not as the suite would like best.
PASSED = {"OK", "NON-STRICT", "INFORMATIONAL"}

VIRTUALENV = "virtualenv==20.15.1"  # later ones make no environments for 2.7
SUITE = "autobahntestsuite==25.10.1"  # names its requirements in prose
REQUIREMENTS = [
    "autobahn==0.10.9",
    "cryptography==3.3.2",
    "incremental==16.10.1",
    "jinja2==2.11.3",
    "klein==17.10.0",
    "markupsafe==1.1.1",
    "pyOpenSSL==19.1.0",
    "service_identity==18.1.0",
    "six==1.16.0",
    "Twisted==19.10.0",
    "txaio==2.1.0",
    "unittest2==1.1.0",
    "Werkzeug==1.0.1",
    "zope.interface==4.6.0",
]


def main() -> int:
    """The status to exit with."""
    try:
        wstest = install()
    except LookupError as missing:
        print(f"SKIPPED: {missing}")
        return 0
    surprises = [line for lane in LANES for line in run(wstest, lane)]
    for surprise in surprises:
        print(surprise)
    return 1 if surprises else 0


# -- the suite -------------------------------------------------------------------------------------


def install() -> Path:
    """The suite's program, in an environment that is made once. Raises LookupError where there is no Python 2.7."""
    wstest = ENVIRONMENT / "bin" / "wstest"
    done = ENVIRONMENT / "installed"
    if not done.exists():
        python = next(pythons(), None)
        if python is None:
            raise LookupError(
                "Autobahn's test suite needs Python 2.7: none on PATH, none of pyenv's"
            )
        print(f"Setting up {ENVIRONMENT.name} ...", flush=True)
        shutil.rmtree(ENVIRONMENT, ignore_errors=True)
        make_environment(python)
        done.touch()
    return wstest


def pythons() -> Iterator[Path]:
    """Those of 2.7 that run."""
    for path in candidates():
        asked = [path, "-c", "import sys; print(sys.version_info[:2] == (2, 7))"]
        answer = subprocess.run(asked, capture_output=True, text=True, check=False)
        if answer.stdout.strip() == "True":
            yield path


def candidates() -> Iterator[Path]:
    for name in ("python2.7", "python2", "python"):
        if found := shutil.which(name):
            yield Path(found)
    if shutil.which("pyenv"):
        asked = subprocess.run(["pyenv", "root"], capture_output=True, text=True, check=False)
        yield from Path(asked.stdout.strip(), "versions").glob("2.7*/bin/python2.7")


def make_environment(python: Path) -> None:
    tools = ENVIRONMENT / "tools"
    pip(sys.executable, "--target", str(tools), VIRTUALENV)
    command = [sys.executable, "-m", "virtualenv", "--quiet", "--no-download", "--python", python]
    subprocess.run(
        [*command, ENVIRONMENT], env={**os.environ, "PYTHONPATH": str(tools)}, check=True
    )
    python_2 = str(ENVIRONMENT / "bin" / "python")
    pip(python_2, *REQUIREMENTS)
    pip(python_2, "--no-deps", SUITE)


def pip(python: str, *arguments: str) -> None:
    command = [
        python,
        "-W",
        "ignore",
        "-m",
        "pip",
        "install",
        "-qqq",
        "--disable-pip-version-check",
    ]
    subprocess.run([*command, *arguments], check=True)


# -- a run -----------------------------------------------------------------------------------------


def run(wstest: Path, lane: str) -> Iterator[str]:
    """Print how the cases end in a lane; what is not as it should be."""
    server = ServerProcess.script(SCRIPT, {"LANE": lane})
    if lane == "asgi":
        server.allow_traceback("UnicodeDecodeError")  # uvicorn's word for text that is not UTF-8
    with server, tempfile.TemporaryDirectory() as folder:
        cases = report(wstest, server.url.replace("http", "ws"), Path(folder))
    ends = Counter(case["behavior"] for case in cases.values())
    print(
        f"{lane}: {len(cases)} cases,", ", ".join(f"{n} {end}" for end, n in sorted(ends.items()))
    )
    failed = {name for name, case in cases.items() if not has_passed(case)}
    for name in sorted(failed & LANES[lane].keys()):
        print(f"  {name} fails, as is known: {LANES[lane][name]}")
    if len(cases) != EXPECTED:
        yield f"{lane}: {len(cases)} cases, not {EXPECTED}"
    for name in sorted(failed - LANES[lane].keys()):
        yield f"{lane}: {name} fails: {cases[name]}"
    for name in sorted(LANES[lane].keys() - failed):
        yield f"{lane}: {name} does not fail any more"


def has_passed(case: dict[str, Any]) -> bool:
    return case["behavior"] in PASSED and case["behaviorClose"] in PASSED


def report(wstest: Path, url: str, folder: Path) -> dict[str, dict[str, Any]]:
    """Have the suite go through its cases; how each ended."""
    spec = {
        "outdir": str(folder),
        "servers": [{"agent": "server", "url": url}],
        "cases": CASES,
        "exclude-cases": [],
        "exclude-agent-cases": {},
    }
    (folder / "spec.json").write_text(json.dumps(spec))
    log = folder / "log"
    with log.open("w") as output:
        command = [wstest, "--mode", "fuzzingclient", "--spec", folder / "spec.json"]
        subprocess.run(command, stdout=output, stderr=output, check=False, timeout=600)
    index = folder / "index.json"
    if not index.exists():
        raise RuntimeError(f"no report; the suite says: {log.read_text()[-2000:]}")
    return json.loads(index.read_text())["server"]


if __name__ == "__main__":
    sys.exit(main())
