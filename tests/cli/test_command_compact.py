"""``elkmon compact``: what it says it did, and what it leaves alone."""

import elkmon
from elkmon.stores.local import compact as module


def _serve(folder, count):
    elkmon.configure(spool=folder, service="shop", environment="test")
    log = elkmon.get_logger("fraud", "1", task="binary", positive="fraud")
    for number in range(count):
        log.prediction(label="legit", score=0.2, id=f"p{number}")


def test_it_says_how_many_files_and_how_much_smaller(run, tmp_path):
    _serve(tmp_path, 500)
    elkmon.reset()

    result = run("compact", "--store", tmp_path)

    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith("compacted 1 file: 0.3 MiB became 0.")
    assert [file.suffix for file in tmp_path.iterdir() if file.name[0] != "."] == [".parquet"]


def test_a_second_time_there_is_nothing_to_do(run, tmp_path):
    _serve(tmp_path, 5)
    elkmon.reset()
    run("compact", "--store", tmp_path)

    result = run("compact", "--store", tmp_path)

    assert (result.exit_code, result.stdout) == (0, "compacted 0 files\n")


def test_a_file_that_is_written_to_is_left_alone_and_told(run, tmp_path):
    _serve(tmp_path, 5)

    result = run("compact", "--store", tmp_path)

    assert result.exit_code == 0
    assert "left alone 1 file that an application writes to\n" in result.stdout
    assert list(tmp_path.glob("*.ndjson"))


def test_a_file_that_a_reader_has_not_passed_stays(run, tmp_path):
    _serve(tmp_path, 5)
    elkmon.reset()
    (tmp_path / "readers").mkdir()
    (tmp_path / "readers/ship.json").write_text("{}")

    result = run("compact", "--store", tmp_path)

    assert result.exit_code == 0
    assert "kept 1 file that a registered reader has not read to the end yet\n" in result.stdout
    assert list(tmp_path.glob("*.ndjson"))


def test_lines_that_are_no_events_are_told_with_their_place(run, tmp_path):
    _serve(tmp_path, 5)
    elkmon.reset()
    (file,) = tmp_path.glob("*.ndjson")
    file.write_bytes(file.read_bytes() + b"half a li\n7\n")

    result = run("compact", "--store", tmp_path)

    assert result.exit_code == 0
    assert (
        "moved 2 lines that cannot be read as events to rejected/, with the reason\n"
        in result.stdout
    )
    (rejected,) = (tmp_path / "rejected").glob("*.ndjson")
    assert len(rejected.read_bytes().splitlines()) == 2


def test_a_file_that_fails_is_told_and_stays(run, tmp_path, monkeypatch):
    _serve(tmp_path, 5)
    elkmon.reset()
    (file,) = tmp_path.glob("*.ndjson")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module, "_as_columns", full)

    result = run("compact", "--store", tmp_path)

    assert result.exit_code == 1
    assert (
        result.stdout.splitlines()[0] == f"failed {file.name}: [Errno 28] No space left on device"
    )
    assert file.exists()


def test_a_folder_that_is_not_there_is_an_empty_store(run, tmp_path):
    result = run("compact", "--store", tmp_path / "none")

    assert result.exit_code == 0
    assert str(tmp_path / "none") in result.stdout
