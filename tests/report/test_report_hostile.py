"""Names and texts that try to become markup or code stay text, wherever they are shown."""

import re

import pytest

from tests.support.report_scenes import HOSTILE, serve


@pytest.fixture(scope="module")
def hostile(build, tmp_path_factory):
    folder = tmp_path_factory.mktemp("hostile") / "store"
    return build(serve(folder, name=HOSTILE))


def without_scripts(html):
    return re.sub(r"<script>.*?</script>", "", html, flags=re.DOTALL)


def test_nothing_that_was_named_is_markup(hostile):
    assert "<img" not in without_scripts(hostile.html)
    assert "<script>window" not in hostile.html


def test_controls_and_turned_directions_are_written_out(hostile):
    unsafe = "[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202e\ud800-\udfff]"

    assert not re.search(unsafe, without_scripts(hostile.html))
    assert r"\x1b[2J" in hostile.html


@pytest.mark.browser
def test_hostile_names_are_shown_as_they_are_and_nothing_of_them_runs(hostile, open_page):
    page = open_page(hostile)

    assert page.evaluate("window.hacked") is None
    assert page.evaluate("document.images.length") == 0
    plots = page.evaluate("document.querySelectorAll('[data-plot]').length")
    assert plots >= 5
    assert page.evaluate("document.querySelectorAll('[data-plot] svg').length") == plots
    assert page.evaluate("document.scripts.length") == plots + 2
    assert page.complaints() == []
    assert page.requests() == []
    # also what is within examples and tables that are not open
    page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
    text = page.evaluate("document.body.innerText")
    for part in ("</script><script>window.hacked = 1</script>", "{{ 7 * 7 }}", "&amp;", "\"'"):
        assert part in text
    # names of classes, versions and segments, issues and examples
    for name in ("legit", "2.0", "porto", "no amount", "device", "KeyError"):
        assert name in text
    texts = page.evaluate(
        "[...document.querySelectorAll('[data-plot] svg text')].map(each => each.textContent)"
    )
    assert any(text.startswith("fraud</script>") for text in texts)


@pytest.mark.browser
def test_a_tooltip_shows_hostile_names_as_text(hostile, open_page):
    page = open_page(hostile)

    tooltip = page.hover("[data-plot$=confusion-spec] .mark-rect path")

    assert "</script>" in tooltip
    assert page.evaluate("window.hacked") is None
    assert page.evaluate("document.images.length") == 0
