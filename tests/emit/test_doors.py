"""Whichever logger a line comes through, the event says the same.

Direct calls, structlog (processor and renderer) and the standard logging (handler and formatter)
are doors into one room: the same happening makes the same fields.
"""

import dataclasses
import io
import json
import logging
import sys

import pytest
import structlog

import elkmon
from elkmon.emit import ElkmonFormatter, ElkmonHandler, ElkmonProcessor, ElkmonRenderer
from elkmon.events.errors import UsageError
from elkmon.testing import capture
from tests.support.field_table_check import check

MODEL = ("fraud", "2.3.1")


class Hostile:
    def __str__(self):
        raise RuntimeError("hostile")

    __repr__ = __str__


class Slotted(Exception):  # noqa: N818
    __slots__ = ()


@dataclasses.dataclass(frozen=True)
class Frozen(Exception):  # noqa: N818
    code: int


class Closed(Exception):  # noqa: N818
    """An exception that shows its attributes to nobody."""

    @property
    def __dict__(self):
        raise RuntimeError("closed")


class Door:
    """A logger, and where its events arrive."""

    def __init__(self, name, captured):
        self._captured = captured
        self._printed = io.StringIO()
        self.logger = getattr(self, f"_{name}")()

    def _direct(self):
        return elkmon.get_logger(*MODEL)

    def _structlog_processor(self):
        return self._structlog(ElkmonProcessor(*MODEL), lambda *_: "")

    def _structlog_renderer(self):
        return self._structlog(ElkmonRenderer(*MODEL))

    def _structlog(self, *last):
        return structlog.wrap_logger(
            structlog.PrintLogger(self._printed),
            processors=[
                structlog.contextvars.merge_contextvars,
                structlog.processors.add_log_level,
                structlog.processors.TimeStamper(),
                *last,
            ],
            wrapper_class=structlog.make_filtering_bound_logger(0),
        )

    def _structlog_stdlib(self):
        """Set up as for an application with logging: arguments are put in at the end."""
        return structlog.wrap_logger(
            structlog.PrintLogger(self._printed),
            processors=[
                structlog.stdlib.add_log_level,
                ElkmonProcessor(*MODEL),
                structlog.stdlib.PositionalArgumentsFormatter(),
                lambda *_: "",
            ],
            wrapper_class=structlog.stdlib.BoundLogger,
        )

    def _logging_handler(self):
        return self._logging(ElkmonHandler(*MODEL))

    def _logging_formatter(self):
        handler = logging.StreamHandler(self._printed)
        handler.setFormatter(ElkmonFormatter(*MODEL))
        return self._logging(handler)

    def _logging(self, handler):
        logger = logging.Logger("scoring", level=1)  # noqa: LOG001 - one that no other test sees
        logger.addHandler(handler)
        return logger

    @property
    def events(self):
        """What arrived, without predictions, in order; printed lines are checked here."""
        printed = self._printed.getvalue().encode().strip()
        if printed:
            check(printed + b"\n", printed.count(b"\n") + 1)
        found = [json.loads(line) for line in printed.splitlines()] + self._captured.events
        found.sort(key=lambda event: event["event"]["sequence"])
        return [each for each in found if each["event"]["dataset"] != "elkmon.prediction"]


DOORS = (
    "direct",
    "structlog_processor",
    "structlog_renderer",
    "structlog_stdlib",
    "logging_handler",
    "logging_formatter",
)
KNOW_TEMPLATES = ("direct", "structlog_stdlib", "logging_handler", "logging_formatter")
"""structlog's native loggers put arguments in before any processor sees them."""


@pytest.fixture(params=DOORS)
def door(request, events):
    return Door(request.param, events)


@pytest.fixture
def log():
    return elkmon.get_logger(*MODEL, task="binary")


def raised(error):
    """Raise an exception, and give it back with its stack."""
    try:
        raise error
    except type(error) as caught:
        return caught


# --- the same fields for the same happenings --------------------------------------------------


def said_line(logger, log):
    logger.warning("slow feature store")


def said_error(logger, log):
    logger.error("no features")


