"""Servers that are known by name, while the name's addresses change."""

import os
import subprocess
import threading

import pytest

from support.names import NameServer
from support.origin import answer
from support.waiting import running, until

ROUTES = "routes: [{match: {prefix: /}, proxy: web}]\n"


def may_serve_names():
    return os.geteuid() == 0 and subprocess.run(["unshare", "--mount", "true"], capture_output=True).returncode == 0


pytestmark = pytest.mark.skipif(not may_serve_names(), reason="needs port 53 and mounts of its own")


@pytest.fixture
def names():
    started = []

    def start(*arguments, **more):
        started.append(NameServer(*arguments, **more))
        return started[-1]

    yield start
    for one in started:
        one.close()


def beside(origin, count):
    """Origins on 127.0.0.2, 127.0.0.3, … that share a port; each answers with its address."""

    def at(number, port):
        address = f"127.0.0.{number}"
        return origin(answer(address.encode()), name=address, address=address, port=port)

    first = at(2, 0)
    return [first] + [at(2 + i, first.address[1]) for i in range(1, count)]


def test_a_name_is_looked_up_at_once_when_its_server_cannot_be_reached(martlet, origin, names, tmp_path):
    a, b = beside(origin, 2)
    dns = names("web.test", ["127.0.0.2"], lifetime=3600)
    proxy = martlet(
        'pools: {web: {servers: ["web.test:$port"]}}\n' + ROUTES, port=a.address[1], prefix=dns.prefix(tmp_path)
    )
    until(lambda: proxy.get("/").body == b"127.0.0.2", "the first address serves")
    dns.addresses = ["127.0.0.3"]
    a.close()
    until(lambda: proxy.get("/").body == b"127.0.0.3", "the second address serves")
    assert dns.questions <= 10, "asked once a second at most"


def test_no_request_is_lost_while_the_addresses_of_a_name_change(martlet, origin, names, tmp_path):
    a, b, c = beside(origin, 3)
    dns = names("web.test", ["127.0.0.2", "127.0.0.3"])
    proxy = martlet(
        'pools: {web: {servers: ["web.test:$port"]}}\n' + ROUTES, port=a.address[1], prefix=dns.prefix(tmp_path)
    )
    until(lambda: proxy.get("/").status == 200, "the name is known")
    done = threading.Event()
    lost, served = [], []

    def work():
        with proxy.connect() as client:
            while not done.is_set():
                for response in (client.get("/"), client.ask("POST", "/", body=b"x" * 100)):
                    if response.status != 200:
                        lost.append(response)
                    served.append(response.body)

    def seen(count=100):
        """Who answers from now on."""
        start = len(served)
        until(lambda: len(served) >= start + count, f"{count} more answers")
        return {one.decode() for one in served[start + 10 : start + count]}

    with running(work, 4, done):
        until(lambda: seen() == {"127.0.0.2", "127.0.0.3"}, "both serve")
        dns.addresses = ["127.0.0.2", "127.0.0.3", "127.0.0.4"]
        until(lambda: seen() == {"127.0.0.2", "127.0.0.3", "127.0.0.4"}, "the new one serves, too")
        dns.addresses = ["127.0.0.3", "127.0.0.4"]
        until(lambda: seen() == {"127.0.0.3", "127.0.0.4"}, "nobody asks the one that left")
        a.close()
        assert seen() == {"127.0.0.3", "127.0.0.4"}
        dns.addresses = ["127.0.0.4"]
        until(lambda: seen() == {"127.0.0.4"}, "the last one serves alone")
        b.close()
        seen()
    assert not lost
    assert len(served) > 500
