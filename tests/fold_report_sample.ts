/** A folded protein of no model, for tests of its page: three helices side by side, with all that a page shows. */
import { ATOM_37_EXISTS, ATOM_NAMES, ATOMS_37, RESIDUE_TYPES } from "../lib/fold/constants.ts";
import { foldChains } from "../lib/fold/input.ts";
import { contactChange, nearness, touching } from "../lib/fold/nearness.ts";
import type { FoldReport } from "../lib/fold/report/report.ts";
import type { FoldResult, WrittenFold } from "../lib/fold/result.ts";
import { scanRows } from "../lib/fold/scan.ts";
import type { FoldTruth } from "../lib/fold/truth.ts";
import { type FoldUnit, traceOf, withoutLinkers } from "../lib/fold/unit.ts";
import type { Point } from "../lib/structure/structure.ts";
import { random } from "./report_sample.ts";

/** Residues of a helix, and of what turns to the next. */
const HELIX = 20, TURN = 5;

type Vector = [x: number, y: number, z: number];

/** Where an atom of a residue is, Å: up, down and up again, 9 Å apart. */
function place(residue: number, atom: string): Vector {
  const [x, y, z] = standing(residue, atom);
  return [x, z, -y];
}

/** The same with the helices along z. */
function standing(residue: number, atom: string): Vector {
  const [radius, turn, rise] = ({
    N: [1.55, -28, -0.9],
    CA: [2.29, 0, 0],
    C: [1.65, 26, 1.1],
    O: [2.0, 19, 2.3],
  } as Record<string, Vector>)[atom] ?? [3.3, 10, -0.4];
  const helix = Math.floor(residue / (HELIX + TURN)), within = residue % (HELIX + TURN);
  const height = (i: number) => helix % 2 === 0 ? 1.5 * i : 1.5 * (HELIX - i);
  if (within < HELIX) {
    const angle = (100 * within + turn) * Math.PI / 180, up = helix % 2 === 0 ? 1 : -1;
    return [
      9 * helix + radius * Math.cos(angle),
      up * radius * Math.sin(angle),
      height(within) + up * rise,
    ];
  }
  const t = (within - HELIX + 1) / (TURN + 1), shift = atom === "CA" ? 0 : 0.3 * radius;
  return [9 * helix + 9 * t + shift, 3 + shift, height(HELIX) + 4 * Math.sin(Math.PI * t)];
}

/** What the sample is of. */
export interface FoldSample {
  id?: string;
  residues?: string;
  /** Folded before and after a change. @default false */
  changed?: boolean;
  truth?: boolean;
  scan?: boolean;
}

const LETTERS = RESIDUE_TYPES.slice(0, 20);
/** 70 residues, the last of which has no atoms. */
const RESIDUES = `${
  Array.from({ length: 69 }, (_, i) => LETTERS[(7 * i * i + 3 * i) % 20]).join("")
}X`;

