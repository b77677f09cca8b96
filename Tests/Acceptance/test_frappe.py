"""`martlet frappe`: the front end of frappe_docker without a file."""

import json
import re
import signal

import pytest

from support.martlet import BINARY, ROOT, command
from support.origin import answer
from support.process import Process
from support.waiting import until
from support.wire import Client, ask, parse_address


@pytest.fixture
def frappe(tmp_path):
    """Starts `martlet frappe` with these variables; answers an address."""
    started = []

    def start(*arguments, **variables):
        (tmp_path / "sites/erp.test/public").mkdir(parents=True, exist_ok=True)
        places = ["--listen", "127.0.0.1:0", "--sites", tmp_path / "sites"]
        process = Process([BINARY, "frappe", *places, *arguments], env=variables)
        started.append(process)
        return parse_address(process.stderr.wait_for(r"(?<!admin )listening on (\S+:\d+)")[0][1])

    start.processes = started
    yield start
    for process in started:
        process.terminate(by=signal.SIGINT)


def get(address, target, **more):
    return ask(address, "GET", target, host="erp.test", **more)


def test_requests_go_round_and_past_a_backend_that_is_gone(frappe, gunicorn):
    one, two = gunicorn("one"), gunicorn("two")
    address = frappe(BACKEND=f"{one}, {two}", SOCKETIO=f"{one},{two}")
    for target in ("/api/method/ping", "/socket.io/"):
        assert get(address, target).status in (200, 404)
    seen = {get(address, "/api/method/ping").headers["X-Instance"] for _ in range(20)}
    assert seen == {"one", "two"}
    one.kill()
    for _ in range(20):
        answered = get(address, "/api/method/ping")
        assert (answered.status, answered.headers["X-Instance"]) == (200, "two")
        # What never reached the dead one may go to the other, whatever its method.
        assert ask(address, "POST", "/api/method/ping", body=b"x", host="erp.test").headers["X-Instance"] == "two"


def test_a_client_stays_with_one_realtime_server(frappe, origin):
    servers = [origin(answer(str(i).encode())) for i in range(3)]
    address = frappe(BACKEND=str(servers[0]), SOCKETIO=",".join(map(str, servers)))
    for client in range(5):
        seen = {get(address, "/socket.io/?x", headers={"Cookie": f"sid=s{client}"}).body for _ in range(5)}
        assert len(seen) == 1


def test_a_site_can_be_fixed(frappe, origin, tmp_path):
    web = origin()
    address = frappe(BACKEND=str(web), SOCKETIO=str(web), FRAPPE_SITE_NAME_HEADER="erp.test")
    (tmp_path / "sites/erp.test/public/robots.txt").write_text("public")
    assert ask(address, "GET", "/robots.txt", host="10.0.0.1:8080").body == b"public"
    ask(address, "GET", "/api", host="Other.test:8080")
    seen = web.next_request().headers
    assert (seen["Host"], seen["X-Frappe-Site-Name"]) == ("other.test", "erp.test")


def test_variables_of_its_own_move_what_the_image_fixes(origin, tmp_path):
    (tmp_path / "sites/erp.test/public").mkdir(parents=True)
    (tmp_path / "sites/erp.test/public/a.txt").write_text("a")
    web = str(origin())
    process = Process(
        [BINARY, "frappe"],
        env={"BACKEND": web, "SOCKETIO": web, "MARTLET_LISTEN": "127.0.0.1:0", "MARTLET_SITES": str(tmp_path / "sites"), "MARTLET_ADMIN": "127.0.0.1:0"},
    )
    try:
        admin = parse_address(process.stderr.wait_for(r"admin listening on (\S+:\d+)")[0][1])
        address = parse_address(process.stderr.wait_for(r"(?<!admin )listening on (\S+:\d+)")[0][1])
        assert get(address, "/a.txt").body == b"a"
        until(lambda: ask(admin, "GET", "/readyz").status == 200, "it is ready")
    finally:
        process.terminate(by=signal.SIGINT)


def test_a_limit_is_written_as_nginx_writes_it(frappe, origin):
    web = origin()
    address = frappe(BACKEND=str(web), SOCKETIO=str(web), CLIENT_MAX_BODY_SIZE="1k", PROXY_READ_TIMEOUT="1h 30m")
    assert ask(address, "POST", "/api", body=b"x" * 1024, host="erp.test").status == 200
    assert ask(address, "POST", "/api", body=b"x" * 1025, host="erp.test").status == 413


PROXY_LINE = b"PROXY TCP4 203.0.113.9 192.0.2.1 40000 443\r\n"


def test_a_balancer_may_say_whose_connection_it_is(frappe, origin):
    """nginx: `real_ip_header proxy_protocol` with `listen … proxy_protocol`."""
    web = origin()
    address = frappe(
        "--admin", "127.0.0.1:0", BACKEND=str(web), SOCKETIO=str(web), UPSTREAM_REAL_IP_HEADER="proxy_protocol",
        UPSTREAM_REAL_IP_ADDRESS="127.0.0.1")

    def seen(preface=b"", source=None, **headers):
        with Client(address, source=source) as client:
            client.send(preface)
            assert client.get("/api", headers, host="erp.test").status == 200
        return web.next_request().headers["X-Forwarded-For"]

    assert seen(PROXY_LINE) == "203.0.113.9"
    # What anybody says in a header is not believed.
    claim = {"X-Forwarded-For": "6.6.6.6"}
    assert seen(PROXY_LINE, **claim) == "203.0.113.9"
    assert seen(b"PROXY UNKNOWN\r\n", **claim) == "127.0.0.1"
    assert seen(source="127.0.0.2", **claim) == "127.0.0.2"
    records = frappe.processes[0].stdout
    records.wait_for("^{", count=4)
    clients = sorted(json.loads(line)["client"] for line in records.since())
    assert clients == ["127.0.0.1", "127.0.0.2", "203.0.113.9", "203.0.113.9"]
    with Client(address) as client:
        client.write("GET", "/api", host="erp.test")
        client.read_end()


