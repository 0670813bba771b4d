"""Measurements of a page in the browser: broken words, tables that overflow, texts on bars, columns in sight."""

from typing import Any

from browser import Browser

A4_PX = 680  # width of the printed text, 180 mm at 96 px per inch

# Words of table cells and names that stand on more than one line. A name may break at _, @ and blanks; elsewhere a
# browser may also break after a hyphen. Figures, code and hashes are not words.
BROKEN = r"""(() => {
  document.querySelectorAll("details").forEach((fold) => { fold.open = true; });
  const found = new Set();
  for (const cell of document.querySelectorAll(".name, th, td, .card, .lamp, dt, figcaption")) {
    const walker = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      if (node.parentElement.closest("svg, code, .hash")) continue;
      const word = node.parentElement.closest(".name") ? /[^\s_@]+/g : /[^\s\-/]+/g;
      for (const match of node.data.matchAll(word)) {
        const range = document.createRange();
        range.setStart(node, match.index);
        range.setEnd(node, match.index + match[0].length);
        const lines = new Set([...range.getClientRects()].map((box) => Math.round(box.top)));
        if (lines.size > 1) found.add(match[0]);
      }
    }
  }
  return [...found];
})()"""

# Tables that are wider than their place, by the name of the region.
WIDE = """[...document.querySelectorAll(".scroll")].filter((one) => one.scrollWidth > one.clientWidth + 1)
    .map((one) => one.getAttribute("aria-label"))"""

# Texts of figures whose box meets that of a bar or of its mark.
TEXT_ON_BARS = """(() => {
  const found = [];
  for (const figure of document.querySelectorAll("SELECTOR")) {
    const bars = [...figure.querySelectorAll(".whisker, .dot")].map((one) => one.getBoundingClientRect());
    for (const text of figure.querySelectorAll("text")) {
      const box = text.getBoundingClientRect();
      const meets = (bar) => box.left < bar.right && bar.left < box.right
        && box.top < bar.bottom && bar.top < box.bottom;
      if (bars.some(meets)) found.push(text.textContent);
    }
  }
  return found;
})()"""

# The left edge of the first two cells of a row before and after the table is scrolled, and how far it was scrolled.
SCROLLED = """(() => {
  const table = document.querySelector("#models table.two");
  const edges = () => [0, 1].map((n) => Math.round(table.tBodies[0].rows[0].cells[n].getBoundingClientRect().left));
  const before = edges();
  table.parentElement.scrollLeft = 150;
  return [before, edges(), table.parentElement.scrollLeft];
})()"""


def broken_words(browser: Browser) -> list[str]:
    """Words of cells and names that the page breaks; folded sections are opened."""
    return list(browser.evaluate(BROKEN))


def wide_tables(browser: Browser) -> list[str]:
    """The tables that have to be scrolled."""
    return list(browser.evaluate(WIDE))


def texts_on_bars(browser: Browser, selector: str) -> list[str]:
    """The texts of the figures under `selector` that meet a bar."""
    return list(browser.evaluate(TEXT_ON_BARS.replace("SELECTOR", selector)))


def scrolled_columns(browser: Browser) -> tuple[list[int], list[int], int]:
    """Left edges of the first two columns of the first table of models before and after it is scrolled sideways."""
    before, after, scrolled = browser.evaluate(SCROLLED)
    return before, after, scrolled


def as_printed(browser: Browser, media: Any = "print") -> None:
    """Lay the open page out as on A4 paper; `media` screen undoes it."""
    browser.call("Emulation.setEmulatedMedia", media=media)
    if media == "print":
        browser.call("Emulation.setDeviceMetricsOverride", width=A4_PX, height=1000, deviceScaleFactor=1, mobile=False)
