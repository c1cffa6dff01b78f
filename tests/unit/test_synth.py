"""Synthetic tapes: splits move prices, bad messages are bad as they say, wrong options are refused."""

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from schemas.errors import ConfigError, DecodeError, SchemaError
from schemas.loader import text
from schemas.wire import HEAD, decode
from tickloom.synth import synth, write_tape
from tickloom.tape.files import read_actions
from tickloom.tape.poison import FUTURE_US, REASONS
from tickloom.tape.spec import MIDNIGHT, Spec

SPEC: dict[str, Any] = {"symbols": 4, "ticks": 2_000, "seed": 3, "interval_us": 60_000_000, "rate": 10.0,
                        "bound_us": 2_000_000, "delay_us": 1_000_000}  # fmt: skip


def test_prices_and_sizes_change_units_at_the_ex_date(tmp_path: Path) -> None:
    write_tape(Spec(**SPEC, actions=4), 1_000_000, tmp_path)
    actions = read_actions(tmp_path / "actions.parquet")
    rows = pq.read_table(tmp_path / "ticks.parquet").to_pylist()
    assert sorted(str(action["symbol"]) for action in actions) == ["S000", "S001", "S002", "S003"]
    for action in actions:
        ratio = float(action["numerator"]) / float(action["denominator"])  # type: ignore[arg-type]
        assert (ratio > 1) == (action["action_type"] == "SPLIT")
        assert action["known_at"] < action["ex_date"] * 86_400_000_000 == MIDNIGHT  # type: ignore[operator]
        prices = {False: [], True: []}  # type: ignore[var-annotated]
        for row in rows:
            if row["symbol"] == action["symbol"]:
                prices[row["event_time"].timestamp() * 1e6 >= MIDNIGHT].append(row["price"])
        assert prices[False][-1] / prices[True][0] == pytest.approx(ratio, rel=0.01)


def test_each_symbol_splits_before_one_splits_again() -> None:
    splits = Spec(**SPEC, actions=6).splits
    assert {split[0] for split in splits} == {0, 1, 2, 3}
    assert len(splits) == 6
    assert all(split[4] < split[1] for split in splits)


def test_bad_messages_are_refused_for_their_reason(tmp_path: Path) -> None:
    def lookup(schema_id: int) -> Any:
        if schema_id != 7:
            raise SchemaError(f"unknown id {schema_id}")
        return json.loads(text("market.price.v1"))

    write_tape(Spec(**SPEC, bad=0.05), 1_000_000, tmp_path)
    rows = pq.read_table(tmp_path / "bad.parquet").to_pylist()
    assert {row["reason"] for row in rows} == set(REASONS)
    for row in rows:
        message = HEAD.pack(0, 7) * row["framed"] + row["payload"]
        match row["reason"]:
            case "random_bytes" | "unknown_schema_id" | "truncated" | "trailing_bytes" as reason:
                with pytest.raises(DecodeError) as error:
                    decode(message, lookup)
                assert error.value.what == {"random_bytes": "no_magic"}.get(reason, reason)
            case "future":
                time = int(row["event_time"].timestamp()) + FUTURE_US // 1_000_000
                assert decode(message, lookup)["event_time"] // 1_000_000 == time
            case _:
                assert not 0 < decode(message, lookup)["price"] < float("inf")


@pytest.mark.parametrize(
    ("option", "value"), [("late", 1.5), ("bad", -0.1), ("rate", 0.0), ("symbols", 0), ("ticks", 0), ("actions", -1)]
)
def test_options_that_make_no_tape(option: str, value: float) -> None:
    with pytest.raises(ConfigError, match=f"--{option}"):
        Spec(**SPEC | {option: value})


def test_the_command_takes_its_bounds_from_the_settings(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    synth(3, 100, 1, tmp_path, interval="1s", rate=10)
    spec = json.loads((tmp_path / "truth.json").read_text())["spec"]
    assert (spec["bound_us"], spec["delay_us"], spec["interval_us"]) == (2_000_000, 3_000_000, 1_000_000)
    assert "100 ticks" in capsys.readouterr().out
