"""Wrong answers that became more frequent: found, named once, and none where nothing changed."""

import numpy as np
import pytest
from scipy.stats import binom, fisher_exact

from elkmon.query.slices import Part, count
from elkmon.questions.compare.error_increases import (
    LEVEL,
    LabelledSides,
    error_increases,
    group_tests,
    increase_p_value,
)
from elkmon.statistics.rate import Sums
from tests.support.labelled_crowd import crowd


def always(share):
    return lambda *_place: share


def at(rate, elsewhere=0.1, **where):
    """Err more often at one site, on one channel, or of one truth."""

    def wrong(site, channel, truth):
        place = {"site": site, "channel": channel, "truth": truth}
        return rate if where.items() <= place.items() else elsewhere

    return wrong


def rises(sides):
    (increases,) = error_increases([(sides, group_tests(sides))])
    return increases


def named(sides):
    """Give what is named: truth, and segment value or none."""
    return {(rise.pair[0], rise.slice) for rise in rises(sides)}


def random_sides(seed, before, after, number=4000, **more):
    random = np.random.default_rng(seed)
    return LabelledSides(
        "m", crowd(random, number, before, **more), crowd(random, number, after, **more)
    )


@pytest.mark.parametrize(
    ("before", "after", "rate", "weight"),
    [
        pytest.param(1500, 1000, 0.1, 1.0, id="as many as usual"),
        pytest.param(150, 90, 0.15, 1.0, id="small counts"),
        pytest.param(3000, 600, 0.02, 4.0, id="rare errors, sampled"),
    ],
)
def test_where_nothing_changed_hardly_anything_is_named(before, after, rate, weight):
    number = 300
    random = np.random.default_rng(20)

    alarms = 0
    for _ in range(number):
        sides = LabelledSides(
            "m",
            crowd(random, before, always(rate), weight=weight),
            crowd(random, after, always(rate), weight=weight),
        )
        alarms += bool(named(sides))

    assert alarms <= binom.ppf(0.999, number, LEVEL)


def test_where_sampling_differs_hardly_anything_is_named():
    random = np.random.default_rng(21)

    alarms = 0
    for _ in range(200):
        mixed = (*crowd(random, 800, always(0.1)), *crowd(random, 800, always(0.1), weight=10.0))
        alarms += bool(
            named(LabelledSides("m", mixed, crowd(random, 700, always(0.1), weight=3.0)))
        )

    assert alarms <= binom.ppf(0.999, 200, LEVEL)


def test_labels_that_are_still_to_be_corrected_raise_no_alarm():
    """Each label is wrong at first in 3 of 100 cases; the baseline's are corrected by now."""
    random = np.random.default_rng(22)
    alarms = {0.0: 0, 0.03: 0}
    for _ in range(150):
        before = crowd(random, 3000, always(0.06))
        now = crowd(random, 3000, always(0.06 + 0.03 * (1 - 2 * 0.06)))
        for late in alarms:
            alarms[late] += bool(named(LabelledSides("m", before, now, late)))

    assert alarms[0.0] > 50, "without that, there would be alarms"
    assert alarms[0.03] <= binom.ppf(0.999, 150, LEVEL)


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        pytest.param(at(0.4, site="porto", truth="cat"), {("cat", ("site", "porto"))}, id="a site"),
        pytest.param(at(0.3, truth="dog"), {("dog", None)}, id="everywhere"),
        pytest.param(
            at(0.25, channel="app", truth="cat"), {("cat", ("channel", "app"))}, id="half of all"
        ),
        pytest.param(
            at(0.6, elsewhere=0.2, site="porto"),
            {(truth, where) for truth in ("cat", "dog") for where in (("site", "porto"), None)},
            id="everywhere, and more at a site",
        ),
        pytest.param(always(0.1), set(), id="nowhere"),
        pytest.param(always(0.05), set(), id="better"),
    ],
)
def test_each_cause_is_named_once(after, expected):
    right = sum(named(random_sides(seed, always(0.1), after)) == expected for seed in range(20))

    assert right >= 17


def test_what_overlaps_with_the_cause_is_explained_by_it():
    """All of porto comes by app, which graz alone uses, too."""
    more = {"channel_of": lambda site: "app" if site in {"porto", "graz"} else "desk"}

    seeds = [named(random_sides(s, always(0.1), at(0.5, site="porto"), **more)) for s in range(10)]

    assert (
        sum({where for _, where in named_groups} == {("site", "porto")} for named_groups in seeds)
        >= 9
    )


def test_two_sites_are_two_causes():
    def wrong(site, *_place):
        return 0.4 if site in {"porto", "graz"} else 0.1

    groups = named(random_sides(5, always(0.1), wrong))

    assert {where for _, where in groups} == {("site", "porto"), ("site", "graz")}


def test_without_the_named_ones_shares_are_those_of_the_rest():
    sides = random_sides(3, always(0.1), at(0.6, elsewhere=0.25, site="porto"))

    whole = [rise for rise in rises(sides) if rise.slice is None]

    rest = count(sides.current, [("site", "porto")]).whole[None]
    assert whole
    for rise in whole:
        assert rise.excluded == (("site", "porto"),)
        assert rise.current.n == rest.count


def test_groups_that_are_too_small_are_not_tried():
    def part(k, *, wrong):
        return Part(("a", "b" if wrong else "a"), wrong, (), Sums(k, k, k))

    few = LabelledSides(
        "m", (part(29, wrong=False),), (part(25, wrong=False), part(25, wrong=True))
    )
    seldom = LabelledSides(
        "m", (part(99, wrong=False),), (part(99, wrong=False), part(7, wrong=True))
    )

    assert group_tests(few) == []
    assert group_tests(seldom) == []


def test_an_error_that_was_never_seen_before_is_tried():
    before = (Part(("a", "a"), False, (), Sums(200, 200, 200)),)
    now = (*before, Part(("a", "b"), True, (), Sums(12, 12, 12)))

    (trial,) = group_tests(LabelledSides("m", before, now))

    expected = fisher_exact([[0, 200], [12, 200]], alternative="less").pvalue
    assert trial.p_value == pytest.approx(expected, rel=1e-9)


def test_sampled_counts_weigh_as_many_as_they_tell():
    once = increase_p_value(
        (Sums(5, 5, 5), Sums(100, 100, 100)), (Sums(15, 15, 15), Sums(100, 100, 100))
    )
    tenfold = increase_p_value(
        (Sums(5, 50, 500), Sums(100, 1000, 10_000)), (Sums(15, 150, 1500), Sums(100, 1000, 10_000))
    )

    assert tenfold == pytest.approx(once, rel=1e-12)


def test_late_labels_take_wrong_ones_away():
    baseline = Sums(5, 5, 5), Sums(100, 100, 100)

    shifted = increase_p_value(baseline, (Sums(15, 15, 15), Sums(100, 100, 100)), late=0.05)

    assert shifted == increase_p_value(baseline, (Sums(10, 10, 10), Sums(100, 100, 100)))
