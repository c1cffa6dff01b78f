"""The operator of the indicators, as it is made where a job is submitted: a worker must find the same plans."""

from jobs.stages.indicators import Indicators
from schemas.settings import settings
from udfs.plan import Plan


def test_the_plans_are_known_when_a_job_is_submitted() -> None:
    config = settings()
    made = Indicators(["1m", "5m"], config)
    assert made.digests == [Plan(each, calendar=config.bars.calendar).digest() for each in ("1m", "5m")]
    assert made.number == config.state.shards


def test_factors_have_one_key(monkeypatch) -> None:
    config = settings()
    monkeypatch.setattr(
        "udfs.catalogue.settings",
        lambda: config.model_copy(
            update={"features": config.features.model_copy(update={"packs": ["core", "across"]})}
        ),
    )
    made = Indicators(["1m"], config, across=True)
    assert made.number == 1
    assert [plan.across for plan in made._plans()] == [True]
    assert made.digests != Indicators(["1m"], config).digests
