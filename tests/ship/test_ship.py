"""Events in files arrive in Elasticsearch: each once, byte for byte, and the counts balance."""

import os
import re
import subprocess
from contextlib import ExitStack
from datetime import timedelta

import orjson
import pytest
from click.testing import CliRunner

from elkmon.cli import main
from elkmon.events.cluster_settings import Access
from elkmon.events.errors import ConfigError, StoreError
from elkmon.stores.elastic.indices import index_of
from elkmon.stores.local.compact import compact
from elkmon.stores.local.file_lock import alone
from elkmon.stores.local.reader_registration import lock_of
from tests.support.bulk_proxy import Proxy
from tests.support.shipping import (
    AT,
    ELKMON,
    NOW,
    dead_letters,
    figures,
    ids,
    line,
    many,
    ship,
    source,
    write,
)
from tests.support.terminals import shown_on_terminal


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "spool"


def test_every_event_is_there_byte_for_byte_under_its_own_id(server, installed, prefix, folder):
    client = installed(server)
    odd = line('id of "quotes" and ü', "prediction", message="ü \u2028 \U0001f600").replace(
        b"\xc3\xbc", b"\\u00fc"
    )
    write(folder, "a.ndjson", odd, *many(3))

    run = ship(folder, server.url, prefix)

    assert figures(run) == (4, 4, 0, 0)
    assert ids(client, prefix) == sorted(['id of "quotes" and ü', *(f"e{n:07d}" for n in range(3))])
    assert source(server, index_of(prefix, "elkmon.log", AT), "e0000001") == many(3)[1]
    stored = source(
        server, index_of(prefix, "elkmon.prediction", AT), "id%20of%20%22quotes%22%20and%20%C3%BC"
    )
    assert stored == odd


def test_what_was_shipped_is_not_read_again_and_what_is_sent_again_is_already_there(
    server_new, installed, prefix, folder
):
    client = installed(server_new)
    write(folder, "a.ndjson", *many(5))
    ship(folder, server_new.url, prefix)
    write(folder, "a.ndjson", *many(2, start=5))

    assert figures(ship(folder, server_new.url, prefix)) == (2, 2, 0, 0)
    assert figures(ship(folder, server_new.url, prefix)) == (0, 0, 0, 0)
    (folder / "readers" / "ship.json").unlink()
    assert figures(ship(folder, server_new.url, prefix)) == (7, 0, 7, 0)
    assert len(ids(client, prefix)) == 7


def test_lines_that_are_no_events_or_of_a_wrong_time_are_dead_letters(
    server_new, installed, prefix, folder
):
    client = installed(server_new)
    ahead, old = NOW + timedelta(days=3), NOW - timedelta(days=400)
    soon = NOW + timedelta(hours=23)
    lines = [
        b"nonsense",
        b"[1]",
        b'{"@timestamp":"2026-01-01T00:00:00Z"}',
        line("of-another-kind", "nothing"),
        orjson.dumps({"@timestamp": AT, "event": {"id": 7, "dataset": "elkmon.log"}}),
        line("no-time", at="yesterday"),
        line("ahead", at=f"{ahead:%Y-%m-%dT%H:%M:%SZ}"),
        line("old", at=f"{old:%Y-%m-%dT%H:%M:%SZ}"),
        b"\xff\xfe",
        b"",
        line("soon", at=f"{soon:%Y-%m-%dT%H:%M:%S+00:00}"),
        line("an-old-issue", "issue", at=f"{old:%Y-%m-%dT%H:%M:%SZ}"),
    ]
    write(folder, "a.ndjson", *lines)

    run = ship(folder, server_new.url, prefix)

    assert figures(run) == (11, 2, 0, 9)
    assert ids(client, prefix) == ["an-old-issue", "soon"]
    dead = dead_letters(folder)
    assert [letter["line"] for letter in dead] == list(range(1, 10))
    assert [letter["raw"] for letter in dead[:8]] == [text.decode() for text in lines[:8]]
    assert dead[8]["raw_base64"] == "//4="
    assert dead[1]["offset"] == len("nonsense\n")
    for letter, part in zip(
        dead,
        ["not JSON", "not a JSON object", "without event.id", "none of ours", "event.id is no text",
         "is no time", "more than a day ahead", "--allow-old", "not JSON"],
        strict=True,
    ):  # fmt: skip
        assert part in letter["reason"]


def test_history_is_taken_where_that_is_said(server_new, installed, prefix, folder):
    client = installed(server_new)
    old = NOW - timedelta(days=400)
    write(folder, "a.ndjson", line("old", at=f"{old:%Y-%m-%dT%H:%M:%SZ}"))

    run = ship(folder, server_new.url, prefix, allow_old=True)

    assert figures(run) == (1, 1, 0, 0)
    assert ids(client, prefix) == ["old"]


