// @ts-check
/// <reference lib="dom" />
/** Tables whose rows stand for items, residues or pairs: a click selects, and the selection is marked. */

/** @typedef {import("./figure.js").View} View */

/**
 * Rows carry `data-item`, `data-residue`, `data-partner`; their first cell holds a button, which is the
 * keyboard's way.
 *
 * @param {View} view @param {HTMLElement} table
 */
export function linkedTable(view, table) {
  const rows = () => /** @type {NodeListOf<HTMLElement>} */ (
    table.querySelectorAll("[data-item],[data-residue]")
  );
  const number = (/** @type {string | undefined} */ text) =>
    text === undefined ? undefined : Number(text);
  const mark = () => {
    const { item, residue, partner } = view.state.chosen;
    for (const row of rows()) {
      const own = {
        item: number(row.dataset.item),
        residue: number(row.dataset.residue),
        partner: number(row.dataset.partner),
      };
      const isOn = (own.item === undefined || own.item === item) &&
        (own.residue === undefined ||
          own.partner === undefined && own.residue === residue ||
          own.partner !== undefined && (own.residue === residue && own.partner === partner ||
              own.residue === partner && own.partner === residue));
      row.classList.toggle("chosen", isOn);
      row.querySelector("button")?.setAttribute("aria-pressed", String(isOn));
    }
  };
  table.addEventListener("click", (event) => {
    const row = /** @type {HTMLElement} */ (event.target).closest("[data-item],[data-residue]");
    if (!(row instanceof HTMLElement)) return;
    const { item, residue, partner } = row.dataset;
    if (item !== undefined) view.state.set({ item: Number(item) });
    if (residue !== undefined && partner !== undefined) {
      view.state.selectPair(Number(residue), Number(partner));
    } else if (residue !== undefined) view.state.select(Number(residue));
  });
  view.state.follow(mark);
  mark();
  return { mark };
}
