// Tables of class "sortable": a click on a heading sorts the rows by that column, a second click reverses the order.
for (const table of document.querySelectorAll("table.sortable")) {
  const headings = [...table.tHead.rows[0].cells];
  headings.forEach((heading, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...heading.childNodes);
    heading.append(button);
    button.addEventListener("click", () => {
      const down = heading.getAttribute("aria-sort") === "descending";
      const sign = down ? 1 : -1; // the first click puts the highest on top
      const rows = [...table.tBodies[0].rows].map((row) => [key(row.cells[column]), row]);
      rows.sort(([a], [b]) => compare(a, b, sign));
      table.tBodies[0].append(...rows.map(([, row]) => row));
      headings.forEach((other) => other.removeAttribute("aria-sort"));
      heading.setAttribute("aria-sort", down ? "ascending" : "descending");
    });
  });
}

// A table that cannot be as narrow as the text of a large screen (as wide as the paper, in its smaller type) is "tight".
// On narrow screens the first two columns of a table of models stay in sight: the second stands beside the first.
const WIDEST = 1041;
function settle() {
  for (const table of document.querySelectorAll("table.wide:not(.tight)")) {
    if (table.offsetWidth > WIDEST) table.classList.add("tight");
  }
  for (const table of document.querySelectorAll(".scroll table.two")) {
    const first = table.tHead.rows[0].cells[0].offsetWidth;
    if (first) table.style.setProperty("--second", `${first}px`);
  }
}
addEventListener("resize", settle);
addEventListener("toggle", settle, true); // a folded table has no width until it is opened
settle();

// The sort key of a cell: the full number behind it, or its text.
function key(cell) {
  const number = cell.querySelector("data");
  if (number) return parseFloat(number.value);
  return cell.querySelector(".none") ? NaN : cell.textContent.trim();
}

// Cells without a value come last in either order.
function compare(a, b, sign) {
  const [noA, noB] = [Number.isNaN(a), Number.isNaN(b)];
  if (noA || noB) return noA - noB;
  return sign * (typeof a === "number" && typeof b === "number" ? a - b : -String(a).localeCompare(String(b)));
}

// Folded sections are opened for printing and folded again; long ones stay folded, since they name their table.
const folds = [...document.querySelectorAll("details.fold:not(.long)")];
let closed = [];
addEventListener("beforeprint", () => {
  closed = folds.filter((fold) => !fold.open);
  closed.forEach((fold) => { fold.open = true; });
  settle();
});
addEventListener("afterprint", () => closed.forEach((fold) => { fold.open = false; }));
