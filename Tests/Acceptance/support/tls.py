"""Certificates of every kind, and a client that speaks TLS and hears how it ends."""

import datetime
import ssl
import subprocess
from pathlib import Path

from .origin import Origin
from .waiting import PATIENCE
from .wire import Client


def openssl(*arguments, input=None):
    """Runs openssl; returns what it printed on stdout."""
    done = subprocess.run(
        ["openssl", *map(str, arguments)], input=input, capture_output=True, timeout=PATIENCE, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


class Authority:
    """A certificate authority of a test's own, with an intermediate one below it."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.certificate = self.folder / "root.pem"
        self._number = 0
        self._sign("root", "/CN=Test root", None, "basicConstraints=critical,CA:TRUE")
        self._sign("middle", "/CN=Test intermediate", "root", "basicConstraints=critical,CA:TRUE,pathlen:0")

    def _sign(self, name, subject, issuer, extensions, kind="ec", start=None, end=None, key=None):
        """Makes name.pem and name-key.pem."""
        at = self.folder
        key = key or at / f"{name}-key.pem"
        if not key.exists():
            options = ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"] if kind == "ec" else ["-algorithm", "RSA"]
            key.write_bytes(openssl("genpkey", *options))
        request = openssl("req", "-new", "-key", key, "-subj", subject)
        (at / "extensions").write_text(extensions + "\n")
        (at / "index").write_text("")
        (at / "serial").write_text(f"{0x1000 + self._number:x}\n")
        self._number += 1
        (at / "ca.conf").write_text(
            f"[ca]\ndefault_ca=one\n[one]\ndatabase={at}/index\nserial={at}/serial\nnew_certs_dir={at}\n"
            "default_md=sha256\npolicy=any\nunique_subject=no\n[any]\norganizationalUnitName=optional\ncommonName=optional\n"
        )
        now = datetime.datetime.now(datetime.timezone.utc)
        start = start or now - datetime.timedelta(hours=1)
        end = end or now + datetime.timedelta(days=90)
        signer = ["-selfsign", "-keyfile", key] if issuer is None else [
            "-cert", at / f"{issuer}.pem", "-keyfile", at / f"{issuer}-key.pem"]
        openssl(
            "ca", "-config", at / "ca.conf", "-batch", "-notext", "-in", "/dev/stdin", "-out", at / f"{name}.pem",
            "-extfile", at / "extensions", *signer,
            "-startdate", f"{start:%Y%m%d%H%M%SZ}", "-enddate", f"{end:%Y%m%d%H%M%SZ}", input=request,
        )
        return at / f"{name}.pem", key

    def issue(self, *hosts, name=None, issuer="middle", days=90, start_days=0, **more):
        """A certificate for hosts, its chain behind it; returns the paths of it and of its key."""
        name = name or f"{hosts[0].replace('*', 'any')}-{self._number}"
        kinds = [f"IP:{host}" if host[0].isdigit() else f"DNS:{host}" for host in hosts]
        now = datetime.datetime.now(datetime.timezone.utc)
        certificate, key = self._sign(
            name, f"/CN={hosts[0]}", issuer, "subjectAltName=" + ",".join(kinds),
            start=now + datetime.timedelta(days=start_days, hours=-1), end=now + datetime.timedelta(days=days), **more,
        )
        if issuer == "middle":
            certificate.write_bytes(certificate.read_bytes() + (self.folder / "middle.pem").read_bytes())
        return certificate, key

    def trust(self, **more):
        """A client's context that trusts this authority alone."""
        return trusting(self.certificate, **more)


def trusting(certificate, protocols=("http/1.1",), latest=None, ciphers=None):
    context = ssl.create_default_context(cafile=str(certificate))
    if protocols:
        context.set_alpn_protocols(list(protocols))
    if latest:
        context.maximum_version = latest
    if ciphers:
        context.set_ciphers(ciphers)
    return context


class SecureClient(Client):
    """A client over TLS. An end without close_notify is an ssl.SSLEOFError.

    `preface` is sent as it is, in front of the handshake.
    """

    def __init__(self, address, context, host="site.test", session=None, preface=b"", **more):
        super().__init__(address, **more)
        try:
            if preface:
                self.send(preface)
            self.socket = context.wrap_socket(
                self.socket, server_hostname=host, suppress_ragged_eofs=False, session=session)
        except BaseException:
            self.socket.close()
            raise

    @property
    def names(self):
        """Those of the certificate that the server has shown."""
        return [name for _, name in self.socket.getpeercert()["subjectAltName"]]

    @property
    def serial(self):
        return self.socket.getpeercert()["serialNumber"]

    def shutdown_sending(self):
        """Says close_notify, and waits for the server's own."""
        self.socket.unwrap()


def shaking_hands(proxy, context, **more):
    """A client in the middle of its handshake: the server waits for its last flight.

    Returns its stream, its TLS, and a function that goes on with a step of that.
    """
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing, server_hostname="site.test")
    client = proxy.connect(**more)

    def go_on(step, *arguments):
        while True:
            try:
                result = step(*arguments)
            except ssl.SSLWantReadError:
                if sent := outgoing.read():
                    client.send(sent)
                if data := client.read_some():
                    incoming.write(data)
                else:
                    incoming.write_eof()
            else:
                if sent := outgoing.read():
                    client.send(sent)
                return result

    client.send(hello(tls, outgoing))
    incoming.write(client.read_some())
    return client, tls, go_on


