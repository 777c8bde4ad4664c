// @ts-check
/** Numbers as people read them. */

/** With so many decimals and a true minus; a dash for what is undefined.
 * @param {number} value @param {number} places */
export function fixed(value, places) {
  if (Number.isNaN(value)) return "–";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  const text = value.toFixed(places);
  return Number(text) === 0 ? text.replace("-", "") : text.replace("-", "−");
}

/** As per cent, with a narrow no-break space.
 * @param {number} share @param {number} [places] */
export function percent(share, places = 0) {
  return Number.isNaN(share) ? "–" : `${fixed(100 * share, places)}\u202f%`;
}

/** Three significant digits.
 * @param {number} value */
export function short(value) {
  if (!Number.isFinite(value)) return fixed(value, 0);
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-4 || size >= 1e5)) {
    const [digits, power] = value.toExponential(1).split("e");
    const raised = [...String(Number(power))].map((c) => c === "-" ? "⁻" : "⁰¹²³⁴⁵⁶⁷⁸⁹"[Number(c)])
      .join("");
    return `${digits.replace("-", "−")} × 10${raised}`;
  }
  return String(size >= 100 ? Math.round(value) : Number(value.toPrecision(3))).replace("-", "−");
}

/** The shortest decimal that is read back as the same float32, as tables have it.
 * @param {number} value */
export function shortest(value) {
  // Nine digits always suffice, and most values need seven or eight.
  for (let digits = 6; digits < 9; digits++) {
    const found = Number(value.toPrecision(digits));
    if (Math.fround(found) === value) return found;
  }
  return Number(value.toPrecision(9));
}

/** @param {number} value @param {number} low @param {number} high */
export function clamp(value, low, high) {
  return Math.min(high, Math.max(low, value));
}

/** Maps a to p and b to q.
 * @param {number} a @param {number} b @param {number} p @param {number} q */
export function linear(a, b, p, q) {
  return (/** @type {number} */ value) => p + (value - a) / (b - a) * (q - p);
}

/** Multiples of 1, 2 or 5 × 10ⁿ from low to high, about `count` of them.
 * @param {number} low @param {number} high @param {number} count @returns {number[]} */
export function ticks(low, high, count) {
  const raw = (high - low) / Math.max(1, count);
  if (!(raw > 0) || !Number.isFinite(raw)) return [low];
  const power = 10 ** Math.floor(Math.log10(raw)), lead = raw / power;
  const step = power * (lead > 5 ? 10 : lead > 2 ? 5 : lead > 1 ? 2 : 1);
  const list = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + step * 1e-9; k++) {
    list.push(Number((k * step).toPrecision(12)));
  }
  return list;
}

/** Powers of ten from low to high, with their double and fivefold where these are few; fewer
 * powers where there are many.
 * @param {number} low above 0 @param {number} high @param {number} count @returns {number[]} */
export function logTicks(low, high, count) {
  const first = Math.floor(Math.log10(low) + 1e-9), last = Math.floor(Math.log10(high) + 1e-9);
  const steps = 3 * (last - first) <= count ? [1, 2, 5] : [1];
  const every = Math.max(1, Math.ceil((last - first) / Math.max(1, count))), list = [];
  for (let k = first; k <= last; k++) {
    if (k % every !== 0) continue;
    for (const step of steps) list.push(Number((step * 10 ** k).toPrecision(3)));
  }
  return list.filter((x) => x >= low * (1 - 1e-9) && x <= high * (1 + 1e-9));
}

/** Residues to number on an axis.
 * @param {readonly [number, number]} range @param {number} count */
export function residueTicks([first, last], count) {
  const found = ticks(first, last, count).map(Math.round);
  return found.filter((residue, k) => residue >= first && found.indexOf(residue) === k);
}
