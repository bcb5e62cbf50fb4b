"""What Linux tells of a server's process; elsewhere nothing is known."""

import os
import time
from pathlib import Path

from servers import Server

TURN, BUSY = 0.5, 0.1  # seconds looked at, and the share of one that a busy process works
MOST = 300.0  # seconds are waited


def megabytes(server: Server) -> dict[str, float] | None:
    """What a server holds in memory now and held at most."""
    status = Path(f"/proc/{server.process.pid}/status")
    if not status.exists():
        return None
    told = dict(line.split(":", 1) for line in status.read_text().splitlines() if ":" in line)
    return {name: int(told[name].split()[0]) / 1024 for name in ("VmRSS", "VmHWM")}


def wait_until_idle(server: Server) -> None:
    """Return when a server has done what it does at its start, beside requests."""
    until = time.monotonic() + MOST
    spent = seconds(server)
    while time.monotonic() < until:
        time.sleep(TURN)
        before, spent = spent, seconds(server)
        if spent - before < BUSY * TURN:
            return


def seconds(server: Server) -> float:
    """How long a server has worked."""
    stat = Path(f"/proc/{server.process.pid}/stat")
    if not stat.exists():
        return 0.0
    told = stat.read_text().rpartition(")")[2].split()
    return (int(told[11]) + int(told[12])) / os.sysconf("SC_CLK_TCK")