def said_critical(logger, log):
    logger.critical("no model")


def said_exception_object(logger, log):
    logger.error(raised(KeyError("x")))


def said_exception(logger, log):
    try:
        {}["x"]
    except KeyError:
        logger.exception("it failed")


def said_exc_info(logger, log):
    logger.warning("retrying", exc_info=raised(TimeoutError("store")))


def said_arguments(logger, log):
    logger.info("%s of %d", "one", 2)


def said_secret(logger, log):
    logger.error("mail to bob@example.com failed")


def said_in_a_prediction(logger, log):
    with log.predict(id="p-1"):
        logger.info("inside")
        logger.error("no features")


def logged_and_left_the_block(logger, log):
    with pytest.raises(KeyError), log.predict(id="p-1"):  # noqa: PT012 - what is in it is the point
        try:
            {}["x"]
        except KeyError:
            logger.exception("it failed")
            raise


HAPPENINGS = (
    said_line,
    said_error,
    said_critical,
    said_exception_object,
    said_exception,
    said_exc_info,
    said_arguments,
    said_secret,
    said_in_a_prediction,
    logged_and_left_the_block,
)


def fields(event):
    """Return what an event says: without what differs from one writing to the next."""
    kept = {k: v for k, v in event.items() if k not in {"@timestamp", "process", "service"}}
    kept["event"] = {"dataset": event["event"]["dataset"], "kind": event["event"]["kind"]}
    kept["log"] = {"level": event["log"]["level"]}  # only logging names its loggers
    return kept


@pytest.mark.parametrize("happen", HAPPENINGS, ids=lambda each: each.__name__)
def test_every_door_gives_the_same_fields_for_the_same_happening(happen, log):
    seen = {}
    for name in DOORS:
        with capture() as captured:
            door = Door(name, captured)
            happen(door.logger, log)
            seen[name] = [fields(event) for event in door.events]

    assert seen["direct"]
    for name in DOORS:
        assert seen[name] == seen["direct"], name


def test_an_exception_that_is_logged_in_a_block_and_leaves_it_is_one_linked_error(
    door, log, events
):
    logged_and_left_the_block(door.logger, log)

    (error,) = door.events
    attempt = events.one("elkmon.prediction", outcome="failure")
    assert error["event"]["dataset"] == "elkmon.error"
    assert error["ml"]["prediction"] == {"id": "p-1"}
    assert error["message"] == "it failed"
    assert error["error"]["message"] == "'x'"
    assert "KeyError" in error["error"]["stack_trace"]
    assert attempt["error"]["fingerprint"] == error["error"]["fingerprint"]


def test_what_was_added_is_kept_by_name(door):
    if isinstance(door.logger, logging.Logger):
        door.logger.info("text", extra={"took": 1.5})
    else:
        door.logger.info("text", took=1.5)

    (event,) = door.events
    assert event["labels"] == {"took": 1.5}


def test_every_door_knows_its_model(door):
    door.logger.info("text")

    (event,) = door.events
    assert event["ml"]["model"] == {"name": "fraud", "version": "2.3.1"}


def test_every_line_is_counted(door, events):
    for _ in range(3):
        door.logger.info("text")

    assert events.stats().written == 3
    assert [event["event"]["sequence"] for event in door.events] == [1, 2, 3]


# --- one exception object makes one error -----------------------------------------------------


def chained():
    try:
        {}["x"]
    except KeyError as error:
        failure = ValueError("y")
        failure.__cause__ = error
        return failure


ERRORS = {
    "plain": lambda: ValueError("x"),
    "slots": lambda: Slotted("x"),
    "frozen": lambda: Frozen(5),
    "closed": lambda: Closed("x"),
    "chained": chained,
    "keyboard": KeyboardInterrupt,
    "os": lambda: FileNotFoundError(2, "no such file"),
}


