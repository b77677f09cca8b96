"""A name server that answers A questions as it is told, with a lifetime of one second."""

import socket
import struct
import threading


class NameServer:
    """Answers every name with `addresses`; port 53 of an address of loopback, so root's."""

    def __init__(self, address):
        self.addresses = []
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((address, 53))
        self._socket.settimeout(0.1)
        self._closing = False
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self):
        self._closing = True
        self._thread.join()
        self._socket.close()

    def _serve(self):
        while not self._closing:
            try:
                question, client = self._socket.recvfrom(512)
            except TimeoutError:
                continue
            self._socket.sendto(self._answer(question), client)

    def _answer(self, question):
        # The question alone: whatever else (EDNS) comes behind its name, type and class is left out.
        end = question.index(b"\0", 12) + 5
        (kind,) = struct.unpack("!H", question[end - 4 : end - 2])
        records = [socket.inet_aton(a) for a in self.addresses] if kind == 1 else []
        head = question[:2] + struct.pack("!HHHHH", 0x8580, 1, len(records), 0, 0)
        return head + question[12:end] + b"".join(struct.pack("!HHHIH", 0xC00C, 1, 1, 1, 4) + r for r in records)
