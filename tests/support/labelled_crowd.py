"""Drawn predictions: labelled, of some sites and channels, wrong as often as a test says."""

from collections import Counter

from elkmon.query.slices import Part
from elkmon.statistics.rate import Sums

SITES = {"lyon": 0.35, "oslo": 0.25, "porto": 0.2, "graz": 0.2}


def crowd(random, number, wrong, *, weight=1.0, channel_of=None):
    """Draw predictions, as parts.

    Args:
        random: a generator.
        number: how many.
        wrong: gives the probability of an error from site, channel and truth.
        weight: what each stands for.
        channel_of: gives the channel from the site; drawn where not given.
    """
    sites = random.choice(list(SITES), size=number, p=list(SITES.values())).tolist()
    channels = random.choice(["app", "desk"], size=number).tolist()
    truths = random.choice(["cat", "dog"], size=number).tolist()
    if channel_of is not None:
        channels = [channel_of(site) for site in sites]
    places = list(zip(sites, channels, truths, strict=True))
    misses = random.random(number) < [wrong(*place) for place in places]
    counted = Counter(zip(places, misses.tolist(), strict=True))
    return tuple(
        Part(
            (truth, ({"cat": "dog", "dog": "cat"}[truth] if missed else truth)),
            missed,
            (("site", site), ("channel", channel)),
            Sums(k, k * weight, k * weight**2),
        )
        for ((site, channel, truth), missed), k in counted.items()
    )
