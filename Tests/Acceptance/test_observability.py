"""What an operator sees: access records, metrics, liveness and readiness."""

import json
import re
import threading
from datetime import datetime, timezone

import pytest

from support.origin import answer
from support.waiting import PATIENCE, until
from support.wire import Client

PROXY = """
pools:
  web: {servers: [{address: "$web", name: first}], timeouts: {response: 20s}}
routes:
  - {name: assets, match: {prefix: /assets}, files: {root: $root}}
  - {name: site, match: {prefix: /}, proxy: web}
"""

FIELDS = {
    "time", "client", "method", "target", "host", "status", "bytes_in", "bytes_out", "duration_ms", "connect_ms",
    "first_byte_ms", "route", "pool", "server", "attempts", "request_id", "reason", "user_agent",
}  # fmt: skip


@pytest.fixture
def root(tmp_path):
    (tmp_path / "assets").mkdir()
    (tmp_path / "assets/x.css").write_text("body {}")
    return tmp_path


def test_an_access_record_tells_everything(martlet, origin, root):
    proxy = martlet(PROXY, web=origin(answer(b"hello")), root=root)
    before = datetime.now(timezone.utc)
    proxy.ask("POST", '/a%2Fb?q="x"', {"User-Agent": 'agent "quoted" \\ caf\xe9', "Host": "erp.test:8080"}, b"12345")
    record = proxy.log_lines(1)[0]
    assert FIELDS <= set(record)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", record["time"])
    then = datetime.fromisoformat(record["time"])
    assert abs((then - before).total_seconds()) < 5
    assert record["client"] == "127.0.0.1"
    assert (record["method"], record["target"], record["host"]) == ("POST", '/a%2Fb?q="x"', "erp.test:8080")
    assert (record["status"], record["reason"], record["attempts"]) == (200, "ok", 1)
    assert (record["route"], record["pool"], record["server"]) == ("site", "web", "first")
    assert record["bytes_in"] >= 5 and record["bytes_out"] >= 5
    assert 0 <= record["connect_ms"] <= record["first_byte_ms"] <= record["duration_ms"] < 5000
    assert record["user_agent"].startswith('agent "quoted" \\ caf')
    assert record["request_id"]


def test_a_record_is_one_line_of_json_whatever_the_client_sends(martlet, origin, root):
    proxy = martlet(PROXY, web=origin(), root=root)
    agents = ['"},{"a":"b', "\\", "\\\\\"", "\t tab", "\x80\xff\xfe", "</script>", "%0a%0d", "\xe2\x80\xa8"]
    for agent in agents:
        proxy.get("/", {"User-Agent": agent})
    records = proxy.log_lines(len(agents))
    assert len(proxy.stdout) == len(agents)
    assert records[0]["user_agent"] == agents[0]


def test_files_and_missing_routes_are_recorded(martlet, origin, root):
    proxy = martlet(PROXY, web=origin(), root=root)
    proxy.get("/assets/x.css")
    proxy.get("/assets/none")
    file, missing = proxy.log_lines(2)
    assert (file["route"], file["status"], file["reason"]) == ("assets", 200, "ok")
    assert not file["pool"] and not file["server"]
    assert missing["status"] == 404
    assert file["bytes_out"] >= 7


def test_durations_are_those_of_the_request(martlet, origin, root):
    released = threading.Event()

    def behave(stream, request):
        assert released.wait(PATIENCE)
        stream.send(answer())
        return True

    proxy = martlet(PROXY, web=origin(behave), root=root)
    with proxy.connect() as client:
        client.write("GET", "/")
        client.socket.settimeout(0.3)
        with pytest.raises(TimeoutError):
            client._receive()
        client.socket.settimeout(PATIENCE)
        released.set()
        client.read_response()
    record = proxy.log_lines(1)[0]
    assert record["duration_ms"] >= 290 and record["first_byte_ms"] >= 290
    assert record["connect_ms"] < 290


