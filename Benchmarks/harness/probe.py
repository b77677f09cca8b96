"""One request: does it answer, and as it should?"""

import gzip
import ssl
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection

# What all of them agree on with wrk and with us: otherwise it is ciphers that are compared.
AGREED = ("TLSv1.3", "TLS_AES_256_GCM_SHA384")


@dataclass(frozen=True)
class Answer:
    # As it came, and as it was meant.
    sent: bytes
    body: bytes


def trusting():
    """A client that believes anybody, as wrk does."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def answers(address, target, is_secure=False, headers=()):
    """What comes for a target; None while nobody answers with 200."""
    if is_secure:
        connection = HTTPSConnection(*address, timeout=5, context=trusting())
    else:
        connection = HTTPConnection(*address, timeout=5)
    try:
        connection.connect()
        if is_secure and (agreed := (connection.sock.version(), connection.sock.cipher()[0])) != AGREED:
            raise RuntimeError(f"agreed on {agreed} where others agree on {AGREED}")
        connection.request("GET", target, headers=dict(h.split(": ", 1) for h in headers))
        response = connection.getresponse()
        sent = response.read()
        if response.status != 200:
            return None
        return Answer(sent, gzip.decompress(sent) if response.headers["Content-Encoding"] == "gzip" else sent)
    except (OSError, HTTPException):
        return None
    finally:
        connection.close()
