from dataclasses import replace

import numpy as np
import pytest

from udfs.frame import BARS, CROSS_ASSET, Frame

FRAME = Frame(CROSS_ASSET, 3, 1_000, 2_000, 1, ["A", "C"], ("x", "y"), np.array([[1.0, np.nan], [-0.0, 4.0]]),
              {"peer_60": ["C", ""]}, ["B", "D"])  # fmt: skip
EMPTY = Frame(BARS, 0, 1, 1, 0, [], ("x",), np.empty((0, 1)))


@pytest.mark.parametrize("frame", [FRAME, EMPTY, Frame(BARS, 0, -(2**62), 2**62, 0, ["Ä"], (), np.empty((1, 0)))])
def test_a_frame_comes_back_as_it_was(frame: Frame) -> None:
    found = Frame.unpack(frame.pack())
    assert {**vars(found), "values": 0} == {**vars(frame), "values": 0}
    assert found.values.shape == frame.values.shape
    assert found.values.tobytes() == frame.values.tobytes()
    assert found.pack() == frame.pack()


def test_columns_by_name() -> None:
    assert FRAME.column("x").tolist() == [1.0, 0.0]
    with pytest.raises(ValueError, match="not in tuple"):
        FRAME.column("z")


def test_a_complete_frame_has_a_row_without_values_for_each_removed_symbol() -> None:
    whole = FRAME.complete()
    assert (whole.symbols, whole.removed) == (["A", "C", "B", "D"], [])
    assert whole.strings == {"peer_60": ["C", "", "", ""]}
    np.testing.assert_array_equal(whole.values, [[1.0, np.nan], [0.0, 4.0], [np.nan] * 2, [np.nan] * 2])
    assert FRAME.removed == ["B", "D"], "the frame itself is as it was"
    assert EMPTY.complete().pack() == EMPTY.pack()


def test_securities_are_the_symbols_unless_said() -> None:
    assert FRAME.ids() == (["A", "C"], ["B", "D"])
    named = replace(FRAME, securities=["A#2", "X", "B", "D#3"])
    assert named.ids() == (["A#2", "X"], ["B", "D#3"])
    assert Frame.unpack(named.pack()).ids() == named.ids()
    assert EMPTY.ids() == ([], [])
