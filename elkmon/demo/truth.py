"""Write the ground truth: what was injected, and counts taken from requests and answers."""

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
    """Counts of some requests; a store must show exactly ``stored``, ``labelled`` and ``wrong``."""

    requests: int
    failures: int
    true_wrong: int
    """Answers that were wrong, whether they were labelled or not."""
    true_error_rate: float | None
    """true_wrong / answers."""
    stored: int
    """Attempts that sampling kept."""
    labelled: int
    """Stored answers with a label at the end of the week."""
    wrong: int
    """Labelled answers that differ from their last label."""


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
    """Return the ground truth of the week, as JSON takes it.

    Args:
        plan: the requests, and when the faults begin.
        outcomes: the answers, one for each request.
    """
    by_id = {outcome.id: outcome for outcome in outcomes}
    served = [_Served(request, by_id[request.id]) for request in plan.requests]
    wrong_unit = [attempt for attempt in served if attempt.request.wrong_unit]
    raised = [attempt for attempt in served if attempt.outcome.error == "ValueError"]
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
                **asdict(_group(wrong_unit)),
            },
            "exception": {
                "model": TRIAGE,
                "version": V2,
                "type": "ValueError",
                "failures": len(raised),
                "first": raised[0].request.at.isoformat() if raised else None,
            },
            "sampling": {"model": DIGITS, "rate": DIGITS_RATE},
            "labels": {
                "sent": sum(len(request.labels) for request in plan.requests),
                "never": sum(not (request.labels or request.pending) for request in plan.requests),
                "pending": sum(request.pending for request in plan.requests),
                "corrected": sum(len(request.labels) > 1 for request in plan.requests),
            },
        },
        "models": {
            model: _model([attempt for attempt in served if attempt.request.model == model])
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
    for attempt in served:
        groups.setdefault(key(attempt.request), []).append(attempt)
    return {name: asdict(_group(groups[name])) for name in sorted(groups)}


def _group(served: list[_Served]) -> Group:
    answers = [attempt for attempt in served if attempt.outcome.error is None]
    stored = [attempt for attempt in served if attempt.stored]
    labelled = [
        attempt for attempt in stored if attempt.outcome.error is None and attempt.request.labels
    ]
    true_wrong = sum(attempt.outcome.label != attempt.request.truth for attempt in answers)
    return Group(
        requests=len(served),
        failures=len(served) - len(answers),
        true_wrong=true_wrong,
        true_error_rate=true_wrong / len(answers) if answers else None,
        stored=len(stored),
        labelled=len(labelled),
        wrong=sum(
            attempt.outcome.label != attempt.request.labels[-1].label for attempt in labelled
        ),
    )