def test_a_line_waits_for_its_end_while_its_file_is_written_to(
    server_new, installed, prefix, folder
):
    installed(server_new)
    path = write(folder, "a.ndjson", line("whole"), line("torn")[:-5], end=b"")
    os.utime(path)  # just now

    assert figures(ship(folder, server_new.url, prefix)) == (1, 1, 0, 0)
    with path.open("ab") as file:
        file.write(line("torn")[-5:] + b"\n")
    assert figures(ship(folder, server_new.url, prefix)) == (1, 1, 0, 0)


def test_a_torn_end_of_a_closed_file_is_a_dead_letter(server_new, installed, prefix, folder):
    installed(server_new)
    write(folder, "a.ndjson", line("whole"), line("torn")[:-5], end=b"")

    assert figures(ship(folder, server_new.url, prefix)) == (2, 1, 0, 1)
    assert "cut short" in dead_letters(folder)[0]["reason"]
    assert figures(ship(folder, server_new.url, prefix)) == (0, 0, 0, 0)


def test_a_line_beyond_any_size_is_a_dead_letter_with_its_beginning(
    server_new, installed, prefix, folder
):
    installed(server_new)
    write(folder, "a.ndjson", line("before"), b"x" * (17 * 1024 * 1024), line("after"))

    assert figures(ship(folder, server_new.url, prefix)) == (3, 2, 0, 1)
    (dead,) = dead_letters(folder)
    assert dead["cut"]
    assert len(dead["raw"]) == 64 * 1024
    assert dead["reason"] == "17.0 MiB long; the limit is 16 MiB"


def test_compaction_keeps_what_was_not_shipped(server_new, installed, prefix, folder):
    installed(server_new)
    write(folder, "a.ndjson", *many(2))
    ship(folder, server_new.url, prefix)
    write(folder, "b.ndjson", *many(2, start=2))
    compact(folder)

    assert [path.name for path in folder.glob("*.ndjson")] == ["b.ndjson"]
    assert figures(ship(folder, server_new.url, prefix)) == (2, 2, 0, 0)
    compact(folder)
    assert list(folder.glob("*.ndjson")) == []
    assert figures(ship(folder, server_new.url, prefix)) == (0, 0, 0, 0)


def test_files_compacted_before_the_first_shipping_are_named_once(
    server_new, installed, prefix, folder
):
    installed(server_new)
    write(folder, "a.ndjson", *many(2))
    compact(folder)

    assert ship(folder, server_new.url, prefix).printed("1 files were compacted before anything")
    assert ship(folder, server_new.url, prefix).messages == []


def test_the_oldest_events_go_first_and_requests_are_compressed(
    server_new, installed, prefix, folder
):
    installed(server_new)
    write(folder, "20260102T000000Z-b.ndjson", line("second"))
    write(folder, "20260103T000000Z-a.ndjson", line("third"))
    write(folder, "20260101T000000Z-c.ndjson", line("first"))
    with Proxy(server_new.url) as proxy:
        ship(folder, proxy.url, prefix)

    (request,) = proxy.bulks()
    assert request.compressed
    assert [orjson.loads(text)["event"]["id"] for text in request.lines[1::2]] == [
        "first",
        "second",
        "third",
    ]


def test_without_templates_nothing_is_sent(server_new, prefix, folder):
    write(folder, "a.ndjson", line("a"))

    with pytest.raises(StoreError, match="elkmon setup"):
        ship(folder, server_new.url, prefix)


def test_another_destination_needs_a_name_or_a_word(server_new, installed, prefix, folder):
    installed(server_new)
    write(folder, "a.ndjson", *many(2))
    ship(folder, server_new.url, prefix)
    with Proxy(server_new.url) as proxy:
        with pytest.raises(ConfigError, match=r"--moved.*--name"):
            ship(folder, proxy.url, prefix)
        assert figures(ship(folder, proxy.url, prefix, name="second")) == (2, 0, 2, 0)
        assert figures(ship(folder, proxy.url, prefix, moved=True)) == (0, 0, 0, 0)


def test_two_shippers_of_one_folder_do_not_both_run(server_new, installed, prefix, folder):
    installed(server_new)
    write(folder, "a.ndjson", line("a"))

    with (
        alone(lock_of(folder, "ship"), "ship it"),
        pytest.raises(StoreError, match=f"process {os.getpid()} is there already"),
    ):
        ship(folder, server_new.url, prefix)


def test_a_registration_that_cannot_be_read_says_what_to_do(server_new, prefix, folder):
    write(folder, "a.ndjson", line("a"))
    (folder / "readers").mkdir()
    (folder / "readers" / "ship.json").write_text("{}")

    with pytest.raises(StoreError, match="remove it"):
        ship(folder, server_new.url, prefix)


