// Charts: the tooltip of the mark nearest to the pointer; the arrow keys go from mark to mark.
const REACH = 28;

for (const chart of document.querySelectorAll("svg.marks")) {
  const marks = [...chart.querySelectorAll("[data-tip]")];
  if (marks.length === 0) continue;
  const placeOf = (i) => {
    const box = marks[i].getBoundingClientRect(), frame = chart.getBoundingClientRect();
    const middle = box.left + box.width / 2 - frame.left;
    return [middle, box.top + box.height / 2 - frame.top, box];
  };
  const hide = () => {
    for (const mark of marks) mark.classList.remove("pointed");
    hideTooltip();
  };
  followCursor(chart, {
    rows: 1,
    columns: marks.length,
    locate(x, y) {
      let nearest = null, best = REACH;
      marks.forEach((_, i) => {
        const [middleX, middleY, { width, height }] = placeOf(i);
        // From the edge of a mark, so that wide ones are reached anywhere.
        const across = Math.max(0, Math.abs(x - middleX) - width / 2);
        const down = Math.max(0, Math.abs(y - middleY) - height / 2);
        const far = Math.hypot(across, down);
        if (far < best) [best, nearest] = [far, i];
      });
      return nearest === null ? null : [0, nearest];
    },
    placeOf: (_, i) => placeOf(i),
    show(_, i, where) {
      for (const mark of marks) mark.classList.toggle("pointed", mark === marks[i]);
      const [title, ...entries] = JSON.parse(marks[i].dataset.tip);
      showTooltip(title, entries.map(([label, value]) => ({ label, value, name: label })), where);
    },
    hide,
  });
}
