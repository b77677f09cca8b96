"""Child processes whose output is kept and who never outlive the tests."""

import array
import fcntl
import os
import re
import signal
import subprocess
import termios
import threading
import time
from signal import SIGTERM

from .waiting import PATIENCE, TooLate, until


class Lines:
    """The lines that a child wrote so far, collected by a thread as they come."""

    def __init__(self, pipe):
        self._lines = []
        self._ended = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._collect, args=(pipe,), daemon=True)
        self._thread.start()

    def _collect(self, pipe):
        with pipe:
            for line in pipe:
                with self._changed:
                    self._lines.append(line.decode("utf-8", "replace").rstrip("\n"))
                    self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def __len__(self):
        with self._changed:
            return len(self._lines)

    def since(self, start=0):
        with self._changed:
            return self._lines[start:]

    def text(self):
        return "\n".join(self.since())

    def wait_ended(self, within=PATIENCE):
        """Waits until the writers have closed the pipe."""
        self._thread.join(within)

    def wait_for(self, pattern, start=0, count=1, within=PATIENCE):
        """Waits for `count` lines that `pattern` matches; returns the matches."""
        pattern = re.compile(pattern)
        deadline = time.monotonic() + within
        with self._changed:
            while True:
                found = [m for m in map(pattern.search, self._lines[start:]) if m]
                if len(found) >= count:
                    return found
                left = deadline - time.monotonic()
                if self._ended or left <= 0:
                    why = "the output ended" if self._ended else f"{within:g} s passed"
                    said = "\n  ".join(self._lines[-20:])
                    raise TooLate(f"no line matches {pattern.pattern!r}: {why}. Said last:\n  {said}")
                self._changed.wait(left)


class Process:
    """A child in a session of its own, killed with everything it started when the test ends."""

    def __init__(self, argv, env=None, cwd=None, is_told=False):
        """is_told: what it reads is what `tell` writes."""
        # The kernel kills the child should the tests be killed themselves.
        guarded = ["setpriv", "--pdeathsig", "KILL", "--", *map(str, argv)]
        self.argv = [str(a) for a in argv]
        self._child = subprocess.Popen(
            guarded,
            stdin=subprocess.PIPE if is_told else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, **(env or {})},
            cwd=cwd,
            start_new_session=True,
        )
        self.pid = self._child.pid
        self.stdout = Lines(self._child.stdout)
        self.stderr = Lines(self._child.stderr)

    @property
    def exit_code(self):
        """None while it runs; negative when a signal ended it."""
        return self._child.poll()

    def tell(self, data):
        """Writes to its standard input, and waits until it has read that: what comes next is read apart."""
        self._child.stdin.write(data)
        self._child.stdin.flush()
        left = array.array("i", [0])

        def is_read():
            fcntl.ioctl(self._child.stdin, termios.FIONREAD, left)
            return left[0] == 0

        until(is_read, "the child has read what it was told")

    def signal(self, number):
        self._child.send_signal(number)

    def wait(self, within=PATIENCE):
        try:
            code = self._child.wait(within)
        except subprocess.TimeoutExpired:
            raise TooLate(f"{self.argv[0]} (pid {self.pid}) did not end within {within:g} s") from None
        self.stdout.wait_ended(within)
        self.stderr.wait_ended(within)
        return code

    def kill(self):
        """SIGKILL to the process and to all it started. May be called again."""
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self._child.wait()

    def terminate(self, within=PATIENCE, by=SIGTERM):
        """A signal, then SIGKILL for whatever is left."""
        if self.exit_code is None:
            self.signal(by)
            try:
                self._child.wait(within)
            except subprocess.TimeoutExpired:
                pass
        self.kill()

    def peak_resident_bytes(self):
        return self._status("VmHWM") * 1024

    def resident_bytes(self):
        return self._status("VmRSS") * 1024

    def _status(self, key):
        with open(f"/proc/{self.pid}/status") as status:
            for line in status:
                if line.startswith(f"{key}:"):
                    return int(line.split()[1])
        raise KeyError(key)


def completed(argv, env=None, cwd=None, within=PATIENCE, stdin=None):
    """Runs a command to its end: exit code, stdout and stderr as text."""
    return subprocess.run(
        [str(a) for a in argv],
        input=stdin,
        capture_output=True,
        text=True,
        env={**os.environ, **(env or {})},
        cwd=cwd,
        timeout=within,
    )
