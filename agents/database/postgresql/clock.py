class Clock:
    def now(self) -> str:
        return "STATEMENT_TIMESTAMP()"

    def now_after_waiting(self) -> str:
        return "CLOCK_TIMESTAMP()"

    def now_plus(self, seconds: str) -> str:
        return f"(STATEMENT_TIMESTAMP() + MAKE_INTERVAL(secs => {seconds}))"

    def given_time(self, parameter: str) -> str:
        return parameter

    def expires_at(self, heartbeat: str, ttl: str) -> str:
        return f"({heartbeat} + MAKE_INTERVAL(secs => {ttl}))"

    def has_expired(self, heartbeat: str, ttl: str) -> str:
        return f"({self.expires_at(heartbeat, ttl)} <= {self.now()})"

    def latest(self, time: str, other: str) -> str:
        return f"GREATEST({time}, {other})"

    def start_of_minute(self, time: str) -> str:
        return f"DATE_TRUNC('minute', {time})"

    def microseconds(self, time: str) -> str:
        # A double holds microseconds until the year 2255.
        return f"(DATE_PART('epoch', {time}) * 1000000)::int8"

    def seconds_since(self, time: str) -> str:
        return f"DATE_PART('epoch', STATEMENT_TIMESTAMP() - {time})"