@pytest.mark.parametrize("made", ERRORS.values(), ids=ERRORS)
def test_one_exception_object_makes_one_error_however_often_it_passes(door, log, made):
    error = made()

    door.logger.error(error)
    with pytest.raises(type(error)), log.predict():
        raise error
    door.logger.error("again", exc_info=error)

    first, *later = door.events
    assert first["event"]["dataset"] == "elkmon.error"
    assert {event["event"]["dataset"] for event in later} == {"elkmon.log"}
    assert later[-1]["error"] == {"type": first["error"]["type"]}
    assert later[-1]["message"] == "again"


def test_a_reraise_in_an_outer_handler_is_no_second_error(door, log):
    def inner():
        try:
            {}["x"]
        except KeyError:
            door.logger.exception("inner")
            raise

    try:
        inner()
    except KeyError:
        door.logger.exception("outer")

    inner_event, outer_event = door.events
    assert inner_event["event"]["dataset"] == "elkmon.error"
    assert outer_event["event"]["dataset"] == "elkmon.log"
    assert (inner_event["message"], outer_event["message"]) == ("inner", "outer")


def test_two_exceptions_of_one_kind_are_two_errors_in_one_group(door):
    for _ in range(2):
        door.logger.error(raised(KeyError("x")))

    one, two = door.events
    assert one["error"]["fingerprint"] == two["error"]["fingerprint"]
    assert one["event"]["dataset"] == two["event"]["dataset"] == "elkmon.error"


def test_an_exception_that_was_raised_from_another_is_an_error_of_its_own(door):
    cause = raised(KeyError("x"))
    door.logger.error(cause)
    failure = ValueError("y")
    failure.__cause__ = cause
    door.logger.error(failure)

    one, two = door.events
    assert (one["error"]["type"], two["error"]["type"]) == ("KeyError", "ValueError")
    assert "KeyError: 'x'" in two["error"]["stack_trace"]


if sys.version_info >= (3, 11):

    def test_an_exception_group_is_one_error_that_shows_its_members(door, log):
        error = ExceptionGroup("several", [ValueError("a"), KeyError("b")])  # noqa: F821 - of 3.11

        with pytest.raises(ExceptionGroup), log.predict(id="p-1"):  # noqa: F821, PT012 - as above
            door.logger.error(error)
            raise error

        (event,) = door.events
        assert event["error"]["type"] == "ExceptionGroup"
        assert "ValueError: a" in event["error"]["stack_trace"]


def test_an_error_in_words_is_none_of_the_exception_that_leaves(door, log):
    with pytest.raises(KeyError), log.predict(id="p-1"):  # noqa: PT012 - as above
        door.logger.error("no features")
        raise KeyError("x")

    kinds = [event["error"]["type"] for event in door.events]
    assert kinds == ["message", "KeyError"]
    assert {event["ml"]["prediction"]["id"] for event in door.events} == {"p-1"}


# --- errors in words --------------------------------------------------------------------------


@pytest.mark.parametrize("name", KNOW_TEMPLATES)
@pytest.mark.parametrize("level", ["error", "critical"])
def test_words_are_grouped_by_their_constant_part(events, name, level):
    door = Door(name, events)

    getattr(door.logger, level)("no features for %s", "bob")
    getattr(door.logger, level)("no features for %s", "ann")
    getattr(door.logger, level)("no model for %s", "ann")

    one, two, other = (event["error"]["fingerprint"] for event in door.events)
    assert one == two != other
    assert door.events[0]["message"] == "no features for bob"


def test_the_constant_part_is_one_group_through_every_door_that_knows_it():
    groups = set()
    for name in KNOW_TEMPLATES:
        with capture() as captured:
            door = Door(name, captured)
            door.logger.error("no features for %s", "bob")
            groups.add(door.events[0]["error"]["fingerprint"])

    assert len(groups) == 1


# --- structlog --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "level"),
    [("warn", "warning"), ("exception", "error"), ("fatal", "critical"), ("msg", "info")],
)
def test_a_chain_without_levels_still_has_them(events, method, level):
    chain = ElkmonProcessor()

    chain(None, method, {"event": "text"})

    (event,) = events.events
    assert event["log"]["level"] == level


def test_the_processor_hands_the_call_on_as_it_was(events):
    given = {"event": "text", "exc_info": True, "took": 1.5}

    assert ElkmonProcessor()(None, "info", given) is given
    assert given == {"event": "text", "exc_info": True, "took": 1.5}


