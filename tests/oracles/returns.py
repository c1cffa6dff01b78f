"""Returns for tests of what is computed across members."""

import numpy as np
from hypothesis import strategies as st

# coarse values, so that ties and flat columns come up, in binary fractions, so that flat is not a matter of rounding
entries = st.one_of(st.integers(-1, 1), st.integers(-512, 512)).map(lambda x: x / 1024)


def returns(count: int, members: int, seed: int = 0) -> np.ndarray:
    """float64[count, members] with a market in them."""
    random = np.random.default_rng(seed)
    return random.normal(0, 0.02, (count, members)) + random.normal(0, 0.01, (count, 1))