def hello(tls, outgoing):
    """The first flight of a client."""
    try:
        tls.do_handshake()
    except ssl.SSLWantReadError:
        return outgoing.read()
    raise AssertionError("hands were shaken alone")


class SecureOrigin(Origin):
    """An origin that speaks TLS. Who closes without `unwrap` cuts."""

    def __init__(self, context, *arguments, **more):
        self._context = context
        self.refused = []
        self.resumed = []
        self.names = []
        context.sni_callback = lambda _, name, __: self.names.append(name)
        super().__init__(*arguments, **more)

    def _run(self, stream):
        try:
            stream.socket = self._context.wrap_socket(stream.socket, server_side=True, suppress_ragged_eofs=False)
        except OSError as failure:
            self.refused.append(failure)
            stream.close()
            self.closed += 1
            return
        self.resumed.append(stream.socket.session_reused)
        super()._run(stream)


def serving(certificate, key, clients=None, latest=None):
    """A server's context; with `clients`, only their authority's certificates are let in."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    if clients:
        context.load_verify_locations(clients)
        context.verify_mode = ssl.CERT_REQUIRED
    if latest:
        context.maximum_version = latest
    return context


class Responder:
    """Answers by OCSP for an authority's intermediate certificate, which has let it."""

    def __init__(self, authority, folder):
        self._authority, self._folder = authority, Path(folder)
        self.own = authority._sign(
            "responder", "/CN=responder", "middle", "extendedKeyUsage=OCSPSigning", kind="rsa")

    def sign(self, path, certificate, status="V", days=7, signer=None, ends=None):
        """Writes what it says of a certificate.

        status: V for valid, R for revoked, None for one that it does not know.
        days: until it is good; None says nothing of that.
        ends: the same as a time.
        signer: somebody else's certificate and key.
        """
        issuer = self._authority.folder / "middle.pem"
        signer, key = signer or self.own
        index, request = self._folder / "index.txt", self._folder / "request.der"
        revoked = "250101000000Z" if status == "R" else ""
        index.write_text(f"{status}\t400101000000Z\t{revoked}\t{serial(certificate)}\tunknown\t/CN=x\n" if status else "")
        openssl("ocsp", "-issuer", issuer, "-cert", certificate, "-reqout", request, "-no_nonce")
        openssl(
            "ocsp", "-index", index, "-CA", issuer, "-rsigner", signer, "-rkey", key, "-rmd", "sha256",
            "-reqin", request, "-respout", self._folder / "response.der", *(["-ndays", days] if days is not None else []))
        response = (self._folder / "response.der").read_bytes()
        replace(path, ending(response, ends, key) if ends else response)
        return path


def revoking(authority, *certificates, issuer="middle", starts=-1, ends=7, start=None, end=None, extension=""):
    """A list of what an issuer has revoked (CRL), in PEM.

    starts, ends: in days from now; start and end are the same as times.
    extension: a line of openssl's, such as `deltaCRLIndicator=1`, which is critical.
    """
    at = authority.folder / "revoking"
    at.mkdir(exist_ok=True)
    now = datetime.datetime.now(datetime.timezone.utc)
    times = [start or now + datetime.timedelta(days=starts), end or now + datetime.timedelta(days=ends)]
    (at / "index").write_text("".join(
        f"R\t400101000000Z\t250101000000Z\t{serial(one)}\tunknown\t/CN=x\n" for one in certificates))
    (at / "crl.conf").write_text(
        f"[ca]\ndefault_ca=one\n[one]\ndatabase={at}/index\ndefault_md=sha256\n"
        + (f"crl_extensions=more\n[more]\n{extension}\n" if extension else ""))
    return openssl(
        "ca", "-gencrl", "-config", at / "crl.conf", "-cert", authority.folder / f"{issuer}.pem",
        "-keyfile", authority.folder / f"{issuer}-key.pem",
        "-crl_lastupdate", f"{times[0]:%Y%m%d%H%M%SZ}", "-crl_nextupdate", f"{times[1]:%Y%m%d%H%M%SZ}")


def serial(certificate):
    return openssl("x509", "-in", certificate, "-noout", "-serial").decode().strip().split("=")[1]


def replace(path, content):
    """As certbot does: a rename, so that nobody reads half a file."""
    new = Path(path).with_suffix(".new")
    new.write_bytes(content)
    new.rename(path)


def ending(response, time, key):
    """A response of OCSP that was signed with an RSA key, signed again with another end."""
    data = bytearray(response)

    def content(at):
        count = data[at + 1]
        if count < 0x80:
            return at + 2, at + 2 + count
        start = at + 2 + (count & 0x7F)
        return start, start + int.from_bytes(data[at + 2:start], "big")

    # OCSPResponse { status, [0] { { OID, OCTET STRING { { tbs, algorithm, signature, … } } } } }
    within = content(content(content(content(0)[0])[1])[0])[0]
    signed = content(content(content(within)[1])[0])[0]
    end = content(signed)[1]
    last = data.rindex(b"\x18\x0f", signed, end) + 2  # a GeneralizedTime
    data[last:last + 15] = f"{time:%Y%m%d%H%M%SZ}".encode()
    first, after = content(content(end)[1])
    data[first + 1:after] = openssl("dgst", "-sha256", "-sign", key, input=bytes(data[signed:end]))
    return bytes(data)
