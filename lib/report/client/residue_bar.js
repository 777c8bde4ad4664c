// @ts-check
/// <reference lib="dom" />
/** The residue bar: overview, zoom, and the keyboard's way to every value. */
import { figure } from "./figure.js";
import { channels, css, inkOn, shade } from "./palette.js";
import { ResidueAxis } from "./residue_axis.js";
import { hideTip, showTip } from "./tooltip.js";

/** @typedef {import("./figure.js").View} View */

/** Pixels of a residue from which its letter is written. */
const LETTER = 8.5;

/**
 * @param {View} view
 * @param {{
 *   value: (residue: number) => number,
 *   facts: (residue: number) => readonly import("./tooltip.js").Fact[],
 *   quantity: () => string, kind?: "s" | "d", mark?: string, colour?: (residue: number) => string,
 * }} spec `value` 0..1 colours a residue, or `colour` does by a name of the style sheet; `facts` are its readout and tooltip; `quantity` says what the
 *   colour is, `mark` what the marked residues are
 */
export function residueBar(
  view,
  { value, facts, quantity, kind = "s", mark: marked = "site", colour },
) {
  const { state, protein } = view, frame = view.frame("bar");
  const readout = /** @type {HTMLElement} */ (view.root.querySelector(".readout"));
  const { canvas, repaint } = figure(view, frame, {
    label: () => `Residue of ${protein.id}`,
    draw(pen, { width }, colours) {
      const axis = new ResidueAxis(view, 0, width);
      pen.textAlign = "center";
      pen.textBaseline = "middle";
      for (let residue = axis.first; residue <= axis.last; residue++) {
        const share = value(residue), x = axis.at(residue);
        const fill = Number.isNaN(share)
          ? undefined
          : colour
          ? channels(colours.of(colour(residue)))
          : shade(colours[kind], share);
        pen.fillStyle = fill ? css(fill) : colours.of("panel");
        pen.fillRect(x - axis.cell / 2, 12, axis.cell + 0.4, 18);
        if (axis.cell < LETTER) continue;
        pen.fillStyle = fill ? inkOn(fill) : colours.of("ink");
        pen.fillText(protein.letters[residue - 1], x, 21.5);
      }
      above(axis, pen, colours);
      axis.numbers(pen, colours, 34);
    },
    marks(pen, { width }, colours) {
      const axis = new ResidueAxis(view, 0, width);
      axis.marks(pen, colours, 11, 31);
      for (
        const [chosen, colour] of /** @type {[number, string][]} */ ([
          [state.chosen.residue, "selected"],
          [state.chosen.partner, "selected"],
        ])
      ) {
        if (!axis.shows(chosen)) continue;
        const wide = Math.max(axis.cell, 5);
        pen.strokeStyle = colours.of(colour);
        pen.lineWidth = 2;
        pen.strokeRect(axis.at(chosen) - wide / 2, 11, wide, 20);
      }
    },
  });

  /** Sites, helices and strands.
   * @param {ResidueAxis} axis @param {import("./figure.js").Pen} pen
   * @param {import("./palette.js").Palette} colours */
  function above(axis, pen, colours) {
    const { secondary, marks = [] } = protein;
    if (secondary) {
      for (let residue = axis.first; residue <= axis.last; residue++) {
        const kind = secondary[residue - 1], x = axis.at(residue) - axis.cell / 2;
        pen.fillStyle = colours.of(kind === "H" ? "violet" : kind === "E" ? "ochre" : "rule");
        const tall = kind === "H" ? 7 : kind === "E" ? 4 : 1;
        pen.fillRect(x, 5.5 - tall / 2, axis.cell + 0.4, tall);
      }
    }
    pen.fillStyle = colours.of("site");
    for (const mark of marks) {
      if (!axis.shows(mark)) continue;
      const x = axis.at(mark);
      pen.beginPath();
      pen.moveTo(x - 5, 2);
      pen.lineTo(x + 5, 2);
      pen.lineTo(x, 10);
      pen.closePath();
      pen.fill();
    }
  }

  canvas.tabIndex = 0;
  canvas.setAttribute("role", "slider");
  canvas.setAttribute("aria-valuemin", String(view.number(1)));
  canvas.setAttribute("aria-valuemax", String(view.number(state.length)));
  const isMark = (/** @type {number} */ residue) => protein.marks?.includes(residue) ?? false;
  const say = () => {
    const { residue, partner } = state.chosen;
    const parts = residue === 0 ? [] : facts(residue).map(([name, value]) => `${name} ${value}`);
    readout.replaceChildren();
    if (residue === 0) readout.textContent = `Colour: ${quantity()}. ${HINT}`;
    else {
      const name = document.createElement("b");
      name.textContent = partner
        ? `${view.name(residue)} – ${view.name(partner)}`
        : view.name(residue);
      readout.append(
        name,
        isMark(residue) ? ` ${marked}` : "",
        parts.length > 0 ? ` · ${parts.join(" · ")}` : "",
      );
    }
    canvas.setAttribute("aria-valuenow", String(view.number(residue || 1)));
    canvas.setAttribute(
      "aria-valuetext",
      residue ? readout.textContent ?? "" : "no residue selected",
    );
    button("clear").disabled = residue === 0;
    const [first, last] = state.chosen.range, isWhole = last - first + 1 === state.length;
    button("out").disabled = button("all").disabled = isWhole;
  };
  const button = (
    /** @type {string} */ name,
  ) => /** @type {HTMLButtonElement} */ (view.root.querySelector(`[data-do="${name}"]`));
  button("in").onclick = () => state.zoom(0.5);
  button("out").onclick = () => state.zoom(2);
  button("all").onclick = () => state.show(1, state.length);
  button("clear").onclick = () => state.clear();
  state.follow((changed) => {
    if (["residue", "partner", "range", "item"].some((name) => changed.has(name))) say();
  });
  say();

  let from = 0;
  const residueAt = (/** @type {PointerEvent} */ event) => {
    const box = canvas.getBoundingClientRect();
    return new ResidueAxis(view, 0, box.width).residue(event.clientX - box.left);
  };
  canvas.addEventListener("pointerdown", (event) => {
    from = residueAt(event);
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener("pointermove", (event) => {
    const residue = residueAt(event);
    state.set({ hovered: residue });
    showTip(event, { title: view.name(residue), facts: facts(residue) });
  });
  canvas.addEventListener("pointerleave", () => {
    state.set({ hovered: 0 });
    hideTip();
  });
  canvas.addEventListener("pointerup", (event) => {
    const to = residueAt(event);
    if (Math.abs(to - from) < 3) state.select(to);
    else state.show(Math.min(from, to), Math.max(from, to));
  });
  canvas.addEventListener("dblclick", () => state.show(1, state.length));
  canvas.addEventListener("keydown", (event) => {
    const by = STEPS[event.key];
    if (by) state.move(by);
    else if (event.key === "Home") state.select(1);
    else if (event.key === "End") state.select(state.length);
    else if (event.key === "Escape") state.clear();
    else if (event.key === "+" || event.key === "=") state.zoom(0.5);
    else if (event.key === "-") state.zoom(2);
    else return;
    event.preventDefault();
  });
  /** Shows other values. */
  const change = () => {
    say();
    repaint();
  };
  return { say, change };
}

const HINT = "Click a residue in any figure or use the arrow keys here; drag to zoom.";

/** @type {Record<string, number>} */
const STEPS = {
  ArrowLeft: -1,
  ArrowRight: 1,
  ArrowDown: -1,
  ArrowUp: 1,
  PageDown: -10,
  PageUp: 10,
};
