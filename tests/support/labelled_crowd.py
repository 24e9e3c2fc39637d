"""Draw labelled predictions of sites and channels, with error rates that a test sets."""

from collections import Counter

from elkmon.query.slices import Part
from elkmon.statistics.rate import Sums

SITES = {"lyon": 0.35, "oslo": 0.25, "porto": 0.2, "graz": 0.2}


def crowd(random, number, wrong, *, weight=1.0, channel_of=None):
    """Return drawn predictions as parts.

    Args:
        random: random number generator.
        number: number of predictions.
        wrong: function of site, channel and truth that returns the probability of an error.
        weight: weight of each prediction.
        channel_of: function of the site that returns the channel; by default it is drawn.
    """
    sites = random.choice(list(SITES), size=number, p=list(SITES.values())).tolist()
    channels = random.choice(["app", "desk"], size=number).tolist()
    truths = random.choice(["cat", "dog"], size=number).tolist()
    if channel_of is not None:
        channels = [channel_of(site) for site in sites]
    cases = list(zip(sites, channels, truths, strict=True))
    misses = random.random(number) < [wrong(*case) for case in cases]
    counts = Counter(zip(cases, misses.tolist(), strict=True))
    return tuple(
        Part(
            (truth, ({"cat": "dog", "dog": "cat"}[truth] if missed else truth)),
            missed,
            (("site", site), ("channel", channel)),
            Sums(k, k * weight, k * weight**2),
        )
        for ((site, channel, truth), missed), k in counts.items()
    )
