from registry_project.server.connections import Connection


class Backlog:
    """Bytes by connection, those that have held any for the longest first."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._sizes: dict[Connection, int] = {}
        self._total = 0

    def put(self, conn: Connection, size: int) -> bool:
        before = self._sizes.get(conn)
        self._sizes[conn] = size
        self._total += size - (before or 0)
        return before is None

    def remove(self, conn: Connection) -> None:
        self._total -= self._sizes.pop(conn, 0)

    def excess(self, newest: Connection) -> Connection | None:
        if self._total <= self._most:
            return None
        return next((conn for conn in self._sizes if conn is not newest), None)
