"""The page in a browser: every plot is drawn, in both themes, on a phone, on paper, offline."""

from itertools import pairwise

import pytest

pytestmark = pytest.mark.browser

DRAWN = """
[...document.querySelectorAll("[data-plot]")].map(place => {
  const marks = place.querySelectorAll(
    "svg .mark-line path, svg .mark-rect path, svg .mark-area path");
  const box = place.querySelector("svg")?.getBoundingClientRect();
  const name = place.dataset.plot;
  return {name, marks: marks.length, width: box?.width, room: place.clientWidth};
})
"""
COLOURS = """
(() => {
  const of = (selector, name) => getComputedStyle(document.querySelector(selector))[name];
  return [of("body", "backgroundColor"), of("body", "color"),
          of("[data-plot] svg .mark-line path", "stroke")];
})()
"""
HOWS = {"light": {}, "dark": {"dark": True}, "phone": {"width": 390, "dark": True}}


@pytest.mark.parametrize("how", HOWS)
def test_every_plot_is_drawn_without_complaint_or_request(open_page, demo_report, how):
    page = open_page(demo_report, **HOWS[how])

    plots = page.evaluate(DRAWN)

    # two models; error and failure rate, confusion, reliability, latency, coverage
    assert len(plots) == 12
    for plot in plots:
        assert plot["marks"] >= 1, plot
        assert plot["room"] * 0.9 <= plot["width"] <= plot["room"], plot
    assert page.complaints() == []
    assert page.requests() == []


@pytest.mark.parametrize("how", HOWS)
def test_models_without_classes_or_labels_are_drawn_too(open_page, others, how):
    page = open_page(others, **HOWS[how])

    plots = page.evaluate(DRAWN)

    assert len(plots) >= 3
    assert all(plot["marks"] for plot in plots)
    assert page.complaints() == []


@pytest.mark.parametrize("width", [320, 390, 768])
def test_no_width_makes_the_page_scroll_sideways(open_page, demo_report, width):
    page = open_page(demo_report, width=width)

    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_page_follows_the_system_and_the_button_turns_it_around(open_page, report):
    light, dark = open_page(report), open_page(report, dark=True)
    before = light.evaluate(COLOURS)

    light.evaluate("document.getElementById('theme').click()")

    assert light.evaluate(COLOURS) == dark.evaluate(COLOURS)
    assert not set(before) & set(dark.evaluate(COLOURS))
    assert light.evaluate("document.getElementById('theme').ariaPressed") == "true"


def test_paper_is_light_and_leaves_out_what_cannot_be_clicked(open_page, report, tmp_path):
    page = open_page(report, dark=True, media="print")

    assert page.evaluate("getComputedStyle(document.documentElement).colorScheme") == "light"
    assert page.evaluate("getComputedStyle(document.querySelector('nav')).display") == "none"
    page.pdf(tmp_path / "report.pdf")
    assert (tmp_path / "report.pdf").read_bytes().startswith(b"%PDF")


def test_hovering_shows_the_figures_of_a_step(open_page, report):
    page = open_page(report)

    tooltip = page.hover("[data-plot] svg .mark-area path")

    assert "%" in tooltip
    assert "counted" in tooltip
    assert "undefined" not in tooltip


def test_what_is_focused_is_seen_and_reached_by_keys(open_page, report):
    page = open_page(report)

    seen = []
    for _ in range(12):
        page.call("Input.dispatchKeyEvent", type="keyDown", key="Tab", code="Tab",
                  windowsVirtualKeyCode=9)  # fmt: skip
        page.call("Input.dispatchKeyEvent", type="keyUp", key="Tab", code="Tab")
        seen.append(page.evaluate(
            "(at => [at.tagName, getComputedStyle(at).outlineStyle])(document.activeElement)"
        ))  # fmt: skip

    assert ["A", "solid"] in seen
    assert ["BUTTON", "solid"] in seen
    assert all(style == "solid" for _, style in seen)


def test_everything_has_a_name_for_those_who_do_not_see_it(open_page, report):
    page = open_page(report)

    nameless = page.evaluate(
        "[...document.querySelectorAll('[role=img], section, article, [role=region], nav')]"
        ".filter(each => !each.ariaLabel && "
        "!document.getElementById(each.getAttribute('aria-labelledby'))?.innerText)"
        ".map(each => each.outerHTML.slice(0, 200))"
    )
    levels = page.evaluate(
        "[...document.querySelectorAll('h1,h2,h3,h4')].map(each => Number(each.tagName[1]))"
    )
    twice = page.evaluate(
        "(() => { const all = [...document.querySelectorAll('[id]')].map(each => each.id);"
        " return all.filter((id, place) => all.indexOf(id) !== place) })()"
    )

    assert nameless == []
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert twice == []
    assert page.evaluate("document.documentElement.lang") == "en"
