"""How many sockets a process has."""

from contextlib import suppress
from pathlib import Path


def sockets(pid: int) -> int:
    """Connections, and what listens for them: neither files nor pipes, of which a server has as many as it likes."""
    found = 0
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # it has been closed meanwhile
            found += str(descriptor.readlink()).startswith("socket:")
    return found
