"""The requests that are compared, by topic."""

from . import (
    assets,
    bodies,
    compression,
    connections,
    forwarded,
    frappe,
    heads,
    origins,
    private_files,
    public_files,
    realtime,
    rewrites,
)

TOPICS = (
    assets,
    public_files,
    private_files,
    rewrites,
    realtime,
    forwarded,
    bodies,
    heads,
    connections,
    compression,
    origins,
    frappe,
)
ROWS = [row for topic in TOPICS for row in topic.ROWS]
