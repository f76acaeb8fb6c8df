"""Times as text with microseconds: Django omits zeros, SQLite rounds to milliseconds."""

SIX_DIGITS = ".000000"


class Clock:
    def now(self) -> str:
        return "(STRFTIME('%%Y-%%m-%%d %%H:%%M:%%f', 'NOW') || '000')"

    def now_after_waiting(self) -> str:
        # Statements begin after waiting.
        return self.now()

    def now_plus(self, seconds: str) -> str:
        return f"(STRFTIME('%%Y-%%m-%%d %%H:%%M:%%f', 'NOW', ({seconds}) || ' seconds') || '000')"

    def given_time(self, parameter: str) -> str:
        return f"SUBSTR({parameter} || '{SIX_DIGITS}', 1, 26)"

    def expires_at(self, heartbeat: str, ttl: str) -> str:
        # STRFTIME would round the fraction, which whole seconds do not change.
        return (
            f"(STRFTIME('%%Y-%%m-%%d %%H:%%M:%%S', SUBSTR({heartbeat}, 1, 19), {ttl} || ' seconds')"
            f" || SUBSTR({heartbeat} || '{SIX_DIGITS}', 20, 7))"
        )

    def has_expired(self, heartbeat: str, ttl: str) -> str:
        # `expires_at` is expensive, and matters only within a second of the end.
        silence = self.seconds_since(heartbeat)
        exact = f"{self.expires_at(heartbeat, ttl)} <= {self.now()}"
        return (
            f"(CASE WHEN {silence} < {ttl} - 1 THEN 0 WHEN {silence} > {ttl} + 1 THEN 1"
            f" ELSE {exact} END)"
        )

    def latest(self, time: str, other: str) -> str:
        return f"MAX({time}, COALESCE({other}, ''))"

    def start_of_minute(self, time: str) -> str:
        return f"(SUBSTR({time}, 1, 16) || ':00')"

    def microseconds(self, time: str) -> str:
        return (
            "(SELECT"
            " STRFTIME('%%s', SUBSTR(t, 1, 19)) * 1000000"
            f" + CAST(SUBSTR(t || '{SIX_DIGITS}', 21, 6) AS INTEGER)"
            f" FROM (SELECT {time} AS t))"
        )

    def seconds_since(self, time: str) -> str:
        return f"((JULIANDAY('NOW') - JULIANDAY({time})) * 86400)"
