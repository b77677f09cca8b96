"""A loopback of a run's own, with the congestion control that it asks for: the machine's stays what it is."""

import os
import shutil
import sys

MARK = "MARTLET_BENCH_CONGESTION"
ROUTES = """
ip link set lo up
for where in 127.0.0.0/8 127.0.0.1; do
  ip route replace local $where dev lo table local proto kernel scope host src 127.0.0.1 congctl "$0" || exit
done
exec "$@"
"""


def enter(congestion):
    """Begins this process again in a network of its own, unless it is there."""
    if os.environ.get(MARK) == congestion:
        return
    for tool in ("ip", "unshare"):
        if not shutil.which(tool):
            sys.exit(f"{tool} is not here: apt-get install iproute2 util-linux")
    os.environ[MARK] = congestion
    network = "-n" if os.geteuid() == 0 else "-rn"
    os.execvp("unshare", ["unshare", network, "sh", "-c", ROUTES, congestion, sys.executable, *sys.argv])


def congestion():
    """What connections have that nobody asks otherwise for."""
    if asked := os.environ.get(MARK):
        return asked
    with open("/proc/sys/net/ipv4/tcp_congestion_control") as setting:
        return setting.read().strip()
