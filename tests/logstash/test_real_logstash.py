"""A real Logstash and ``elkmon ship`` give the same documents and reasons, and lose nothing."""

import json
import os
import uuid
from datetime import datetime, timedelta, timezone
from pathlib import Path
from urllib.error import URLError

import orjson
import pytest
from click.testing import CliRunner

from elkmon.cli import main
from elkmon.emit.redaction.redactor import Redactor
from elkmon.events.cluster_settings import access
from elkmon.events.datasets import DATASETS
from elkmon.ship.admission import Admission, NotAdmittedError
from elkmon.stores.elastic.connect import connect
from tests.support.real_logstash import Logstash, timed, wait

pytestmark = [pytest.mark.logstash, pytest.mark.stack]
GOLDEN = Path(__file__).parent / "golden"
FOREIGN = 14
"""Number of events in lines.log."""
RETENTION = 36_500
"""Days; the times of all lines are within it."""
NOW = datetime.now(timezone.utc)
AT = f"{NOW:%Y-%m-%dT%H:%M:%S}.125Z"


def event(event_id, dataset="elkmon.log", at=AT, **fields):
    meta = {"id": event_id, "dataset": dataset}
    return orjson.dumps({"@timestamp": at, "event": meta, **fields})


GOOD = [
    *(event(f"d{number}", dataset, ml={"schema": 1}) for number, dataset in enumerate(DATASETS)),
    event("numbers", "elkmon.metric", metric={"value": 1e22, "small": 0.1, "one": 1.0, "no": None}),
    event("host", "elkmon.metric", host={"disk": {"read": {"bytes": 5}}}, tags="mine"),
    event("features", "elkmon.prediction", ml={"features": {"number": {"a.b": 1.5, "[c]": 2}}}),
    event("text", message="ä\n%{x} \\ \u2028", labels={"@version": "7"}),
    event("spaced").replace(b":", b" : ", 1),
    event("whole", n=2**64 - 1, m=-(2**63), z=-0.0),
    event("pair", message="#").replace(b"#", rb"\\ud800 \ud83d\ude00"),
    event("deep", x="#").replace(b'"#"', b"[" * 90 + b"]" * 90),
]
CARRIED = [event(f"carried{number}", message="ä", host={"name": "here"}) for number in range(5)]
"""Lines that Filebeat sends; their own host field has to survive."""
BAD = [
    b"[1", b"17", b"null", b"false", b'"x"', b'{"ml": {}}', b'{"event": {"id": "x"}, "ml": {}}',
    event(17), event(""), event("x", "elkmon.other"), event("x", "nobody"),
    event("x", at="yesterday"), event("x", at=17),
    event("x", at=f"{NOW + timedelta(days=2):%Y-%m-%dT%H:%M:%S.125Z}"),
    event("x", at="1900-01-01T00:00:00.125Z"),
    event("x", at=f"{NOW:%Y}-02-30T00:00:00.125Z"),
    event("x")[:-1] + b',"@timestamp":"never"}',
    event("glued") + event("on"), event("x") + b" y", event("x") + b"}", event("x") + b",{}",
    b"\xef\xbb\xbf" + event("x"), b"\0" * 50,
    *(orjson.dumps({"@timestamp": AT, "event": meta}) for meta in ("x", ["x"])),
    event("x", at=f"{NOW:%Y-%m-%dT%H:%M}:60Z"), event("x", at=f"{AT[:-1]}4567891234Z"),
]  # fmt: skip
DEEP, DEEPER = (event("x", x=0)[:-2] + b'{"a":' * n + b"1" + b"}" * (n + 1) for n in (900, 5000))
"""Logstash 9 cannot read the second as JSON."""
LOGSTASH_ONLY = {
    event("%{[ml][prediction][id]}"): "unresolved reference",
    event("x" * 513): "more than 512 bytes",
    event("x", message="y" * 16_777_216): "16.1 MiB long; the limit is 16 MiB",
    event("x", **{"@metadata": 7}): "keeps to itself",
    event("x", "elkmon.prediction", ml={"features": {"number": {"": 1}}}): "empty",
    event("x", message={"long": "y" * 5000}): "failed to parse field [message]",
    event("x", message="#").replace(b"#", rb"a\ud800b"): "half of a surrogate pair",
    event("x", tags={"a": 1}): "tags are no texts",
    DEEP: "nested deeper",
    b"[" + b"{}," * 500_000 + b"{}]": "more than 500000 values",
    b"[" + b"[]," * 100_000 + b"[]]": "more than 100000 events at once",
}
SECRETS = [
    "mail to ana@example.org", "card 4111 1111 1111 1111", "card 4111 1111 1111 1112",
    "token=abc1234 and max_tokens=5", '{"password": "hunter2", "password_age": 3}',
    "ValueError: password=hunter22",
    "Authorization: Bearer abcdefghij1234567890", "iban DE89370400440532013000 is one",
    "postgres://me:secret@db/x", "dni 12345678Z", "nothing: here", "unexpected token: end",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.abc", "ghp_" + "a1" * 18,
    "ähnlich@beispiel.de",
]  # fmt: skip


