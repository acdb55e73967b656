// Sortable tables. Without this script they are plain tables in the order of their CSV.
(() => {
  "use strict";
  const number = (cell) => {
    const value = cell.dataset.value ?? cell.textContent;
    return value === "inf" ? Infinity : value === "-inf" ? -Infinity : Number.parseFloat(value);
  };
  const compare = (a, b, numeric) => {
    if (!numeric) return a.textContent.localeCompare(b.textContent, "en", { numeric: true });
    const [x, y] = [number(a), number(b)];
    return x < y ? -1 : x > y ? 1 : 0;
  };
  const missing = (cell, numeric) => (numeric ? Number.isNaN(number(cell)) : cell.textContent === "–");

  const sort = (table, column, descending, numeric) => {
    const body = table.tBodies[0];
    const sign = descending ? -1 : 1;
    const rows = [...body.rows].sort((a, b) => {
      const [x, y] = [a.cells[column], b.cells[column]];
      const gaps = missing(x, numeric) - missing(y, numeric); // missing values stay last
      return gaps || sign * compare(x, y, numeric);
    });
    body.append(...rows);
  };

  for (const table of document.querySelectorAll(".table table")) {
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const descending = head.getAttribute("aria-sort") === "ascending";
        for (const other of heads) other.removeAttribute("aria-sort");
        head.setAttribute("aria-sort", descending ? "descending" : "ascending");
        sort(table, column, descending, head.classList.contains("number"));
      });
    });
  }
})();