def test_who_ended_it_is_told(martlet, origin, root, refused_port):
    def behave(stream, request):
        if request.target == "/wait":
            stream.read_some()
        elif request.target == "/cut":
            stream.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
        return False

    web = origin(behave)
    proxy = martlet(PROXY, web=web, root=root)
    with Client(proxy.address) as client:
        client.write("GET", "/wait")
        web.next_request()
    assert proxy.log_line(target="/wait")["reason"].== "client_closed:waiting"
    try:
        proxy.get("/cut")
    except (AssertionError, ConnectionError):
        pass
    assert proxy.log_line(target="/cut")["reason"].== "server_closed:response"
    with Client(proxy.address) as client:
        client.send(b"GET / HTTP/9.9\r\n\r\n")
        client.read_response()
    assert proxy.log_line(status=505)["reason"].== "refused:request"


def test_the_log_can_go_to_a_file(martlet, origin, root, tmp_path):
    file = tmp_path / "access.log"
    proxy = martlet(f"log: {{access: {file}}}\n" + PROXY, web=origin(), root=root)
    for _ in range(5):
        proxy.get("/")
    until(lambda: file.exists() and file.read_text().count("\n") == 5, "five lines")
    assert [json.loads(line)["status"] for line in file.read_text().splitlines()] == [200] * 5
    assert len(proxy.stdout) == 0


def test_the_log_can_be_off(martlet, origin, root):
    proxy = martlet("log: {access: off}\n" + PROXY, web=origin(), root=root)
    for _ in range(5):
        assert proxy.get("/").status == 200
    proxy.stop()
    assert len(proxy.stdout) == 0


def test_what_was_logged_is_written_before_the_end(martlet, origin, root):
    proxy = martlet(PROXY, web=origin(), root=root)
    with proxy.connect() as client:
        for _ in range(500):
            client.get("/")
    proxy.stop()
    assert len(proxy.stdout) == 500
    assert all(json.loads(line)["status"] == 200 for line in proxy.stdout.since())


def test_livez_and_readyz(martlet, origin, root):
    proxy = martlet(PROXY, web=origin(), root=root).wait_ready()
    assert proxy.admin("/livez").status == 200
    assert proxy.admin("/readyz").status == 200
    assert proxy.admin("/readyz", "HEAD").status == 200
    assert proxy.admin("/nowhere").status == 404
    assert proxy.admin("/metrics", "DELETE").status == 405
    # The admin's pages are not on the public listener.
    assert proxy.get("/metrics").body == b"ok"


def test_metrics_are_prometheus_text_and_count(martlet, origin, root):
    proxy = martlet(PROXY, web=origin(), root=root)

    def counted():
        return {
            name: family.value("_count" if family.type == "histogram" else "")
            for name, family in proxy.metrics().items()
        }

    response = proxy.admin("/metrics")
    assert response.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    before = counted()
    assert before and all(name.startswith(("martlet_", "process_")) for name in before)
    with proxy.connect() as client:
        for _ in range(10):
            client.get("/")
        for _ in range(5):
            client.get("/assets/none")
        families = proxy.metrics()
        histograms = [f for f in families.values() if f.type == "histogram"]
        assert histograms, "latency is told as histograms"
        assert all(f.name.endswith("_seconds") for f in histograms if "duration" in f.name or "latency" in f.name)
    total = "martlet_http_requests_total"
    until(lambda: counted()[total] - before[total] == 15, "fifteen requests are counted")
    assert proxy.metrics()[total].value(route="site") == 10
    assert proxy.metrics()["martlet_http_request_duration_seconds"].value("_count") == 15


def test_metrics_of_connections_return_to_nothing(martlet, origin, root):
    proxy = martlet(PROXY, web=origin(), root=root)

    def gauge():
        return proxy.metrics()["martlet_connections"].value(side="client")

    assert gauge() == 0
    clients = [proxy.connect() for _ in range(7)]
    for client in clients:
        assert client.get("/").status == 200
    until(lambda: gauge() == 7, "seven clients are counted")
    proxy.close_clients()
    until(lambda: gauge() == 0, "and none when they have left")


def test_admin_can_be_absent(martlet, origin, root):
    proxy = martlet("# admin: none\n" + PROXY, web=origin(), root=root)
    assert proxy.get("/").status == 200
    assert "admin listening" not in proxy.stderr.text()
