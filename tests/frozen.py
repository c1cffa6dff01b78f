"""State as a version of the code left it: a small world half done, written down to be restored by later versions.

`python -m tests.frozen state tests/data/state/<layout>` writes it, once for each layout (`udfs.log.LAYOUT`), by the
last code that has it; `python -m tests.frozen picture tests/golden/state.json` the picture of the present layout.
In: nothing but the code. Out: `moves.bin`, all that the world hears, and how much of it had been heard;
`<stage>_<shard>.bin`, what that shard had in keyed state. Each is compressed JSON.
"""

import json
import sys
import zlib
from pathlib import Path
from random import Random
from typing import Any

from tests.oracles.world import MINUTE, Move, World, action, line, short_windows, tape
from udfs import packing
from udfs.catalogue import rows
from udfs.expressions import expression
from udfs.log import LAYOUT, Horizon
from udfs.ticks import Ticks

ROLLUPS = ("5m",)
HORIZON = Horizon(24, 3)
"""Shorter than the tape: what is older than it was forgotten when the state was written."""
HALF = 55
"""Bar times that have passed by then; changes of the past wait to be applied."""


def world() -> World:
    """The small world: bars of a minute and five, factors, strays, late news; two shards."""
    factors = (*rows("across")[:2], *expression("fast", "rank(rocp(close, 3))"))
    return World(2, HORIZON, rollups=ROLLUPS, factors=factors)


def moves() -> list[Move]:
    """What it hears: trades, a few of them late, a split and a change of ticker, time, and changes in their turns."""
    ticks, random = tape(8, 60, 12, 0.1), Random(8)
    start = int(ticks.event_time.min()) // MINUTE * MINUTE
    times = sorted({int(end) // MINUTE * MINUTE + MINUTE for end in ticks.event_time.tolist()})
    late = [MINUTE * 4 * (random.random() < 0.05) for _ in range(len(ticks))]
    others: list[tuple[int, str, Any]] = [(end + MINUTE, "pass", None) for end in times]
    others += [(end + MINUTE + 1, "amend", None) for end in times[::7]]
    split, renamed = action("s", "SPLIT", "A", numerator=2), action("n", "SYMBOL_CHANGE", "C", other_symbol="F")
    later = action("l", "SPLIT", "B", numerator=3, ex_date=2)
    others += [(start, "tell", split), (times[22], "tell", renamed), (times[HALF], "tell", later)]
    return line(ticks, ticks.event_time + late, others)


def played() -> tuple[list[Move], int]:
    """All moves, and how many of them are played."""
    heard = moves()
    return heard, next(i for i, (what, how) in enumerate(heard) if what == "tell" and how["event_id"] == "l") + 1


def write(folder: Path) -> None:
    """Play half of the world and write down what there is."""
    folder.mkdir(parents=True, exist_ok=True)
    (heard, half), small = played(), world()
    for move in heard[:half]:
        small.do(*move)
    told = [[what, how.pack().hex() if isinstance(how, Ticks) else how] for what, how in heard]
    _put(folder / "moves.bin", {"half": half, "moves": told})
    for name, store in small.stores.items():
        _put(folder / f"{name.replace('/', '_')}.bin", {"store": name, "state": {k: v.hex() for k, v in store.items()}})


def read(folder: Path) -> tuple[dict[str, dict[str, bytes]], list[Move], int]:
    """Stores by stage and shard, all moves, and how many of them the stores have heard."""
    stores, told = {}, _get(folder / "moves.bin")
    for path in sorted(folder.glob("*.bin")):
        if path.name != "moves.bin":
            found = _get(path)
            stores[found["store"]] = {key: bytes.fromhex(value) for key, value in found["state"].items()}
    heard = [(what, Ticks.unpack(bytes.fromhex(how)) if what == "hear" else how) for what, how in told["moves"]]
    return stores, heard, told["half"]


def picture(stores: dict[str, dict[str, bytes]]) -> dict[str, Any]:
    """What kinds of values there are, by stage: of packed ones header keys with types and arrays, else the form."""
    found: dict[str, dict[str, Any]] = {}
    for name, store in stores.items():
        stage = found.setdefault(name.split("/")[0], {})
        for key, value in store.items():
            kind, *place = key.split("/")
            kind = f"<interval>/{place[0]}" if len(kind) > 1 else kind
            stage[kind] = _merged(stage.get(kind), _form(value, tickers=kind == "k"))
    return {stage: dict(sorted(kinds.items())) for stage, kinds in sorted(found.items())}


def kinds() -> dict[str, Any]:
    """The picture of all that the small world ever keeps between two moves."""
    small, found = world(), dict[str, dict[str, Any]]()
    for what, how in moves():
        small.do(what, how)
        if what in ("amend", "tell"):
            for stage, forms in picture(small.stores).items():
                known = found.setdefault(stage, {})
                known |= {kind: _merged(known.get(kind), form) for kind, form in forms.items()}
    return {stage: dict(sorted(forms.items())) for stage, forms in sorted(found.items())}


def _form(value: bytes, *, tickers: bool) -> Any:
    if len(value) > 4 and value[4:5] == b"{":
        header, arrays = packing.unpack(value)
        shapes = {"<ticker>" if tickers else name: [of.dtype.str, *of.shape[1:]] for name, of in sorted(arrays.items())}
        shapes |= {"state": ["<f8", "as l says"]} if "state" in shapes else {}
        return {"header": {key: type(of).__name__ for key, of in sorted(header.items())}, "arrays": shapes}
    if value[:1] in (b"{", b"["):
        read = json.loads(value)
        return {"json": sorted(read) if isinstance(read, dict) else "list"}
    return "number" if value.isdigit() else "bytes" if value else "empty"


def _merged(one: Any, other: Any) -> Any:
    """JSON objects need not all have the same keys."""
    if isinstance(one, dict) and isinstance(one.get("json"), list):
        return {"json": sorted({*one["json"], *other["json"]})}
    return other if one in (None, "empty", "bytes") else one


def _put(path: Path, found: object) -> None:
    path.write_bytes(zlib.compress(json.dumps(found).encode(), 9))


def _get(path: Path) -> Any:
    return json.loads(zlib.decompress(path.read_bytes()))


if __name__ == "__main__":
    with short_windows():
        if sys.argv[1] == "state":
            write(Path(sys.argv[2]))
        else:
            golden = Path(sys.argv[2])
            known = json.loads(golden.read_text("utf-8")) if golden.exists() else {}
            known |= {"layout": LAYOUT, "kinds": kinds()}
            golden.write_text(json.dumps(known, indent=1) + "\n", "utf-8")
