"""State of a kernel within the state of another: the same slots under a name of their own."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from udfs.kernels.state import Slot


def part(
    name: str, slots: tuple[Slot, ...], per: str | Callable[[Any], int] = "period", powers: tuple[int, ...] = (1,)
) -> tuple[Slot, ...]:
    """`slots` for a value of these `powers` of the inputs, with `per` slots where they have one for each bar."""
    return tuple(
        replace(
            slot,
            name=f"{name}_{slot.name}",
            powers=tuple(slot.powers[0] * power for power in powers) if slot.powers else (),
            per=per if slot.per else "",
        )
        for slot in slots
    )
