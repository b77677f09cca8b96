"""What the backend is told of the client: address, scheme, host, site. And what nobody may forge."""

from .row import FRAPPE, UNTRUSTED, row

PROTOCOLS = ("https", "HTTPS", "Https", "http", "https, http", "http, https", "https,", "wss", "ftp", "", "https https")

ADDRESSES = {
    "one": ["1.1.1.1"],
    "a list": ["1.1.1.1, 2.2.2.2"],
    "a list without spaces": ["1.1.1.1,2.2.2.2"],
    "two fields": ["1.1.1.1", "2.2.2.2"],
    "a list that ends in a proxy": ["2.2.2.2, 127.0.0.9"],
    "a list that ends in this proxy's peer": ["2.2.2.2, 127.0.0.1"],
    "proxies only": ["127.0.0.9, 127.0.0.1"],
    "two fields, the last a proxy": ["1.1.1.1", "127.0.0.1"],
    "one with a port": ["1.1.1.1:8080"],
    "a list with a port": ["1.1.1.1, 2.2.2.2:99"],
    "IPv6": ["2001:db8::1"],
    "IPv6 in brackets": ["[2001:db8::1]"],
    "IPv6 with a port": ["[2001:db8::1]:443"],
    "IPv4 in IPv6": ["::ffff:1.2.3.4"],
    "garbage": ["garbage"],
    "garbage last": ["1.1.1.1, garbage"],
    "garbage first": ["garbage, 1.1.1.1"],
    "garbage before a proxy": ["garbage, 127.0.0.1"],
    "unknown": ["1.1.1.1, unknown"],
    "nothing": [""],
    "a comma at the end": ["1.1.1.1,"],
    "a comma at the start": [", 1.1.1.1"],
    "a number too large": ["256.1.1.1"],
    "three numbers": ["1.1.1"],
    "quotes": ['"1.1.1.1"'],
    "a space between": ["1.1.1.1 2.2.2.2"],
    "a zero at the start": ["01.1.1.1"],
}

FORGED = (
    "X-Frappe-Site-Name: other.test",
    "X_Frappe_Site_Name: other.test",
    "X-Frappe_Site-Name: other.test",
    "X-Use-X-Accel-Redirect: False",
    "X_Use_X_Accel_Redirect: False",
    "X_Forwarded_For: 6.6.6.6",
    "X_Forwarded_Proto: https",
    "X-Real-IP: 6.6.6.6",
    "X-Forwarded-Host: evil.test",
    "X-Forwarded-Port: 1",
    "X-Forwarded-Server: evil.test",
    "Forwarded: for=6.6.6.6;proto=https",
    "X-Original-URL: /admin",
    "X-HTTP-Method-Override: DELETE",
)

ORDINARY = (
    "User-Agent: tests",
    "Accept: text/html",
    "Accept: */*",
    "Accept-Language: de",
    "Authorization: token a:b",
    "Cookie: sid=abc; system_user=yes",
    "Cookie: full_name=x",
    "X-Frappe-CSRF-Token: abc",
    "X-Requested-With: XMLHttpRequest",
    "Referer: http://erp.test/app",
    "Origin: http://erp.test",
    "Cache-Control: no-cache",
    "If-None-Match: z",
    "Range: bytes=0-1",
    "Via: 1.0 somebody",
    "Max-Forwards: 3",
    "Date: Thu, 01 Jan 1998 00:00:00 GMT",
    "X-Empty: ",
    "X-Spaces:   a   b   ",
    "X-Latin: ä",
    "x-lower: l",
    "From: somebody@erp.test",
)

HOP_BY_HOP = (
    "Keep-Alive: 5",
    "TE: trailers",
    "Proxy-Connection: close",
    "Proxy-Authorization: Basic eA==",
    "Upgrade: websocket",
    "Trailer: X-T",
)


def real_ip(name, values, **more):
    return row(name, "/x", *(f"X-Forwarded-For: {value}" for value in values), **more)


