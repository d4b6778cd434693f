"""Starting our own processes on free ports, and seeing them go."""

from __future__ import annotations

import random
import socket
import time
from collections.abc import Callable
from pathlib import Path

from conf.endpoints import HIGHEST_OFFSET, ports_of_a_desk

PATIENCE_S = 30.0
"""No test says how long something takes; this only ends one that hangs."""


_OFFSETS = ports_of_a_desk()


def free_port_base() -> int:
    """A base below which the kernel's own choices do not lie and whose first ports are free."""
    while True:
        base = random.randrange(2_000, 31_000)
        if all(_free(base + offset) for offset in _OFFSETS) and base + HIGHEST_OFFSET < 32_768:
            return base


def _free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def eventually(holds: Callable[[], object], what: str) -> None:
    """Wait until `holds()` is true."""
    end = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < end, f"waited in vain: {what}"
        time.sleep(0.02)


def alive(pid: int) -> bool:
    """Whether the process runs (and is not a zombie that nobody buried)."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def children(pid: int) -> list[int]:
    try:
        found = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii")
    except (FileNotFoundError, ProcessLookupError):  # it ended meanwhile
        return []
    return [int(one) for one in found.split()]


def proportional_kib(pid: int) -> int:
    """The process's share of the memory, its children's included: what they have in common counts once."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text("ascii").splitlines()
    own = next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return own + sum(map(proportional_kib, children(pid)))
