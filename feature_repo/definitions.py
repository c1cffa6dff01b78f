"""What `feast apply` registers: the entity, the feature views of each configured interval, and the scoring service.

A view is filled by the features job (straight into the store), by `feast materialize` from the feature log, or by push.
"""

from datetime import timedelta

from feast import Entity, FeatureService, FeatureView, Field, FileSource, PushSource, ValueType
from feast.types import Float32, Float64, String

from feature_repo.views import CROSS_ASSET, FACTORS, INDICATORS, feature_log, layout, prefixes
from schemas.settings import intervals_of, settings

INTERVAL, *ROLLUPS = intervals_of(settings())

# `materialize-incremental` begins at now minus this the first time; history of decades is to be found. Staleness is
# judged by whoever scores, not here.
REACH = timedelta(days=36_525)
WHAT = {
    INDICATORS: "Technical indicators of one symbol at its last bar.",
    FACTORS: "Where one symbol stood in the universe at its last bar.",
    CROSS_ASSET: "How one symbol moved with the market and its nearest peer, last 60 bars.",
}

symbol = Entity(name="symbol", join_keys=["symbol"], value_type=ValueType.STRING, description="A traded instrument.")


def views(interval: str) -> list[FeatureView]:
    """All views by bars of this length, from one feature log."""
    log = FileSource(name=f"features_{interval}", path=str(feature_log(interval)), timestamp_field="event_time")
    return [view(prefix + interval, WHAT[prefix], log) for prefix in prefixes()]


def view(name: str, description: str, log: FileSource) -> FeatureView:
    """The view of that name with the fields of its layout, and a push source `<name>_push`."""
    types = {"f8": Float64, "f4": Float32, "str": String}
    return FeatureView(
        name=name,
        description=description,
        entities=[symbol],
        ttl=REACH,
        schema=[Field(name=field, dtype=types[kind]) for field, kind in layout(name).fields],
        source=PushSource(name=f"{name}_push", batch_source=log),
    )


served = views(INTERVAL)
others = [each for interval in ROLLUPS for each in views(interval)]
globals().update({each.name: each for each in [*served, *others]})  # Feast reads a module's names

scoring_v1 = FeatureService(name="scoring_v1", features=served)
