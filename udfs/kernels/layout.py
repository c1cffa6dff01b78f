"""How a kernel that is built of other kernels declares its state: their slots under names and parameters of its own."""

from collections.abc import Callable
from typing import Any

from udfs.kernels.state import Slot


def part(
    name: str, slots: tuple[Slot, ...], powers: tuple[int, ...] = (), per: str | Callable[[Any], int] = ""
) -> tuple[Slot, ...]:
    """The slots of a kernel of one input, for a value that is `powers` of the inputs, its rings as long as `per`."""
    return tuple(Slot(f"{name}_{s.name}", powers if s.powers else (), per if s.per else "") for s in slots)
