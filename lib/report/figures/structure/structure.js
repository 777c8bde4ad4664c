// @ts-check
/// <reference lib="dom" />
/**
 * The structure with what is chosen, in the molecular viewer where the browser has WebGL, else as a trace of
 * its Cα atoms on a canvas, which is also what is saved.
 */
import { bytesOf, floatsOf, jsonOf } from "../../client/data.js";
import { colours, figure, keepLook } from "../../client/figure.js";
import { channels, css, mix } from "../../client/palette.js";
import { hideTip, showTip } from "../../client/tooltip.js";

/** @typedef {import("../../client/figure.js").View} View */
/** @typedef {import("../../client/figure.js").Pen} Pen */
/** @typedef {import("../../client/palette.js").Palette} Palette */
/** @typedef {readonly [number, number, number]} Point */
/** Rows of a rotation. @typedef {readonly [Point, Point, Point]} Turn */

/** Two residues that are joined; `colour` is a name of the style sheet.
 * @typedef {{ a: number, b: number, colour: string, width?: number, dashed?: boolean }} Link */

/** Another structure of the same residues in the same place, all of one colour.
 * @typedef {{ points: Float32Array, pdb: string, colour: string, isShown: () => boolean }} Other */

/**
 * @typedef {{
 *   points: Float32Array, pdb: string, numbers: readonly number[],
 *   others?: readonly Other[], starts?: readonly number[],
 *   colour: (residue: number, palette: Palette) => string, links?: () => readonly Link[],
 *   label: () => string, facts: (residue: number) => readonly import("../../client/tooltip.js").Fact[],
 * }} StructureSpec
 * `points` Cα of each residue, f32[L, 3], NaN where there is none; `pdb` the backbone for the viewer, and
 * `numbers` each residue's number in it, 0 where it is not there; `others` are drawn with it; `starts` are
 * the first residues of its chains
 */

/** The structure that a view carries, if it does.
 * @param {ParentNode} root @returns {Promise<Pick<StructureSpec, "points" | "pdb" | "numbers"> | undefined>} */
export async function readShape(root) {
  const points = await floatsOf(root, "points"), pdb = await bytesOf(root, "pdb");
  return points && pdb &&
    { points, pdb: new TextDecoder().decode(pdb), numbers: jsonOf(root, "numbers") };
}

/** @param {View} view @param {HTMLElement} frame @param {StructureSpec} spec */
export function structure(view, frame, spec) {
  const viewer = openViewer(frame);
  return viewer ? withViewer(view, frame, spec, viewer) : trace(view, frame, spec, true);
}

/** @param {HTMLElement} frame @returns {any} */
function openViewer(frame) {
  const library = /** @type {any} */ (globalThis).$3Dmol;
  try {
    const probe = document.createElement("canvas");
    if (!library || !probe.getContext("webgl")) return undefined;
    const stage = document.createElement("div");
    stage.className = "stage";
    frame.append(stage);
    const viewer = library.createViewer(stage, { backgroundColor: colours().of("paper") });
    if (!viewer) stage.remove();
    return viewer;
  } catch {
    frame.querySelector(".stage")?.remove();
    return undefined;
  }
}

