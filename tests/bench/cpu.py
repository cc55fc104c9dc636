"""CPU time and memory of processes of this machine, from /proc."""

import os
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_LISTENING = "0A"


def listener(port: int) -> int | None:
    """The process that listens on a TCP port of this machine; None where it cannot be seen."""
    sockets = set()
    for table in ("tcp", "tcp6"):
        for line in Path("/proc/net", table).read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == _LISTENING and int(fields[1].rpartition(":")[2], 16) == port:
                sockets.add(f"socket:[{fields[9]}]")
    for process in _processes():
        try:
            if any(str(link.readlink()) in sockets for link in Path(f"/proc/{process}/fd").iterdir()):
                return process
        except OSError:
            continue
    return None


def seconds(process: int) -> float:
    """CPU seconds of a process and of all its descendants, those that have ended included."""
    stats = {pid: stat for pid in _processes() if (stat := _stat(pid)) is not None}
    tree, grown = {process}, True
    while grown:
        grown = False
        for pid, stat in stats.items():
            if pid not in tree and int(stat[1]) in tree:
                tree.add(pid)
                grown = True
    # Fields 14 to 17 of stat(5), counted from the state: user and system, own and of children waited for.
    return sum(int(field) for pid in tree if pid in stats for field in stats[pid][11:15]) / _TICKS


def busy_seconds() -> float:
    """CPU seconds that all cores have worked since the machine started."""
    user, nice, system, _, _, irq, softirq, *_ = map(int, Path("/proc/stat").read_text().split("\n")[0].split()[1:])
    return (user + nice + system + irq + softirq) / _TICKS


def memory_mb(process: int) -> float:
    """The memory that a process has resident, MB (10⁶ bytes)."""
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024 / 1e6
    return 0.0


def _processes() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def _stat(process: int) -> list[str] | None:
    try:
        text = Path(f"/proc/{process}/stat").read_text()
    except OSError:
        return None
    # The name, in parentheses, may hold blanks.
    return text.rpartition(")")[2].split()
