// Heat maps: the numbers of a head on hover and on focus; the arrow keys move between cells.
for (const heads of document.querySelectorAll(".heads")) {
  const { columns, rows } = factsOf(heads, "rows");
  const byHead = new Map(rows.map((row) => [`${row[0]},${row[1]}`, row]));
  for (const table of heads.querySelectorAll(".heatmap table")) {
    const cells = [...table.querySelectorAll("td")];
    const width = table.querySelector("tbody tr").querySelectorAll("td").length;
    const show = (cell, where) => {
      const { layer, head } = cell.dataset;
      const entries = byHead.get(`${layer},${head}`).slice(2).map((value, i) => {
        const { name, label } = columns[i + 2];
        return { name, label, value, chosen: name === table.dataset.column };
      });
      showTooltip(`Layer ${layer}, head ${head}`, entries, where);
    };
    const focus = (cell) => {
      for (const each of cells) each.tabIndex = each === cell ? 0 : -1;
      cell.focus();
    };
    if (cells.length > 0) cells[0].tabIndex = 0;
    table.addEventListener("pointermove", (event) => {
      const cell = event.target.closest("td");
      if (cell) show(cell, [event.clientX, event.clientY]);
      else hideTooltip();
    });
    table.addEventListener("pointerleave", hideTooltip);
    table.addEventListener("focusin", (event) => {
      show(event.target, () => {
        const box = event.target.getBoundingClientRect();
        return [box.right - 10, box.bottom - 10];
      });
    });
    table.addEventListener("focusout", hideTooltip);
    table.addEventListener("keydown", (event) => {
      const at = cells.indexOf(event.target), way = directionOf(event);
      if (at < 0 || !way) return;
      const row = within(Math.floor(at / width) + way[0], cells.length / width);
      const goal = row * width + within(at % width + way[1], width);
      event.preventDefault();
      focus(cells[goal]);
    });
  }
}
