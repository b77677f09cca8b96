"""How it ends, and how it takes a new configuration."""

import os
import re
import shutil
import signal
import subprocess
import threading
import time

import pytest

from support.origin import answer
from support.process import completed
from support.waiting import PATIENCE, running, until
from support.wire import Client

PROXY = """
shutdown: {deadline: $deadline, lame_duck: 0s}
pools: {web: {servers: [$web]}}
routes:
  - match: {prefix: /}
    proxy: {pool: web, upgrade: [websocket]}
"""


def refuses(address):
    try:
        Client(address).close()
        return False
    except ConnectionError:
        return True


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_request_in_flight_is_finished_first(martlet, held, number):
    proxy = martlet(PROXY, web=held, deadline="20s")
    with Client(proxy.address) as busy, Client(proxy.address) as idle:
        assert idle.get("/").status == 200
        busy.write("GET", "/hold")
        assert held.next_request().target == "/"
        assert held.next_request().target == "/hold"
        proxy.signal(number)
        # An idle keep-alive connection ends politely: closed, nothing sent on it.
        idle.read_end()
        until(lambda: refuses(proxy.address), "no new connection is taken")
        assert proxy.exit_code is None
        held.release.set()
        response = busy.read_response()
        assert response.body == b"/hold"
        assert response.headers["Connection"].lower() == "close"
        busy.read_end()
    assert proxy.wait() == 0


def test_readiness_fails_first(martlet, held):
    proxy = martlet(PROXY, web=held, deadline="20s").wait_ready()
    with Client(proxy.address) as busy:
        busy.write("GET", "/hold")
        held.next_request()
        proxy.signal(signal.SIGTERM)
        until(lambda: proxy.admin("/readyz").status == 503, "not ready while draining")
        assert proxy.admin("/livez").status == 200
        held.release.set()
        assert busy.read_response().status == 200
    assert proxy.wait() == 0


def test_a_lame_duck_still_answers(martlet, held):
    proxy = martlet(PROXY.replace("lame_duck: 0s", "lame_duck: 1s"), deadline="20s", web=held).wait_ready()
    proxy.signal(signal.SIGTERM)
    until(lambda: proxy.admin("/readyz").status == 503, "not ready any more")
    assert proxy.get("/").body == b"/", "but answering, until everybody has noticed"
    assert proxy.wait() == 0


def test_a_lame_duck_serves_kept_and_new_connections_alike(martlet, held):
    proxy = martlet(PROXY.replace("lame_duck: 0s", "lame_duck: 3s"), deadline="20s", web=held).wait_ready()
    kept = [Client(proxy.address) for _ in range(20)]
    for one in kept:
        assert one.get("/").status == 200
    proxy.signal(signal.SIGTERM)
    until(lambda: proxy.admin("/readyz").status == 503, "not ready any more")
    for one in kept:
        # Its last answer says so, and only then it ends.
        assert says_farewell(one, "/")
        assert says_farewell(Client(proxy.address), "/")
    assert proxy.wait() == 0


def says_farewell(client, target):
    with client:
        response = client.get(target)
        assert (response.status, response.body) == (200, target.encode())
        assert response.headers["Connection"].lower() == "close"
        client.read_end()
        return True


DEFAULTS = "# shutdown: none\n" + PROXY.replace("shutdown: {deadline: $deadline, lame_duck: 0s}\n", "")


def test_with_the_defaults_a_request_soon_after_sigterm_is_served(martlet, held):
    proxy = martlet(DEFAULTS, web=held)
    with Client(proxy.address) as kept:
        assert kept.get("/").status == 200
        proxy.signal(signal.SIGTERM)
        proxy.stderr.wait_for("ending: accepting for 3 s more")
        # The time that may pass until a balancer has noticed is the matter of this test.
        time.sleep(0.3)
        assert says_farewell(Client(proxy.address), "/")
        assert says_farewell(kept, "/")
    assert proxy.wait() == 0


def test_with_the_defaults_who_has_said_nothing_yet_is_heard(martlet, held):
    """Silent connections stay with the kernel for a second: all have come before the listeners close."""
    proxy = martlet(DEFAULTS, web=held)
    silent = [Client(proxy.address) for _ in range(20)]
    proxy.signal(signal.SIGTERM)
    until(lambda: refuses(proxy.address), "no new connection is taken")
    for client in silent:
        assert says_farewell(client, "/")
    assert proxy.wait() == 0


