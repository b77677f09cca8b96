"""A name server that answers what a test says."""

import errno
import random
import socket
import struct
import threading

A = 1


class NameServer:
    """Answers questions for `name` with the addresses that `addresses` has at the time.

    It listens on an address of its own of loopback, for resolv.conf knows no other port than 53.
    Other types than A have no records.
    """

    def __init__(self, name, addresses, lifetime=1):
        self.name = name
        self.addresses = list(addresses)
        self.lifetime = lifetime
        self.questions = 0
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.address = self._bind()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _bind(self):
        while True:
            address = f"127.53.{random.randrange(256)}.{random.randrange(1, 255)}"
            try:
                self._socket.bind((address, 53))
                return address
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise

    def close(self):
        # Wakes the thread: closing alone does not.
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"", (self.address, 53))
        self._thread.join(10)
        self._socket.close()

    def prefix(self, folder):
        """What a command is started with so that it asks here: it has a resolv.conf of its own."""
        file = folder / "resolv.conf"
        file.write_text(f"nameserver {self.address}\n")
        script = f'mount --bind "{file}" /etc/resolv.conf && exec "$@"'
        return ["unshare", "--mount", "sh", "-c", script, "sh"]

    def _serve(self):
        while True:
            message, client = self._socket.recvfrom(4096)
            if not message:
                return
            self._socket.sendto(self._answer(message), client)

    def _answer(self, message):
        end = message.index(b"\0", 12) + 5
        question = message[12:end]
        kind = struct.unpack("!H", question[-4:-2])[0]
        known = question[:-4] == b"".join(bytes([len(p)]) + p.encode() for p in self.name.split(".")) + b"\0"
        found = self.addresses if known and kind == A else []
        if kind == A:
            self.questions += known
        records = b"".join(
            b"\xc0\x0c" + struct.pack("!HHIH", A, 1, self.lifetime, 4) + socket.inet_aton(one) for one in found
        )
        flags = 0x8180 if known else 0x8183  # NXDOMAIN
        return message[:2] + struct.pack("!HHHHH", flags, 1, len(found), 0, 0) + question + records
