// Sortable tables, pictures at full size, and a filter by estimator. Without this script tables stand in the order of
// their CSV, pictures lead to their files, and all estimators are shown.
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

  const dialog = document.createElement("dialog");
  dialog.addEventListener("click", () => dialog.close()); // Escape closes it too
  const open = (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey || !dialog.showModal) return; // to the file, as asked for
    event.preventDefault();
    const picture = event.currentTarget.querySelector("img").cloneNode();
    const close = document.createElement("button");
    close.type = "button";
    close.textContent = "Close";
    dialog.replaceChildren(picture, close);
    if (!dialog.isConnected) document.body.append(dialog);
    dialog.showModal();
  };
  for (const link of document.querySelectorAll("a.zoom")) link.addEventListener("click", open);

  const place = document.getElementById("filter");
  if (place) {
    const chosen = document.createElement("select");
    const label = document.createElement("label");
    const choices = JSON.parse(place.dataset.choices);
    chosen.append(new Option("all", "", true, true), ...choices.map((name) => new Option(name, name)));
    label.append("Show ", chosen);
    place.append(label);
    chosen.addEventListener("change", () => {
      for (const part of document.querySelectorAll("main [data-estimator]")) {
        const other = choices.includes(part.dataset.estimator) && part.dataset.estimator !== chosen.value;
        part.hidden = chosen.value !== "" && other;
      }
    });
  }
})();
