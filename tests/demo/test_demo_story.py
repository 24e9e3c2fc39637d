"""``elkmon demo`` ends with the report, which begins with what was injected and nothing else."""

import re
from html import unescape

from elkmon.demo.story import TRIAGE, UNIT_SITE, V1
from tests.support.demo_weeks import COLUMNS

SCREEN = 40
"""Lines that a terminal shows at once."""
ALARMS = {"Worse", "Came back", "New", "Slower"}
KINDS = ALARMS | {"Better", "Faster", "Unclear", "Ongoing"}


def on_screen(lines):
    """Return the kind and the words of each finding on the first screen."""
    findings, going_on = [], False
    for line in lines[:SCREEN]:
        kind = next((name for name in KINDS if line.strip().startswith(name)), None)
        if kind is not None:
            findings.append((kind, line.strip().removeprefix(kind).strip()))
            going_on = True
        elif going_on and line.startswith("   "):
            findings[-1] = (findings[-1][0], f"{findings[-1][1]} {line.strip()}")
        else:
            going_on = False
    return findings


def on_page(page):
    """Return the kind and the words of each finding of the page's first section."""
    first = page[page.index('<section id="changed"') : page.index('<section id="overview"')]
    findings = []
    for item in re.findall(r'<li class="change .*?</li>', first, re.DOTALL):
        words = unescape(re.sub(r"<[^>]+>", " ", item)).split()
        text = " ".join(words)
        kind = next(kind for kind in KINDS if text.startswith(kind))
        findings.append((kind, text.removeprefix(kind).strip()))
    return findings


def assert_what_was_injected_is_blamed_and_nothing_else(findings, truth):
    injected = truth["injected"]
    ((segment, site),) = injected["unit_error"]["segment"].items()
    version = injected["version"]["version"]
    expected = [
        ("Worse", rf"{version} has a higher failure rate than {V1}: "),
        ("New", rf"(malignant|benign) predicted as \w+, {segment}={site}: "),
        ("New", rf"{injected['exception']['type']}: .*times in {version}"),
    ]

    alarms = [(kind, words) for kind, words in findings if kind in ALARMS]

    assert len(alarms) == len(expected), alarms
    for (kind, words), (expected_kind, pattern) in zip(alarms, expected, strict=True):
        assert kind == expected_kind
        assert re.match(pattern, words), words
    sites = {name for name in truth["models"][TRIAGE]["segment.site"] if name != UNIT_SITE}
    assert not [words for _, words in findings for name in sites if name in words]


def test_the_first_screen_of_the_terminal_names_each_fault_and_blames_nothing_else(story):
    findings = on_screen(story.lines)

    assert_what_was_injected_is_blamed_and_nothing_else(findings, story.truth)
    assert f"3 things got worse, in {TRIAGE}" in "\n".join(story.lines[:SCREEN])


def test_the_first_section_of_the_page_names_each_fault_and_blames_nothing_else(story):
    findings = on_page(story.page)

    assert_what_was_injected_is_blamed_and_nothing_else(findings, story.truth)


def test_the_terminal_and_the_page_find_the_same(story):
    def worded(findings):
        return [(kind, re.sub(r"\W+", "", words)) for kind, words in findings]

    assert worded(on_screen(story.lines)) == worded(on_page(story.page))


def test_the_report_goes_on_by_version_by_segment_and_with_the_top_issues(story):
    starts = [place for place, line in enumerate(story.lines) if line.startswith("$ elkmon ")]
    text = ["\n".join(story.lines[begin:]) for begin in starts]

    assert [section.split()[2] for section in text] == ["report", "errors", "errors"]
    assert "The top issues" in text[1].partition("$ elkmon errors")[2]
    assert "segment.site" in text[2]
    assert UNIT_SITE in text[2]


def test_it_ends_with_the_page_and_how_to_open_it(story):
    page = story.store / "report.html"

    assert story.lines[-1] == f"The report, as a page to open in a browser: file://{page}"


def test_nothing_but_commands_and_paths_is_wider_than_the_terminal(story):
    wide = [line for line in story.lines if len(line) > COLUMNS]

    assert all("elkmon " in line or str(story.store) in line for line in wide)
