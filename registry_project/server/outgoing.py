import socket
from itertools import islice

MOST_PIECES = 64  # the kernel takes up to 1,024


class Outgoing:
    """To gunicorn, a socket that takes everything."""

    __slots__ = ("_pieces", "size")

    def __init__(self) -> None:
        self._pieces: list[bytes | memoryview] = []
        self.size = 0

    def sendall(self, data: bytes) -> None:
        if data:
            self._pieces.append(data)
            self.size += len(data)

    def send_to(self, client: socket.socket) -> None:
        """Raise OSError if the client is gone."""
        while self._pieces:
            try:
                sent = client.sendmsg(islice(self._pieces, MOST_PIECES))
            except (BlockingIOError, InterruptedError):
                return
            self._remove(sent)

    def _remove(self, sent: int) -> None:
        self.size -= sent
        whole = 0
        while whole < len(self._pieces) and sent >= len(self._pieces[whole]):
            sent -= len(self._pieces[whole])
            whole += 1
        del self._pieces[:whole]
        if sent:
            self._pieces[0] = memoryview(self._pieces[0])[sent:]

    def send(self, data: bytes) -> int:
        """Ignore "100 Continue", which was sent before."""
        return len(data)

    def setblocking(self, _blocking: bool) -> None:
        pass

    def gettimeout(self) -> float:
        return 0.0