def test_a_connection_that_says_nothing_is_taken_all_the_same(martlet, held):
    proxy = martlet(DEFAULTS, web=held)
    with Client(proxy.address) as silent:
        until(lambda: proxy.metrics()["martlet_connections_accepted_total"].value() >= 1, "it is taken")
        assert silent.get("/").status == 200
    proxy.signal(signal.SIGINT)
    assert proxy.wait() == 0


def test_with_the_defaults_the_ctrl_c_of_a_terminal_waits_for_nobody(martlet, held):
    proxy = martlet(DEFAULTS, web=held)
    with Client(proxy.address) as idle:
        assert idle.get("/").status == 200
        proxy.signal(signal.SIGINT)
        idle.read_end()
    assert proxy.wait() == 0
    assert "accepting for" not in proxy.stderr.text()


def test_who_connected_before_the_listeners_closed_is_heard(martlet, held):
    proxy = martlet(PROXY, web=held, deadline="20s")
    # The one worker does not turn, so that these wait in the kernel until it drains.
    proxy.signal(signal.SIGSTOP)
    waiting = [Client(proxy.address) for _ in range(20)]
    for client in waiting:
        client.write("GET", "/hold")
    proxy.signal(signal.SIGTERM)
    proxy.signal(signal.SIGCONT)
    # No answer comes before the end has begun.
    until(lambda: refuses(proxy.address), "no new connection is taken")
    held.release.set()
    for client in waiting:
        with client:
            response = client.read_response()
            assert response.status == 200
            assert response.headers["Connection"].lower() == "close"
            client.read_end()
    assert proxy.wait() == 0


@pytest.mark.skipif(shutil.which("wrk") is None, reason="wrk is not installed")
def test_sigterm_loses_no_request_under_load(martlet, origin):
    proxy = martlet("workers: 2\n" + PROXY.replace("lame_duck: 0s", "lame_duck: 3s"), web=origin(), deadline="20s")
    host, port = proxy.address
    load = ["wrk", "-t", "1", "-c", "16", "-d", "1s", f"http://{host}:{port}/"]
    with subprocess.Popen(load, stdout=subprocess.PIPE, text=True) as wrk:
        until(lambda: proxy.metrics()["martlet_connections_accepted_total"].value() >= 16, "wrk has begun")
        proxy.signal(signal.SIGTERM)
        said, _ = wrk.communicate(timeout=PATIENCE)
    assert "Requests/sec" in said
    assert "Socket errors" not in said and "Non-2xx" not in said, said
    assert proxy.wait() == 0


def test_the_deadline_ends_what_does_not_finish(martlet, held):
    proxy = martlet(PROXY, web=held, deadline="1s")
    with Client(proxy.address) as busy:
        busy.write("GET", "/hold")
        held.next_request()
        proxy.signal(signal.SIGTERM)
        assert proxy.wait() == 0
        held.release.set()


def test_a_second_signal_ends_at_once(martlet, held):
    proxy = martlet(PROXY, web=held, deadline="1h")
    with Client(proxy.address) as busy:
        busy.write("GET", "/hold")
        held.next_request()
        proxy.signal(signal.SIGTERM)
        until(lambda: refuses(proxy.address), "it drains")
        proxy.signal(signal.SIGTERM)
        code = proxy.wait()
        held.release.set()
        assert code in (0, 1, -signal.SIGTERM)
        proxy.expect_exit(code)


