/** Proteins through lenses, in units that can be computed apart and put together in order. */
import { MASK } from "../esm2/alphabet.ts";
import { displayLetters, type Sequence, tokenize } from "../esm2/mod.ts";
import { packUnit, unpackUnit } from "../run/codec.ts";
import type { Work } from "../run/run.ts";
import { tokenOf } from "../variants/letters.ts";
import type { NamedSubstitutions } from "../variants/substitutions.ts";
import type { LensPass, LensReader } from "./reader.ts";
import type { LensProtein, Place, Predictions } from "./types.ts";

/** Proteins that can be read anew, with the mutations of those that have some. */
export interface LensSource {
  read(): AsyncIterable<Sequence>;
  /** By the protein's number, from 0. */
  readonly variants: ReadonlyMap<number, readonly NamedSubstitutions[]>;
}

/** Residues of a protein or, where `variant` is not −1, of one of its mutants. */
interface Slice {
  readonly protein: number;
  readonly variant: number;
  /** From 0. */
  readonly from: number;
  readonly to: number;
}

/** What is computed, kept and lost together. */
interface Unit {
  readonly slices: Slice[];
  tokens: number;
}

export interface SurveyOptions {
  /** Whether each residue is hidden in a copy of its own. */
  readonly masked: boolean;
  /** Tokens of a batch. */
  readonly tokenBudget: number;
}

/** Batches of a unit, about. */
const BATCHES = 8;

/** Cuts the work into units, the same for the same proteins and options. */
export async function planUnits(
  source: LensSource,
  { masked, tokenBudget }: SurveyOptions,
): Promise<Unit[]> {
  const units: Unit[] = [], most = BATCHES * tokenBudget;
  let unit: Unit = { slices: [], tokens: 0 }, protein = 0;
  const close = () => {
    if (unit.slices.length > 0) units.push(unit);
    unit = { slices: [], tokens: 0 };
  };
  for await (const sequence of source.read()) {
    const tokens = tokenize(sequence, { maxLength: Infinity }).length, length = tokens - 2;
    const variants = source.variants.get(protein)?.length ?? 0;
    for (let variant = -1; variant < variants; variant++) {
      for (let from = 0; from < length;) {
        if (unit.tokens > 0 && unit.tokens + tokens > most) close();
        const room = Math.max(1, Math.floor((most - unit.tokens) / tokens));
        const to = masked ? Math.min(length, from + room) : length;
        unit.slices.push({ protein, variant, from, to });
        unit.tokens += masked ? (to - from) * tokens : tokens;
        from = to;
      }
    }
    protein++;
  }
  close();
  return units;
}

/** Runs that a slice needs: one of each residue with it hidden, or one in which all are read. */
function passesOf(ids: Int32Array, { from, to }: Slice, masked: boolean): LensPass[] {
  const tokens = Array.from({ length: to - from }, (_, i) => from + i + 1);
  if (!masked) return [{ ids, tokens }];
  return tokens.map((token) => {
    const hidden = ids.slice();
    hidden[token] = MASK;
    return { ids: hidden, tokens: [token] };
  });
}

/** Token ids of a protein or of a mutant of it. */
function idsOf(
  sequence: Sequence,
  variants: readonly NamedSubstitutions[] | undefined,
  variant: number,
): Int32Array {
  const ids = tokenize(sequence, { maxLength: Infinity });
  for (const { position, to } of variants?.[variant]?.substitutions ?? []) {
    ids[position] = tokenOf(to)!;
  }
  return ids;
}

/** The work of all units; they are computed in order, and the proteins of others are passed over. */
export function lensWork(
  reader: LensReader,
  source: LensSource,
  units: readonly Unit[],
  masked: boolean,
  stack: AsyncDisposableStack,
): Work {
  const left = source.read()[Symbol.asyncIterator]();
  stack.defer(async () => void await left.return?.());
  let at = -1, sequence: Sequence | undefined;
  const proteinOf = async (number: number): Promise<Sequence> => {
    for (; at < number; at++) sequence = (await left.next()).value;
    return sequence!;
  };
  return {
    pieces: units.map((_, u) => [u]),
    weightOf: ([u]) => units[u].tokens,
    async compute([u], put, tick) {
      const { slices, tokens } = units[u], passes: LensPass[] = [], counts: number[] = [];
      for (const slice of slices) {
        const variants = source.variants.get(slice.protein);
        const ids = idsOf(await proteinOf(slice.protein), variants, slice.variant);
        const own = passesOf(ids, slice, masked);
        passes.push(...own);
        counts.push(own.length);
      }
      const found = await reader.read(
        passes,
        (done) => tick(Math.round(tokens * done / passes.length)),
      );
      let begin = 0;
      put(
        u,
        packUnit(counts.map((count) => {
          const own = found.slice(begin, begin += count).map(({ data }) => data);
          if (own.length === 1) return own[0];
          const whole = new Float32Array(own.reduce((sum, { length }) => sum + length, 0));
          let to = 0;
          for (const data of own) {
            whole.set(data, to);
            to += data.length;
          }
          return whole;
        })),
      );
    },
  };
}

/** A protein with its predictions and those of its mutants. */
export interface LensResult {
  readonly protein: LensProtein;
  readonly wild: Predictions;
  /** In the order of the protein's variants. */
  readonly mutants: readonly Predictions[];
}

/** Puts units together, protein by protein. */
export async function* lensResults(
  source: LensSource,
  units: readonly Unit[],
  places: readonly Place[],
  read: (unit: number) => Uint8Array<ArrayBuffer>,
  signal: AbortSignal,
): AsyncGenerator<LensResult> {
  let unit = -1, slice = 0, data: Float32Array[] = [];
  const next = async () => {
    while (unit < 0 || slice === units[unit].slices.length) {
      // Ctrl-C is heard only when the event loop turns.
      await new Promise((resolve) => setTimeout(resolve));
      signal.throwIfAborted();
      data = unpackUnit<Float32Array[]>(read(++unit));
      slice = 0;
    }
    return { ...units[unit].slices[slice], data: data[slice++] };
  };
  let number = 0;
  for await (const sequence of source.read()) {
    const letters = displayLetters(sequence.residues);
    const variants = source.variants.get(number) ?? [], all: Predictions[] = [];
    for (let v = -1; v < variants.length; v++) {
      let whole: Float32Array | undefined;
      for (let to = 0; to < letters.length;) {
        const part = await next(), per = part.data.length / (part.to - part.from);
        whole ??= new Float32Array(letters.length * per);
        whole.set(part.data, part.from * per);
        to = part.to;
      }
      all.push({ places, residues: letters.length, data: whole! });
    }
    const [wild, ...mutants] = all;
    yield { protein: { id: sequence.id, letters, variants }, wild, mutants };
    number++;
  }
}