@pytest.fixture(scope="module")
def stores():
    """A cluster with templates, for Logstash and for ship; both are removed afterwards."""
    url = os.environ["ELKMON_TEST_ES_URL"]
    prefixes = [f"t{uuid.uuid4().hex[:12]}" for _ in range(2)]

    def setup(prefix, *arguments):
        result = CliRunner().invoke(
            main, ["setup", "--store", url, *arguments], env={"ELKMON_INDEX_PREFIX": prefix}
        )
        assert result.exit_code == 0, result.output

    for prefix in prefixes:
        setup(prefix, "--replicas", "0")
    with connect(url, access()) as client:
        yield client, url, prefixes
        for prefix in prefixes:
            names = list(client.indices.get(index=f"{prefix}-*"))
            if names:
                client.indices.delete(index=names)
            setup(prefix, "--remove")


@pytest.fixture(scope="module")
def logstash(stores, tmp_path_factory):
    _, url, (prefix, _) = stores
    logstash = Logstash(tmp_path_factory.mktemp("logstash"), url, prefix, RETENTION)
    lines = [*GOOD, *BAD, b"", b" ", *LOGSTASH_ONLY, DEEPER, *GOOD]
    (logstash.spool / "some.ndjson").write_bytes(b"\n".join(lines) + b"\n")
    (logstash.logs / "shop.log").write_bytes((GOLDEN / "lines.log").read_bytes())
    secrets = [orjson.dumps({"@timestamp": AT, "log.level": "info", "message": text, "n": number})
               for number, text in enumerate(SECRETS)]  # fmt: skip
    with logstash.running():
        assert logstash.post(b"[" + b",".join(event(f"h{n}") for n in range(5)) + b"]\n") == 200
        assert logstash.post(b"\n".join(secrets), "text/plain") == 200
        assert logstash.post(b",\n".join([b"[" + event("p0"), event("p1") + b"]"])) == 200
        assert (
            logstash.post(b"\r\n".join([event("p2"), b"no line", event("p3")]), "text/plain") == 200
        )
        assert logstash.post(b"[" + event("p4") + b"," + DEEP + b"]") == 200
        logstash.send_beats([*CARRIED, *CARRIED, None])
        with pytest.raises(URLError):  # 413, or the connection ends before it is read
            logstash.post(b"[" + b",".join([b"{}"] * 6_000_000) + b"]")
        yield logstash


def documents(client, prefix, kind="*"):
    client.indices.refresh(index=f"{prefix}-{kind}-*")
    hits = client.search(index=f"{prefix}-{kind}-*", size=500)["hits"]["hits"]
    return {(hit["_index"].removeprefix(prefix), hit["_id"]): hit["_source"] for hit in hits}


