"""``elkmon forget``: what goes of a prediction or a user, what stays, in either store."""

import fcntl
import json
import os
import stat

import pytest
from click.testing import CliRunner

from elkmon.cli import main
from elkmon.emit.encode.scalars import clean_id
from elkmon.events.limits import LINE
from elkmon.stores.local.compact import compact
from elkmon.stores.local.files import readers_behind

AT = "2026-11-{:02}T10:00:00.000Z"


def event(kind, name, *, prediction=None, model="m", user=None, day=24):
    made = {
        "@timestamp": AT.format(day),
        "event": {"id": name, "dataset": f"elkmon.{kind}"},
        "ml": {},
    }
    if prediction is not None:
        made["ml"]["prediction"] = {"id": prediction}
    if model is not None:
        made["ml"]["model"] = {"name": model}
    if user is not None:
        made["user"] = {"hash": user}
    return made


EVENTS = [
    event("prediction", "a", prediction="p1", user="u1"),
    event("label", "b", prediction="p1"),
    event("error", "c", prediction="p1"),
    event("log", "d", prediction="p1", model=None),
    event("prediction", "e", prediction="p1", model="other"),
    event("prediction", "f", prediction="p2", user="u2"),
    event("label", "g", prediction="p2"),
    event("log", "h", user="u1", model=None),
    event("log", "i", prediction="p2", user="u1"),
    event("prediction", "j", prediction="p10", user="u1", day=1),
    event("label", "k", prediction="p10", day=2),
]
OF_P1_OF_M = {"a", "b", "c", "d"}
OF_P1 = OF_P1_OF_M | {"e"}
OF_U1 = OF_P1_OF_M | {"h", "i", "j", "k"}


def run(*arguments, **options):
    return CliRunner().invoke(main, ["forget", *map(str, arguments)], **options)


class Indices:
    """The events on a cluster."""

    def __init__(self, server, prefix, client):
        self.place, self._prefix, self.client = server.url, prefix, client
        for each in EVENTS:
            kind = each["event"]["dataset"].removeprefix("elkmon.")
            name = f"{prefix}-{kind}-2026.11.01"
            client.index(index=name, id=each["event"]["id"], document=each)

    def ids(self):
        found = self.client.search(index=f"{self._prefix}-*", size=100)["hits"]["hits"]
        return {hit["_id"] for hit in found}


class Files:
    """The events in a folder."""

    def __init__(self, folder, *, compacted):
        self.place = folder
        for number in range(2):
            lines = [f"{json.dumps(each)}\n" for each in EVENTS[number::2]]
            (folder / f"f{number}.ndjson").write_text("".join(lines))
        if compacted:
            compact(folder)

    def ids(self):
        asked = CliRunner().invoke(
            main,
            ["events", "--store", str(self.place), "--format", "json", "--since", "2026-11-01",
             "--until", "2026-12-01", "--limit", "100"],
        )  # fmt: skip
        return {json.loads(line)["event"]["id"] for line in asked.stdout.splitlines()}


@pytest.fixture
def indices(server, prefix, installed):
    return Indices(server, prefix, installed(server))


@pytest.fixture
def lines(tmp_path):
    return Files(tmp_path, compacted=False)


@pytest.fixture
def columns(tmp_path):
    return Files(tmp_path, compacted=True)


@pytest.fixture(params=["lines", "columns"])
def files(request):
    return request.getfixturevalue(request.param)


def holds(store):
    erasing = [
        (("--prediction", "p1", "--model", "m"), OF_P1_OF_M),
        (("--prediction", "p1"), OF_P1),
        (("--user", "u1"), OF_U1),
    ]
    everything = {each["event"]["id"] for each in EVENTS}
    gone = set()
    for arguments, ids in erasing:
        dry = run("--store", store.place, *arguments, "--dry-run")
        result = run("--store", store.place, *arguments, "--yes")
        count = len(ids - gone)
        assert dry.exit_code == result.exit_code == 0, result.stderr
        assert f"{count} event" in dry.stdout.splitlines()[-1]
        assert f"{count} event" in result.stdout.splitlines()[-1]
        gone |= ids
        assert store.ids() == everything - gone


def test_in_indices_goes_what_belongs_to_a_prediction_or_user_and_nothing_else(indices):
    holds(indices)


def test_in_files_goes_what_belongs_to_a_prediction_or_user_and_nothing_else(files):
    holds(files)


