"""A few finished events, written into a folder from outside of an emitter."""

import stat

import pytest

from elkmon import StoreError
from elkmon.stores.local.files import is_closed
from tests.support.event_folders import catalog, count, line, names, prediction


def test_events_can_be_asked_for_at_once_in_a_private_closed_file(opened, folder):
    opened.write([line(prediction("a")), line(prediction("b"))])
    opened.write([line(prediction("c"))])

    files = [folder / name for name in names(folder)]
    assert (count(opened), len(files)) == (3, 2)
    assert all(is_closed(file) for file in files)
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert catalog(folder).bad_lines == 0


def test_a_folder_as_large_as_it_may_be_takes_none(opened, folder, monkeypatch):
    opened.write([line(prediction("a"))])
    monkeypatch.setenv("ELKMON_MAX_BYTES", "10")

    with pytest.raises(StoreError, match="holds 10 bytes or more: make room, or raise ELKMON_MAX"):
        opened.write([line(prediction("b"))])

    assert count(opened) == 1


def test_a_folder_that_cannot_be_written_to_is_named(opened, folder):
    folder.write_text("a file")

    with pytest.raises(StoreError, match=f"cannot write to {folder}: "):
        opened.write([line(prediction("a"))])
