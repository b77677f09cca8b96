"""Where Martlet means to differ from nginx: every rule with its reason, each as narrow as it can be.

A rule looks at one difference of one row and says whether it explains it. What no rule explains
fails the tests, and so does a rule that explains nothing.
"""

import re

from .frontend import SECURITY_HEADERS

RULES = []


def deliberate(rule):
    """Adds a rule: its name says what differs, its docstring why."""
    RULES.append(rule)
    return rule


def explained_by(row, difference, nginx, martlet):
    """The rules that explain a difference."""
    return [rule for rule in RULES if rule(row, difference, nginx, martlet)]


# What every answer shows.


@deliberate
def no_server_is_named(row, difference, nginx, martlet):
    """A version in `Server` helps attackers only."""
    return difference.aspect == "header server" and difference.martlet == ()


@deliberate
def keep_alive_goes_without_saying(row, difference, nginx, martlet):
    """HTTP/1.1 keeps connections unless told otherwise (RFC 9112 9.3): saying so costs bytes."""
    return row.version == "1.1" and _is(difference, "header connection", ("keep-alive",), ())


# Pages of the proxy's own.

PAGE = {"body", "reason", "header content-type", "header content-length"}


@deliberate
def pages_of_its_own(row, difference, nginx, martlet):
    """nginx names itself in its pages; the phrases of Martlet's statuses are those of RFC 9110."""
    answer, other = nginx.answers[difference.number], martlet.answers[difference.number]
    # Of a HEAD's answer its type and length are all that there is.
    headed = row.methods[difference.number] == "HEAD" and answer.all("content-type") == ["text/html"]
    own = b"<hr><center>nginx" in answer.body or headed and (nginx.received == [] or answer.status in (502, 504))
    return own and answer.status == other.status and difference.aspect in PAGE


@deliberate
def methods_are_told_with_405(row, difference, nginx, martlet):
    """RFC 9110 15.5.6 wants `Allow`."""
    return _statuses(nginx, martlet) == (405, 405) and _is(difference, "header allow", (), ("GET, HEAD",))


# What two parsers could read differently is refused: what nginx forwards, Martlet answers with 400.

HOST = re.compile(r"(?:(?:[A-Za-z0-9_-]+\.?)+|\[[0-9A-Fa-f:.]+\])(?::([0-9]{1,5}))?")


@deliberate
def hosts_are_names_or_addresses(row, difference, nginx, martlet):
    """A Host is a name or an address with a port (RFC 9110 7.2): nothing else reaches a site's folder."""
    field = re.search(rb"\r\nHost: (.*?)\r\n", row.request)
    host = field and HOST.fullmatch(field[1].decode("latin-1"))
    odd = field is not None and (host is None or int(host[1] or 80) > 65535)
    return odd and _is_of_refusal(difference, martlet, 400)


@deliberate
def targets_have_one_host(row, difference, nginx, martlet):
    """An address in a request line that is not the Host's: a proxy in between could have believed either."""
    target, host = re.match(rb"GET https?://([^/?:]*)", row.request), re.search(rb"\r\nHost: ([^:\r]*)", row.request)
    return bool(target and host) and target[1] != host[1] and _is_of_refusal(difference, martlet, 400)


@deliberate
def targets_are_of_uri_characters(row, difference, nginx, martlet):
    """A fragment and bytes beyond ASCII belong into no request line (RFC 9112 3.2); browsers send neither."""
    return bool(re.search(rb"[#\x80-\xff]", row.line)) and _is_of_refusal(difference, martlet, 400)


@deliberate
def lines_end_in_crlf(row, difference, nginx, martlet):
    """Bare LF and white space beyond the grammar have smuggled requests."""
    odd = b"\r\n" not in row.request or row.request.startswith(b"\r\n\r\n") or b"  HTTP/1.1" in row.request
    return odd and _is_of_refusal(difference, martlet, 400)


