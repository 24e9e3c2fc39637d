"""What an exception says, and which occurrences are one issue."""

import json
import types

import pytest

from elkmon.emit.exceptions import (
    brief_repr,
    describe,
    describe_text,
    mark_written,
    text_of,
    type_name,
    written_as,
)


class BrokenText(Exception):  # noqa: N818
    def __str__(self):
        raise RuntimeError("broken")

    __repr__ = __str__


class Outer:
    class InnerError(Exception):
        pass


def caught(function, *args):
    """Call what raises; give the exception back."""
    try:
        function(*args)
    except BaseException as error:  # noqa: BLE001 - it is the result
        return error
    raise AssertionError("nothing was raised")


def module(source, name="app", path="/app/app.py"):
    """Make a module of the application from source, as it stands in a file."""
    made = types.ModuleType(name)
    exec(compile(source, path, "exec"), made.__dict__)  # noqa: S102 - the source is ours
    return made


def fingerprint(source, call="run", args=(), **where):
    return describe(caught(getattr(module(source, **where), call), *args)).fingerprint


PLAIN = "def run(x=0):\n    raise ValueError(f'for {x}')\n"


# --- what is the same issue -------------------------------------------------------------------


@pytest.mark.parametrize(
    "other",
    [
        pytest.param("\n\n\n" + PLAIN, id="line numbers"),
        pytest.param("def run(x=0):\n    raise ValueError('other words')\n", id="message"),
        pytest.param("def run(x=0):\n    raise ValueError(object())\n", id="address"),
        pytest.param("def run(x=0):\n    y = 5\n    raise ValueError from None\n", id="source"),
    ],
)
def test_a_fingerprint_is_that_of_the_type_and_the_functions(other):
    assert fingerprint(other) == fingerprint(PLAIN)


def test_a_fingerprint_does_not_depend_on_where_the_file_lies():
    assert fingerprint(PLAIN, path="/elsewhere/app.py") == fingerprint(PLAIN)


@pytest.mark.parametrize(
    ("other", "call", "name"),
    [
        pytest.param(PLAIN.replace("ValueError", "KeyError"), "run", "app", id="type"),
        pytest.param(PLAIN.replace("run", "walk"), "walk", "app", id="function"),
        pytest.param(PLAIN, "run", "app.scoring", id="module"),
        pytest.param(
            "def inner():\n    raise ValueError\ndef run(x=0):\n    inner()\n",
            "run",
            "app",
            id="way",
        ),
    ],
)
def test_another_type_or_way_is_another_issue(other, call, name):
    assert fingerprint(other, call, name=name) != fingerprint(PLAIN)


@pytest.mark.parametrize(("one", "two"), [(1, 2), (3, 40), (5, 300)])
def test_recursion_counts_once_however_deep(one, two):
    source = "def run(n):\n    if n == 0:\n        raise ValueError\n    run(n - 1)\n"

    assert fingerprint(source, args=(one,)) == fingerprint(source, args=(two,))


def test_recursion_through_several_functions_counts_once():
    source = (
        "def run(n):\n    if n <= 0:\n        raise ValueError\n    walk(n - 1)\n"
        "def walk(n):\n    run(n)\n"
    )

    assert fingerprint(source, args=(2,)) == fingerprint(source, args=(50,))


def test_a_recursion_error_has_a_readable_stack():
    error = caught(module("def run():\n    run()\n").run)

    failure = describe(error)

    assert failure.type == "RecursionError"
    assert failure.culprit == "app in run"
    assert len(failure.stack_trace) < 10_000


def test_frames_of_libraries_are_no_part_of_it():
    by_json = "import json\ndef run():\n    json.loads('{')\n"
    error = caught(module(by_json).run)

    failure = describe(error)

    assert failure.culprit == "app in run"
    assert failure.type == "json.decoder.JSONDecodeError"
    assert "raw_decode" in failure.stack_trace


@pytest.mark.parametrize(
    "path", ["/x/site-packages/lib/a.py", "/usr/lib/python3/dist-packages/a.py", json.__file__]
)
def test_what_lies_among_libraries_is_not_the_applications(path):
    library = module("def fail():\n    raise ValueError\n", "lib", path)
    app = module("def run(f):\n    f()\n")

    assert describe(caught(app.run, library.fail)).culprit == "app in run"


def test_a_path_that_only_begins_as_the_library_does_is_the_applications():
    path = json.__file__.removesuffix("/json/__init__.py") + "-app/main.py"

    assert describe(caught(module(PLAIN, "mine", path).run)).culprit == "mine in run"


