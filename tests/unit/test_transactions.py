"""The life of Kafka's transactions, against what may take long."""

from collections.abc import Mapping

import pytest

from jobs.runtime import transactions
from schemas.errors import ConfigError, StackError
from schemas.settings import settings

QUICK = {"execution.checkpointing.timeout": "2min", "heartbeat.timeout": "15s",
         "execution.checkpointing.interval": "1s",
         "restart-strategy.exponential-delay.max-backoff": "10s"}  # fmt: skip


def check(timeout: str, flink: Mapping[str, str], monkeypatch: pytest.MonkeyPatch, most_s: int = 900) -> None:
    monkeypatch.setattr(transactions, "brokers_maximum", lambda *_: most_s * 1_000_000)
    kafka = settings().kafka.model_copy(update={"transaction_timeout": timeout})
    transactions.check(settings().model_copy(update={"kafka": kafka}), "features", flink.get)


def test_longer_than_a_checkpoint_and_a_restart_and_no_longer_than_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    check("10m", QUICK, monkeypatch)


@pytest.mark.parametrize(
    ("timeout", "flink", "said"),
    [
        ("5s", QUICK, "may take 206 s, transactions live 5 s"),
        ("3m", QUICK, "may take 206 s, transactions live 180 s"),
        ("10m", {}, "may take 770 s, transactions live 600 s"),
        ("20m", QUICK, "20m is more than the brokers allow, 900 s"),
        ("10m", {"heartbeat.timeout": "soon"}, "'soon' is not a duration of Flink's"),
    ],
)
def test_anything_else_is_an_error_with_the_key(
    timeout: str, flink: Mapping[str, str], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ConfigError, match=said):
        check(timeout, flink, monkeypatch)


@pytest.mark.parametrize(
    ("text", "us"), [("1s", 1_000_000), ("2 min", 120_000_000), ("500", 500_000), ("1 h", 3_600_000_000)]
)
def test_durations_as_flink_writes_them(text: str, us: int) -> None:
    assert transactions.flink_duration(text) == us


def test_a_broker_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transactions, "PATIENCE_S", 0.2)
    with pytest.raises(StackError, match="Kafka does not answer"):
        transactions.brokers_maximum(settings().kafka.model_copy(update={"bootstrap": "127.0.0.1:1"}), "features")
