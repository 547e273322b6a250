"""What /proc says of this machine and of processes on it."""
import glob
import os
import re

TICK = os.sysconf("SC_CLK_TCK")


def model_name():
    for line in open("/proc/cpuinfo"):
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return "unknown"


def stat(pid):
    """Fields of /proc/PID/stat from the state on; empty when it has ended."""
    try:
        return open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
    except OSError:
        return []


def tree(pid):
    """The process and its living children, theirs too."""
    children = {}
    for path in glob.glob("/proc/[0-9]*/stat"):
        child = int(path.split("/")[2])
        fields = stat(child)
        if fields:
            children.setdefault(int(fields[1]), []).append(child)
    found = [pid]
    for parent in found:
        found += children.get(parent, [])
    return found


def cpu_seconds(pid):
    """User and system time of the process, its living children, and of those that it has waited for."""
    total = 0
    for member in tree(pid):
        fields = stat(member)
        if fields:
            total += sum(int(field) for field in fields[11:15])
    return total / TICK


def busy_seconds():
    """What all processors have worked since the start of the machine."""
    fields = [int(field) for field in open("/proc/stat").readline().split()[1:9]]
    user, nice, system, _, _, irq, softirq, steal = fields
    return (user + nice + system + irq + softirq + steal) / TICK


def memory_mib(pid):
    """(resident now, peak), MiB; zeros when it has ended."""
    try:
        text = open(f"/proc/{pid}/status").read()
    except OSError:
        return 0.0, 0.0
    values = {name: int(kib) / 1024 for name, kib in re.findall(r"^(VmRSS|VmHWM):\s+(\d+) kB", text, re.M)}
    return values.get("VmRSS", 0.0), values.get("VmHWM", 0.0)


def listener(port):
    """The process that listens on a port of this machine; None: none that may be seen, or it is elsewhere."""
    inodes = set()
    for path in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            lines = open(path).read().splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            fields = line.split()
            if fields[3] == "0A" and int(fields[1].rsplit(":", 1)[1], 16) == port:
                inodes.add(f"socket:[{fields[9]}]")
    for path in glob.glob("/proc/[0-9]*/fd/*"):
        try:
            if os.readlink(path) in inodes:
                return int(path.split("/")[2])
        except OSError:
            pass
    return None
