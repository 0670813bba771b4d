"""report in a real browser: it opens without errors or requests, its tables sort, it prints, and it fits a phone."""

import re

import pytest
from browser import CHROMIUM, Browser
from figure_examples import forest, words
from page_measures import as_printed, broken_words, scrolled_columns, texts_on_bars, wide_tables
from places import ROOT
from study_folder import write_study

from pipeline.foundation.params import load_params
from pipeline.report.inputs import read_inputs
from pipeline.report.params import ReportParams
from pipeline.report.report import make_report, write_report

pytestmark = pytest.mark.skipif(
    not CHROMIUM, reason="Chromium is not installed (Debian and Ubuntu: apt install chromium)"
)
PARAMS = load_params(ROOT / "params" / "report.yaml", ReportParams)
COLUMN = """[...document.querySelectorAll("#models table.sortable")[0].tBodies[0].rows].map(
    (row) => row.cells[{column}].querySelector("data")?.value ?? row.cells[{column}].textContent.trim())"""
CLICK = """document.querySelectorAll("#models table.sortable")[0]
    .tHead.rows[0].cells[{column}].querySelector("button").click()"""


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    paths = write_study(tmp_path_factory.mktemp("study"))
    made = make_report(read_inputs(paths), params=PARAMS)
    write_report(made, tables=paths["report_tables"], page=paths["report"])
    return paths["report"]


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with Browser(tmp_path_factory.mktemp("profile")) as opened:
        yield opened


def test_opens_without_errors_and_requests_nothing(browser, page):
    browser.open(page)

    assert browser.troubles() == []
    assert browser.evaluate("document.querySelectorAll('section').length") > 8


def test_errors_and_requests_of_a_page_are_reported(browser, tmp_path):
    """The check above can fail: a page with an error and a request is reported."""
    (tmp_path / "bad.html").write_text('<script>throw new Error("no")</script><img src="http://127.0.0.1:9/x.png">')
    browser.open(tmp_path / "bad.html")
    troubles = browser.troubles()

    assert any("Uncaught" in text for text in troubles)
    assert any("127.0.0.1" in text for text in troubles)


def test_tables_sort_by_numbers_down_then_up(browser, page):
    browser.open(page)
    before = browser.evaluate(COLUMN.format(column=2))
    browser.evaluate(CLICK.format(column=2))
    down = browser.evaluate(COLUMN.format(column=2))
    browser.evaluate(CLICK.format(column=2))
    up = browser.evaluate(COLUMN.format(column=2))

    assert sorted(before) == sorted(down) == sorted(up)
    numbers = [float(value) for value in down]
    assert numbers == sorted(numbers, reverse=True)
    assert [float(value) for value in up] == sorted(numbers)
    assert browser.evaluate('document.querySelectorAll("#models [aria-sort]").length') == 1


def test_tables_sort_by_text(browser, page):
    browser.open(page)
    browser.evaluate(CLICK.format(column=0))
    browser.evaluate(CLICK.format(column=0))
    names = browser.evaluate(COLUMN.format(column=0))

    assert len(set(names)) > 2
    assert names == sorted(names, key=str.lower) or names == sorted(names, key=str.lower, reverse=True)


def test_headings_are_reached_by_keyboard(browser, page):
    browser.open(page)

    assert browser.evaluate('document.querySelector("table.sortable button").tabIndex') == 0
    assert browser.evaluate("document.querySelector('a.skip').getAttribute('href')") == "#result"
    # Every figure and image has a description, and every section is labelled by its heading.
    assert browser.evaluate("[...document.images].every((image) => image.alt)")
    assert browser.evaluate(
        "[...document.querySelectorAll('svg')].every((s) => s.ariaHidden === 'true' || s.getAttribute('aria-label'))"
    )
    assert browser.evaluate(
        "[...document.querySelectorAll('section')]"
        ".every((s) => document.getElementById(s.getAttribute('aria-labelledby')))"
    )


@pytest.mark.parametrize("width_px", [390, 768, 1200])
def test_page_does_not_scroll_sideways(browser, page, width_px):
    browser.open(page, width_px=width_px)

    assert browser.evaluate("document.documentElement.scrollWidth") <= width_px


