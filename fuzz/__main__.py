"""Run the fuzzers one after the other: python -m fuzz [--seconds 60] [NAME ...].

A NAME with a file behind it, NAME=FILE, runs that one input: how a finding is looked at.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import re
import subprocess
import sys
from pathlib import Path

from .harness import FOUND

#: Those that libFuzzer drives.
GUIDED = ("payload", "packet", "msgpack_packet", "broker", "connection")
ANSWERS = "answers"


def main() -> int:
    """The status to exit with."""
    parser = argparse.ArgumentParser(prog="python -m fuzz", description=__doc__)
    parser.add_argument("--seconds", type=int, default=20, help="for each (20)")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join([*GUIDED, ANSWERS]))
    given = parser.parse_args()
    findings = [name for name in given.names or [*GUIDED, ANSWERS] if not run(name, given.seconds)]
    if findings:
        print("findings:", *findings)
    return 1 if findings else 0


def run(name: str, seconds: int) -> bool:
    """Whether nothing was found."""
    name, _, file = name.partition("=")
    if file:
        importlib.import_module(f"fuzz.{name}").check(Path(file).read_bytes())
        return True
    if name == ANSWERS:
        command = [sys.executable, "-m", "fuzz.answers", str(seconds)]
        return subprocess.run(command, check=False).returncode == 0
    if importlib.util.find_spec("atheris") is None:
        print(f"{name}: SKIPPED: atheris is not installed, which has wheels for CPython on Linux")
        return True
    return guided(name, seconds)


def guided(name: str, seconds: int) -> bool:
    command = [sys.executable, "-m", "fuzz.harness", name, str(seconds)]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    log = done.stdout.decode(errors="replace")
    runs = re.search(r"number_of_executed_units: (\d+)", log)
    print(f"{name}: {runs[1] if runs else '?'} inputs in {seconds} s", flush=True)
    if done.returncode:
        start = log.find(" === ")
        print(log[start if start >= 0 else -3000 :], f"see {FOUND / name}", sep="\n")
    return done.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
