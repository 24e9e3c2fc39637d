"""Late labels joined to their predictions, in SQL: what ``elkmon.events.merge`` defines."""

from __future__ import annotations

from collections.abc import Collection

from elkmon.events.datasets import LABEL
from elkmon.events.fields import BY_NAME
from elkmon.events.merge import EPSILON
from elkmon.stores.local.columns import KEY, Ref

__all__ = ["JOINED", "joined", "needed", "truths"]

_TRUTH = ("label", "value", "correct", "rating")
JOINED: frozenset[str] = frozenset(
    {
        *(f"ml.truth.{name}" for name in (*_TRUTH, "source", "observed_at")),
        *(name for name in BY_NAME if name.startswith("ml.eval.")),
    }
)
"""Fields that a prediction has from its labels."""

_PROBABILITY = ("ml.task", "ml.prediction.positive", "ml.prediction.score", "ml.prediction.scores")
_NEEDS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "ml.eval.outcome": (("ml.prediction.label",), ("label", "correct")),
    "ml.eval.residual": (("ml.prediction.value",), ("value",)),
    "ml.eval.abs_residual": (("ml.prediction.value",), ("value",)),
    "ml.eval.sq_residual": (("ml.prediction.value",), ("value",)),
    "ml.eval.log_loss": (_PROBABILITY, ("label",)),
    "ml.eval.brier": (_PROBABILITY, ("label",)),
    "ml.eval.first_delay": (("@timestamp",), ()),
    **{f"ml.truth.{name}": ((), (name,)) for name in (*_TRUTH, "source")},
    "ml.truth.observed_at": ((), ()),
}
"""What each joined field is made of: fields of the prediction, and of its labels."""


def truths(asked: Collection[str]) -> list[str]:
    """Return the truth fields of labels that joined fields are made of, by their last name."""
    return sorted({name for each in asked for name in _NEEDS[each][1]})


def needed(asked: Collection[str]) -> set[Ref]:
    """Return the columns that have to be read of predictions and labels for joined fields."""
    names = {"event.id", "event.created", "event.sequence"}
    names |= {"@timestamp", "event.outcome", "ml.truth.observed_at"}
    for name in asked:
        names.update(_NEEDS[name][0])
    names.update(f"ml.truth.{name}" for name in truths(asked))
    return {Ref(BY_NAME[name]) for name in names}


def joined(again: str, asked: Collection[str], kept: Collection[Ref]) -> str:
    """Return the common tables that join labels: the last, ``joined``, has the predictions.

    Most predictions have one label at most, which needs no choice; only the others are grouped.
    Of the same label event, the first that was written counts. The tables ``x`` (all events),
    ``r`` (those that may be repeats) and ``once`` (predictions, each once) are there already.

    Args:
        again: query of the hashed keys of predictions that have several labels.
        asked: the joined fields to give.
        kept: the prediction's own columns to give.
    """
    names = truths(asked)
    own = "".join(f', "ml.truth.{name}" AS "{name}"' for name in names)
    best = "".join(
        f', arg_max("{name}", k) FILTER ("{name}" IS NOT NULL) AS "{name}"'
        if name in _TRUTH
        else f', arg_max_null("{name}", k) AS "{name}"'
        for name in names
    )
    plain = "".join(f', "{name}"' for name in names)
    chosen = ", ".join(
        [*(f"p.{ref.sql}" for ref in kept), *(f'{_SQL[name]} AS "{name}"' for name in asked)]
    )

    def told(events: str, often: str) -> str:
        return f"""
            SELECT {KEY}, "event.id" AS told_id, "event.created" AS told_at,
                   "event.sequence" AS told_as, "@timestamp" AS t{own},
                   coalesce("ml.truth.observed_at", "@timestamp") AS o
            FROM {events} WHERE "event.dataset" = '{LABEL}' AND {KEY} IS NOT NULL
              AND hash({KEY}) {often} (FROM again)"""

    return f"""
        again AS MATERIALIZED ({again}),
        truth AS NOT MATERIALIZED (
            SELECT {KEY}, o AS first_at, o AS last_at{plain} FROM ({told("x", "NOT IN")})
            UNION ALL
            SELECT {KEY}, min(o), max(o){best}
            FROM (SELECT *, row(o, told_id) AS k FROM ({told("r", "IN")})
                  QUALIFY row_number() OVER (
                      PARTITION BY {KEY}, told_id, date_trunc('month', t)
                      ORDER BY told_at, told_as) = 1)
            GROUP BY {KEY}),
        joined AS NOT MATERIALIZED (
            SELECT {chosen} FROM once AS p LEFT JOIN truth AS l ON p.{KEY} = l.{KEY})"""


_SUCCESS = "p.\"event.outcome\" = 'success'"
_RESIDUAL = 'p."ml.prediction.value" - l."value"'
_POSITIVE = '(l."label" = p."ml.prediction.positive")'
_SCORE = 'p."ml.prediction.score"'
_SCORES = 'p."ml.prediction.scores"'
_RIGHT = 'coalesce(l."label" = p."ml.prediction.label", l."correct")'
_BINARY = (
    'p."ml.task" = \'binary\' AND l."label" IS NOT NULL AND '
    f'p."ml.prediction.positive" IS NOT NULL AND {_SCORE} BETWEEN 0 AND 1'
)
_MANY = (
    f'p."ml.task" = \'multiclass\' AND {_SCORES}[l."label"] IS NOT NULL AND '
    f"len(list_filter(map_values({_SCORES}), lambda s: s IS NULL)) = 0 AND "
    f"list_min(map_values({_SCORES})) >= 0 AND list_max(map_values({_SCORES})) <= 1"
)


def _where_success(value: str) -> str:
    return f"CASE WHEN {_SUCCESS} THEN {value} END"


def _loss(probability: str) -> str:
    return f"-ln(greatest(least({probability}, 1 - {EPSILON!r}::DOUBLE), {EPSILON!r}::DOUBLE))"


_SQL: dict[str, str] = {
    **{f"ml.truth.{name}": f'l."{name}"' for name in (*_TRUTH, "source")},
    "ml.truth.observed_at": "l.last_at",
    "ml.eval.outcome": _where_success(
        f"CASE WHEN {_RIGHT} THEN 'correct' WHEN NOT {_RIGHT} THEN 'wrong' END"
    ),
    "ml.eval.residual": _where_success(_RESIDUAL),
    "ml.eval.abs_residual": _where_success(f"abs({_RESIDUAL})"),
    "ml.eval.sq_residual": _where_success(f"({_RESIDUAL}) * ({_RESIDUAL})"),
    "ml.eval.log_loss": _where_success(
        f"CASE WHEN {_BINARY} THEN "
        + _loss(f"CASE WHEN {_POSITIVE} THEN {_SCORE} ELSE 1 - {_SCORE} END")
        + f" WHEN {_MANY} THEN "
        + _loss(f'{_SCORES}[l."label"]')
        + " END"
    ),
    "ml.eval.brier": _where_success(
        f"CASE WHEN {_BINARY} THEN pow({_SCORE} - {_POSITIVE}::INT, 2) WHEN {_MANY} THEN "
        f"list_sum(list_transform(map_entries({_SCORES}), "
        'lambda e: pow(e.value - (e.key = l."label")::INT, 2))) END'
    ),
    "ml.eval.first_delay": _where_success(
        "CASE WHEN l.first_at IS NOT NULL THEN "
        'greatest(epoch_us(l.first_at) - epoch_us(p."@timestamp"), 0) / 1000000.0 END'
    ),
}
