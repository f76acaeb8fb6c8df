from dataclasses import dataclass

STEPS = 4
SHORT = ((1_000_000_000, "G"), (1_000_000, "M"), (1_000, "k"))


@dataclass(frozen=True)
class Scale:
    """From `-bottom` to `top`, both multiples of `step`."""

    step: int
    top: int
    bottom: int = 0

    @property
    def ticks(self) -> list[int]:
        return list(range(-self.bottom, self.top + 1, self.step))

    def share(self, value: float) -> float:
        """0 at the top, 1 at the bottom."""
        return (self.top - value) / (self.top + self.bottom)


def scale_for(up: int, down: int = 0) -> Scale:
    step = _step(max(up + down, 1) / STEPS)
    return Scale(step, top=_up_to(max(up, 0 if down else 1), step), bottom=_up_to(down, step))


def in_short(count: int) -> str:
    """Return three digits, such as "950" or "12.3k"."""
    for size, letter in SHORT:
        # 999,950 is "1M", not "1000k".
        if count >= size * 0.9995:
            value = count / size
            text = f"{value:.0f}" if value >= 99.95 else f"{value:.1f}"  # noqa: PLR2004
            return text.removesuffix(".0") + letter
    return str(count)


def _step(least: float) -> int:
    power = 1
    while True:
        for factor in (1, 2, 5):
            if factor * power >= least:
                return factor * power
        power *= 10


def _up_to(count: int, step: int) -> int:
    return -(-count // step) * step
