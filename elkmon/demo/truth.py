"""What was injected and what came of it, counted from the requests and answers, not from events."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass

from elkmon.demo.plan import Plan, Request
from elkmon.demo.serve import Outcome
from elkmon.demo.story import (
    DIGITS,
    DIGITS_RATE,
    TRIAGE,
    UNIT_FACTOR,
    UNIT_FEATURE,
    UNIT_SITE,
    V2,
)
from elkmon.events.ids import kept

__all__ = ["Group", "ground_truth"]


@dataclass(frozen=True, slots=True)
class Group:
    """Counts of some requests. ``stored`` to ``wrong`` are what a store must show of them."""

    requests: int
    failures: int
    true_wrong: int
    """Of all answers, those that were not the truth, whether anybody labelled them or not."""
    true_error_rate: float | None
    """true_wrong / answers."""
    stored: int
    """Attempts that sampling kept."""
    labelled: int
    """Of the stored answers, those whose truth is known at the end of the week."""
    wrong: int
    """Of the labelled, those that differ from the label that counts then."""


@dataclass(frozen=True, slots=True)
class _Served:
    request: Request
    outcome: Outcome

    @property
    def stored(self) -> bool:
        if self.request.model != DIGITS or self.outcome.error is not None:
            return True
        return kept(self.request.id, DIGITS_RATE)


def ground_truth(plan: Plan, outcomes: Iterable[Outcome]) -> dict[str, object]:
    """Write down the week as JSON takes it.

    Args:
        plan: what was asked, and when what went wrong.
        outcomes: what was answered, one for each request.
    """
    by_id = {outcome.id: outcome for outcome in outcomes}
    served = [_Served(request, by_id[request.id]) for request in plan.requests]
    hit = [each for each in served if each.request.wrong_unit]
    math = [each for each in served if each.outcome.error == "ValueError"]
    return {
        "seed": plan.seed,
        "from": plan.start.isoformat(),
        "to": plan.end.isoformat(),
        "requests": len(served),
        "faults": plan.faults,
        "injected": {
            "version": {"model": TRIAGE, "version": V2, "from": plan.v2_from.isoformat()},
            "unit_error": {
                "model": TRIAGE,
                "segment": {"site": UNIT_SITE},
                "feature": UNIT_FEATURE,
                "factor": UNIT_FACTOR,
                "from": plan.unit_from.isoformat(),
                **asdict(_group(hit)),
            },
            "exception": {
                "model": TRIAGE,
                "version": V2,
                "type": "ValueError",
                "failures": len(math),
                "first": min(each.request.at for each in math).isoformat() if math else None,
            },
            "sampling": {"model": DIGITS, "rate": DIGITS_RATE},
            "labels": {
                "sent": sum(len(each.labels) for each in plan.requests),
                "never": sum(not each.labels and not each.pending for each in plan.requests),
                "pending": sum(each.pending for each in plan.requests),
                "corrected": sum(len(each.labels) > 1 for each in plan.requests),
            },
        },
        "models": {
            model: _model([each for each in served if each.request.model == model])
            for model in (TRIAGE, DIGITS)
        },
    }


def _model(served: list[_Served]) -> Mapping[str, object]:
    return {
        "total": asdict(_group(served)),
        "version": _by(served, lambda request: request.version),
        "segment.site": _by(served, lambda request: request.segment["site"]),
        "segment.channel": _by(served, lambda request: request.segment["channel"]),
    }


def _by(served: list[_Served], key: Callable[[Request], str]) -> dict[str, object]:
    groups: dict[str, list[_Served]] = {}
    for each in served:
        groups.setdefault(key(each.request), []).append(each)
    return {name: asdict(_group(groups[name])) for name in sorted(groups)}


def _group(served: list[_Served]) -> Group:
    answers = [each for each in served if each.outcome.error is None]
    stored = [each for each in served if each.stored]
    labelled = [each for each in stored if each.outcome.error is None and each.request.labels]
    true_wrong = sum(each.outcome.label != each.request.truth for each in answers)
    return Group(
        requests=len(served),
        failures=len(served) - len(answers),
        true_wrong=true_wrong,
        true_error_rate=true_wrong / len(answers) if answers else None,
        stored=len(stored),
        labelled=len(labelled),
        wrong=sum(each.outcome.label != each.request.labels[-1].label for each in labelled),
    )