@pytest.mark.parametrize(
    ("arguments", "counts"),
    [
        (("--prediction", "p1"), {"prediction": 2, "label": 1, "error": 1, "log": 1}),
        (("--user", "u1"), {"prediction": 2, "label": 2, "error": 1, "log": 3}),
    ],
)
def test_counts_are_told_by_dataset(indices, tmp_path, arguments, counts):
    files = Files(tmp_path, compacted=False)

    for place in (indices.place, files.place):
        told = run("--store", place, *arguments, "--yes").stdout.splitlines()

        found = dict(line.split("\t") for line in told if "\t" in line)
        assert found == {f"elkmon.{kind}": str(count) for kind, count in counts.items()}


def test_nothing_found_is_said(indices, tmp_path):
    for place in (indices.place, Files(tmp_path, compacted=False).place):
        for arguments in (("--prediction", "p3"), ("--user", "p1")):
            result = run("--store", place, *arguments, "--yes")

            assert result.exit_code == 0
            assert result.stdout == "found nothing to erase\n"


def test_more_events_than_a_page_holds_all_go(server, prefix, installed):
    client = installed(server)
    name = f"{prefix}-log-2026.11.01"
    operations = []
    for number in range(2500):
        operations.append({"create": {"_index": name, "_id": f"l{number}"}})
        operations.append(event("log", f"l{number}", user="u1"))
    client.bulk(operations=operations)

    result = run("--store", server.url, "--user", "u1", "--yes")

    assert result.stdout == "elkmon.log\t2,500\n2,500 events erased\n"
    assert client.count(index=name)["count"] == 0


def test_an_empty_cluster_has_nothing_to_erase(server, prefix):
    result = run("--store", server.url, "--user", "u1", "--yes")

    assert result.exit_code == 0, result.stderr
    assert result.stdout == "found nothing to erase\n"


def test_an_index_that_may_not_be_written_is_named(server, indices, prefix):
    name = f"{prefix}-prediction-2026.11.01"
    indices.client.indices.put_settings(index=name, settings={"index.blocks.write": True})

    result = run("--store", server.url, "--prediction", "p1", "--yes")

    assert result.exit_code == 3
    assert f"{name}: event a could not be deleted" in result.stderr
    assert "run it again" in result.stderr


def test_a_no_erases_nothing(lines):
    before = lines.ids()

    result = run("--store", lines.place, "--prediction", "p1", input="n\n")

    assert result.exit_code == 130
    assert "erase 5 events for good?" in result.stdout
    assert lines.ids() == before


def test_a_yes_to_the_question_erases(lines):
    result = run("--store", lines.place, "--prediction", "p1", input="y\n")

    assert result.stdout.endswith("5 events erased\n")
    assert not lines.ids() & OF_P1


def test_nothing_of_it_is_left_in_any_file(files):
    run("--store", files.place, "--user", "u1", "--yes")

    for file in files.place.iterdir():
        if file.is_file():
            assert b"u1" not in file.read_bytes(), file.name


def test_offsets_of_readers_stay_true_and_files_stay_private(lines):
    file = lines.place / "f0.ndjson"
    file.chmod(0o600)
    size = file.stat().st_size
    last = file.read_bytes().splitlines()[-1]
    (lines.place / "readers").mkdir()
    (lines.place / "readers" / "ship.json").write_text(json.dumps({"offsets": {file.name: size}}))

    run("--store", lines.place, "--prediction", "p1", "--yes")

    assert file.stat().st_size == size
    assert file.read_bytes().splitlines()[-1] == last
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert readers_behind(lines.place, file) == []


def test_what_is_left_can_be_compacted(lines):
    run("--store", lines.place, "--prediction", "p1", "--yes")

    done = compact(lines.place)

    assert (done.files, done.rejected, done.failed) == (2, 0, ())
    assert lines.ids() == {each["event"]["id"] for each in EVENTS} - OF_P1


def test_lines_that_wait_for_a_reader_beside_their_parquet_file_are_erased_too(tmp_path):
    (tmp_path / "readers").mkdir()
    (tmp_path / "readers" / "ship.json").write_text("{}")
    files = Files(tmp_path, compacted=True)

    result = run("--store", tmp_path, "--prediction", "p1", "--yes")

    assert result.stdout.endswith("5 events erased\n")
    assert (tmp_path / "f0.ndjson").exists()
    assert not any(b'"p1"' in file.read_bytes() for file in tmp_path.glob("*.ndjson"))
    assert not files.ids() & OF_P1