@deliberate
def fields_are_well_formed(row, difference, nginx, martlet):
    """A field without a colon, a name that is no token or a control byte: nginx drops or forwards it."""
    lines = row.request.partition(b"\r\n\r\n")[0].split(b"\r\n")[1:]
    odd = any(line and not re.match(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t\x20-\x7e\x80-\xff]*$", line) for line in lines)
    return odd and _is_of_refusal(difference, martlet, 400)


@deliberate
def http_0_9_is_gone(row, difference, nginx, martlet):
    """nginx asks the origin and sends the body alone; nobody has spoken it for decades."""
    return row.request == b"GET /x\r\n" and nginx.answers[0].status is None and martlet.answers[0].status == 400


@deliberate
def codings_that_are_none(row, difference, nginx, martlet):
    """`Transfer-Encoding: identity` is no coding any more (RFC 9112 7): malformed rather than unknown."""
    return (
        b"Transfer-Encoding: identity" in row.request
        and _statuses(nginx, martlet) == (501, 400)
        and difference.aspect in {"status", *PAGE}
    )


@deliberate
def expectations_that_are_unknown(row, difference, nginx, martlet):
    """417 for an expectation that nobody meets (RFC 9110 10.1.1)."""
    return bool(re.search(rb"\r\nExpect: (?!100-)", row.request)) and _is_of_refusal(difference, martlet, 417)


@deliberate
def methods_that_are_unknown(row, difference, nginx, martlet):
    """501 says it better than 400 or 405: no route has TRACE, CONNECT or a method in small letters."""
    return bool(re.match(rb"(TRACE|CONNECT|[a-z]+) ", row.request)) and _is_of_refusal(difference, martlet, 501)


@deliberate
def heads_that_are_too_large(row, difference, nginx, martlet):
    """431 (RFC 6585) says what is too large."""
    return _statuses(nginx, martlet) == (400, 431) and difference.aspect in {"status", *PAGE}


@deliberate
def fields_are_counted(row, difference, nginx, martlet):
    """250 are more than twice what gunicorn takes; nginx forwards what it then refuses."""
    fields = row.request.partition(b"\r\n\r\n")[0].count(b"\r\n")
    return fields > 250 and _is_of_refusal(difference, martlet, 431)


@deliberate
def one_field_may_fill_the_head(row, difference, nginx, martlet):
    """nginx limits a field to 8 KiB for its buffers' sake; here the sum alone is limited, to nginx's 32 KiB."""
    return _statuses(nginx, martlet) == (400, 200) and any(len(line) > 8192 for line in row.request.split(b"\r\n")[1:])


# Bodies.


@deliberate
def a_body_that_is_refused_ends_the_connection(row, difference, nginx, martlet):
    """What follows a body that nobody wanted is never read as a request."""
    refused = martlet.answers[-1].status in (301, 404, 405, 413) and re.search(
        rb"\r\n(Content-Length|Transfer-Encoding):", row.request
    )
    return bool(refused) and (
        _is(difference, "header connection", ("keep-alive",), ("close",)) or _is(difference, "keep-alive", True, False)
    )


@deliberate
def nobody_is_told_to_continue_in_vain(row, difference, nginx, martlet):
    """No 100 when the body is here already, or when there is none (RFC 9110 10.1.1)."""
    return _is(difference, "interim answers", (100,), ()) and not row.then


# To the origin.


@deliberate
def connections_to_the_origin_are_kept(row, difference, nginx, martlet):
    """nginx connects anew for each request; Martlet keeps connections, and HTTP/1.1 needs no word for it."""
    return _is(difference, "origin header connection", ("close",), ())


@deliberate
def sessions_are_opened_in_the_clear(row, difference, nginx, martlet):
    """What a handshake of Engine.IO answers is read here: the session in it stays with its server."""
    opens = row.request.startswith(b"GET /socket.io/?") and b"transport=polling" in row.request and b"sid=" not in row.request
    return opens and difference.aspect == "origin header accept-encoding" and difference.martlet == ()


@deliberate
def only_an_upgrade_says_so(row, difference, nginx, martlet):
    """nginx asks the realtime server to upgrade, and to nothing, with each poll."""
    return _is(difference, "origin header connection", ("upgrade",), ()) and b"transport=websocket" not in row.line


@deliberate
def upgrades_are_spelled_one_way(row, difference, nginx, martlet):
    """Of names that compare without case, servers get the one that they know."""
    return _is(difference, "origin header upgrade", ("WebSocket",), ("websocket",))


@deliberate
def a_kept_connection_that_ends_is_replaced(row, difference, nginx, martlet):
    """An origin may close a kept connection at any time: what is idempotent goes once more, on a new one (RFC 9112 9.3.1)."""
    again = difference.aspect == "origin requests" and row.methods[-1] in ("GET", "HEAD") and nginx.received != []
    return again and difference.martlet == [*difference.nginx, nginx.received[-1].line]


@deliberate
def no_site_is_called_host(row, difference, nginx, martlet):
    """A client of HTTP/1.0 that names no Host has none: nginx tells the literal text `$host`, or the fixed site."""
    told = difference.aspect in ("origin header host", "origin header x-frappe-site-name", "origin header origin")
    return b"\r\nHost:" not in row.request and told and difference.nginx in (("$host",), ("http://$host",), ("fixed.test",))


ADDRESSES = {
    # In brackets, as a URL has it.
    "[2001:db8::1]": "2001:db8::1",
    # IPv4 in IPv6's clothes.
    "::ffff:1.2.3.4": "1.2.3.4",
    # Octal or not? It is no address.
    "01.1.1.1": "127.0.0.1",
}


@deliberate
def addresses_are_read_with_care(row, difference, nginx, martlet):
    """Of ways to write an address nginx misses some, and takes one that systems read differently."""
    sent = re.search(rb"\r\nX-Forwarded-For: (.*?)\r\n", row.request)
    return (
        bool(sent)
        and difference.aspect == "origin header x-forwarded-for"
        and difference.martlet == (ADDRESSES.get(sent[1].decode()),)
    )


@deliberate
def requests_have_an_id(row, difference, nginx, martlet):
    """It is in Martlet's log and in the origin's, so that one finds a request in both."""
    new = difference.aspect == "origin header x-request-id" and difference.nginx == ()
    return new and re.fullmatch("[0-9a-f]{32}", difference.martlet[0]) is not None


@deliberate
def no_addresses_so_far_are_none(row, difference, nginx, martlet):
    """nginx appends to an empty X-Forwarded-For as to an address."""
    return _is(difference, "origin header x-forwarded-for", (", 127.0.0.2",), ("127.0.0.2",))


@deliberate
def names_of_fields_are_tokens(row, difference, nginx, martlet):
    """nginx drops names with other than letters, digits and `-`; they are as valid (RFC 9110 5.6.2), `_` alone is dropped."""
    return bool(re.fullmatch("origin header [a-z0-9-]+[.!*+].*", difference.aspect)) and difference.nginx == ()


@deliberate
def options_of_the_whole_server_are_the_origins(row, difference, nginx, martlet):
    """`OPTIONS *` is valid (RFC 9112 3.2.4): nginx answers 400."""
    return row.line.startswith(b"OPTIONS * ") and _statuses(nginx, martlet) == (400, 200) and difference.aspect not in SECURITY


HOP_BY_HOP = ("proxy-connection", "proxy-authorization", "trailer", "te", "upgrade", "http2-settings", "keep-alive")


@deliberate
def hop_by_hop_fields_end_here(row, difference, nginx, martlet):
    """Fields of a connection, and those that Connection names, are for one hop (RFC 9110 7.6.1)."""
    name = difference.aspect.removeprefix("origin header ")
    if name == difference.aspect or difference.martlet != ():
        return False
    named = re.search(rb"\r\nConnection: (.*?)\r\n", row.request)
    if name == "upgrade" and difference.nginx[0].lower() == "websocket":
        return not (row.line.startswith(b"GET /socket.io") and re.search(rb"\r\nConnection: .*upgrade", row.request, re.I))
    return name in HOP_BY_HOP or bool(named) and name in named[1].decode().lower().split(", ")


@deliberate
def hop_by_hop_fields_of_the_origin_end_here(row, difference, nginx, martlet):
    """The same for answers."""
    name = difference.aspect.removeprefix("header ")
    named = "Connection: X-Hop" in repr(row.answer)
    return difference.martlet == () and (name in HOP_BY_HOP or name == "proxy-authenticate" or named and name == "x-hop")


@deliberate
def dates_are_the_origins(row, difference, nginx, martlet):
    """An answer was made when its origin says (RFC 9110 6.6.1)."""
    return difference.aspect == "header date" and "Date: " in repr(row.answer) and difference.martlet[0] in repr(row.answer)


@deliberate
def types_of_the_origin_are_not_chosen_from(row, difference, nginx, martlet):
    """Of two Content-Types nginx drops the first."""
    return _is(difference, "header content-type", ("c/d",), ("a/b", "c/d"))


@deliberate
def upstreams_have_no_name(row, difference, nginx, martlet):
    """nginx takes the name of its own upstream for the server's: no server ever sends it."""
    return _is(difference, "header location", ("/abc",), ("http://socketio-server/abc",))


@deliberate
def padding_passes(row, difference, nginx, martlet):
    """nginx hides X-Pad, with which a server of 1997 worked around a browser of its time."""
    return _is(difference, "header x-pad", (), ("p",))


# What comes of bad origins.


@deliberate
def what_came_before_a_cut_is_passed_on(row, difference, nginx, martlet):
    """nginx throws away what it holds when the origin is too late with the rest."""
    return row.variant == "impatient" and difference.aspect == "body" and (difference.nginx, difference.martlet) == (b"", b"half")


@deliberate
def a_chunk_that_is_none_cuts_the_answer(row, difference, nginx, martlet):
    """The head has gone out when the chunk comes; nginx has said nothing yet and closes."""
    return row.unsafe and nginx.answers[0].status is None and not martlet.answers[0].complete


@deliberate
def answers_that_two_could_read_differently(row, difference, nginx, martlet):
    """An origin's head that is malformed, or framed twice, is answered with 502 rather than passed on."""
    if difference.aspect in SECURITY and nginx.answers[0].status is not None:
        return False
    return row.unsafe and martlet.answers[0].status == 502


# Redirects.


@deliberate
def locations_are_escaped(row, difference, nginx, martlet):
    """nginx decodes what is not allowed in a URL, `?` included, which leads elsewhere: here it stays escaped."""
    if difference.aspect != "header location" or nginx.received != [] or len(difference.nginx) != 1:
        return False
    path, query = difference.nginx[0], ""
    if b"?" in row.line:
        path, _, query = difference.nginx[0].partition("?")
    escaped = re.sub(r'[?<>|{}"\\]', lambda found: f"%{ord(found[0]):02X}", path)
    return escaped != path and difference.martlet == (escaped + ("?" + query if query else ""),)


# Framing.


@deliberate
def compressed_bodies_may_be_counted(row, difference, nginx, martlet):
    """nginx sends what it compresses in chunks; Martlet counts it when it is here whole."""
    both = all(exchange.answers[0].is_compressed() for exchange in (nginx, martlet))
    return both and difference.aspect in ("header content-length", "header transfer-encoding")


@deliberate
def vary_names_each_once(row, difference, nginx, martlet):
    """It is a list without order (RFC 9110 12.5.5): nginx puts its own line before the origin's, whatever that says."""
    if difference.aspect != "header vary" or "Accept-Encoding" not in difference.nginx:
        return False
    both, once = (", ".join(lines).split(", ") for lines in (difference.nginx, difference.martlet))
    return len(set(once)) == len(once) and (set(once) == set(both) or once == ["*"] and "*" in both)


# Files.

TYPES = {
    "mjs": "text/javascript",
    "map": "application/json",
    "csv": "text/csv",
    "md": "text/markdown",
    "webmanifest": "application/manifest+json",
    "ttf": "font/ttf",
    "otf": "font/otf",
}


@deliberate
def types_that_debian_does_not_know(row, difference, nginx, martlet):
    """As application/octet-stream a module would not run, for `nosniff` is set."""
    extension = re.search(rb"\.(\w+) HTTP/", row.line)
    return extension is not None and _is(
        difference, "header content-type", ("application/octet-stream",), (TYPES.get(extension[1].decode()),)
    )


@deliberate
def source_maps_are_compressed(row, difference, nginx, martlet):
    """They are JSON."""
    fields = ("vary", "content-encoding", "content-length", "etag", "accept-ranges")
    return b".map HTTP" in row.line and difference.aspect in {f"header {name}" for name in fields}


@deliberate
def hashed_bundles_are_kept_for_good(row, difference, nginx, martlet):
    """The name of a bundle changes with its content."""
    hashed = re.search(rb"\.bundle\.[0-9A-Z]{8}\.", row.line)
    return bool(hashed) and _is(difference, "header cache-control", (), ("public, max-age=31536000, immutable",))


@deliberate
def a_failed_precondition_keeps_the_connection(row, difference, nginx, martlet):
    """nginx closes after a 412 although it says the contrary."""
    return _statuses(nginx, martlet) == (412, 412) and _is(difference, "keep-alive", False, True)


@deliberate
def security_headers_once_with_416(row, difference, nginx, martlet):
    """nginx says each twice."""
    return (
        _statuses(nginx, martlet) == (416, 416) and difference.aspect in SECURITY and difference.nginx == difference.martlet * 2
    )


@deliberate
def a_failed_precondition_keeps_what_the_backend_said(row, difference, nginx, martlet):
    """With every other status of a permitted file nginx does so, too."""
    kept = ("header cache-control", "header content-disposition", "header expires", "header set-cookie")
    return (
        _statuses(nginx, martlet) == (412, 412) and bool(nginx.received) and difference.aspect in kept and difference.nginx == ()
    )


@deliberate
def a_page_of_an_error_is_no_download(row, difference, nginx, martlet):
    """nginx takes its 416 for the 206 that it began."""
    return _statuses(nginx, martlet) == (416, 416) and _is(difference, "header content-disposition", ("attachment",), ())


@deliberate
def permissions_lead_on_a_few_times(row, difference, nginx, martlet):
    """Both end a circle with 500; how many rounds that takes is nobody's business."""
    return _statuses(nginx, martlet) == (500, 500) and difference.aspect == "origin requests" and len(difference.nginx) > 4


@deliberate
def accept_ranges_are_the_files(row, difference, nginx, martlet):
    """What the backend said of ranges was about an answer that nobody gets: nginx lets it through, to a 206 as well."""
    led = nginx.answers[0].status == 206 and len(nginx.received) == 1 or len(nginx.received) == 2
    return led and _is(difference, "header accept-ranges", ("bytes",), ())


@deliberate
def accept_ranges_once(row, difference, nginx, martlet):
    """nginx repeats it after X-Accel-Redirect."""
    return _is(difference, "header accept-ranges", ("bytes", "bytes"), ("bytes",))


SECURITY = {f"header {name.lower()}" for name in SECURITY_HEADERS}


def _is(difference, aspect, nginx, martlet):
    return (difference.aspect, difference.nginx, difference.martlet) == (aspect, nginx, martlet)


def _statuses(nginx, martlet):
    return nginx.answers[0].status, martlet.answers[0].status


def _is_of_refusal(difference, martlet, status):
    """Whether Martlet refused with `status`, asked no origin, and this is no security header."""
    return martlet.answers[0].status == status and martlet.received == [] and difference.aspect not in SECURITY