@pytest.fixture(scope="module")
def stored(logstash, stores):
    """All resulting documents, including dead letters."""
    client, _, (prefix, _) = stores
    events = len(GOOD) + 5 + 5 + len(CARRIED) + len(SECRETS) + FOREIGN
    dead_letters = len(BAD) + len(LOGSTASH_ONLY) + 3
    stored = {}

    def complete():
        stored.update(documents(client, prefix))
        return len(stored) >= events + dead_letters

    wait(complete, lambda: json.dumps([*map(str, stored)], indent=1) + logstash.log_text())
    return stored


def test_documents_are_those_that_ship_stores(stored, stores, tmp_path):
    client, url, (_, prefix) = stores
    (tmp_path / "some.ndjson").write_bytes(b"\n".join(GOOD) + b"\n")
    CliRunner().invoke(main, ["ship", "--store", tmp_path, "--to", url],
                       env={"ELKMON_INDEX_PREFIX": prefix})  # fmt: skip

    shipped = documents(client, prefix)

    assert len(shipped) == len(GOOD)
    assert {key: stored[key] for key in shipped} == shipped


def test_documents_from_filebeat_are_the_events_alone(stored):
    carried = [source for (_, event_id), source in stored.items() if event_id.startswith("carried")]

    assert sorted(carried, key=orjson.dumps) == sorted(map(orjson.loads, CARRIED), key=orjson.dumps)


def test_lines_that_ship_rejects_are_rejected_for_the_same_reason(stored):
    admission = Admission("elkmon", retention=RETENTION, allow_old=False, now=lambda: NOW)
    rejected = {source["raw"]: source for (index, _), source in stored.items() if "dead" in index}

    assert len(rejected) == len(BAD) + len(LOGSTASH_ONLY) + 3
    for line in BAD:
        with pytest.raises(NotAdmittedError) as refused:
            admission(line)
        reason = str(refused.value).split("; ")[0].replace("'", '"')
        message = rejected[line.decode()]["message"].replace("'", '"')
        assert message == reason or (reason.startswith("not JSON") and message == "not JSON")


def test_lines_that_logstash_would_lose_silently_are_rejected(stored):
    messages = [source["message"] for (index, _), source in stored.items() if "dead" in index]

    for reason in LOGSTASH_ONLY.values():
        count = [reason in message for message in messages].count(True)
        assert count == 1 or (reason == "nested deeper" and count == 2), reason  # with DEEPER
    assert not any("%{" in event_id for _, event_id in stored)
    (other,) = [source for source in stored.values() if source.get("message") == "without a line"]
    assert json.loads(other["raw"])["agent"] == {"type": "filebeat"}


def test_foreign_logs_become_events(stored):
    foreign = [
        source for source in stored.values() if source.get("service", {}).get("name") == "shop"
    ]
    expected = [*map(orjson.loads, (GOLDEN / "events.ndjson").read_bytes().splitlines())]
    for document in foreign:
        assert len(document["event"].pop("id")) == 32
        assert document["event"].pop("created")
        if document["log"]["logger"].startswith("uvicorn"):  # its lines have no time
            document.pop("@timestamp")

    def ordered(events):
        events = [timed(event) if "@timestamp" in event else event for event in events]
        return sorted(events, key=lambda event: orjson.dumps(event, option=orjson.OPT_SORT_KEYS))

    assert ordered(foreign) == ordered(expected)


def test_foreign_logs_are_redacted_as_elkmons_own(stored):
    redact = Redactor()
    messages = {source.get("message") for source in stored.values()}

    assert not [text for text in map(redact.text, SECRETS) if text not in messages]


def test_the_doctor_reports_them(logstash, stored):
    result = CliRunner().invoke(main, ["doctor", "--logstash", f"http://127.0.0.1:{logstash.api}"])

    assert result.exit_code == 0, result.output
    assert "events were not stored since Logstash started" in result.output
