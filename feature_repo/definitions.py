"""What `feast apply` registers: the entities, the feature views of each configured interval, and the scoring service.

A view is filled by the features job (straight into the store), by `feast materialize` from the feature log, or by push.
"""

from datetime import timedelta

from feast import Entity, FeatureService, FeatureView, Field, FileSource, PushSource, ValueType
from feast.types import Float32, Float64, String

from feature_repo import views as names
from feature_repo.views import beside, feature_log, layout, prefixes
from schemas.settings import intervals_of, settings

INTERVAL, *ROLLUPS = intervals_of(settings())

# `materialize-incremental` begins at now minus this the first time; history of decades is to be found. Staleness is
# judged by whoever scores, not here.
REACH = timedelta(days=36_525)
WHAT = {
    names.INDICATORS: "Technical indicators of one symbol at its last bar.",
    names.FACTORS: "Where one symbol stood in the universe at its last bar.",
    names.CROSS_ASSET: "How one symbol moved with the market, benchmarks and its peers.",
    names.UNIVERSE: "How all symbols moved together at the last bar, and the returns that every matrix is made of.",
    names.PAIRS: "How two symbols moved together at the last bar.",
}


def keyed(name: str, description: str) -> Entity:
    """An entity by one join key of its own name."""
    return Entity(name=name, join_keys=[name], value_type=ValueType.STRING, description=description)


symbol = keyed("symbol", "A traded instrument.")
universe = keyed("universe", "All symbols together: there is one, `universe`.")
symbol_a, symbol_b = keyed("symbol_a", "The first of a pair."), keyed("symbol_b", "The second of a pair.")
OF = {names.UNIVERSE: [universe], names.PAIRS: [symbol_a, symbol_b]}


def views(interval: str) -> list[FeatureView]:
    """All views by bars of this length; those of one entity from one log."""
    logs = {"features": feature_log(interval)}
    logs |= {of: beside(feature_log(interval), of) for of in names.apart()}
    sources = {of: FileSource(name=f"{of}_{interval}", path=str(log), timestamp_field="event_time") for of, log in
               logs.items()}  # fmt: skip
    return [view(prefix, interval, sources.get(prefix.rstrip("_"), sources["features"])) for prefix in prefixes()]


def view(prefix: str, interval: str, log: FileSource) -> FeatureView:
    """The view of that name with the fields of its layout, and a push source `<name>_push`."""
    types, name = {"f8": Float64, "f4": Float32, "str": String}, prefix + interval
    return FeatureView(
        name=name,
        description=WHAT[prefix],
        entities=OF.get(prefix, [symbol]),
        ttl=REACH,
        schema=[Field(name=field, dtype=types[kind]) for field, kind in layout(name).fields],
        source=PushSource(name=f"{name}_push", batch_source=log),
    )


served = views(INTERVAL)
others = [each for interval in ROLLUPS for each in views(interval)]
globals().update({each.name: each for each in [*served, *others]})  # Feast reads a module's names

of_symbols = [each for each in served if each.name.startswith(names.SYMBOL)]
scoring_v1 = FeatureService(name="scoring_v1", features=of_symbols)
