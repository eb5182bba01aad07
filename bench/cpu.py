"""CPU time of a server: it depends less on the load of the machine than its rate, though cold caches raise it too."""

import os
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(session: int) -> float:
    """Return the CPU time of all processes of a session so far; 0 where there is no /proc."""
    return sum(_used(stat) for stat in Path("/proc").glob("[0-9]*/stat") if _session(stat) == session)


def _session(stat: Path) -> int:
    fields = _fields(stat)
    return int(fields[3]) if fields else 0


def _used(stat: Path) -> float:
    fields = _fields(stat)
    return (int(fields[11]) + int(fields[12])) / _TICKS if fields else 0.0


def _fields(stat: Path) -> list[str]:
    """Return the fields after the command's name (proc(5)); none if the process has just ended."""
    try:
        return stat.read_text().rpartition(")")[2].split()
    except OSError:
        return []
