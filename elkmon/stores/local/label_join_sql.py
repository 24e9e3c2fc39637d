"""Join late labels to their predictions in SQL, as ``elkmon.events.merge`` defines it."""

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
"""The fields that a prediction gets from its labels."""

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
"""The fields of the prediction and of its labels that each joined field is computed from."""


def truths(fields: Collection[str]) -> list[str]:
    """Return the last names of the ``ml.truth`` fields that joined fields are computed from."""
    return sorted({name for field in fields for name in _NEEDS[field][1]})


def needed(fields: Collection[str]) -> set[Ref]:
    """Return the columns of predictions and labels that joined fields are computed from."""
    names = {"event.id", "event.created", "event.sequence"}
    names |= {"@timestamp", "event.outcome", "ml.truth.observed_at"}
    for field in fields:
        names.update(_NEEDS[field][0])
    names.update(f"ml.truth.{name}" for name in truths(fields))
    return {Ref(BY_NAME[name]) for name in names}


def joined(again: str, fields: Collection[str], own: Collection[Ref]) -> str:
    """Return the common tables that join labels; the last one, ``joined``, holds the predictions.

    Only predictions with several labels are grouped. Of one label event, the line written first
    counts. The tables ``x`` (all events), ``r`` (those that may be repeats) and ``once`` (each
    prediction once) exist already.

    Args:
        again: query of the hashed keys of predictions that have several labels.
        fields: the joined fields that the table has.
        own: the columns of the prediction itself that it has.
    """
    names = truths(fields)
    truth = "".join(f', "ml.truth.{name}" AS "{name}"' for name in names)
    best = "".join(
        f', arg_max("{name}", k) FILTER ("{name}" IS NOT NULL) AS "{name}"'
        if name in _TRUTH
        else f', arg_max_null("{name}", k) AS "{name}"'
        for name in names
    )
    plain = "".join(f', "{name}"' for name in names)
    chosen = ", ".join(
        [*(f"p.{ref.sql}" for ref in own), *(f'{_SQL[name]} AS "{name}"' for name in fields)]
    )

    def labels(events: str, often: str) -> str:
        return f"""
            SELECT {KEY}, "event.id" AS label_id, "event.created" AS written_at,
                   "event.sequence" AS sequence, "@timestamp" AS t{truth},
                   coalesce("ml.truth.observed_at", "@timestamp") AS o
            FROM {events} WHERE "event.dataset" = '{LABEL}' AND {KEY} IS NOT NULL
              AND hash({KEY}) {often} (FROM again)"""

    return f"""
        again AS MATERIALIZED ({again}),
        truth AS NOT MATERIALIZED (
            SELECT {KEY}, o AS first_at, o AS last_at{plain} FROM ({labels("x", "NOT IN")})
            UNION ALL
            SELECT {KEY}, min(o), max(o){best}
            FROM (SELECT *, row(o, label_id) AS k FROM ({labels("r", "IN")})
                  QUALIFY row_number() OVER (
                      PARTITION BY {KEY}, label_id, date_trunc('month', t)
                      ORDER BY written_at, sequence) = 1)
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