/** @param {View} view @param {HTMLElement} frame @param {StructureSpec} spec @param {any} viewer */
function withViewer(view, frame, spec, viewer) {
  const { state } = view;
  const residueOf = new Map(spec.numbers.map((number, i) => [number, i + 1]));
  residueOf.delete(0);
  const stage = /** @type {HTMLElement} */ (frame.querySelector(".stage"));
  stage.tabIndex = 0;
  stage.setAttribute("role", "application");
  viewer.addModel(spec.pdb, "pdb");
  const others = spec.others ?? [];
  for (const other of others) viewer.addModel(other.pdb, "pdb");
  /** The structure itself, which the pointer finds. */
  const own = { model: 0 };
  const at = (/** @type {number} */ residue) => {
    const [x, y, z] = spec.points.subarray(3 * residue - 3, 3 * residue);
    return Number.isNaN(x) ? undefined : { x, y, z };
  };
  const hex = (/** @type {string} */ colour) =>
    `#${channels(colour).map((x) => Math.round(x).toString(16).padStart(2, "0")).join("")}`;
  const drawShapes = () => {
    const { of } = colours();
    viewer.removeAllShapes();
    viewer.removeAllLabels();
    const { residue, partner, hovered } = state.chosen;
    const join = (/** @type {Link} */ { a, b, colour, width = 1, dashed }) => {
      const start = at(a), end = at(b);
      if (!start || !end) return;
      viewer.addCylinder({
        ...{ start, end, radius: 0.14 * width, color: hex(of(colour)), dashed: dashed === true },
        ...{ dashLength: 0.7, gapLength: 0.9, fromCap: 1, toCap: 1 },
      });
    };
    for (const link of spec.links?.() ?? []) join(link);
    if (partner) join({ a: residue, b: partner, colour: "selected", width: 2.2 });
    for (
      const [one, colour] of /** @type {[number, string][]} */ ([
        [hovered, "muted"],
        [partner, "selected"],
        [residue, "selected"],
      ])
    ) {
      const center = one ? at(one) : undefined;
      if (!center) continue;
      viewer.addSphere({ center, radius: 1.1, color: hex(of(colour)) });
      viewer.addLabel(view.name(one), {
        position: center,
        ...{ fontColor: hex(of("ink")), backgroundColor: hex(of("paper")), backgroundOpacity: 0.8 },
        ...{ fontSize: 13, inFront: true },
      });
    }
    viewer.render();
  };
  const draw = () => {
    const palette = colours();
    stage.setAttribute("aria-label", `${spec.label()}; arrow keys turn it, plus and minus zoom`);
    viewer.setBackgroundColor(hex(palette.of("paper")));
    viewer.setStyle(own, {
      cartoon: {
        colorfunc: (/** @type {{ resi: number }} */ { resi }) =>
          hex(spec.colour(residueOf.get(resi) ?? 0, palette)),
      },
    });
    others.forEach(({ colour, isShown }, i) =>
      viewer.setStyle(
        { model: i + 1 },
        isShown() ? { cartoon: { color: hex(palette.of(colour)), opacity: 0.7 } } : {},
      )
    );
    drawShapes();
  };
  const pointed = (/** @type {{ resi: number }} */ { resi }) => residueOf.get(resi) ?? 0;
  viewer.setHoverable(
    own,
    true,
    (/** @type {any} */ atom, /** @type {any} */ _viewer, /** @type {any} */ event) => {
      const residue = pointed(atom);
      if (!residue) return;
      state.set({ hovered: residue });
      if (event) showTip(event, { title: view.name(residue), facts: spec.facts(residue) });
    },
    () => {
      state.set({ hovered: 0 });
      hideTip();
    },
  );
  viewer.setClickable(own, true, (/** @type {any} */ atom) => {
    const residue = pointed(atom);
    if (residue) state.select(residue);
  });
  stage.addEventListener("keydown", (event) => {
    const turn = TURNS[event.key];
    if (turn) viewer.rotate(turn[0] !== 0 ? 12 * turn[0] : 12 * turn[1], turn[0] !== 0 ? "y" : "x");
    else if (event.key === "+" || event.key === "=") viewer.zoom(1.2);
    else if (event.key === "-") viewer.zoom(1 / 1.2);
    else return;
    viewer.render();
    event.preventDefault();
  });
  state.follow((changed) => {
    if (["residue", "partner", "hovered"].some((name) => changed.has(name))) drawShapes();
  });
  keepLook(draw);
  viewer.zoomTo();
  viewer.render();
  new ResizeObserver(() => viewer.resize()).observe(frame);
  // What is saved, and printed, is the trace as it is turned now.
  const paper = document.createElement("div");
  paper.className = "paper-only canvas";
  frame.append(paper);
  const flat = trace(view, paper, spec, false, () => {
    const [, , , , x, y, z, w] = viewer.getView();
    return turnOf(x, y, z, w);
  });
  return { redraw: () => (draw(), flat.redraw()) };
}

