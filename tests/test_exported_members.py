"""What elkmon exports: every type that it hands out, under one roof."""

import dataclasses
import inspect
import pickle
import typing

import pytest

import elkmon
from elkmon import Monitor
from elkmon.emit.process_emitter import configure
from elkmon.events.settings import SETTINGS
from elkmon.questions.registry import built_in

EXPORTED = {name: getattr(elkmon, name) for name in elkmon.__all__}
TYPES = [value for value in EXPORTED.values() if isinstance(value, type)]


def test_the_list_is_sorted_and_complete():
    assert list(elkmon.__all__) == sorted(elkmon.__all__)
    assert set(elkmon.__all__) <= set(dir(elkmon))
    assert not {name for name in vars(elkmon) if name[0] != "_"} - set(elkmon.__all__) - MODULES


MODULES = {
    *("annotations", "get_type_hints", "import_module", "TYPE_CHECKING"),
    *("cli", "cluster", "demo", "events", "host", "importing", "join", "kibana", "logstash"),
    *("monitor", "present", "query", "questions", "report", "retention", "ship", "statistics"),
    *("stores", "testing"),
}
"""What Python itself puts there: imports, and the packages that were imported."""


@pytest.mark.parametrize("kind", TYPES, ids=lambda kind: kind.__name__)
def test_a_type_says_that_it_is_of_elkmon(kind):
    assert kind.__module__ == "elkmon"
    assert getattr(elkmon, kind.__name__) is kind
    assert pickle.loads(pickle.dumps(kind)) is kind  # noqa: S301 - just pickled here
    typing.get_type_hints(kind)


def handed_out():
    """Give the types that methods of the client and of the logger return, and their parts."""
    functions = [record.ask for record in built_in()]
    functions += [Monitor.catalog, Monitor.events, elkmon.stats, elkmon.get_logger]
    waiting = [typing.get_type_hints(f, _names(f))["return"] for f in functions]
    seen = set()
    while waiting:
        hint = waiting.pop()
        waiting += typing.get_args(hint)
        kind = typing.get_origin(hint) or hint
        if isinstance(kind, type) and kind not in seen:
            seen.add(kind)
            if dataclasses.is_dataclass(kind):
                waiting += typing.get_type_hints(kind).values()
    return {kind for kind in seen if (kind.__module__ or "").split(".")[0] == "elkmon"}


def _names(function):
    return {**vars(elkmon), **EXPORTED, **vars(inspect.getmodule(function))}


def test_every_type_that_is_handed_out_is_exported():
    missing = {kind.__qualname__ for kind in handed_out()} - set(elkmon.__all__)

    assert not missing


def test_configure_has_a_parameter_for_every_setting():
    parameters = inspect.signature(configure).parameters

    assert list(parameters) == [*(setting.name for setting in SETTINGS), "unknown"]
    assert all(
        parameter.kind is inspect.Parameter.KEYWORD_ONLY
        for name, parameter in parameters.items()
        if name != "unknown"
    )


def test_a_setting_that_is_none_is_its_default_whatever_the_environment_says(monkeypatch):
    monkeypatch.setenv("ELKMON_SERVICE", "shop")

    elkmon.configure(service=None)

    assert elkmon.emit.process_emitter.settings().service == "unknown"
