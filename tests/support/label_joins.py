"""Events in both stores, clients that die, and joins on a clock that tests set."""

from contextlib import closing
from datetime import datetime, timedelta, timezone

from elkmon.events.ids import prediction_key
from elkmon.events.times import from_iso
from elkmon.join.join_pass import join
from elkmon.stores.elastic.indices import index_of
from elkmon.stores.local.store import LocalStore
from elkmon.stores.protocol import Filter
from tests.support.event_folders import event, write

START = datetime(2026, 12, 1, tzinfo=timezone.utc)
AT = "2026-11-24T12:00:00.000Z"
LATER = "2026-11-25T12:00:00.000Z"


def prediction(prediction_id, fields=None, *, model="fraud", at=AT):
    defaults = {
        "ml.model.name": model,
        "ml.prediction.id": prediction_id,
        "ml.prediction.label": "a",
        "event.outcome": "success",
    }
    key = prediction_key(model or "", prediction_id)
    return event("prediction", key, {**defaults, **(fields or {})}, at=at)


def label(event_id, prediction_id, fields=None, *, model="fraud", at=LATER):
    defaults = {
        "ml.model.name": model,
        "ml.prediction.id": prediction_id,
        "ml.truth.observed_at": at,
        "ml.truth.label": "a",
    }
    return event("label", event_id, {**defaults, **(fields or {})}, at=at)


class Cluster:
    """The events of one test in Elasticsearch, and a clock."""

    def __init__(self, client, prefix):
        self.client = client
        self.prefix = prefix
        self.now = START

    def load(self, *events):
        """Create events, as a shipper does: those that are there already stay as they are."""
        lines = []
        for document in events:
            index = index_of(self.prefix, document["event"]["dataset"], document["@timestamp"])
            lines += [{"create": {"_index": index, "_id": document["event"]["id"]}}, document]
        for item in self.client.bulk(operations=lines)["items"]:
            assert item["create"]["status"] in {201, 409}, item

    def seen(self):
        """Let searches see what was written."""
        self.client.indices.refresh(index=f"{self.prefix}-*")

    def later(self, **parts):
        """Let time pass: searches see what was written before."""
        self.seen()
        self.now += timedelta(**parts)

    def join(self, client=None, **options):
        return join(client or self.client, self.prefix, now=lambda: self.now, **options)

    def documents(self, dataset):
        """Return the documents of a dataset, by index and id."""
        self.seen()
        hits = self.client.search(index=f"{self.prefix}-{dataset}-*", size=10_000)["hits"]["hits"]
        return {(hit["_index"], hit["_id"]): hit["_source"] for hit in hits}

    def joined(self):
        """Return the joined fields of predictions, by key and month."""
        return joined(self.documents("prediction").values())

    def marks(self):
        """Return the marks of labels, by their ids."""
        labels = self.documents("label").values()
        return {label["event"]["id"]: label["ml"].get("join", {}) for label in labels}

    def states(self):
        return {name: mark.get("state") for name, mark in self.marks().items()}


def joined(events):
    """Return the joined fields of predictions, by key and month; null fields are left out."""
    by_key = {}
    for document in events:
        fields = {
            f"{part}.{name}": value
            for part in ("truth", "eval")
            for name, value in (document["ml"].get(part) or {}).items()
            if value is not None
        }
        if "truth.observed_at" in fields:
            fields["truth.observed_at"] = from_iso(fields["truth.observed_at"])
        by_key[document["event"]["id"], document["@timestamp"][:7]] = fields
    return by_key


def joined_locally(folder, events):
    """Write events to a folder in this order, and return their joined fields in the local store."""
    for number, document in enumerate(events, 1):
        document["event"].update(created=AT, sequence=number)
    write(folder / "events.ndjson", *events)
    with closing(LocalStore(folder)) as store:
        return joined(store.events("elkmon.prediction", where=Filter(), limit=100_000))


class Killed(BaseException):
    """What happens to a process in the middle."""


class Dying:
    """A client whose process is killed at one of its writes: before it, within it, or behind it.

    If it is killed within the write, a part is sent. Afterwards it does nothing any more: it does
    not even release the lock.
    """

    def __init__(self, client, after, when):
        self._client = client
        self._left = [after]
        self._when = when

    def __getattr__(self, name):
        if self._left[0] < 0:
            raise Killed
        return getattr(self._client, name)

    def options(self, **options):
        if self._left[0] < 0:
            raise Killed
        return self._client.options(**options)

    def bulk(self, *, operations, **options):
        self._left[0] -= 1
        if self._left[0] >= 0:
            return self._client.bulk(operations=operations, **options)
        sent = {"before": 0, "within": len(operations) // 4 * 2, "behind": len(operations)}
        if sent[self._when]:
            self._client.bulk(operations=operations[: sent[self._when]], **options)
        raise Killed


class Hooked:
    """A client that does something else, once, right before or behind a call."""

    def __init__(self, client, name, before=None, behind=None):
        self._client = client
        self._name = name
        self._before = before
        self._behind = behind

    def __getattr__(self, name):
        call = getattr(self._client, name)
        if name != self._name:
            return call

        def hooked(*args, **options):
            before, self._before = self._before, None
            if before:
                before()
            answer = call(*args, **options)
            behind, self._behind = self._behind, None
            if behind:
                behind()
            return answer

        return hooked