def test_an_exception_that_was_formatted_already_is_kept_as_text(events):
    ElkmonProcessor()(None, "error", {"event": "text", "exception": "Traceback …"})

    assert events.one("elkmon.error")["labels"] == {"exception": "Traceback …"}


@pytest.mark.parametrize("name", ["logger", "logger_name"])
def test_the_name_of_the_logger_is_kept(events, name):
    ElkmonProcessor()(None, "info", {"event": "text", name: "scoring"})

    assert events.one("elkmon.log")["log"]["logger"] == "scoring"


@pytest.mark.parametrize(
    "exc_info",
    [
        lambda error: error,
        lambda error: (type(error), error, error.__traceback__),
    ],
)
def test_exc_info_may_be_an_exception_or_a_tuple(events, exc_info):
    ElkmonProcessor()(None, "info", {"event": "x", "exc_info": exc_info(raised(KeyError("k")))})

    assert events.one("elkmon.error", error="KeyError")["message"] == "x"


@pytest.mark.parametrize("exc_info", [None, False, True, (), (None, None, None), ("a",)])
def test_exc_info_without_an_exception_is_a_line(events, exc_info):
    ElkmonProcessor()(None, "info", {"event": "text", "exc_info": exc_info})

    assert "error" not in events.one("elkmon.log")


def test_an_event_of_any_type_is_shown(events):
    for each in (5, None, Hostile()):
        ElkmonProcessor()(None, "info", {"event": each})

    shown = [event.get("message") for event in events.events]
    assert shown == ["5", None, "<Hostile that raises RuntimeError>"]


# --- logging ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["logging_handler", "logging_formatter"])
def test_the_logger_is_named(events, name):
    door = Door(name, events)

    door.logger.info("text")

    assert door.events[0]["log"]["logger"] == "scoring"


@pytest.mark.parametrize("args", [("a", "b"), (Hostile(),)])
def test_arguments_that_do_not_fit_cost_no_line(events, args):
    door = Door("logging_handler", events)

    door.logger.info("%d", *args)

    assert door.events[0]["message"].startswith("%d ")


def test_the_handler_has_a_level(events):
    logger = logging.Logger("scoring", level=1)  # noqa: LOG001 - one that no other test sees
    logger.addHandler(ElkmonHandler(level="WARNING"))

    logger.info("no")
    logger.warning("yes")

    assert [event["message"] for event in events.events] == ["yes"]


def test_a_stack_is_kept(events):
    door = Door("logging_handler", events)

    door.logger.info("text", stack_info=True)

    assert "test_doors" in door.events[0]["labels"]["stack"]


# --- faults -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", DOORS)
def test_an_event_that_cannot_be_made_is_counted_and_raises_nothing(name, events, monkeypatch):
    from elkmon.emit import event_builders  # noqa: PLC0415 - a fault is injected into it

    def faulty(*_):
        raise RuntimeError("fault")

    monkeypatch.setattr(event_builders, "log_call_fields", faulty)
    door = Door(name, events)

    door.logger.error("text")

    assert door.events == []
    assert events.stats().dropped == {"internal": 1}
    assert events.stats().accepted == 1


@pytest.mark.parametrize("name", DOORS)
def test_wrong_use_is_raised_in_strict_mode_through_every_door(name):
    with capture(strict=True) as captured:
        door = Door(name, captured)
        added = {"user": "bob"}
        if isinstance(door.logger, logging.Logger):
            added = {"extra": added}
        logging.raiseExceptions, before = True, logging.raiseExceptions
        try:
            if name == "logging_formatter":  # logging's own handlers print what is raised
                record = door.logger.makeRecord(
                    "n", 20, "f", 1, "text", (), None, extra={"user": 1}
                )
                with pytest.raises(UsageError):
                    door.logger.handlers[0].formatter.format(record)
            else:
                with pytest.raises(UsageError):
                    door.logger.info("text", **added)
        finally:
            logging.raiseExceptions = before
