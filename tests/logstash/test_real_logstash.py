"""A real Logstash beside ``elkmon ship``: the same documents and reasons, nothing in silence."""

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
from elkmon.events.fields import DATASETS
from elkmon.ship.admission import Admission, NotAdmittedError
from elkmon.stores.elastic.connect import connect
from tests.support.real_logstash import Logstash, timed, wait

pytestmark = [pytest.mark.logstash, pytest.mark.stack]
GOLDEN = Path(__file__).parent / "golden"
FOREIGN = 14
"""Events in lines.log."""
RETENTION = 36_500
"""Days: the lines' times stay within it."""
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
"""What Filebeat hands on, which says of itself where it is."""
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
"""The second is no JSON to Logstash 9."""
OTHERWISE = {
    event("%{[ml][prediction][id]}"): "unresolved reference",
    event("x" * 513): "more than 512 bytes",
    event("x", message="y" * 16_777_216): "longer than 16 MiB",
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
    """A cluster with templates, once for Logstash and once for ship, taken out in the end."""
    url = os.environ["ELKMON_TEST_ES_URL"]
    prefixes = [f"t{uuid.uuid4().hex[:12]}" for _ in range(2)]

    def setup(prefix, *arguments):
        done = CliRunner().invoke(
            main, ["setup", "--store", url, *arguments], env={"ELKMON_INDEX_PREFIX": prefix}
        )
        assert done.exit_code == 0, done.output

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
    one = Logstash(tmp_path_factory.mktemp("logstash"), url, prefix, RETENTION)
    lines = [*GOOD, *BAD, b"", b" ", *OTHERWISE, DEEPER, *GOOD]
    (one.spool / "some.ndjson").write_bytes(b"\n".join(lines) + b"\n")
    (one.logs / "shop.log").write_bytes((GOLDEN / "lines.log").read_bytes())
    secrets = [orjson.dumps({"@timestamp": AT, "log.level": "info", "message": text, "n": number})
               for number, text in enumerate(SECRETS)]  # fmt: skip
    with one.running():
        assert one.post(b"[" + b",".join(event(f"h{n}") for n in range(5)) + b"]\n") == 200
        assert one.post(b"\n".join(secrets), "text/plain") == 200
        assert one.post(b",\n".join([b"[" + event("p0"), event("p1") + b"]"])) == 200
        assert one.post(b"\r\n".join([event("p2"), b"no line", event("p3")]), "text/plain") == 200
        assert one.post(b"[" + event("p4") + b"," + DEEP + b"]") == 200
        one.carry([*CARRIED, *CARRIED, None])
        with pytest.raises(URLError):  # 413, or the connection ends before it is read
            one.post(b"[" + b",".join([b"{}"] * 6_000_000) + b"]")
        yield one


def documents(client, prefix, kind="*"):
    client.indices.refresh(index=f"{prefix}-{kind}-*")
    hits = client.search(index=f"{prefix}-{kind}-*", size=500)["hits"]["hits"]
    return {(hit["_index"].removeprefix(prefix), hit["_id"]): hit["_source"] for hit in hits}


@pytest.fixture(scope="module")
def stored(logstash, stores):
    """Everything that came of it: documents and dead letters."""
    client, _, (prefix, _) = stores
    made = len(GOOD) + 5 + 5 + len(CARRIED) + len(SECRETS) + FOREIGN
    letters = len(BAD) + len(OTHERWISE) + 3
    found = {}

    def whole():
        found.update(documents(client, prefix))
        return len(found) >= made + letters

    wait(whole, lambda: json.dumps([*map(str, found)], indent=1) + logstash.log_text())
    return found


def test_a_document_is_the_one_that_ship_stores(stored, stores, tmp_path):
    client, url, (_, prefix) = stores
    (tmp_path / "some.ndjson").write_bytes(b"\n".join(GOOD) + b"\n")
    CliRunner().invoke(main, ["ship", "--store", tmp_path, "--to", url],
                       env={"ELKMON_INDEX_PREFIX": prefix})  # fmt: skip

    shipped = documents(client, prefix)

    assert len(shipped) == len(GOOD)
    assert {place: stored[place] for place in shipped} == shipped


def test_what_filebeat_carries_is_the_event_alone(stored):
    carried = [source for (_, event_id), source in stored.items() if event_id.startswith("carried")]

    assert sorted(carried, key=orjson.dumps) == sorted(map(orjson.loads, CARRIED), key=orjson.dumps)


def test_what_ship_sets_apart_is_set_apart_for_the_same_reason(stored):
    admission = Admission("elkmon", retention=RETENTION, allow_old=False, now=lambda: NOW)
    letters = {source["raw"]: source for (index, _), source in stored.items() if "dead" in index}

    assert len(letters) == len(BAD) + len(OTHERWISE) + 3
    for line in BAD:
        with pytest.raises(NotAdmittedError) as refused:
            admission(line)
        reason = str(refused.value).split("; ")[0].replace("'", '"')
        told = letters[line.decode()]["message"].replace("'", '"')
        assert told == reason or (reason.startswith("not JSON") and told == "not JSON")


def test_what_would_be_lost_in_silence_is_set_apart(stored):
    told = [source["message"] for (index, _), source in stored.items() if "dead" in index]

    for reason in OTHERWISE.values():
        count = [reason in each for each in told].count(True)
        assert count == 1 or (reason == "nested deeper" and count == 2), reason  # with DEEPER
    assert not any("%{" in event_id for _, event_id in stored)
    (other,) = [source for source in stored.values() if source.get("message") == "without a line"]
    assert json.loads(other["raw"])["agent"] == {"type": "filebeat"}


def test_foreign_logs_become_events(stored):
    made = [source for source in stored.values() if source.get("service", {}).get("name") == "shop"]
    expected = [*map(orjson.loads, (GOLDEN / "events.ndjson").read_bytes().splitlines())]
    for each in made:
        assert len(each["event"].pop("id")) == 32
        assert each["event"].pop("created")
        if each["log"]["logger"].startswith("uvicorn"):  # its lines say no time
            each.pop("@timestamp")

    def ordered(found):
        found = [timed(each) if "@timestamp" in each else each for each in found]
        return sorted(found, key=lambda each: orjson.dumps(each, option=orjson.OPT_SORT_KEYS))

    assert ordered(made) == ordered(expected)


def test_foreign_logs_are_redacted_as_elkmons_own(stored):
    redact = Redactor()
    told = {source.get("message") for source in stored.values()}

    assert not [text for text in map(redact.text, SECRETS) if text not in told]


def test_the_doctor_sees_it(logstash, stored):
    done = CliRunner().invoke(main, ["doctor", "--logstash", f"http://127.0.0.1:{logstash.api}"])

    assert done.exit_code == 0, done.output
    assert "events were not stored since Logstash was started" in done.output
