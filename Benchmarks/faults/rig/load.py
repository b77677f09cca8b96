"""A steady load of tagged requests that knows what became of each.

Requests start at a steady rate whatever becomes of those before (an open loop: a stall costs as
many requests as users would have sent in it), each on an idle kept connection or a new one. A
request is lost when its answer is not 2xx, is somebody else's, ends early or does not come at all.
"""

import asyncio
import itertools
import re
import time
from collections import Counter
from dataclasses import dataclass

PATIENCE = 25  # seconds for an answer: more than any proxy holds a request
HEAD = re.compile(rb"HTTP/1\.1 (\d\d\d) ")
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)

_runs = itertools.count(1)


@dataclass
class Outcome:
    """What became of one request. `why` is None when it got its answer."""

    name: str
    method: str
    began: float
    took: float
    why: str | None


class Broken(Exception):
    """The connection ended where an answer was due."""


class Connection:
    """One kept connection of a client."""

    def __init__(self, reader, writer):
        self._reader, self._writer = reader, writer

    @classmethod
    async def open(cls, address, source=None):
        return cls(*await asyncio.open_connection(*address, local_addr=source))

    def has_ended(self):
        """Whether the proxy has closed it: known before a request is spent on it."""
        return self._reader.at_eof() or self._reader.exception() is not None or self._writer.is_closing()

    def close(self):
        self._writer.close()

    async def ask(self, method, target, body=b"", headers=()):
        """Status, body and whether the connection lives on."""
        lines = [f"{method} {target} HTTP/1.1", "Host: web.test", *headers]
        if method == "POST":
            lines.append(f"Content-Length: {len(body)}")
        try:
            self._writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
            head = await self._reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError as cut:
            raise Broken("cut in the head" if cut.partial else "closed without an answer") from None
        except OSError:
            raise Broken("reset without an answer") from None
        status, length = HEAD.match(head), LENGTH.search(head)
        if not status:
            raise Broken("not HTTP")
        kept = b"\r\nconnection: close" not in head.lower()
        try:
            if length:
                content = await self._reader.readexactly(int(length[1]))
            elif b"\r\ntransfer-encoding: chunked" in head.lower():
                content = await self._chunks()
            else:
                content, kept = await self._reader.read(), False
        except (asyncio.IncompleteReadError, OSError):
            raise Broken(f"{status[1].decode()} cut in the body") from None
        return int(status[1]), content, kept

    async def _chunks(self):
        content = b""
        while size := int((await self._reader.readuntil(b"\r\n")).split(b";")[0], 16):
            content += await self._reader.readexactly(size)
            await self._reader.readexactly(2)
        await self._reader.readuntil(b"\r\n")
        return content


class Load:
    """`rate` requests a second to one proxy; every `post_every`-th is a POST."""

    def __init__(self, address, rate=150, post_every=3):
        self.address = address
        self.rate, self.post_every = rate, post_every
        self.outcomes = []
        self._run = f"{time.time_ns():x}-{next(_runs)}"
        self._numbers = itertools.count()
        self._idle = []
        self._tasks = set()
        self._ticking = None

    async def __aenter__(self):
        self._ticking = asyncio.create_task(self._tick())
        return self

    async def __aexit__(self, *_):
        await self.stop()
        await self.finish()

    async def _tick(self):
        due = time.monotonic()
        while True:
            self.send()
            due += 1 / self.rate
            await asyncio.sleep(max(0, due - time.monotonic()))

    async def stop(self):
        """Sends no more; what was sent may still be answered."""
        self._ticking.cancel()

    async def finish(self):
        """Waits until every request has come to an end, good or bad."""
        while self._tasks:
            await asyncio.wait(self._tasks)
        for connection in self._idle:
            connection.close()
        self._idle.clear()

    def send(self, method=None, target="/work"):
        """One request, now."""
        number = next(self._numbers)
        method = method or ("POST" if number % self.post_every == 0 else "GET")
        task = asyncio.create_task(self._request(method, target, f"{self._run}-{number}"))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _request(self, method, target, name):
        began = time.monotonic()
        try:
            async with asyncio.timeout(PATIENCE):
                why = await self._exchange(method, f"{target}?id={name}", name)
        except TimeoutError:
            why = "no answer"
        self.outcomes.append(Outcome(name, method, began, time.monotonic() - began, why))

    async def _exchange(self, method, target, name):
        connection = await self._connection()
        if connection is None:
            return "no connection"
        kept = False
        try:
            status, content, kept = await connection.ask(method, target, b"x" * 200 if method == "POST" else b"")
        except Broken as broken:
            return str(broken)
        finally:
            if kept:
                self._idle.append(connection)
            else:
                connection.close()
        if not 200 <= status < 300:
            return str(status)
        return None if content.startswith(name.encode() + b" ") else "somebody else's answer"

    async def _connection(self):
        while self._idle:
            connection = self._idle.pop()
            if not connection.has_ended():
                return connection
            connection.close()
        try:
            return await Connection.open(self.address)
        except OSError:
            return None


def percentile(values, share):
    """The value that `share` of them do not exceed; 0 of nothing."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0


@dataclass
class Tally:
    """What a run came to.

    A lost GET could always have been saved: it may be sent again. A lost POST that a server has
    seen could not: nobody knows what it did. One that no server has seen was lost somewhere
    between: it could have been saved unless it had been sent already.
    """

    requests: int
    lost_gets: int
    lost_posts_unseen: int
    lost_posts_seen: int
    posts_twice: int
    p99: float
    longest: float
    reasons: Counter

    @property
    def lost(self):
        return self.lost_gets + self.lost_posts_unseen + self.lost_posts_seen


def tally(outcomes, effects):
    """`effects` counts how often servers have seen each name."""
    lost = [o for o in outcomes if o.why]
    posts = [o for o in lost if o.method == "POST"]
    times = [o.took for o in outcomes if not o.why]
    seen = sum(1 for o in posts if effects[o.name])
    return Tally(
        requests=len(outcomes),
        lost_gets=len(lost) - len(posts),
        lost_posts_unseen=len(posts) - seen,
        lost_posts_seen=seen,
        posts_twice=sum(1 for o in outcomes if o.method == "POST" and effects[o.name] > 1),
        p99=percentile(times, 0.99),
        longest=max(times, default=0.0),
        reasons=Counter(f"{o.method} {o.why}" for o in lost),
    )
