"""Plain functions of a window, in which factors are written: delay, extremes and their days, rank, covariance."""

from collections.abc import Callable

from udfs.kernels import change, covariance, ranks, window_extremes
from udfs.kernels.state import Degree, Slot
from udfs.registry import MOST, NONE, PRICE, Feature, feature

SORTED_LONGEST = 10_000  # a bar moves up to as many values


def _window(name: str, kernel: Callable[..., None], state: tuple[Slot, ...], degree: Degree = PRICE,
            inputs: tuple[str, ...] = ("close",), flat: float | None = None, most: int = MOST) -> Feature:  # fmt: skip
    return feature(name, (f"{name}_{{period}}",), inputs, kernel, state, lambda p: p.period - 1, degree=degree,
                   flat=flat, params={"period": 10}, ranges={"period": (2, most)})  # fmt: skip


FEATURES: tuple[Feature, ...] = (
    feature("delay", ("delay_{period}",), ("close",), change.delay, change.STATE, lambda p: p.period, degree=PRICE,
            params={"period": 10}, ranges={"period": (1, MOST)}),
    _window("ts_max", window_extremes.largest, window_extremes.STATE),
    _window("ts_min", window_extremes.smallest, window_extremes.STATE),
    _window("ts_argmax", window_extremes.day_of_largest, window_extremes.STATE, NONE, flat=1.0),
    _window("ts_argmin", window_extremes.day_of_smallest, window_extremes.STATE, NONE, flat=1.0),
    _window("ts_rank", ranks.newest, ranks.STATE, NONE, most=SORTED_LONGEST),
    _window("covariance", covariance.step, covariance.STATE, Degree(1, 1), ("close", "volume"), flat=0.0),
)  # fmt: skip