def test_a_file_that_is_still_written_to_is_named_with_what_to_do(lines):
    fd = os.open(lines.place / "f0.ndjson", os.O_RDWR)
    fcntl.flock(fd, fcntl.LOCK_EX)

    result = run("--store", lines.place, "--prediction", "p1", "--yes")

    os.close(fd)
    assert result.exit_code == 1
    assert "left: f0.ndjson: 3 events are in a file that is still written to" in result.stdout
    assert result.stdout.endswith("2 events erased\n")
    assert lines.ids() & OF_P1 == {"a", "c", "e"}


def test_what_was_set_apart_or_could_not_be_sent_is_erased(tmp_path):
    torn = '{"event": {"id": "a"}, "ml": {"prediction": {"id": "p1"'
    whole = json.dumps(EVENTS[0])
    other = json.dumps(EVENTS[5])
    rows = {
        "rejected": [
            {"line": 1, "reason": "not JSON", "raw": torn},
            {"line": 2, "reason": "no number", "raw": "p1,high"},
            {"line": 3, "reason": "no number", "raw": {"id": "p1", "score": "high"}},
            {"line": 4, "reason": "no number", "raw": "p10,high"},
        ],
        "deadletter": [
            {"id": "1", "reason": "refused", "raw": whole},
            {"id": "2", "reason": "refused", "raw": other},
            {"id": "3", "reason": "not UTF-8", "raw_base64": "cDEg/w=="},
        ],
    }
    for folder, each in rows.items():
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "x.ndjson").write_text("".join(f"{json.dumps(r)}\n" for r in each))

    result = run("--store", tmp_path, "--prediction", "p1", "--yes")

    assert result.stdout == "deadletter lines\t2\nrejected lines\t3\n5 events erased\n"
    left = [(tmp_path / folder / "x.ndjson").read_text().splitlines() for folder in rows]
    assert [[json.loads(line)["reason"] for line in each] for each in left] == [
        ["no number"],
        ["refused"],
    ]


def test_lines_that_are_no_events_but_name_the_prediction_are_erased(lines):
    file = lines.place / "torn.ndjson"
    file.write_text('{"ml": {"prediction": {"id": "p1", "lab\n{"ml": {"prediction": {"id": "p2"\n')

    run("--store", lines.place, "--prediction", "p1", "--yes")

    assert file.read_text().split() == ['{"ml":', '{"prediction":', '{"id":', '"p2"']


def test_a_line_beyond_the_limit_is_erased_wherever_it_names_the_prediction(tmp_path):
    folder = tmp_path / "store"
    folder.mkdir()
    file = folder / "a.ndjson"
    text = b'{"text":"' + b"x" * LINE + b'","id":"p1"}\n'
    file.write_bytes(text + b"kept\n" + text.replace(b"p1", b"p2"))

    result = run("--store", folder, "--prediction", "p1", "--yes")

    assert result.exit_code == 0, result.output
    first, kept, other = file.read_bytes().splitlines()
    assert first.isspace()
    assert (kept, other[-5:]) == (b"kept", b'"p2"}')


def test_a_long_id_is_found_as_it_is_kept(tmp_path):
    name = "x" * 300
    kept = event("prediction", "a", prediction=clean_id(name))
    (tmp_path / "a.ndjson").write_text(json.dumps(kept) + "\n")

    result = run("--store", tmp_path, "--prediction", name, "--yes")

    assert result.stdout.endswith("1 event erased\n")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "either --prediction ID or --user HASH"),
        (("--prediction", "p", "--user", "u"), "either --prediction ID or --user HASH"),
        (("--user", "u", "--model", "m"), "--model goes only with --prediction"),
        (("--prediction", ""), "is empty"),
    ],
)
def test_wrong_usage_is_refused_with_what_would_do(tmp_path, arguments, said):
    result = run("--store", tmp_path, *arguments)

    assert result.exit_code == 2
    assert said in result.stderr


def test_a_folder_that_is_not_there_is_an_empty_store(tmp_path):
    result = run("--store", tmp_path / "none", "--user", "u")

    assert result.exit_code == 0
    assert "there is no folder" in result.stdout