@pytest.mark.parametrize("width_px", [390, 768, 1200, 1440])
def test_no_word_is_broken(browser, page, width_px):
    browser.open(page, width_px=width_px)

    assert broken_words(browser) == []
    assert browser.evaluate("document.documentElement.scrollWidth") <= width_px  # with every fold open
    if width_px >= 1200:
        assert wide_tables(browser) == []


def test_on_paper_no_word_is_broken_and_every_table_fits(browser, page):
    browser.open(page)
    as_printed(browser)
    broken, wide = broken_words(browser), wide_tables(browser)
    as_printed(browser, "screen")

    assert (broken, wide) == ([], [])


def test_tables_of_models_with_long_names_fit_the_page_and_the_paper(browser, page, tmp_path):
    text = page.read_text(encoding="utf-8")
    long = text.replace(">densenet121<", ">efficientnet_<wbr>v2_<wbr>small<").replace(
        ">radiomics<", ">radiomicsandclinical<"
    )
    assert long.count("efficientnet_") > 5
    (tmp_path / "long.html").write_text(long, encoding="utf-8")
    found = []
    for width_px in (1200, 1440):
        browser.open(tmp_path / "long.html", width_px=width_px)
        found += broken_words(browser) + wide_tables(browser)
    as_printed(browser)
    found += broken_words(browser) + wide_tables(browser)
    as_printed(browser, "screen")

    assert found == []


def test_a_broken_word_and_a_wide_table_are_reported(browser, tmp_path):
    """The checks above can fail: names broken anywhere, as the page once did, are found."""
    style = ".name { overflow-wrap: anywhere } .scroll { overflow-x: auto; width: 90px }"
    cells = '<td class="name">combined</td><td class="name">densenet<wbr>121_head</td><td style="min-width: 99px"></td>'
    (tmp_path / "narrow.html").write_text(
        f'<style>{style}</style><div class="scroll" aria-label="models"><table><tr>{cells}</tr></table></div>'
    )
    browser.open(tmp_path / "narrow.html")

    assert {"combined"} <= set(broken_words(browser))
    assert wide_tables(browser) == ["models"]


@pytest.mark.parametrize("width_px", [390, 768])
def test_the_names_of_the_models_stay_in_sight(browser, page, width_px):
    browser.open(page, width_px=width_px)
    before, after, scrolled = scrolled_columns(browser)

    assert scrolled > 100
    assert after == pytest.approx(before, abs=1)


@pytest.mark.parametrize("selector", ["#subgroups svg", "#selftest svg", "#discrimination svg"])
def test_no_text_stands_on_a_bar(browser, page, selector):
    browser.open(page)
    browser.evaluate('document.querySelectorAll("details").forEach((fold) => { fold.open = true; })')

    assert browser.evaluate(f"document.querySelectorAll('{selector} .dot').length") > 0
    assert texts_on_bars(browser, selector) == []


def test_long_names_of_subgroups_end_before_the_bars(browser, tmp_path):
    style = (ROOT / "pipeline/report/page/templates/page.css").read_text(encoding="utf-8")
    figure = forest(names=("predominantly hypoechoic", "Mammography unit MMW"), counts=(115, 225))
    (tmp_path / "forest.html").write_text(f"<style>{style}</style>{figure}", encoding="utf-8")
    browser.open(tmp_path / "forest.html")

    assert "predominant…, 8 / 12" in words(figure)
    assert texts_on_bars(browser, "svg") == []


def test_prints_to_a4(browser, page):
    browser.open(page)
    pdf = browser.pdf()

    assert pdf.startswith(b"%PDF")
    boxes = {tuple(float(v) for v in found.split()) for found in re.findall(rb"/MediaBox\s*\[([^\]]+)\]", pdf)}
    assert boxes
    for box in boxes:  # points: 210 x 297 mm
        assert box[2] == pytest.approx(595, abs=2)
        assert box[3] == pytest.approx(842, abs=2)