def test_a_tunnel_does_not_hold_the_exit_beyond_the_deadline(martlet, origin):
    def connected(stream):
        stream.read_request_head()
        stream.send(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
        stream.read_to_end()

    proxy = martlet(PROXY, web=origin(connected=connected), deadline="1s")
    with Client(proxy.address) as client:
        client.write("GET", "/", [("Connection", "Upgrade"), ("Upgrade", "websocket")])
        assert client.read_response_head().status == 101
        proxy.signal(signal.SIGTERM)
        assert proxy.wait() == 0


def test_it_ends_politely_as_the_first_process_of_a_container(martlet, held):
    """PID 1 has no default action for SIGTERM: what is not handled does nothing."""
    isolate = ["unshare", "--user", "--map-root-user", "--pid", "--fork", "--kill-child"]
    if completed([*isolate, "true"]).returncode != 0:
        pytest.skip("user namespaces are not permitted")
    proxy = martlet(PROXY, web=held, deadline="20s", prefix=isolate)
    assert proxy.get("/").body == b"/"
    with open(f"/proc/{proxy.pid}/task/{proxy.pid}/children") as children:
        first = int(children.read())
    os.kill(first, signal.SIGTERM)
    assert proxy.wait() == 0


RELOAD = """
pools: {web: {servers: [$web]}}
routes:
  - {match: {exact: /which}, respond: {status: 200, body: $which}}
  - {match: {prefix: /}, proxy: web}
"""


def test_sighup_takes_a_good_configuration(martlet, held, origin):
    proxy = martlet(RELOAD, web=held, which="first")
    other = origin(answer(b"other"))
    with proxy.connect() as busy, proxy.connect() as client:
        assert client.get("/which").body == b"first"
        busy.write("GET", "/hold")
        until(lambda: any(r.target == "/hold" for r in held.requests), "the request is on its way")
        proxy.write(RELOAD, web=other, which="second")
        proxy.reload()
        # On the connection that is open, and on new ones.
        until(lambda: client.get("/which").body == b"second", "the new configuration is in force")
        assert proxy.get("/").body == b"other"
        # What began before ends as it began.
        held.release.set()
        assert busy.read_response().body == b"/hold"


def test_sighup_loses_no_request(martlet, origin):
    web = origin()
    proxy = martlet("workers: 2\n" + RELOAD, web=web, which="n")
    done, failures, counts = threading.Event(), [], []

    def load(keep):
        count = 0
        while not done.is_set():
            try:
                with Client(proxy.address) as client:
                    for _ in range(keep):
                        assert client.get("/").status == 200
                        count += 1
            except Exception as failure:
                failures.append(repr(failure))
        counts.append(count)

    with running(lambda: load(1), 2, done), running(lambda: load(50), 2, done):
        for i in range(10):
            proxy.write("workers: 2\n" + RELOAD, web=web, which=f"n{i}")
            proxy.reload()
            until(lambda: proxy.get("/which").body == f"n{i}".encode(), "the new configuration is in force")
    # A connection that is closed between two requests is politeness; a refused or cut one is not.
    assert failures == []
    assert sum(counts) > 100


def test_sighup_ignores_a_bad_configuration_and_says_where_it_is_bad(martlet, held):
    proxy = martlet(RELOAD, web=held, which="first")
    good = proxy.file.read_text()
    proxy.file.write_text(good + "  - {match: {prefix: /x}, proxy: wbe}\nlimts: {body: 1KiB}\n")
    start = proxy.reload()
    found = proxy.stderr.wait_for(re.escape(str(proxy.file)) + r":(\d+):(\d+): ", start=start, count=2)
    lines = good.count("\n")
    assert {int(m[1]) for m in found} == {lines + 1, lines + 2}
    assert proxy.get("/which").body == b"first"
    proxy.wait_ready()
    # And takes the next good one.
    proxy.write(RELOAD, web=held, which="third")
    proxy.reload()
    until(lambda: proxy.get("/which").body == b"third", "the repaired configuration is in force")


def test_what_is_missing_on_disk_is_said_at_start_and_at_each_reload(martlet, tmp_path):
    """Not at the first 404: one line each, with its place, and once it is there none."""
    sites = tmp_path / "sites"
    sites.mkdir()
    # As ERPNext's containers leave it on a share: a link to a directory of their image.
    (sites / "assets").symlink_to(tmp_path / "image/assets")
    (sites / "apps.txt").write_text("frappe")
    proxy = martlet(
        """
routes:
  - {name: assets, match: {prefix: /assets}, files: {root: $sites}}
  - {name: public, match: {prefix: /files}, files: {root: $sites, try: "/{host}/public{path}"}}
  - {name: own, match: {prefix: /own}, files: {root: $sites, try: "/erp.test/public{path}"}}
  - {name: other, match: {prefix: /other}, files: {root: $sites/none}}
""",
        sites=sites,
    )
    lines = proxy.file.read_text().split("\n")

    def place(name):
        number = next(i for i, line in enumerate(lines, 1) if f"name: {name}," in line)
        key = "try" if "try:" in lines[number - 1] else "root"
        return f"{proxy.file}:{number}:{lines[number - 1].index(key + ': ') + len(key) + 3}"

    expected = [
        f"{place('assets')}: {sites}/assets is a symbolic link to {tmp_path}/image/assets, which is not here "
        "(ERPNext's containers make such a link to a directory of their own image; ",
        f"{place('public')}: no site is here: there is no directory {sites}/{{host}}/public (every file will be missing until there is one: ",
        f"{place('own')}: there is no directory {sites}/erp.test/public here (every file will be missing until it is there: ",
        f"{place('other')}: there is no directory {sites}/none here (every file will be missing until it is there)",
    ]

    def warnings(start):
        return [line.split(" warning ")[1] for line in proxy.stderr.since(start) if " warning " in line]

    def check(said):
        assert len(said) == len(expected), said
        assert all(a.startswith(b) for a, b in zip(said, expected)), said

    check(warnings(0))
    start = proxy.reload()
    proxy.stderr.wait_for("configuration reloaded", start=start)
    check(warnings(start))

    (tmp_path / "image/assets").mkdir(parents=True)
    (sites / "erp.test/public").mkdir(parents=True)
    (sites / "none").mkdir()
    start = proxy.reload()
    proxy.stderr.wait_for("configuration reloaded", start=start)
    assert not warnings(start)


def test_sighup_while_the_file_is_missing_changes_nothing(martlet, held):
    proxy = martlet(RELOAD, web=held, which="first")
    proxy.file.rename(proxy.file.with_suffix(".away"))
    start = proxy.reload()
    proxy.stderr.wait_for("martlet.yaml", start=start)
    assert proxy.get("/which").body == b"first"


WATCHED = "reload: {watch: 100ms}\n" + RELOAD


def test_a_file_that_is_renamed_into_place_is_noticed(martlet, origin):
    proxy = martlet(WATCHED, web=origin(), which="first")
    inplace = proxy.file
    good = inplace.read_text()

    def exchange(text):
        start = len(proxy.stderr)
        beside = inplace.with_suffix(".new")
        beside.write_text(text)
        beside.rename(inplace)
        return start

    with proxy.connect() as client:
        assert client.get("/which").body == b"first"
        exchange(good.replace("first", "second"))
        until(lambda: client.get("/which").body == b"second", "the new file is in force")
        # A bad one is said once, and the configuration goes on.
        start = exchange(good + "limts: {}\n")
        proxy.stderr.wait_for("configuration not reloaded", start=start)
        start = exchange(good.replace("first", "third"))
        until(lambda: client.get("/which").body == b"third", "the repaired file is in force")
    said = [line for line in proxy.stderr.since() if "configuration not reloaded" in line]
    assert len(said) == 1, said


def test_a_symbolic_link_that_is_exchanged_is_noticed(martlet, origin):
    """As Kubernetes mounts ConfigMaps and Secrets: file -> ..data/file, ..data -> a folder."""
    proxy = martlet(WATCHED, web=origin(), which="first")
    folder = proxy.file.parent
    good = proxy.file.read_text()

    def publish(version, which, secret):
        (folder / version).mkdir()
        (folder / version / "martlet.yaml").write_text(good.replace("body: first", which))
        (folder / version / "secret").write_text(secret)
        (folder / "next").symlink_to(version)
        (folder / "next").rename(folder / "..data")

    publish("..1", "body: second", "one")
    proxy.file.unlink()
    proxy.file.symlink_to("..data/martlet.yaml")
    until(lambda: proxy.get("/which").body == b"second", "what the link leads to is in force")
    secret = f'body: "${{file:{folder}/..data/secret}}"'
    publish("..2", secret, "two")
    until(lambda: proxy.get("/which").body == b"two", "the other folder is in force")
    # A secret alone changes, in place.
    (folder / "..2/secret").write_text("three")
    until(lambda: proxy.get("/which").body == b"three", "the other secret is in force")
