// @ts-check
/// <reference lib="dom" />
/** What is under the pointer, in the words of the readout. */

/**
 * A quantity, how it is written, and where that is rounded its every digit.
 * @typedef {readonly [name: string, value: string, exact?: string]} Fact
 */

/**
 * What a figure has at a place: a residue, a pair, one of the page's items.
 * @typedef {{
 *   residue?: number, partner?: number, item?: number,
 *   title: string, facts: readonly Fact[],
 * }} Hit
 */

const tip = () => /** @type {HTMLElement} */ (document.getElementById("tip"));

/** @param {{ clientX: number, clientY: number }} at @param {Hit} hit */
export function showTip({ clientX, clientY }, { title, facts }) {
  const box = tip(), head = document.createElement("b");
  head.textContent = title;
  box.replaceChildren(
    head,
    ...facts.map(([name, value, exact = value]) => {
      const line = document.createElement("div");
      const said = document.createElement("span");
      said.dataset.fact = name;
      said.dataset.exact = exact;
      said.textContent = value;
      line.append(`${name} `, said);
      return line;
    }),
  );
  box.hidden = false;
  const { width, height } = box.getBoundingClientRect();
  const left = clientX + 14 + width > innerWidth ? clientX - 14 - width : clientX + 14;
  const top = clientY + 14 + height > innerHeight ? clientY - 14 - height : clientY + 14;
  box.style.transform = `translate(${Math.max(4, left)}px,${Math.max(4, top)}px)`;
}

export function hideTip() {
  tip().hidden = true;
}
