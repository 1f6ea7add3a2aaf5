"use strict";
for (const table of document.querySelectorAll("table.sortable")) {
  const heads = table.tHead.rows[0].cells;
  const body = table.tBodies[0];
  const value = (row, column) => {
    const cell = row.cells[column];
    if (!column) return cell.textContent.toLowerCase();
    return "v" in cell.dataset ? Number(cell.dataset.v) : null;
  };
  [...heads].forEach((head, column) => {
    if (!head.textContent) return;
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    head.replaceChildren(button);
    button.addEventListener("click", () => {
      const now = head.getAttribute("aria-sort");
      const first = column ? "descending" : "ascending";
      const other = column ? "ascending" : "descending";
      const order = now === first ? other : first;
      const sign = order === "ascending" ? 1 : -1;
      for (const each of heads) each.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", order);
      const rows = [...body.rows].map((row) => [value(row, column), row]);
      rows.sort(([a], [b]) => {
        if (a === null || b === null) return (a === null) - (b === null);
        return a < b ? -sign : a > b ? sign : 0;
      });
      body.append(...rows.map(([, row]) => row));
    });
  });
}
document.documentElement.classList.add("scripted");
