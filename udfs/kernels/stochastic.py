"""Place of a value within a range: what STOCH, STOCHF and STOCHRSI share."""

from udfs.compiled import njit


@njit
def percent(x: float, highest: float, lowest: float, flat: float) -> float:
    """%K: 0 for x at the lowest to 100 at the highest; `flat` where they are equal."""
    return 100.0 * ((x - lowest) / (highest - lowest)) if highest > lowest else flat
