"""What users of Frappe do, with an application like it behind gunicorn."""

from .row import FRAPPE, UNTRUSTED, row

HTTPS = "X-Forwarded-Proto: https"


def frappe(name, target, *fields, **more):
    return row(name, target, *fields, answer=FRAPPE, **more)


ROWS = [
    frappe("the home page", "/"),
    frappe("ping", "/api/method/ping"),
    frappe("ping by HEAD", "/api/method/ping", method="HEAD"),
    frappe(
        "login",
        "/api/method/login",
        "Content-Type: application/x-www-form-urlencoded",
        method="POST",
        body=b"usr=Administrator&pwd=admin",
    ),
    frappe("login over https", "/api/method/login", HTTPS, method="POST", body=b"usr=Administrator&pwd=admin"),
    frappe("the desk without a session", "/app", gives=302),
    frappe("the desk without a session over https", "/app", HTTPS, gives=302),
    frappe("the desk without a session, with a port", "/app", host="erp.test:8080", gives=302),
    frappe("a redirect without a host", "/desk", gives=302),
    frappe("a redirect without a slash", "/me", gives=302),
    frappe("a page that is not there", "/no/such/page", gives=404),
    frappe("a site that is not there", "/", host="nobody.test", gives=404),
    frappe("a site that is not there, spelled in capitals", "/", host="NOBODY.test", gives=404),
    frappe("a site in capitals", "/api/method/ping", host="ERP.TEST"),
    frappe("a site with a port", "/api/method/ping", host="erp.test:8080"),
    frappe("any Host of the fixed site", "/api/method/ping", host="nobody.test", variant="fixed-site"),
    frappe("the folder of the files", "/files", gives=200),
    frappe("a document with a slash in its name", "/seen?name=a%2Fb"),
    frappe("the address of a user", "/seen", "X-Forwarded-For: 203.0.113.9"),
    frappe("the address that a user forges", "/seen", "X-Forwarded-For: 203.0.113.9", peer=UNTRUSTED),
    frappe("the address behind two proxies", "/seen", "X-Forwarded-For: 203.0.113.9, 127.0.0.5", variant="recursive"),
    frappe("cookies in two fields", "/seen", "Cookie: a=1", "Cookie: b=2"),
    frappe("JSON", "/api/resource/ToDo?size=100"),
    frappe("JSON with a tag", "/api/resource/ToDo?size=2000&ETag=%22abc%22"),
    frappe("JSON with Vary", "/api/resource/ToDo?size=2000&Vary=Cookie", "Accept-Encoding: gzip"),
    frappe("JSON in chunks", "/api/resource/ToDo?size=2000&chunked=1"),
    frappe("a download", "/api/method/download?size=100000"),
    frappe("a download by HEAD", "/api/method/download?size=100000", method="HEAD"),
    frappe("a range of a download", "/api/method/download?size=100000", "Range: bytes=10-19", gives=206),
    frappe("a download in chunks", "/api/method/download?size=100000&unbuffered=1"),
    frappe("security headers of its own", "/secured"),
    frappe("many large fields", "/wordy?count=60"),
    *(
        frappe(f"status {status}", f"/status/{status}", gives=status)
        for status in (201, 204, 304, 401, 403, 404, 409, 417, 429, 500, 503)
    ),
]
