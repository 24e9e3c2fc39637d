"""What a question may hold in memory: as much for many events as for few, and what is done then."""

import stat
from contextlib import closing
from pathlib import Path

import duckdb
import pytest

from elkmon.events.errors import ConfigError, StoreError
from elkmon.stores.local.compact import compact
from elkmon.stores.local.files import Listing
from elkmon.stores.local.memory_limit import Memory
from elkmon.stores.local.store import LocalStore
from elkmon.stores.protocol import FieldValue
from tests.support.event_folders import ALL, COUNT, ask, label, prediction, write

MiB = 1024 * 1024
MANY = 400_000
LITTLE = 32 * MiB


def limit(connection):
    """What DuckDB is told, in MiB."""
    ((size,),) = connection.execute("SELECT current_setting('memory_limit')").fetchall()
    number, unit = size.split()
    return float(number) * {"KiB": 1 / 1024, "MiB": 1, "GiB": 1024}[unit]


def usual(store):
    ((threads,),) = store._rows("SELECT current_setting('threads')")
    return max(96 * int(threads), 192)


@pytest.fixture
def many(folder):
    """Make many predictions, each with a label."""
    write(folder / "a.ndjson", prediction("a"), label("l", "a"))  # a file with all columns
    compact(folder)
    with duckdb.connect() as connection:
        for name in ("prediction", "label"):
            connection.execute(
                f"COPY (SELECT '{name}' || range AS \"event.id\", 'elkmon.{name}' AS "
                "\"event.dataset\", TIMESTAMP '2026-11-24' AS \"@timestamp\", 'fraud' AS "
                '"ml.model.name", \'success\' AS "event.outcome", md5(range::VARCHAR)::UUID AS '
                "_key, 'long enough for a heap ' || range % 7 AS \"ml.truth.label\" "
                f"FROM range({MANY})) TO '{folder}/{name}.parquet' (FORMAT parquet)"
            )
    return folder


def groups(store):
    return store.aggregate(
        "elkmon.prediction", by=[FieldValue("ml.truth.label")], measures=[COUNT], where=ALL
    ).rows


def test_memory_does_not_grow_with_compacted_events_but_with_lines(folder, monkeypatch):
    monkeypatch.setattr("elkmon.stores.local.memory_limit._SMALL", 0)  # bytes
    write(folder / "a.ndjson", prediction("a"))
    compact(folder)
    with closing(LocalStore(folder)) as store:
        ask(store)
        assert limit(store._connection) == pytest.approx(usual(store), rel=0.01)

        size = 8 * MiB
        write(folder / "b.ndjson", prediction("b"), b" " * (size - 1) + b"\n")
        ask(store)
        assert limit(store._connection) == pytest.approx(usual(store) + 8, rel=0.01)


def test_few_events_have_what_the_machine_has(folder):
    write(folder / "a.ndjson", prediction("a"))
    with closing(LocalStore(folder)) as store:
        most = limit(store._connection)
        ask(store)
        assert limit(store._connection) == pytest.approx(most, rel=0.01)


def test_the_setting_wins(folder, monkeypatch):
    write(folder / "a.ndjson", prediction("a"))
    monkeypatch.setenv("ELKMON_MEMORY_BYTES", str(100 * MiB))

    with closing(LocalStore(folder)) as store:
        ask(store)
        assert limit(store._connection) == pytest.approx(100, rel=0.01)


@pytest.mark.parametrize("value", ["2GB", "-1", "1048576"])
def test_a_setting_that_cannot_be_used_is_refused(folder, monkeypatch, value):
    monkeypatch.setenv("ELKMON_MEMORY_BYTES", value)

    with pytest.raises(ConfigError, match="ELKMON_MEMORY_BYTES is a whole number of bytes"):
        LocalStore(folder)


def test_what_does_not_fit_is_kept_in_a_folder_and_the_answer_is_the_same(many, tmp_path):
    with closing(LocalStore(many)) as store:
        plenty = groups(store)
        known = store.catalog()
        store._connection.execute("SET threads = 1")
        store._memory = Memory(store._connection, tmp_path / "scratch", LITTLE)

        assert groups(store) == plenty
        assert store.catalog() == known
        store._connection.execute("SET max_temp_directory_size = '0KB'")
        with pytest.raises(StoreError, match=r"has no room for .*set TMPDIR to a folder"):
            groups(store)  # it did need the folder


def test_the_folder_is_our_own_and_goes_with_the_store(folder):
    write(folder / "a.ndjson", prediction("a"))
    with closing(LocalStore(folder)) as store:
        ask(store)
        ((place,),) = store._rows("SELECT current_setting('temp_directory')")
        assert stat.S_IMODE(Path(place).stat().st_mode) == 0o700
        assert folder not in Path(place).parents

    assert not Path(place).exists()


@pytest.fixture
def connection():
    with duckdb.connect() as opened:
        yield opened


def failing(times):
    """Give a question that does not fit so many times."""
    left = [duckdb.OutOfMemoryException("failed to pin block")] * times

    def ask():
        if left:
            raise left.pop()
        return [("answered",)]

    return ask


def test_a_question_that_cannot_do_with_the_usual_gets_what_the_machine_has(
    connection, tmp_path, monkeypatch
):
    monkeypatch.setattr("elkmon.stores.local.memory_limit._SMALL", -1)
    most = limit(connection)
    memory = Memory(connection, tmp_path)

    assert memory.within(Listing(), failing(1)) == [("answered",)]

    assert limit(connection) == pytest.approx(most, rel=0.01)


def test_a_question_that_does_not_fit_at_all_says_what_to_do(connection, tmp_path):
    memory = Memory(connection, tmp_path)

    with pytest.raises(
        StoreError, match="MiB of memory: ask for fewer groups, a shorter span"
    ) as e:
        memory.within(Listing(), failing(2))

    assert "ELKMON_MEMORY_BYTES=" in str(e.value)


def test_the_setting_is_not_exceeded(connection, tmp_path):
    memory = Memory(connection, tmp_path, 64 * MiB)

    with pytest.raises(StoreError, match=r"64 MiB of memory.* ELKMON_MEMORY_BYTES=134217728"):
        memory.within(Listing(), failing(1))


def test_a_disk_that_is_full_is_named(connection, tmp_path):
    memory = Memory(connection, tmp_path / "scratch")

    def ask():
        raise duckdb.IOException("Could not write file: No space left on device")

    with pytest.raises(StoreError, match=f"{tmp_path} has no room"):
        memory.within(Listing(), ask)