/** The rotation of a quaternion. @param {number} x @param {number} y @param {number} z @param {number} w @returns {Turn} */
export const turnOf = (x, y, z, w) => [
  [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
  [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
  [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
];

/** @type {Record<string, readonly [number, number]>} */
const TURNS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/**
 * The chain as a tube through its Cα atoms, what is near over what is far.
 *
 * @param {View} view @param {HTMLElement} frame @param {StructureSpec} spec
 * @param {boolean} isLive whether it can be turned
 * @param {() => Turn} [turned] how it is turned elsewhere
 */
function trace(view, frame, spec, isLive, turned) {
  const { state, protein } = view, { length } = state, { others = [], starts = [] } = spec;
  const pointsOf = (/** @type {Float32Array} */ points) =>
    Array.from(
      { length },
      (
        _,
        i,
      ) => /** @type {Point} */ (/** @type {unknown} */ ([...points.subarray(3 * i, 3 * i + 3)])),
    );
  const all = pointsOf(spec.points);
  const beside = others.map((other) => ({ ...other, all: pointsOf(other.points) }));
  const there = [all, ...beside.map(({ all }) => all)].flat().filter(([x]) => !Number.isNaN(x));
  const centre = /** @type {Point} */ (/** @type {unknown} */ (
    [0, 1, 2].map((k) => there.reduce((sum, p) => sum + p[k], 0) / there.length)
  ));
  const radius = Math.max(1, ...there.map((p) => Math.hypot(...p.map((x, k) => x - centre[k]))));
  let turn = /** @type {Turn} */ ([[1, 0, 0], [0, 1, 0], [0, 0, 1]]), zoom = 1;
  /** @type {(readonly [number, number, number] | undefined)[]} */
  let places = [];
  const project = (/** @type {number} */ width, /** @type {number} */ height) => {
    const rows = turned?.() ?? turn, scale = (Math.min(width, height) / 2 - 18) / radius * zoom;
    return (/** @type {Point} */ point) => {
      const [x, y, z] = rows.map((row) =>
        row[0] * (point[0] - centre[0]) + row[1] * (point[1] - centre[1]) +
        row[2] * (point[2] - centre[2])
      );
      return /** @type {Point} */ ([width / 2 + x * scale, height / 2 - y * scale, z]);
    };
  };
  const nearest = (/** @type {number} */ x, /** @type {number} */ y) => {
    let best = 0, least = 14;
    places.forEach((place, i) => {
      const away = place ? Math.hypot(place[0] - x, place[1] - y) : Infinity;
      if (away < least) [least, best] = [away, i + 1];
    });
    return best;
  };
  const { canvas, repaint } = figure(view, frame, {
    label: () => `${spec.label()}; arrow keys turn it, plus and minus zoom`,
    draw(pen, { width, height }, palette) {
      const to = project(width, height);
      places = all.map((point) => Number.isNaN(point[0]) ? undefined : to(point));
      /** @type {{ z: number, draw: () => void }[]} */
      const items = [];
      places.forEach((place, i) => {
        if (!place) return;
        const path = tube(all, i).map(to);
        const kind = protein.secondary?.[i], wide = kind === "H" ? 8 : kind === "E" ? 7 : 4;
        items.push({
          z: place[2],
          draw: () => tubePiece(pen, path, place[2], wide, spec.colour(i + 1, palette), palette),
        });
      });
      for (const other of beside) {
        if (!other.isShown()) continue;
        const colour = palette.of(other.colour);
        other.all.forEach((point, i) => {
          if (Number.isNaN(point[0])) return;
          const path = tube(other.all, i).map(to), z = to(point)[2];
          items.push({ z, draw: () => tubePiece(pen, path, z, 2.5, colour, palette) });
        });
      }
      const { residue, partner, hovered } = state.chosen;
      const links = [
        ...(spec.links?.() ?? []),
        ...(partner ? [{ a: residue, b: partner, colour: "selected", width: 3 }] : []),
      ];
      for (const { a, b, colour, width: wide = 1.3, dashed } of /** @type {Link[]} */ (links)) {
        const [p, q] = [places[a - 1], places[b - 1]];
        if (!p || !q) continue;
        items.push({
          z: (p[2] + q[2]) / 2,
          draw() {
            pen.setLineDash(dashed ? [3, 3] : []);
            line(pen, [p, q], palette.of(colour), wide);
            pen.setLineDash([]);
          },
        });
      }
      items.sort((p, q) => p.z - q.z).forEach((item) => item.draw());
      pen.textBaseline = "middle";
      for (
        const [one, colour] of /** @type {[number, string][]} */ ([
          [hovered, "muted"],
          [partner, "selected"],
          [residue, "selected"],
        ])
      ) {
        const place = one ? places[one - 1] : undefined;
        if (!place) continue;
        pen.fillStyle = palette.of(colour);
        pen.strokeStyle = palette.of("paper");
        pen.lineWidth = 2;
        pen.beginPath();
        pen.arc(place[0], place[1], 6, 0, 7);
        pen.fill();
        pen.stroke();
        word(pen, view.name(one), place, palette, width);
      }
      const ends = /** @type {[number, string][]} */ ([
        [places.findIndex(Boolean), "N"],
        [places.findLastIndex(Boolean), "C"],
      ]);
      for (const [i, name] of ends) {
        const place = places[i];
        if (place) word(pen, name, place, palette, width);
      }
    },
    hit: isLive
      ? (x, y) => {
        const residue = nearest(x, y);
        return residue
          ? { residue, title: view.name(residue), facts: spec.facts(residue) }
          : undefined;
      }
      : undefined,
  });
  /** Points around a residue on a smooth curve through its neighbours in its chain.
   * @param {readonly Point[]} of @param {number} i */
  function tube(of, i) {
    const first = (starts.findLast((start) => start - 1 <= i) ?? 1) - 1;
    const end = (starts.find((start) => start - 1 > i) ?? length + 1) - 1;
    const at = (/** @type {number} */ k) => {
      const point = of[Math.min(end - 1, Math.max(first, k))];
      return Number.isNaN(point[0]) ? of[i] : point;
    };
    /** @type {Point[]} */
    const path = [];
    for (let s = -0.5; s <= 0.51; s += 0.125) {
      const base = s < 0 ? i - 1 : i, t = s < 0 ? s + 1 : s;
      const [a, b, c, d] = [at(base - 1), at(base), at(base + 1), at(base + 2)];
      path.push(
        /** @type {any} */ (a.map((_, k) =>
          0.5 * (2 * b[k] + (c[k] - a[k]) * t + (2 * a[k] - 5 * b[k] + 4 * c[k] - d[k]) * t * t +
            (3 * b[k] - a[k] - 3 * c[k] + d[k]) * t * t * t)
        )),
      );
    }
    return path;
  }
  /** An outline parts what crosses; what is far fades.
   * @param {Pen} pen @param {Point[]} path @param {number} z @param {number} wide @param {string} colour @param {Palette} palette */
  function tubePiece(pen, path, z, wide, colour, palette) {
    const paper = channels(palette.of("paper")),
      far = Math.min(1, Math.max(0, 0.5 - z / radius / 2)) * 0.6;
    pen.lineCap = "butt";
    line(pen, path, css(mix(channels(palette.of("ink")), paper, 0.45 + far * 0.8)), wide + 2);
    line(pen, path, css(mix(channels(colour), paper, far)), wide);
  }
  if (isLive) {
    live(canvas, {
      turn(dx, dy) {
        turn = turnedBy(turn, dx, dy);
        repaint();
      },
      zoom(factor) {
        zoom = Math.min(6, Math.max(0.5, zoom * factor));
        repaint();
      },
    });
  }
  return { redraw: repaint };
}

/** @param {Pen} pen @param {readonly Point[]} path @param {string} colour @param {number} width */
function line(pen, path, colour, width) {
  pen.strokeStyle = colour;
  pen.lineWidth = width;
  pen.beginPath();
  path.forEach(([x, y], k) => k === 0 ? pen.moveTo(x, y) : pen.lineTo(x, y));
  pen.stroke();
}

/** @param {Pen} pen @param {string} text @param {Point} place @param {Palette} palette @param {number} width */
function word(pen, text, [x, y], palette, width) {
  const right = x > width - 70;
  pen.textAlign = right ? "right" : "left";
  pen.lineJoin = "round";
  pen.lineWidth = 4;
  pen.strokeStyle = palette.of("paper");
  pen.strokeText(text, x + (right ? -10 : 10), y);
  pen.fillStyle = palette.of("ink");
  pen.fillText(text, x + (right ? -10 : 10), y);
}

/** The rotation after turning about the screen's upright and its level axis.
 * @param {Turn} turn @param {number} dx @param {number} dy @returns {Turn} */
export function turnedBy(turn, dx, dy) {
  const [cx, sx, cy, sy] = [Math.cos(dx), Math.sin(dx), Math.cos(dy), Math.sin(dy)];
  const step = [[cx, 0, sx], [sy * sx, cy, -sy * cx], [-cy * sx, sy, cy * cx]];
  return /** @type {any} */ (step.map((row) =>
    [0, 1, 2].map((k) => row.reduce((sum, x, m) => sum + x * turn[m][k], 0))
  ));
}

/** Drag and arrow keys turn.
 * @param {HTMLCanvasElement} canvas @param {{ turn: (dx: number, dy: number) => void, zoom: (factor: number) => void }} moves */
function live(canvas, moves) {
  canvas.tabIndex = 0;
  canvas.style.touchAction = "pan-y";
  /** @type {[number, number] | undefined} */
  let from;
  canvas.addEventListener("pointerdown", (event) => {
    from = [event.clientX, event.clientY];
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener("pointerup", () => from = undefined);
  canvas.addEventListener("pointermove", (event) => {
    if (!from) return;
    moves.turn((event.clientX - from[0]) / 120, (event.clientY - from[1]) / 120);
    from = [event.clientX, event.clientY];
  });
  canvas.addEventListener("keydown", (event) => {
    const by = TURNS[event.key];
    if (by) moves.turn(0.2 * by[0], 0.2 * by[1]);
    else if (event.key === "+" || event.key === "=") moves.zoom(1.2);
    else if (event.key === "-") moves.zoom(1 / 1.2);
    else return;
    event.preventDefault();
  });
}
