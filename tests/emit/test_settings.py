"""The table of settings: what each takes, what it refuses, and where it comes from."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

import elkmon
from elkmon.emit import process_emitter as state
from elkmon.events.errors import ConfigError
from elkmon.events.settings import (
    SETTINGS,
    Settings,
    from_environment,
    node_name,
    override,
    usable,
)
from tests.support.emitting_processes import files, run, whole

VARIABLES = {each.name: each.variable for each in SETTINGS}

GOOD = [
    ("service", "scoring", "scoring"),
    ("service", 7, "7"),
    ("environment", "prod", "prod"),
    ("service_version", 1.5, "1.5"),
    ("node", "web-1", "web-1"),
    ("sink", "stdout", "stdout"),
    ("sink", "spool", "spool"),
    ("spool", "/var/events", Path("/var/events")),
    ("spool", Path("events"), Path("events")),
    *[(name, "1000", 1000) for name in ("rotate_bytes", "rotate_seconds", "max_bytes")],
    *[(name, 1, 1) for name in ("rotate_bytes", "rotate_seconds", "max_bytes")],
    ("sample_rate", "0.25", 0.25),
    ("sample_rate", 1, 1.0),
    ("sample_rate", 1e-9, 1e-9),
    *[
        (name, given, meant)
        for name in ("strict", "enabled", "redact")
        for given, meant in [
            (True, True), ("1", True), ("true", True), ("Yes", True), ("ON", True), (1, True),
            (False, False), ("0", False), ("False", False), ("no", False), ("off", False),
        ]
    ],
    ("redact_keys", "iban, pin ,,", ("iban", "pin")),
    ("redact_keys", ["a,b", "c"], ("a,b", "c")),
    ("redact_keys", (), ()),
    ("redact_patterns", "CUST-\\d+\n\n  A,B\n", ("CUST-\\d+", "A,B")),
    ("redact_patterns", {"x+"}, ("x+",)),
    ("redact_patterns", frozenset({"x+"}), ("x+",)),
    ("user_key", "secret", "secret"),
]  # fmt: skip

BAD = [
    ("sink", "kafka", "'spool' or 'stdout'"),
    ("sink", 1, "'spool' or 'stdout'"),
    *[
        (name, given, "a whole number above 0")
        for name in ("rotate_bytes", "rotate_seconds", "max_bytes")
        for given in ("64 MB", "0", -1, 1.5, True, "1e6", "nan")
    ],
    *[
        ("sample_rate", given, "above 0 and up to 1")
        for given in ("0", 0, -0.5, 1.1, "ten", "nan", "inf", [])
    ],
    *[
        (name, given, "1 or 0")
        for name in ("strict", "enabled", "redact")
        for given in ("maybe", 2, "-1", [])
    ],
    *[
        (name, given, "a list of strings")
        for name in ("redact_keys", "redact_patterns")
        for given in (7, {"a": 1}, [1], [re.compile("x")])
    ],
]


@pytest.fixture(autouse=True)
def clean(monkeypatch):
    for variable in VARIABLES.values():
        monkeypatch.delenv(variable, raising=False)
    elkmon.reset()
    yield
    elkmon.reset()


def test_the_table_has_a_row_for_each_setting():
    assert [each.name for each in SETTINGS] == [each.name for each in fields(Settings)]
    assert all(each.variable == f"ELKMON_{each.name.upper()}" for each in SETTINGS)
    assert all(each.meaning.endswith(".") for each in SETTINGS)


@pytest.mark.parametrize(("name", "given", "meant"), GOOD)
def test_what_a_setting_takes(name, given, meant):
    assert getattr(override(Settings(), {name: given}), name) == meant


@pytest.mark.parametrize(
    ("name", "given", "meant"), [each for each in GOOD if isinstance(each[1], str)]
)
def test_a_variable_is_understood_as_text_in_configure(name, given, meant):
    assert getattr(from_environment({VARIABLES[name]: given}), name) == meant


@pytest.mark.parametrize(("name", "given", "says"), BAD)
def test_what_a_setting_refuses(name, given, says):
    with pytest.raises(ConfigError) as caught:
        override(Settings(), {name: given})

    assert str(caught.value).startswith(name)
    assert says in str(caught.value)
    assert repr(given) in str(caught.value)


@pytest.mark.parametrize(
    ("name", "given"), [each[:2] for each in BAD if isinstance(each[1], str) and each[1]]
)
def test_a_refused_variable_is_named(name, given):
    with pytest.raises(ConfigError, match=VARIABLES[name]):
        from_environment({VARIABLES[name]: given})


@pytest.mark.parametrize("name", VARIABLES)
def test_none_stands_for_the_default(name):
    assert override(Settings(strict=True), {name: None}) == override(
        Settings(strict=True), {name: getattr(Settings(), name)}
    )


@pytest.mark.parametrize("variable", VARIABLES.values())
def test_an_empty_variable_is_none(variable):
    assert from_environment({variable: ""}) == Settings()


def test_no_variable_gives_the_defaults():
    assert from_environment({}) == Settings()


def test_a_name_that_there_is_not():
    with pytest.raises(ConfigError, match=r"no such setting: colour, size; there are: enabled, "):
        override(Settings(), {"size": 1, "colour": "red"})


def test_what_is_not_given_stays():
    assert override(Settings(service="a", strict=True), {"service": "b"}) == Settings(
        service="b", strict=True
    )


def test_the_node_is_the_machines_own_where_it_is_not_given(monkeypatch):
    monkeypatch.setattr("socket.gethostname", lambda: "machine")

    assert node_name(Settings()) == "machine"
    assert node_name(Settings(node="given")) == "given"


def test_a_bad_variable_does_not_undo_the_others():
    found, wrong = usable(
        {
            "ELKMON_ROTATE_BYTES": "64 MB",
            "ELKMON_REDACT_KEYS": "iban",
            "ELKMON_STRICT": "maybe",
            "ELKMON_SINK": "stdout",
        }
    )

    assert found == Settings(redact_keys=("iban",), sink="stdout")
    assert [text.split()[0] for text in wrong] == ["ELKMON_ROTATE_BYTES", "ELKMON_STRICT"]


# ------------------------------------------------------------------- configure, reset, flush


def test_a_keyword_wins_over_its_variable(monkeypatch):
    monkeypatch.setenv("ELKMON_SERVICE", "from the environment")
    monkeypatch.setenv("ELKMON_ENVIRONMENT", "prod")

    elkmon.configure(service="given")

    assert state.settings().service == "given"
    assert state.settings().environment == "prod"


def test_configure_raises_on_a_bad_variable(monkeypatch):
    monkeypatch.setenv("ELKMON_SAMPLE_RATE", "2")

    with pytest.raises(ConfigError, match="ELKMON_SAMPLE_RATE"):
        elkmon.configure()


@pytest.mark.parametrize(
    ("pattern", "says"), [("(", "is no regular expression"), ("x*", "matches the empty text")]
)
def test_configure_raises_on_a_bad_pattern(pattern, says):
    with pytest.raises(ConfigError, match=says):
        elkmon.configure(redact_patterns=[pattern])


def test_a_configuration_that_is_refused_leaves_the_present_one(tmp_path):
    elkmon.configure(spool=tmp_path, service="first")
    log = elkmon.get_logger()
    log.info("a")

    with pytest.raises(ConfigError):
        elkmon.configure(service="second", sample_rate=3)
    log.info("b")

    assert {event["service"]["name"] for event in whole(tmp_path).events} == {"first"}
    assert elkmon.stats().written == 2


def test_configure_again_closes_what_was_open(tmp_path):
    elkmon.configure(spool=tmp_path / "one")
    log = elkmon.get_logger(model="m")
    log.info("a")

    elkmon.configure(spool=tmp_path / "two")
    log.info("b")

    one, two = whole(tmp_path / "one"), whole(tmp_path / "two")
    assert [event["event"]["dataset"] for event in one.events] == ["elkmon.log", "elkmon.emitter"]
    assert [event["message"] for event in two.events] == ["b"]
    assert two.events[0]["event"]["sequence"] == 1
    assert elkmon.stats().accepted == 1


def test_reset_forgets_settings_and_figures(tmp_path):
    elkmon.configure(spool=tmp_path, service="first")
    elkmon.get_logger().info("a")

    elkmon.reset()

    assert state.settings().service == "unknown"
    assert elkmon.stats().accepted == 0
    assert len(whole(tmp_path).of("elkmon.emitter")) == 1


def test_reset_and_flush_where_nothing_was_logged():
    elkmon.reset()
    elkmon.emit.flush()

    assert elkmon.stats().accepted == 0


def test_flush_closes_the_file_and_keeps_the_figures(tmp_path):
    elkmon.configure(spool=tmp_path)
    log = elkmon.get_logger()
    log.info("a")
    elkmon.emit.flush()
    log.info("b")

    assert len(files(tmp_path)) == 2
    assert elkmon.stats().written == 3
    assert [e["event"]["sequence"] for e in whole(tmp_path).events] == [1, 2, 3]


def test_an_import_touches_nothing(tmp_path):
    run("", "spool", set_up="import elkmon, elkmon.emit", cwd=tmp_path)
    run("", "spool", set_up="import elkmon; elkmon.get_logger(model='m')", cwd=tmp_path)

    assert list(tmp_path.iterdir()) == []


def test_the_folder_is_elkmon_data_where_nothing_is_said(tmp_path):
    run("log.info('a')", "", cwd=tmp_path)

    assert len(whole(tmp_path / "elkmon-data").events) == 2


def test_a_bad_variable_is_said_once_and_costs_no_event(tmp_path):
    script = "for _ in range(3): log.info('a')\nprint(elkmon.stats().written)"
    bad = {"ELKMON_ROTATE_BYTES": "64 MB", "ELKMON_SERVICE": "scoring"}

    out, err = run(script, tmp_path, env=bad)

    assert out == "3\n"
    assert err.count("\n") == 1
    assert err.startswith("elkmon: ELKMON_ROTATE_BYTES is a whole number above 0, not '64 MB'")
    assert whole(tmp_path).events[0]["service"]["name"] == "scoring"


def test_a_bad_pattern_in_the_environment_does_not_undo_the_others(tmp_path):
    patterns = {"ELKMON_REDACT_PATTERNS": "CUST-\\d+\n(\nORDER-\\d+"}

    _, err = run("log.info('CUST-1 ORDER-2')", tmp_path, env=patterns)

    assert "'(' is no regular expression" in err
    (event,) = whole(tmp_path).of("elkmon.log")
    assert event["message"] == "[redacted:custom] [redacted:custom]"