/** A protein as the page takes it. @param seed the same for the same */
export function sampleFold(
  seed: number,
  { id = "three helices", residues = RESIDUES, changed, truth, scan }: FoldSample = {},
): { result: FoldResult; truth?: FoldTruth } {
  const chains = foldChains({ id, residues }), length = chains.types.length, next = random(seed);
  const fold = (noise: number): WrittenFold => {
    const exists = Uint8Array.from(
      { length: length * ATOMS_37 },
      (_, at) => {
        const residue = Math.floor(at / ATOMS_37);
        return chains.kept[residue] *
          ATOM_37_EXISTS[chains.types[residue] * ATOMS_37 + at % ATOMS_37];
      },
    );
    const positions = new Float64Array(3 * exists.length);
    const phases = [next(), next(), next()].map((x) => 7 * x);
    for (let residue = 0; residue < length; residue++) {
      const off = phases.map((phase) => noise * Math.sin(residue / 9 + phase));
      for (let atom = 0; atom < ATOMS_37; atom++) {
        const own = place(residue, ATOM_NAMES[atom]).map((x, k) => x + off[k]);
        positions.set(own, 3 * (residue * ATOMS_37 + atom));
      }
    }
    const sure = Float32Array.from(
      { length },
      (_, i) => 0.97 - 0.55 * (i / length) ** 2 - 0.1 * next(),
    );
    const alpha = (i: number) =>
      positions.subarray(3 * (i * ATOMS_37 + 1), 3 * (i * ATOMS_37 + 1) + 3);
    const pairs = (of: (away: number, i: number, j: number) => number) =>
      Float32Array.from({ length: length * length }, (_, at) => {
        const i = Math.floor(at / length), j = at % length, a = alpha(i), b = alpha(j);
        return of(Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]), i, j);
      });
    const contacts = pairs((away) => 1 / (1 + Math.exp(away - 8)) * (0.6 + 0.4 * next()));
    for (let i = 0; i < length; i++) {
      for (let j = 0; j < i; j++) contacts[i * length + j] = contacts[j * length + i];
    }
    const unit: FoldUnit = {
      ...{ positions, exists, contacts, ptm: 0.71 - noise / 10, seconds: 1 },
      plddt: Float32Array.from(exists, (_, at) => sure[Math.floor(at / ATOMS_37)] - noise / 20),
      pae: pairs((away, i, j) =>
        i === j ? 0.25 : Math.min(31, 0.5 + away / 2 * (1.3 - sure[j]) + 2 * next())
      ),
    };
    return { unit, trace: traceOf(chains, unit), pae: withoutLinkers(unit.pae, chains) };
  };
  const plain = fold(0.2), after = changed ? fold(3) : undefined, real = fold(1.2);
  const places = [...chains.places].filter((_, residue) => chains.kept[residue]);
  const heads = Array.from({ length: 24 }, (_, h) => ({ layer: Math.floor(h / 4), head: h % 4 }));
  const own: FoldTruth | undefined = truth
    ? {
      source: "2ABC.pdb chain A",
      points: real.trace.alphas,
      residues: residuesOf(real),
      sha256: "0",
    }
    : undefined;
  return {
    ...(own && { truth: own }),
    result: {
      ...{ chains, plain },
      ...(after && {
        change: {
          fold: after,
          apart: nearness(after.trace.alphas, plain.trace.alphas),
          contacts: contactChange(
            touching(plain.trace.betas, places),
            touching(after.trace.betas, places),
          ),
        },
      }),
      ...(own && {
        truth: {
          plain: nearness(plain.trace.alphas, own.points),
          ...(after && { changed: nearness(after.trace.alphas, own.points) }),
        },
      }),
      // Every third head is not ablated.
      scan: scan
        ? scanRows(
          chains,
          plain.trace,
          heads.filter((_, h) => h % 3 !== 2)
            .map((head, h) => ({ head, trace: fold(0.2 + (h * 7 % 11) / 4).trace })),
        )
        : [],
    },
  };

  function residuesOf({ unit }: WrittenFold): FoldTruth["residues"] {
    return Array.from({ length }, (_, i) => {
      const at = (name: string): Point | undefined => {
        const atom = i * ATOMS_37 + ATOM_NAMES.indexOf(name);
        const [x, y, z] = unit.positions.subarray(3 * atom, 3 * atom + 3);
        return unit.exists[atom] === 1 ? [x, y, z] : undefined;
      };
      const alpha = at("CA");
      if (!alpha) return undefined;
      return {
        ...{ letter: residues[i], label: String(i + 1), number: i + 1, name: "ALA", alpha },
        ...{ secondary: "-", backbone: { N: at("N"), C: at("C"), O: at("O") } },
      };
    });
  }
}

/** A report of samples. */
export function sampleFoldReport(
  samples: readonly FoldSample[],
  notes: readonly string[] = [],
): FoldReport {
  const made = samples.map((sample, i) => sampleFold(i + 3, sample));
  const rows = made.map(({ result: { chains, plain, change } }) => ({
    ...{ id: chains.id, chains: chains.chains.at(-1)! + 1, length: plain.trace.plddt.length },
    ...{ plddt: plain.trace.meanPlddt, ptm: plain.trace.ptm, meanPae: 5, seconds: 1 },
    ...(change && {
      change: {
        ...{ plddt: change.fold.trace.meanPlddt, ptm: change.fold.trace.ptm },
        ...{ rmsd: change.apart.rmsd, tm: change.apart.tm, ...change.contacts },
      },
    }),
  }));
  const isChanged = samples.some(({ changed }) => changed);
  return {
    ...{ notes, rows, drawn: made.map(({ result }) => result), truth: made[0].truth },
    ...(isChanged && { changed: "residues 20-24 hidden", mask: [20, 21, 22, 23, 24] }),
    run: {
      ...{ record: { command: "fold" }, input: "i", options: "o", files: ["summary.csv"] },
    },
  };
}
