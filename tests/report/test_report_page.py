"""The file: whole by itself, small, with contrast, and with plots that fit their schema."""

import json
import re

import altair as alt
import pytest

CSS = re.compile(r"--([\w-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\);")
TEXT = {  # a colour of text, and what it stands on
    "ink": ("bg", "panel", "shade", "heat-right", "heat-wrong"),
    "dim": ("bg", "panel", "shade"),
    "link": ("bg", "panel"),
    "bad": ("panel", "bg"),
    "good": ("panel",),
    "panel": ("bad",),
    "bg": ("ink",),
}
DRAWN = ("v1", "v2", "v3", "v4", "wrong", "failed", "deploy")


def luminance(colour):
    parts = (int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5))
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def specs(report):
    scripts = re.findall(
        r'<script type="application/json" id="([^"]+)">(.*?)</script>', report.html
    )
    return {name: json.loads(text) for name, text in scripts}


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_contrast_is_enough_in_both_themes(report, theme):
    colours = {name: themes[theme] for name, *themes in CSS.findall(report.html)}

    for text, grounds in TEXT.items():
        for ground in grounds:
            assert contrast(colours[text], colours[ground]) >= 4.5, (text, ground)
    for mark in DRAWN:
        assert contrast(colours[mark], colours["panel"]) >= 3, mark


def test_the_contrast_is_that_of_wcag():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)


def test_the_page_names_no_address_that_it_would_load(report):
    outside = re.sub(r"<script>.*?</script>", "", report.html, flags=re.DOTALL)

    assert not re.findall(r'(?:src|href)="(?!#|data:)[^"]*"', outside)
    assert "@import" not in outside
    assert "default-src &#39;none&#39;" in outside


def test_the_file_is_about_a_megabyte(demo_report):
    assert len(demo_report.html.encode()) < 1_300_000


def test_every_plot_fits_the_schema_of_vega_lite(demo_report, others):
    plots = [*specs(demo_report).values(), *specs(others).values()]

    assert len(plots) >= 15
    for spec in plots:
        alt.Chart.from_dict(spec)


def test_behind_every_plot_is_a_table_and_a_command(demo_report):
    for name in specs(demo_report):
        place = name.removesuffix("-spec")
        section = demo_report.html.partition(f'id="{place}"')[2].partition("</section>")[0]
        assert "<table>" in section, place
        assert "<code>elkmon " in section, place