def test_a_secured_server_takes_events_and_wrong_credentials_and_certificates_end_it(
    server_secured, installed, prefix, folder, tmp_path
):
    client = installed(server_secured)
    write(folder, "a.ndjson", *many(3))
    credentials = {"username": "elastic", "password": "for-tests-only", "prefix": prefix}
    other = tmp_path / "other.crt"
    openssl = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=other -keyout"
    subprocess.run(
        [*openssl.split(), tmp_path / "other.key", "-out", other], check=True, capture_output=True
    )

    with pytest.raises(StoreError, match="certificate is not trusted"):
        ship(folder, server_secured.url, prefix, access=Access(ca_file=other, **credentials))
    with pytest.raises(StoreError, match="certificate is not trusted"):
        ship(folder, server_secured.url, prefix, access=Access(**credentials))
    wrong = Access(**{**credentials, "password": "another", "ca_file": server_secured.ca})
    with pytest.raises(StoreError, match="credentials"):
        ship(folder, server_secured.url, prefix, access=wrong)
    run = ship(
        folder, server_secured.url, prefix, access=Access(ca_file=server_secured.ca, **credentials)
    )

    assert figures(run) == (3, 3, 0, 0)
    assert len(ids(client, prefix)) == 3


def test_the_command_ships_and_says_the_balance(server_new, installed, prefix, folder):
    client = installed(server_new)
    write(folder, "a.ndjson", *many(3), b"nonsense")

    done = subprocess.run(
        [ELKMON, "ship", "--store", folder, "--to", server_new.url],
        capture_output=True, text=True, check=True, env=os.environ,
    )  # fmt: skip

    assert done.stdout == "read 4 = 3 created + 0 already there + 1 dead letters\n"
    assert done.stderr == ""
    assert len(ids(client, prefix)) == 3


def test_the_command_says_that_there_is_nothing(folder):
    done = subprocess.run(
        [ELKMON, "ship", "--store", folder, "--to", "http://localhost:9"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip

    assert "spool" in done.stdout


@pytest.mark.parametrize("apart", [False, True])
def test_on_a_terminal_a_bar_tells_how_many_how_fast_how_far_behind_and_what_is_dead(
    server_new, installed, prefix, folder, tmp_path, apart
):
    installed(server_new)
    write(folder, "a.ndjson", *many(3000, width=2000), b"nonsense")
    busy = Proxy(server_new.url, lambda request: 503 if request.number == 1 else None)
    with busy as proxy, (tmp_path / "out").open("wb") as out:
        lines = shown_on_terminal(
            *(120, ELKMON, "ship", "--store", folder, "--to", proxy.url),
            stdout=out if apart else None,
            stderr=True,
        )

    bars = re.findall(
        r"shipping .*?([\d,]+) events, [\d,]+/s, ([\d,.]+) MiB behind, (\d+) dead letters",
        "".join(lines),
    )
    assert bars[-1] == ("3,001", "0.0", "1")
    assert any(float(behind) > 0 for _, behind, _ in bars)
    assert any("503" in text and "nothing is lost" in text for text in lines)
    printed = (tmp_path / "out").read_text().splitlines() if apart else lines
    assert printed[-1] == "read 3,001 = 3,000 created + 0 already there + 1 dead letters"


def test_without_a_terminal_no_bar_is_shown(server_new, installed, prefix, folder):
    installed(server_new)
    write(folder, "a.ndjson", *many(3))

    done = subprocess.run(
        [ELKMON, "ship", "--store", folder, "--to", server_new.url],
        capture_output=True, text=True, check=True, env={**os.environ, "TERM": "xterm-256color"},
    )  # fmt: skip

    assert done.stderr == ""


@pytest.mark.parametrize("number", [0, 2])
@pytest.mark.parametrize("running", [False, True])
def test_a_file_of_which_something_was_erased_is_not_shipped_again(
    server_new, installed, prefix, folder, number, running
):
    installed(server_new)
    predictions = [
        line(f"p{n}", "prediction", ml={"model": {"name": "m"}, "prediction": {"id": f"id-{n}"}})
        for n in range(4)
    ]
    write(folder, "a.ndjson", *predictions)
    ship(folder, server_new.url, prefix)
    erase = ["forget", "--store", str(folder), "--prediction", f"id-{number}", "--yes"]

    with ExitStack() as beside:
        if running:
            beside.enter_context(alone(lock_of(folder, "ship"), "ship it"))
        done = CliRunner().invoke(main, erase, catch_exceptions=False)
    write(folder, "a.ndjson", line("new"))
    run = ship(folder, server_new.url, prefix)

    assert "1 event erased" in done.output
    assert figures(run) == ((4, 1, 3, 0) if running else (1, 1, 0, 0))
    assert run.printed("is another file") == running


def test_a_file_that_the_shipper_does_not_know_yet_is_read_though_something_was_erased_of_it(
    server_new, installed, prefix, folder
):
    installed(server_new)
    old = write(folder, "a.ndjson", *many(3))
    ship(folder, server_new.url, prefix)
    old.unlink()
    other = line("p", "prediction", ml={"model": {"name": "m"}, "prediction": {"id": "gone"}})
    write(folder, "a.ndjson", *many(3, start=10), other)
    erase = ["forget", "--store", str(folder), "--prediction", "gone", "--yes"]
    CliRunner().invoke(main, erase, catch_exceptions=False)

    assert figures(ship(folder, server_new.url, prefix)) == (3, 3, 0, 0)
