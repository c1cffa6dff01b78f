import numpy as np
import pytest

from udfs.packing import Arrays, Header, pack, unpack

NAN = np.array([np.nan, -0.0, np.inf])


@pytest.mark.parametrize(
    ("header", "arrays"),
    [
        ({}, {}),
        ({"symbols": ["Ä", ""], "n": -1, "none": None}, {}),
        ({"view": "bars"}, {"values": NAN.reshape(3, 1)}),
        ({}, {"kind": np.arange(3, dtype="i1"), "time": np.arange(2), "code": np.arange(5, dtype="i4")}),
        ({}, {"empty": np.empty((0, 6)), "raw": np.empty(0, "u1"), "one": np.array(7)}),
        ({"x": "y" * 1000}, {"across": np.arange(12.0).reshape(3, 4).T}),
    ],
)
def test_what_is_packed_comes_back(header: Header, arrays: Arrays) -> None:
    data = pack(header, arrays)
    found, columns = unpack(data)
    assert found == header
    assert set(columns) == set(arrays)
    for name, array in arrays.items():
        assert (columns[name].dtype, columns[name].shape) == (array.dtype, array.shape)
        assert columns[name].tobytes() == array.tobytes()
    assert pack(dict(header), {name: array.copy() for name, array in arrays.items()}) == data


def test_arrays_lie_in_the_bytes_themselves_and_cannot_be_written() -> None:
    data = pack({}, {"values": np.arange(3.0)})
    _, columns = unpack(data)
    assert np.shares_memory(columns["values"], np.frombuffer(data, "u1"))
    with pytest.raises(ValueError, match="read-only"):
        columns["values"][0] = 1.0


@pytest.mark.parametrize("size", range(9))
def test_each_array_is_aligned_in_the_bytes(size: int) -> None:
    # a header of any length, a wide array after a narrow one
    data = pack({"x": "y" * size}, {"narrow": np.ones(3, "i1"), "wide": np.arange(2)})
    begin = np.frombuffer(data, "u1").ctypes.data
    places = {name: array.ctypes.data - begin for name, array in unpack(data)[1].items()}
    assert places["wide"] % 8 == 0
    assert places["narrow"] == places["wide"] + 16
