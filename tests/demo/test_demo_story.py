"""``elkmon demo`` ends with the report: what was injected stands in it first, and nothing else."""

import re
from html import unescape

from elkmon.demo.story import TRIAGE, UNIT_SITE, V1
from tests.support.demo_weeks import COLUMNS

SCREEN = 40
"""Lines that a terminal shows at once."""
ALARMS = {"Worse", "Came back", "New", "Slower"}
KINDS = ALARMS | {"Better", "Faster", "Unclear", "Ongoing"}


def on_screen(lines):
    """Give the kind and the words of each finding on the first screen."""
    found, going_on = [], False
    for line in lines[:SCREEN]:
        kind = next((each for each in KINDS if line.strip().startswith(each)), None)
        if kind is not None:
            found.append((kind, line.strip().removeprefix(kind).strip()))
            going_on = True
        elif going_on and line.startswith("   "):
            found[-1] = (found[-1][0], f"{found[-1][1]} {line.strip()}")
        else:
            going_on = False
    return found


def on_page(page):
    """Give the kind and the words of each finding of the page's first section."""
    first = page[page.index('<section id="changed"') : page.index('<section id="overview"')]
    found = []
    for each in re.findall(r'<li class="change .*?</li>', first, re.DOTALL):
        words = unescape(re.sub(r"<[^>]+>", " ", each)).split()
        text = " ".join(words)
        kind = next(kind for kind in KINDS if text.startswith(kind))
        found.append((kind, text.removeprefix(kind).strip()))
    return found


def assert_what_was_injected_is_blamed_and_nothing_else(found, truth):
    injected = truth["injected"]
    ((segment, site),) = injected["unit_error"]["segment"].items()
    version = injected["version"]["version"]
    wanted = [
        ("Worse", rf"{version} has a higher failure rate than {V1}: "),
        ("New", rf"(malignant|benign) predicted as \w+, {segment}={site}: "),
        ("New", rf"{injected['exception']['type']}: .*times in {version}"),
    ]

    alarms = [(kind, words) for kind, words in found if kind in ALARMS]

    assert len(alarms) == len(wanted), alarms
    for (kind, words), (wanted_kind, pattern) in zip(alarms, wanted, strict=True):
        assert kind == wanted_kind
        assert re.match(pattern, words), words
    sites = {each for each in truth["models"][TRIAGE]["segment.site"] if each != UNIT_SITE}
    assert not [words for _, words in found for each in sites if each in words]


def test_the_first_screen_of_the_terminal_names_each_fault_and_blames_nothing_else(story):
    found = on_screen(story.lines)

    assert_what_was_injected_is_blamed_and_nothing_else(found, story.truth)
    assert f"3 things got worse, in {TRIAGE}" in "\n".join(story.lines[:SCREEN])


def test_the_first_section_of_the_page_names_each_fault_and_blames_nothing_else(story):
    found = on_page(story.page)

    assert_what_was_injected_is_blamed_and_nothing_else(found, story.truth)


def test_the_terminal_and_the_page_find_the_same(story):
    def worded(found):
        return [(kind, re.sub(r"\W+", "", words)) for kind, words in found]

    assert worded(on_screen(story.lines)) == worded(on_page(story.page))


def test_the_report_goes_on_by_version_by_segment_and_with_the_top_issues(story):
    asked = [place for place, line in enumerate(story.lines) if line.startswith("$ elkmon ")]
    text = ["\n".join(story.lines[begin:]) for begin in asked]

    assert [each.split()[2] for each in text] == ["report", "errors", "errors"]
    assert "The top issues" in text[1].partition("$ elkmon errors")[2]
    assert "segment.site" in text[2]
    assert UNIT_SITE in text[2]


def test_it_ends_with_the_page_and_how_to_open_it(story):
    page = story.store / "report.html"

    assert story.lines[-1] == f"The report, as a page to open in a browser: file://{page}"


def test_nothing_but_commands_and_paths_is_wider_than_the_terminal(story):
    wide = [line for line in story.lines if len(line) > COLUMNS]

    assert all("elkmon " in each or str(story.store) in each for each in wide)
