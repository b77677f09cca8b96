"""Directories that a program takes for shares of a slow network: see slow_share.c."""

import os
from pathlib import Path

SOURCE = Path(__file__).parent / "slow_share.c"


class Share:
    """A directory that the proxy under test takes for a share."""

    def __init__(self, path, calls):
        self.path = path
        self.log = calls
        self._gate = Path(f"{path}.hang")
        path.mkdir()

    def hang(self):
        self._gate.touch()

    def release(self):
        self._gate.unlink(missing_ok=True)

    def write(self, name, content):
        (self.path / name).write_bytes(content)
        return content

    def calls(self, name=""):
        """What was asked of the share for requests so far, or of one file: thread, call and path."""
        # The main thread reads the configuration.
        return [call for call in self.all_calls(name) if call[0] != "martlet"]

    def all_calls(self, name=""):
        """The same with what the control thread has asked."""
        if not self.log.exists():
            return []
        all = [line.split("|") for line in self.log.read_text().splitlines()]
        prefix = str(self.path / name) if name else str(self.path)
        return [call for call in all if call[2] == prefix or (not name and call[2].startswith(prefix + "/"))]


def shared(library, *shares, delay=0):
    """The environment of a program for which these are shares, each call taking `delay` milliseconds."""
    return {
        **os.environ, "LD_PRELOAD": str(library), "SHARES": ":".join(str(share.path) for share in shares),
        "SHARE_DELAY": str(delay), "SHARE_CALLS": str(shares[0].log),
    }  # fmt: skip
