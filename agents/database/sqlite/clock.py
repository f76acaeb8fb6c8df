"""Times: text with six digits of a second, so that it compares correctly.

Django leaves the digits out of whole seconds; SQLite's functions round to milliseconds.
"""

SIX_DIGITS = ".000000"


class Clock:
    def now(self) -> str:
        return "(STRFTIME('%%Y-%%m-%%d %%H:%%M:%%f', 'NOW') || '000')"

    def now_after_waiting(self) -> str:
        # It waits for its turn before the statement begins.
        return self.now()

    def now_plus(self, seconds: str) -> str:
        return f"(STRFTIME('%%Y-%%m-%%d %%H:%%M:%%f', 'NOW', ({seconds}) || ' seconds') || '000')"

    def given_time(self, parameter: str) -> str:
        return f"SUBSTR({parameter} || '{SIX_DIGITS}', 1, 26)"

    def expires_at(self, heartbeat: str, ttl: str) -> str:
        # Whole seconds do not change the fraction, which STRFTIME would round.
        return (
            f"(STRFTIME('%%Y-%%m-%%d %%H:%%M:%%S', SUBSTR({heartbeat}, 1, 19), {ttl} || ' seconds')"
            f" || SUBSTR({heartbeat} || '{SIX_DIGITS}', 20, 7))"
        )

    def has_expired(self, heartbeat: str, ttl: str) -> str:
        # `expires_at` is exact but five times as expensive: a silence that is exact to a
        # millisecond decides, except within a second of the end.
        silence = self.seconds_since(heartbeat)
        exact = f"{self.expires_at(heartbeat, ttl)} <= {self.now()}"
        return (
            f"(CASE WHEN {silence} < {ttl} - 1 THEN 0 WHEN {silence} > {ttl} + 1 THEN 1"
            f" ELSE {exact} END)"
        )

    def latest(self, time: str, other: str) -> str:
        # MAX with NULL is NULL.
        return f"MAX({time}, COALESCE({other}, ''))"

    def start_of_minute(self, time: str) -> str:
        # Without a fraction, as Django stores it.
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
