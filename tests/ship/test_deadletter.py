"""``elkmon deadletter`` lists letters, shows one, and sends them again without loss or doubling."""

import json
from datetime import timedelta

import pytest
from click.testing import CliRunner

from elkmon.cli import main
from elkmon.ship.batch import Position, RejectedLine
from elkmon.ship.deadletters import DeadLetters
from tests.support.bulk_proxy import Proxy
from tests.support.shipping import NOW, ids, line, many, ship, write

BAD = line("bad", message={"not": "a text"})
OLD = line("old", at=f"{NOW - timedelta(days=500):%Y-%m-%dT%H:%M:%SZ}")


@pytest.fixture
def folder(tmp_path):
    write(tmp_path / "spool", "a.ndjson", *many(3), BAD, OLD, b"\x1b[31mnonsense")
    return tmp_path / "spool"


def run(*arguments):
    return CliRunner().invoke(main, ["deadletter", *map(str, arguments)])


def listed(folder):
    return json.loads(run("list", "--store", folder, "--format", "json").stdout)


def id_of(folder, number):
    (name,) = [letter["id"] for letter in listed(folder)["letters"] if letter["line"] == number]
    return name


def test_the_list_has_places_and_reasons(cluster, server_new, prefix, folder):
    ship(folder, server_new.url, prefix)

    text = run("list", "--store", folder).stdout
    result = listed(folder)

    assert "3 dead letters, by reason:" in text
    assert {letter["line"] for letter in result["letters"]} == {4, 5, 6}
    assert sum(row["count"] for row in result["reasons"]) == 3
    csv = run("list", "--store", folder, "--format", "csv", "--limit", 1).stdout.splitlines()
    assert csv[0] == "id,at,shipper,file,line,offset,reason"
    assert len(csv) == 2


def test_an_over_long_id_does_not_fill_the_list(cluster, server_new, prefix, tmp_path):
    write(tmp_path / "spool", "a.ndjson", line("x" * 600))
    ship(tmp_path / "spool", server_new.url, prefix)

    text = run("list", "--store", tmp_path / "spool").stdout

    assert text.count("event.id has more than 512 bytes") == 1, text
    assert "x" * 40 not in text
    (letter,) = listed(tmp_path / "spool")["letters"]
    assert letter["reason"] == "event.id has more than 512 bytes"
    whole = run("show", letter["id"], "--store", tmp_path / "spool").stdout
    assert "x" * 600 in whole


def test_no_dead_letters_is_said(folder):
    assert run("list", "--store", folder).stdout == "no dead letters\n"


def test_one_is_shown_in_full_and_cannot_steer_a_terminal(cluster, server_new, prefix, folder):
    ship(folder, server_new.url, prefix)

    text = run("show", id_of(folder, 6)[:6], "--store", folder).stdout

    assert "a.ndjson" in text
    assert "\\x1b[31mnonsense" in text
    assert "\x1b" not in text


def test_an_unknown_id_is_said(folder):
    done = run("show", "abc", "--store", folder)

    assert done.exit_code == 2
    assert "no dead letter has an id that begins with abc" in done.output


def test_what_is_taken_now_goes_and_the_rest_stays_with_its_reason(
    cluster, server_new, prefix, folder
):
    ship(folder, server_new.url, prefix)

    done = run("retry", "--store", folder, "--allow-old")

    assert done.stdout == "read 3 = 1 created + 0 already there + 2 dead letters\n"
    assert done.exit_code == 1
    assert "old" in ids(cluster, prefix)
    assert {letter["line"] for letter in listed(folder)["letters"]} == {4, 6}
    assert [path.name for path in (folder / "deadletter").glob("*.ndjson")] == ["ship.ndjson"]


def test_only_those_named_are_tried(cluster, server_new, prefix, folder):
    ship(folder, server_new.url, prefix)
    before = listed(folder)["letters"]

    done = run("retry", id_of(folder, 5), "--store", folder, "--allow-old")

    assert done.stdout == "read 1 = 1 created + 0 already there + 0 dead letters\n"
    assert done.exit_code == 0
    assert listed(folder)["letters"] == [letter for letter in before if letter["line"] != 5]


def test_a_retry_that_is_cut_off_is_repeated_whole(cluster, server_new, prefix, folder):
    with Proxy(server_new.url) as proxy:
        ship(folder, proxy.url, prefix)
        proxy.fault = lambda _request: 401
        done = run("retry", "--store", folder, "--allow-old")
        assert done.exit_code == 3
        assert len(listed(folder)["letters"]) == 3
        proxy.fault = lambda _request: None

        done = run("retry", "--store", folder, "--allow-old")

    assert done.stdout == "read 3 = 1 created + 0 already there + 2 dead letters\n"
    assert len(listed(folder)["letters"]) == 2


def test_nothing_can_be_tried_where_nothing_was_shipped(folder):
    done = run("retry", "--store", folder)

    assert done.exit_code == 2
    assert "nothing was sent" in done.output


def test_a_letter_written_twice_or_torn_counts_once(tmp_path):
    letters = DeadLetters(tmp_path)
    rejected = RejectedLine(b"\xffraw", "why", Position("a.ndjson", 1, 0))
    letters.add("ship", [rejected])
    letters.add("ship", [rejected])
    path = tmp_path / "deadletter" / "ship.ndjson"
    path.write_bytes(path.read_bytes() + b'{"id":"torn')
    letters.add("ship", [rejected._replace(line=b"other")])

    assert [letter.rejected.line for letter in letters.letters()] == [b"\xffraw", b"other"]
    assert len(dead_letters_whole(path)) == 3
    assert path.stat().st_mode & 0o777 == 0o600


def dead_letters_whole(path):
    """Return the lines that are not torn."""
    return [text for text in path.read_bytes().splitlines() if text.endswith(b"}")]
