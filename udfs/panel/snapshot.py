"""The universe at a bar as one text: who its members are, and the returns of which every matrix of it follows.

In: tickers and returns of a window. Out: a text for the store and the log, and back; matrices as numpy arrays. The
returns are the matrix, exactly: w numbers a member instead of N / 2 (docs/adr/0013).
"""

import base64
import math
from dataclasses import dataclass

import numpy as np

from schemas.errors import DataError, FeatureError, nearest
from udfs import packing
from udfs.estimators import line, shrinkage, spearman, spectrum
from udfs.estimators.columns import centred, products, unit, window
from udfs.kernels.state import Floats

KINDS = ("correlation", "covariance", "spearman", "ledoit_wolf", "ledoit_wolf_cc", "oas", "clipped")


@dataclass(frozen=True)
class Snapshot:
    """symbols ascending; returns float64[w, N], oldest bar first, NaN where there is none; least: returns to take part.

    A member that takes part and lacks a return kept its price: 0.
    """

    symbols: list[str]
    returns: Floats
    least: int

    def pack(self) -> str:
        """As text: Kafka's and Feast's strings hold it."""
        of = packing.pack({"symbols": self.symbols, "least": self.least}, {"returns": self.returns})
        return base64.b64encode(of).decode()

    @staticmethod
    def unpack(text: str) -> "Snapshot":
        """Of `pack`; DataError where the text is none."""
        try:
            header, arrays = packing.unpack(base64.b64decode(text, validate=True))
            of = Snapshot(list(header["symbols"]), arrays["returns"], int(header["least"]))
            if of.returns.ndim != 2 or of.returns.shape[1] != len(of.symbols):
                raise ValueError(f"{len(of.symbols)} symbols and returns of shape {of.returns.shape}")
            return of
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise DataError(f"this is no packed universe: {error}", where=text[:40]) from error

    def matrix(self, kind: str = "correlation") -> Floats:
        """float64[N, N] of KINDS, symmetric, NaN for a member that takes no part; FeatureError for another kind.

        Positive semi-definite but for rounding: correlation and covariance (ddof 1) are products of complete columns,
        the others mix these with a positive definite target (udfs/estimators/shrinkage.py; with 1 / w, as
        scikit-learn) or cut eigenvalues (spectrum.py).
        """
        if kind not in KINDS:
            raise FeatureError(f"no matrix {kind!r}", hint=nearest(kind, KINDS))
        takes_part = (~np.isnan(self.returns)).sum(axis=0) >= self.least
        x = window(np.where(np.isnan(self.returns), 0.0, self.returns)[:, takes_part])
        varying, z, _ = unit(x)
        held = np.flatnonzero(takes_part)[varying]
        whole = np.full((len(self.symbols), len(self.symbols)), math.nan)
        if len(held):
            whole[np.ix_(held, held)] = _of(window(x[:, varying]), z, kind)
        return whole


def _of(x: Floats, z: Floats, kind: str) -> Floats:
    bars = len(x)
    if kind == "correlation":
        return _with_ones(products(z))
    if kind == "spearman":
        return _with_ones(products(unit(window(spearman.ranks(x)))[1]))
    if kind == "clipped":
        return spectrum.clipped(x)
    squares = products(centred(x))
    if kind == "covariance":
        return squares / (bars - 1)
    if kind == "ledoit_wolf_cc":
        return shrinkage.shrunk_to_constant_correlation(squares / bars, shrinkage.constant_correlation(x))
    to = shrinkage.identity if kind == "ledoit_wolf" else shrinkage.oas
    return shrinkage.shrunk_to_identity(squares / bars, to(shrinkage.norms(x)))


def _with_ones(correlations: Floats) -> Floats:
    whole: Floats = np.clip(correlations, -1.0, 1.0)
    np.fill_diagonal(whole, 1.0)
    return whole


def market(returns: Floats) -> Floats:
    """Mean of the returns that are there at each bar, 0 where there is none; float64[w]."""
    return np.nan_to_num(line.market(window(returns)), nan=0.0)
