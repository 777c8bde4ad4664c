// @ts-check
/** What the reader of a page has chosen: one state per protein, which every figure reads and writes. */
import { clamp } from "./numbers.js";

/**
 * Residues count from 1; 0 is none. `item` is what the page's items are: the place of a head, a feature,
 * a mutation in the page's list, −1 for none.
 * @typedef {{
 *   residue: number, partner: number, hovered: number, hoveredPartner: number,
 *   range: readonly [number, number], item: number,
 * }} Chosen
 */

/** Residues that are the least on view. */
const LEAST = 12;

export class PageState {
  /** @param {number} length residues @param {number} [item] chosen at first */
  constructor(length, item = -1) {
    /** @readonly */
    this.length = length;
    /** @type {Chosen} */
    this.chosen = {
      ...{ residue: 0, partner: 0, hovered: 0, hoveredPartner: 0 },
      range: [1, length],
      item,
    };
    /** @type {((changed: ReadonlySet<string>) => void)[]} */
    this.followers = [];
  }

  /** Calls back after every change, with the names of what changed.
   * @param {(changed: ReadonlySet<string>) => void} follower */
  follow(follower) {
    this.followers.push(follower);
  }

  /** @param {Partial<Chosen>} changes */
  set(changes) {
    const before = /** @type {Record<string, unknown>} */ (this.chosen);
    const changed = new Set(
      Object.entries(changes).filter(([key, value]) => before[key] !== value).map(([key]) => key),
    );
    if (changed.size === 0) return;
    this.chosen = { ...this.chosen, ...changes };
    for (const follower of this.followers) follower(changed);
  }

  /** @param {number} residue */
  select(residue) {
    this.set({ residue: clamp(residue, 1, this.length), partner: 0 });
    this.keepInView();
  }

  /** @param {number} residue @param {number} partner */
  selectPair(residue, partner) {
    this.set({ residue, partner });
  }

  clear() {
    this.set({ residue: 0, partner: 0 });
  }

  /** Steps along the sequence, from the range's near end where nothing is selected.
   * @param {number} by */
  move(by) {
    const { residue, range: [first, last] } = this.chosen;
    this.select(residue === 0 ? by > 0 ? first : last : residue + by);
  }

  /** Shows these residues, or a few more where they are fewer than can be told apart.
   * @param {number} first @param {number} last */
  show(first, last) {
    const { length } = this;
    const span = clamp(last - first + 1, Math.min(LEAST, length), length);
    const start = clamp(Math.round(first), 1, length - span + 1);
    const [from, to] = this.chosen.range;
    if (from !== start || to !== start + span - 1) this.set({ range: [start, start + span - 1] });
  }

  /** @param {number} factor more residues above 1, fewer below */
  zoom(factor) {
    const { range: [first, last], residue } = this.chosen;
    const centre = residue || (first + last) / 2, span = Math.round((last - first + 1) * factor);
    const start = Math.round(centre - span / 2);
    this.show(start, start + span - 1);
  }

  keepInView() {
    const { residue, range: [first, last] } = this.chosen;
    if (residue === 0 || residue >= first && residue <= last) return;
    const start = residue - ((last - first) >> 1);
    this.show(start, start + last - first);
  }
}