def test_a_failure_within_libraries_alone_is_told_by_their_frames():
    library = module("def fail():\n    raise ValueError\n", "lib", "/x/site-packages/lib/a.py")
    error = caught(library.fail)
    error.__traceback__ = error.__traceback__.tb_next

    assert describe(error).culprit == "lib in fail"


def test_an_exception_that_was_never_raised_has_no_culprit():
    failure = describe(ValueError("x"))

    assert failure.culprit is None
    assert "culprit" not in failure.fields()
    assert failure.fingerprint == describe(ValueError("y")).fingerprint


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/app/serve.py", "serve"),
        ("<stdin>", "__main__"),
        ("<ipython-input-5-abc>", "__main__"),
        ("/tmp/ipykernel_17/123.py", "__main__"),
    ],
)
def test_a_script_is_named_after_its_file_and_a_notebook_after_nothing(path, name):
    assert describe(caught(module(PLAIN, "__main__", path).run)).culprit == f"{name} in run"


def test_a_module_that_was_run_is_named_as_if_imported():
    app = module(PLAIN, "__main__")
    app.__spec__ = types.SimpleNamespace(name="app.serve")

    assert describe(caught(app.run)).culprit == "app.serve in run"


def test_a_chain_shows_its_causes_and_groups_by_the_last_one():
    source = (
        "def run():\n    try:\n        {}['x']\n    except KeyError as error:\n"
        "        raise ValueError('y') from error\n"
    )

    failure = describe(caught(module(source).run))

    assert failure.type == "ValueError"
    assert "KeyError: 'x'" in failure.stack_trace
    assert "direct cause" in failure.stack_trace


# --- whatever it is ---------------------------------------------------------------------------


def test_a_broken_text_costs_nothing():
    failure = describe(caught(lambda: (_ for _ in ()).throw(BrokenText())))

    assert failure.message == "<BrokenText that raises RuntimeError>"
    assert "BrokenText" in failure.stack_trace


def test_a_stack_that_cannot_be_shown_is_left_out(monkeypatch):
    def faulty(*_):
        raise RuntimeError("fault")

    monkeypatch.setattr("traceback.format_exception", faulty)

    assert describe(ValueError("x")).stack_trace is None


@pytest.mark.parametrize(
    ("error", "name"),
    [
        (ValueError(), "ValueError"),
        (Outer.InnerError(), f"{__name__}.Outer.InnerError"),
        (json.JSONDecodeError("x", "", 0), "json.decoder.JSONDecodeError"),
        (type("Own", (Exception,), {"__module__": "__main__"})(), "Own"),
    ],
)
def test_a_type_is_named_as_python_names_it(error, name):
    assert type_name(error) == name


def test_an_exception_keeps_the_fingerprint_that_it_was_written_with():
    error = caught(module(PLAIN).run)
    first = describe(error).fingerprint
    mark_written(error, first)

    deeper = caught(module("def outer(e):\n    raise e\n").outer, error)

    assert deeper is error
    assert describe(error).fingerprint == first == written_as(error)


def test_an_exception_is_not_written_before_it_is():
    assert written_as(ValueError()) is None


# --- words ------------------------------------------------------------------------------------


def test_words_are_grouped_by_their_constant_part():
    one = describe_text("no features for bob", "no features for %s")
    two = describe_text("no features for ann", "no features for %s")

    assert one.fingerprint == two.fingerprint
    assert (one.type, one.message) == ("message", "no features for bob")
    assert one.stack_trace is None


def test_words_without_a_constant_part_are_grouped_by_themselves():
    assert describe_text("a").fingerprint == describe_text("a", "a").fingerprint
    assert describe_text("a").fingerprint != describe_text("b").fingerprint


def test_words_and_exceptions_are_never_one_group():
    assert describe_text("ValueError").fingerprint != describe(ValueError()).fingerprint


@pytest.mark.parametrize("text", ["\ud800", "\0", "", "é" * 10_000])
def test_any_words_have_a_fingerprint(text):
    assert len(describe_text(text).fingerprint) == 16


# --- for people -------------------------------------------------------------------------------


def test_values_are_shown_shortly():
    assert brief_repr([1, 2]) == "[1, 2]"
    assert len(brief_repr("x" * 1000)) == 101
    assert brief_repr(BrokenText()) == "<BrokenText that raises RuntimeError>"


def test_a_text_is_itself():
    assert text_of("x") == "x"
    assert text_of(BrokenText()) == "<BrokenText that raises RuntimeError>"


def test_a_comprehension_is_no_frame_of_its_own_on_any_version():
    within = "def run(x=0):\n    return [[1 / n for n in (0,)] for _ in 'a']\n"
    plain = "def run(x=0):\n    return 1 / 0\n"

    failure = describe(caught(module(within).run))

    assert failure.fingerprint == fingerprint(plain)
    assert failure.culprit == "app in run"
