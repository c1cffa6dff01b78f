"""What `feast apply` registers: the entity, the feature views of the configured interval, and the scoring service.

A view is filled by the features job (straight into the store), by `feast materialize` from the feature log, or by push.
"""

from datetime import timedelta

from feast import Entity, FeatureService, FeatureView, Field, FileSource, PushSource, ValueType
from feast.types import Float64, String

from feature_repo.views import CROSS_ASSET, FACTORS, INDICATORS, feature_log, layout, prefixes
from schemas.settings import settings

INTERVAL = settings().bars.interval

# `materialize-incremental` begins at now minus this the first time; history of decades is to be found. Staleness is
# judged by whoever scores, not here.
REACH = timedelta(days=36_525)

symbol = Entity(name="symbol", join_keys=["symbol"], value_type=ValueType.STRING, description="A traded instrument.")

log = FileSource(name=f"features_{INTERVAL}", path=str(feature_log(INTERVAL)), timestamp_field="event_time")


def view(name: str, description: str) -> FeatureView:
    """The view of that name with the fields of its layout, and a push source `<name>_push`."""
    types = {"f8": Float64, "str": String}
    return FeatureView(
        name=name,
        description=description,
        entities=[symbol],
        ttl=REACH,
        schema=[Field(name=field, dtype=types[kind]) for field, kind in layout(name).fields],
        source=PushSource(name=f"{name}_push", batch_source=log),
    )


indicators = view(INDICATORS + INTERVAL, "Technical indicators of one symbol at its last bar.")
cross_asset = view(CROSS_ASSET + INTERVAL, "How one symbol moved with the market and its nearest peer, last 60 bars.")
served = [indicators, cross_asset]
if FACTORS in prefixes():
    factors = view(FACTORS + INTERVAL, "Where one symbol stood in the universe at its last bar.")
    served.append(factors)

scoring_v1 = FeatureService(name="scoring_v1", features=served)
