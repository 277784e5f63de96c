"""The releases of Flask, Werkzeug, uvicorn and picows that pyproject.toml allows, for `make compat-versions`.

python -m tests.versions.releases oldest    the oldest ones, as requirements for pip
python -m tests.versions.releases newest    the newest ones
python -m tests.versions.releases check     those that are imported here are the ones of the folder RELEASES
"""

import os
import sys
import tomllib
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

from tests.versions.private_names import PRIVATE_NAMES

ROOT = Path(__file__).parents[2]


#: Those of whose private names something is used. Not all old releases of the others can be installed on a new Python.
NAMES = {private.library for private in PRIVATE_NAMES}


def requirements() -> Iterator[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return (found for found in map(Requirement, project["dependencies"]) if found.name in NAMES)


def oldest(requirement: Requirement) -> str:
    """The version that `>=` names, which each of them has."""
    (version,) = [part.version for part in requirement.specifier if part.operator == ">="]
    return version


def check(folder: Path) -> str:
    """The versions that are imported. Raises AssertionError for what is not the folder's, or not the oldest there."""
    found: list[str] = []
    for requirement in requirements():
        distribution = metadata.distribution(requirement.name)
        assert folder.samefile(str(distribution.locate_file(""))), requirement
        if folder.name == "oldest":
            pinned = Requirement(f"{requirement.name}=={oldest(requirement)}")
            assert pinned.specifier.contains(distribution.version), distribution.version
        found.append(f"{requirement.name} {distribution.version}")
    return ", ".join(found)


if __name__ == "__main__":
    if sys.argv[1] == "check":
        print(check(Path(os.environ["RELEASES"])))
    for requirement in requirements():
        if sys.argv[1] == "oldest":
            print(f"{requirement.name}=={oldest(requirement)}")
        elif sys.argv[1] == "newest":
            print(f"{requirement.name}{requirement.specifier}")
