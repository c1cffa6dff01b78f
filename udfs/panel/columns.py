"""What is computed of all members together: the names of the outputs, in order, as the settings choose.

In: the section `cross_asset` of the settings. Out: names. A suffix says over what: `_60` over 60 bars, `_ew94`
exponentially weighted by 0.94. This file must not know how anything is computed.

Per member (view `cross_asset`), over a window:
    corr_market, beta_market     with the mean of all members' returns; least squares with intercept
    beta_origin_market           without intercept
    downside_beta_market         over the bars at which the market fell
    idio_vol                     deviation of what the market leaves, a return
    spearman_market              correlation of ranks
    corr_<b>, beta_<b>           with each benchmark
    mean_corr                    mean correlation with all others
    corr_break                   how much its correlations differ from those of the window before, 0 to 1
    momentum_rank                place of its return over the window among all, up to 1 for the highest
    loading_<k>                  on the k-th principal component of correlations
    n_obs, staleness             returns in the window; bars since the last one
    peer, peer_corr              the nearest member and its correlation; peer_2, ..: the next
    antipeer, antipeer_corr      the farthest, most negative first
    cluster                      the first member, by name, of its cluster
Exponentially weighted are corr_market, beta_market, idio_vol, mean_corr, n_obs, staleness and peers.
Per universe (view `universe`): members that take part, mean_corr of all pairs, absorption (share of variance in the
first `loadings` components), factors (eigenvalues above Marchenko and Pastur's edge), the intensities ledoit_wolf,
ledoit_wolf_cc and oas, corr_break; and `returns`, of which the whole matrix follows (udfs/panel/snapshot.py).
Per configured pair (view `pairs`): corr, beta (of the first to the second), spearman, partial_corr, and Engle and
Granger's hedge, spread, adf_t, half_life, zscore; n_obs, staleness of the one that has been silent for longer. And of
the trades of both inside the bar alone, without a suffix; null for bars that are rolled up, and where either has none:
    hy_cov, hy_corr              Hayashi and Yoshida's, in squared returns over the bar; the correlation may pass 1
    refresh_cov, refresh_corr    at refresh times
    refresh_n                    how many there are
    lead_lag_us                  the lag of the largest correlation in size, > 0: the first leads; lags are 600ths of a
                                 bar, 1 ms at least, 20 to either side
    lead_lag_strength            squares of correlations where the first leads over those where the second does
    lead_lag_corr                the largest correlation in size
"""

from functools import cached_property

from schemas.errors import ConfigError
from schemas.settings import CrossAsset
from udfs.comatrix.window import Window
from udfs.frame import CROSS_ASSET, PAIRS, UNIVERSE

MARKET = ("corr_market", "beta_market")
SEEN = ("n_obs", "staleness")
WHOLE = (
    "members", "mean_corr", "absorption", "factors", "ledoit_wolf", "ledoit_wolf_cc", "oas", "corr_break",
)  # fmt: skip
TWO = (
    "corr", "beta", "spearman", "partial_corr", "hedge", "spread", "adf_t", "half_life", "zscore", *SEEN,
)  # fmt: skip
INSIDE = (
    "hy_cov", "hy_corr", "refresh_cov", "refresh_corr", "refresh_n", "lead_lag_us", "lead_lag_strength",
    "lead_lag_corr",
)  # fmt: skip
SIDES = ("peer", "antipeer")


class Columns:
    """Names of the outputs, each the same length and order as what `Panel` gives; ConfigError if two are one."""

    def __init__(self, of: CrossAsset) -> None:
        self.of = of
        self.benchmarks = list(of.benchmarks)
        self.pairs = [(first, second) for first, second in (pair.split("|") for pair in of.pairs)]
        for names in (self.numbers, self.pairs, of.windows, of.decays):
            if len(set(names)) < len(names):
                raise ConfigError(f"setting cross_asset: something is named twice in {', '.join(map(str, names))}")

    @cached_property
    def spans(self) -> list[tuple[str, Window]]:
        """Suffix and window of each: the rolling ones, then the decaying ones."""
        of = self.of
        least = {bars: min(of.min_returns, bars) if of.gaps == "carry" else bars for bars in of.windows}
        rolling = [(f"_{bars}", Window.rolling(bars, least[bars])) for bars in of.windows]
        return rolling + [(f"_ew{f'{decay:g}'[2:]}", Window.decaying(decay, of.min_returns)) for decay in of.decays]

    @cached_property
    def reach(self) -> int:
        """Bars of returns that the outputs at the last of them need."""
        return max(2 * window.bars if window.decay == 1 else window.reach for _, window in self.spans)

    @cached_property
    def numbers(self) -> tuple[str, ...]:
        """Per member."""
        return tuple(f"{name}{suffix}" for suffix, window in self.spans for name in self._of(window))

    @cached_property
    def members(self) -> tuple[str, ...]:
        """Per member, what names another member."""
        found = [f"{name}{suffix}" for suffix, _ in self.spans for side in SIDES for name in self._ranked(side)]
        return (*found, *(f"cluster{suffix}" for suffix, window in self.spans if self.clustered(window)))

    @cached_property
    def universe(self) -> tuple[str, ...]:
        """Of all members."""
        return tuple(f"{name}_{bars}" for bars in self.of.windows for name in WHOLE)

    @cached_property
    def pair(self) -> tuple[str, ...]:
        """Per pair: of windows, then of the bar."""
        return (*(f"{name}_{bars}" for bars in self.of.windows for name in TWO), *INSIDE)

    @cached_property
    def watched(self) -> frozenset[str]:
        """The tickers of pairs, of which every trade counts."""
        return frozenset(name for pair in self.pairs for name in pair)

    @cached_property
    def counts(self) -> list[int]:
        """Places in `pair` of what is above 0 where anything is known."""
        return [i for i, name in enumerate(self.pair) if name.startswith(("n_obs", "refresh_n"))]

    @property
    def snapshot(self) -> str:
        """The text of the universe that holds the returns."""
        return f"returns_{max(self.of.windows)}"

    def names(self, view: str) -> tuple[str, ...]:
        """The numbers of a view."""
        return {CROSS_ASSET: self.numbers, UNIVERSE: self.universe, PAIRS: self.pair}[view]

    def texts(self, view: str) -> tuple[str, ...]:
        """The texts of a view."""
        return {CROSS_ASSET: self.members, UNIVERSE: (self.snapshot,) * self.of.matrix, PAIRS: ()}[view]

    def clustered(self, window: Window) -> bool:
        """Whether members of this window are put into clusters."""
        return window.decay == 1 and self.of.cluster_cut > 0

    def _of(self, window: Window) -> list[str]:
        if window.decay < 1:
            own = [*MARKET, "idio_vol"]
        else:
            marks = ["".join(c if c.isalnum() else "_" for c in name.lower()) for name in self.benchmarks]
            own = [*MARKET, "beta_origin_market", "downside_beta_market", "idio_vol", "spearman_market"]
            own += [f"{what}_{name}" for name in marks for what in ("corr", "beta")]
            own += ["corr_break", "momentum_rank", *(f"loading_{k + 1}" for k in range(self.of.loadings))]
        return [*own, "mean_corr", *SEEN, *(name for side in SIDES for name in self._ranked(f"{side}_corr"))]

    def _ranked(self, name: str) -> list[str]:
        return [name, *(f"{name}_{k}" for k in range(2, self.of.peers + 1))]