ROWS = [
    row("a trusted peer without fields", "/x"),
    row("an untrusted peer without fields", "/x", peer=UNTRUSTED),
    *(row(f"X-Forwarded-Proto: {value!r}", "/x", f"X-Forwarded-Proto: {value}") for value in PROTOCOLS),
    row("X-Forwarded-Proto of an untrusted peer", "/x", "X-Forwarded-Proto: https", peer=UNTRUSTED),
    row("X-Forwarded-Proto twice, https first", "/x", "X-Forwarded-Proto: https", "X-Forwarded-Proto: http"),
    row("X-Forwarded-Proto twice, http first", "/x", "X-Forwarded-Proto: http", "X-Forwarded-Proto: https"),
    *(real_ip(f"the last address of {what}", values) for what, values in ADDRESSES.items()),
    *(real_ip(f"the last untrusted address of {what}", values, variant="recursive") for what, values in ADDRESSES.items()),
    *(real_ip(f"no address of an untrusted peer: {what}", ADDRESSES[what], variant="untrusted") for what in ("one", "a list", "two fields", "garbage")),
    real_ip("an address that an untrusted peer forges", ["6.6.6.6"], peer=UNTRUSTED),
    real_ip("an address that an untrusted peer forges among trusted ones", ["6.6.6.6, 127.0.0.1"], peer=UNTRUSTED),
    real_ip("an address from a peer that is trusted by name", ["6.6.6.6"], variant="named-peer"),
    row("an address in another field", "/x", "X-Real-IP: 5.5.5.5", "X-Forwarded-For: 6.6.6.6", variant="real-ip-header"),
    row("an address in the field that counts no more", "/x", "X-Forwarded-For: 6.6.6.6", variant="real-ip-header"),
    row("an address in another field, for the realtime server", "/socket.io/", "X-Real-IP: 5.5.5.5", "X-Forwarded-For: 6.6.6.6", variant="real-ip-header"),
    row("an address in another field, garbage", "/x", "X-Real-IP: garbage", variant="real-ip-header"),
    row("all that can be forged", "/x", *FORGED),
    row("all that can be forged, to the realtime server", "/socket.io/", *FORGED),
    *(row(f"forged: {field}", "/seen", field, answer=FRAPPE) for field in FORGED),
    row("fields that every browser sends", "/x", *ORDINARY),
    row("fields that every browser sends, to the realtime server", "/socket.io/", *ORDINARY),
    *(row(f"hop by hop: {field}", "/x", field) for field in HOP_BY_HOP),
    row("a field that Connection names", "/x", "Connection: X-Hop", "X-Hop: 1"),
    row("names that are no tokens of nginx", "/x", "X.Dot: 1", "X!Mark: 2", "X*Star: 3", "X+Plus: 4"),
    row("what the application sees", "/seen", "X-Forwarded-For: 1.1.1.1", "X-Forwarded-Proto: https", host="erp.test:8443", answer=FRAPPE),
    row("the fixed site for any Host", "/x", host="other.test", variant="fixed-site"),
    row("the fixed site for no Host", "/x", host=None, version="1.0", variant="fixed-site"),
    # What is asked for goes on as it came.
    *(
        row(f"the target goes on raw: {target}", target)
        for target in (
            "/api/resource/ToDo/a%2Fb", "/a//b", "/a/./b", "/a/../b", "/a%20b", "/a;b=c", "/a?b=c%20d&e=+f", "/a?", "/a??b", "/ä", "/%C3%A4", "/%c3%a4",
            "/a'b", "/a\"b", "/a<b>", "/a|b", "/a\\b", "/a^b`c{d}", "/a%7E~", "/api/method/x?cmd=a.b&filters=[[\"a\",\"=\",\"b\"]]", "/a?x=http://b/c//d/../e",
            "/a%252Fb", "/a%3Fb", "/a?" + "q" * 4000,
        )
    ),
    *(row(f"the method goes on: {method}", "/x", method=method) for method in ("HEAD", "DELETE", "OPTIONS", "PATCH", "PROPFIND", "FROBNICATE", "M-SEARCH")),
]  # fmt: skip
