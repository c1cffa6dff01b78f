"""The correlations of all pairs by torch, on a GPU where there is one: `udfs.comatrix.matrix.Comatrix`'s twin.

In, out and kept: the same, to 1e-12 instead of the same bytes: each bar's matrix is one new float64 product of its
window, in whatever order the device adds, so nothing builds up. Values that differ by less may change places as peers.
"""

import torch
from torch import Tensor

from udfs.comatrix.matrix import TOP, Reading, own_rows
from udfs.comatrix.window import Window
from udfs.kernels.state import Floats, Rows

PANEL = 1024  # matrix rows that are sorted at once


class TorchComatrix:
    """As `Comatrix`. device: torch's name for it; None: cuda if there is one."""

    def __init__(
        self, window: Window, ring: Floats, bar: int, rows: Rows | None = None, top: int = TOP,
        device: str | None = None,
    ) -> None:  # fmt: skip
        self.window, self.bar, self.top = window, bar, top
        self.own = own_rows(window, ring, bar, rows)
        self.device = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        if self.device.type == "cpu" and torch.get_num_threads() > 1:
            torch.set_num_threads(1)  # as in udfs/scoring/cpu.py
        self._own = torch.from_numpy(self.own).to(self.device)
        kept = ring[len(ring) - min(window.reach, bar + 1) :]
        self._ring = _finite(torch.tensor(kept, dtype=torch.float64, device=self.device))

    @property
    def ring(self) -> Floats:
        """What a checkpoint holds, beside the bar number: float64[min(reach, bar + 1), N], the newest last."""
        kept: Floats = self._ring.cpu().numpy()
        return kept

    def advance(self, returns: Floats) -> Reading:
        """Take the returns of the next k >= 1 bars, float64[k, N]."""
        found = []
        for each in _finite(torch.tensor(returns, dtype=torch.float64, device=self.device)):
            self._ring = torch.cat((self._ring, each[None]))[-self.window.reach :]
            self.bar += 1
            found.append(self._reading())
        return Reading(*(torch.stack(each).cpu().numpy() for each in zip(*found, strict=True)))

    def correlation(self) -> Floats:
        """The matrix at the newest bar, float64[n, N]: 1 with itself, NaN where either takes no part."""
        whole: Floats = self._correlation().cpu().numpy()
        return whole

    def covariance(self) -> Floats:
        """Unbiased, float64[n, N]; NaN as in correlation."""
        rows, weights, takes_part = self._rows()
        rows = torch.where(takes_part, rows, torch.nan)
        whole: Floats = (rows[:, self._own].T @ rows).cpu().numpy()
        return whole / float(weights.sum() - weights.square().sum() / weights.sum())

    def _seen(self) -> tuple[Tensor, Tensor]:
        """Of each member: returns in the window, and bars since the last."""
        there = ~torch.isnan(self._ring[-self.window.bars :])
        age = there.flip(0).byte().argmax(0)
        return there.sum(0), torch.where(there.any(0), age, self.window.bars)

    def _rows(self) -> tuple[Tensor, Tensor, Tensor]:
        """Of the window: roots of the weights times returns less their mean, the weights, who takes part."""
        if self.bar < 0:
            raise ValueError("no bar was heard yet")
        bars = self.bar + 1 - max(0, self.window.oldest(self.bar))
        rows = self._ring[-bars:].nan_to_num(0.0)
        back = torch.arange(bars - 1, -1, -1, dtype=torch.float64, device=self.device)
        weights = self.window.decay**back
        rows -= rows[-1].clone()  # what does not vary is exactly 0
        for _ in range(2):  # the first mean's rounding is in units of the levels, the second's of the deviations
            rows -= weights @ rows / weights.sum()
        takes_part = (self._seen()[0] >= self.window.least) & rows.any(0)
        return rows * weights.sqrt()[:, None], weights, takes_part

    def _correlation(self) -> Tensor:
        rows, _, takes_part = self._rows()
        rows = torch.where(takes_part, rows / rows.square().sum(0).sqrt(), torch.nan)
        whole = (rows[:, self._own].T @ rows).clamp(-1.0, 1.0)
        one = torch.where(takes_part[self._own], 1.0, torch.nan).double()
        return whole.scatter_(1, self._own[:, None], one[:, None])

    def _reading(self) -> Reading:
        """Of the newest bar; tensors, not arrays."""
        whole, (seen, age) = self._correlation(), self._seen()
        takes_part = self._rows()[2]
        others = takes_part.sum() - 1
        mean = torch.where(takes_part[self._own] & (others > 0), (whole.nansum(1) - 1) / others, torch.nan)
        whole.scatter_(1, self._own[:, None], torch.nan)
        panels = [self._nearest(whole[at : at + PANEL]) for at in range(0, max(1, len(whole)), PANEL)]
        ids, values = (torch.cat(each) for each in zip(*panels, strict=True))
        return Reading(mean, ids, values, seen[self._own], age[self._own])  # type: ignore[arg-type]

    def _nearest(self, whole: Tensor) -> tuple[Tensor, Tensor]:
        """Columns int64[n, 2, top] and correlations of the most positive first, and of the most negative first."""
        ids = torch.full((len(whole), 2, self.top), -1, device=self.device)
        values = torch.full(ids.shape, torch.nan, dtype=torch.float64, device=self.device)
        for side, sign in enumerate((1, -1)):
            order = (sign * whole).nan_to_num(-torch.inf).sort(dim=1, descending=True, stable=True)
            best, columns = order.values[:, : self.top], order.indices[:, : self.top]
            ids[:, side, : best.shape[1]] = torch.where(best.isinf(), -1, columns)
            values[:, side, : best.shape[1]] = torch.where(best.isinf(), torch.nan, sign * best + 0.0)
        return ids, values


def _finite(returns: Tensor) -> Tensor:
    return torch.where(returns.isfinite(), returns, torch.nan)