def test_nginx_needs_more_than_the_variable_to_take_it(nginx, tmp_path):
    """Why the variable alone is enough here: in nginx's image it says nothing, and the header is a bad request."""
    peer = nginx(
        f"listen unix:{tmp_path}/behind proxy_protocol; set_real_ip_from unix:; real_ip_header proxy_protocol;\n"
        "location / { return 200 $remote_addr; }")
    for path, preface, status, body in (
        (peer.address, b"", 200, b"unix:"),
        (peer.address, PROXY_LINE, 400, None),
        (f"{tmp_path}/behind", PROXY_LINE, 200, b"203.0.113.9"),
    ):
        with Client(path) as client:
            client.send(preface)
            response = client.get("/", {"X-Forwarded-For": "6.6.6.6"})
            assert response.status == status and body in (None, response.body)


def test_the_shipped_file_is_what_it_prints():
    printed = command("frappe", "--print")
    assert printed.returncode == 0
    assert printed.stdout == (ROOT / "config/frappe.yaml").read_text()


def test_what_it_prints_is_right(tmp_path):
    variables = {
        "BACKEND": "one:8000,two", "SOCKETIO": "rt:9000", "UPSTREAM_REAL_IP_ADDRESS": "localhost", "UPSTREAM_REAL_IP_HEADER": "X-Real-IP",
        "UPSTREAM_REAL_IP_RECURSIVE": "on", "FRAPPE_SITE_NAME_HEADER": "erp.example.com", "PROXY_READ_TIMEOUT": "300", "CLIENT_MAX_BODY_SIZE": "0",
    }  # fmt: skip
    printed = command("frappe", "--print", "--sites", "/srv/${x}\"\\", "--admin", ":9", env=variables)
    file = tmp_path / "martlet.yaml"
    file.write_text(printed.stdout)
    checked = command("check", "--effective", file)
    assert checked.returncode == 0, checked.stderr
    effective = checked.stdout
    for line in ("address: one:8000", "address: two:80", "header: X-Real-IP", "recursive: true", "site: erp.example.com", "response: 5m", 'body: "0"'):
        assert re.search(rf"^\s*(- )?{re.escape(line)}$", effective, re.MULTILINE), line
    assert "127.0.0.1" in re.search(r"^trusted_proxies: (.*)$", effective, re.MULTILINE)[1]


def test_it_prints_where_a_balancer_says_whose_connection_it_is(tmp_path):
    printed = command(
        "frappe", "--print", "--listen", "127.0.0.1:8080, [::1]:8080",
        env={"UPSTREAM_REAL_IP_HEADER": "proxy_protocol", "UPSTREAM_REAL_IP_ADDRESS": "10.0.0.0/8"})
    file = tmp_path / "martlet.yaml"
    file.write_text(printed.stdout)
    checked = command("check", "--effective", file)
    assert checked.returncode == 0, checked.stderr
    assert len(re.findall(r"^ *from: +- 10.0.0.0/8$|^ *from: 10.0.0.0/8$|^ *from: \[10.0.0.0/8\]$", checked.stdout, re.MULTILINE)) == 2
    assert re.search(r"^trusted_proxies: \[\]$", checked.stdout, re.MULTILINE)


@pytest.mark.parametrize(
    "variable, value, problem",
    [
        ("BACKEND", "a b:8000", "is no host and port"),
        ("SOCKETIO", ",", "names no server"),
        ("BACKEND", "unix:/run/x", "is no host and port"),
        ("FRAPPE_SITE_NAME_HEADER", "$http_x_site", "is neither $host nor the name of a site"),
        ("UPSTREAM_REAL_IP_RECURSIVE", "yes", "is neither on nor off"),
        ("UPSTREAM_REAL_IP_HEADER", "X Real", '"X Real" is not the name of a header'),
        ("PROXY_READ_TIMEOUT", "soon", '"soon" is not a duration'),
        ("CLIENT_MAX_BODY_SIZE", "50mb", '"50mb" has no unit'),
    ],
)
def test_a_wrong_value_is_named_and_nothing_starts(variable, value, problem):
    ended = command("frappe", "--listen", "127.0.0.1:0", env={variable: value})
    assert ended.returncode == 78
    assert variable in ended.stderr and problem in ended.stderr


GIBIBYTE = 1 << 30


def test_a_large_private_file_costs_neither_a_thread_nor_memory(frappe, gunicorn, tmp_path):
    private = tmp_path / "sites/erp.test/private/files"
    private.mkdir(parents=True)
    with open(private / "backup.sql", "wb") as file:
        file.truncate(GIBIBYTE)
    # One thread: it must be free as soon as it has said that the client may have the file.
    web = gunicorn("one", workers=1, threads=1, application="parity_origin:application")
    address = frappe(BACKEND=str(web), SOCKETIO=str(web))
    with Client(address, receive_buffer=64 << 10) as client:
        client.write("GET", "/private/files/backup.sql", {"Cookie": "sid=0123456789abcdef"}, host="erp.test")
        head = client.read_response_head()
        assert (head.status, head.headers["Content-Length"]) == (200, str(GIBIBYTE))
        # It reads nothing of the file now, and others are served.
        for _ in range(3):
            assert get(address, "/api/method/ping").status == 200
        left = GIBIBYTE
        while left > 0:
            left -= len(client.read_some())
        assert left == 0
    status = open(f"/proc/{frappe.processes[0].pid}/status").read()
    assert int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) < 48 << 10
