/** Which attention heads look at a protein's sites more than chance allows. */
import type { Esm2Config } from "../checkpoint/mod.ts";
import { quote, UserError } from "../errors.ts";
import {
  type AttentionPiece,
  defaultTokenBudget,
  displayLetters,
  type Esm2,
  type PlannedBatch,
  tokenize,
} from "../esm2/mod.ts";
import { type CollectedSums, collectSums } from "./collect.ts";
import { showProtein } from "./display.ts";
import { collectMaps, keptBytesOf, KeptStates } from "./maps.ts";
import { legacyColumns, type LegacyMode, type LegacyRow, legacyRows } from "./legacy.ts";
import { checkNull, fewSets, type NullMode, sampleNull } from "./null_model.ts";
import { rankHeads, scoreHeads } from "./score.ts";
import { analyzeAdapter } from "./adapter.ts";
import { analyzeMutants, mutantBatches } from "./mutants.ts";
import type { HeadRow, Mutant, ProteinResult, Site } from "./types.ts";

/** A protein and its sites. */
export interface ProteinInput {
  /** Its name. */
  id: string;
  /** One-letter codes. */
  residues: string;
  /** The residues in question. */
  sites: Site[];
  /** Substitutions whose attention is compared with the wild type's. @default none */
  mutants?: readonly Mutant[];
}

/** What is counted, and against what chance. */
export interface SiteOptions {
  /** θ: attention at or below it is not counted; 0 counts all. @default 0.3 */
  threshold?: number;
  /** Random site sets per protein. @default 1000 */
  trials?: number;
  /** What random sets look like. @default "uniform" */
  nullMode?: NullMode;
  /** Of the random sets. @default 0 */
  seed?: number;
  /** Layers to analyse, 0-based; results come in ascending order. @default all */
  layers?: readonly number[];
  /** Keep `<cls>` and `<eos>` as rows and columns. @default false */
  specials?: boolean;
  /** Reproduces another tool, off-by-one included. */
  legacy?: LegacyMode;
  /** Most residues of a sequence. @default 1022 */
  maxLength?: number;
  /** Tokens of a batch, padding included. @default 1024 */
  tokenBudget?: number;
  /** Maps of the best heads to keep of each of the first proteins. @default 0 */
  maps?: number;
  /** Proteins whose maps are kept. @default all */
  mapped?: number;
  /** Bytes of states that maps may be made from; a batch of more runs twice. @default by the model's size */
  keptBytes?: number;
  /** Opens a sink for a protein's attention; proteins then run one at a time. */
  saveAttention?: (protein: ProteinInput, layers: readonly number[]) => AttentionSink;
  /** The model without its adapter, whose attention the model's is compared with. @default none */
  before?: { model: Esm2; adapter: string };
  /** Hears of each layer of each batch: done of total. */
  onProgress?: (done: number, total: number) => void;
  /** Stops the work when it fires; the call then rejects with the signal's reason. */
  signal?: AbortSignal;
}

/** Takes a protein's attention in ascending order of layers and heads. */
export interface AttentionSink extends AsyncDisposable {
  /** Takes attention f32[1, h, T, T] of some heads. */
  write(piece: AttentionPiece): Promise<void>;
  /** Completes what was written; disposing of a sink that is not closed gives it up. */
  close(): Promise<void>;
}

/** What was found. */
export interface SiteAnalysis {
  /** In the order given. */
  proteins: ProteinResult[];
  /** Per protein, with `legacy` only. */
  legacy?: LegacyRow[][];
}

/** What is found of one protein. */
export interface ProteinSites {
  result: ProteinResult;
  /** With `legacy` only. */
  legacy?: LegacyRow[];
}

/**
 * Analyses every protein and returns results in the order given.
 *
 * @throws {UserError} if a sequence, its sites or the layers do not fit the model or the null
 */
export async function analyzeSites(
  model: Esm2,
  proteins: readonly ProteinInput[],
  options: SiteOptions = {},
): Promise<SiteAnalysis> {
  const survey = new SiteSurvey(model, proteins, options);
  const found: ProteinSites[] = [];
  const total = survey.batches.reduce((sum, batch) => sum + survey.weightOf(batch), 0);
  let before = 0;
  for (const batch of survey.batches) {
    await survey.analyze(
      batch,
      (member, one) => found[member] = one,
      (layers) => options.onProgress?.(before + layers, total),
    );
    before += survey.weightOf(batch);
  }
  return {
    proteins: found.map(({ result }) => result),
    ...(options.legacy && { legacy: found.map(({ legacy }) => legacy!) }),
  };
}

/** Proteins in batches; each batch gives the same numbers whatever ran before. */
export class SiteSurvey {
  readonly layers: readonly number[];
  readonly batches: readonly PlannedBatch[];
  readonly #setups: readonly SetUp[];
  readonly #rows: readonly Int32Array<ArrayBuffer>[];
  /** Settled before anything runs, so that numbers depend on nothing that ran before. */
  readonly #keptBytes: number;

  /** @throws {UserError} if a sequence, its sites or the layers do not fit the model or the null */
  constructor(
    readonly model: Esm2,
    readonly proteins: readonly ProteinInput[],
    readonly options: SiteOptions,
  ) {
    const { config, backend } = model;
    const { layers, setups } = prepareSites(config, proteins, options);
    this.layers = layers;
    this.#setups = setups;
    this.#rows = proteins.map((protein) => tokenize(protein, options));
    const budget = options.saveAttention ? 1 : options.tokenBudget ?? defaultTokenBudget(backend);
    this.batches = model.planBatches(this.#rows, budget);
    this.#keptBytes = options.keptBytes ?? keptBytesOf(model);
  }

  /** Blocks that a batch runs, roughly: those of the proteins, and those of their mutants. */
  weightOf({ members }: Pick<PlannedBatch, "members">): number {
    const again = this.options.before ? 1 + 2 * members.length : 0;
    return this.layers.length * (1 + again + members.reduce((sum, member) =>
      sum + mutantBatches(
        this.model,
        this.#rows[member].length,
        this.proteins[member].mutants ?? [],
      ), 0));
  }

  /** Analyses the proteins of a batch; `onLayer` hears how many layers are done. */
  async analyze(
    batch: PlannedBatch,
    put: (member: number, found: ProteinSites) => void,
    onLayer?: (done: number) => void,
  ): Promise<void> {
    const { model, proteins, layers, options } = this;
    const { threshold = 0.3, saveAttention, signal, maps = 0, mapped = Infinity } = options;
    let done = 0;
    await using sink = saveAttention?.(proteins[batch.members[0]], layers);
    using states = maps > 0 && batch.members.some((member) => member < mapped)
      ? KeptStates.for(model, batch, layers, this.#keptBytes)
      : undefined;
    const sums = await collectSums(model, batch, {
      threshold,
      specials: this.#setups[batch.members[0]].specials,
      layers,
      onAttention: sink && ((piece) => sink.write(piece)),
      onLayer: () => onLayer?.(++done),
      ...(states && { onState: (state) => states.keep(state) }),
      signal,
    });
    await sink?.close();
    const { before } = options;
    const sumsBefore = before && await collectSums(before.model, batch, {
      ...{ threshold, specials: this.#setups[batch.members[0]].specials, layers, signal },
      onLayer: () => onLayer?.(++done),
    });
    for (const [b, member] of batch.members.entries()) {
      signal?.throwIfAborted();
      const scoring = { ...options, layers };
      const found = await score(model, proteins[member], this.#setups[member], sums[b], scoring);
      if (maps > 0 && member < mapped) {
        const best = rankHeads(found.result.rows).slice(0, maps);
        found.result.maps = await states?.maps(b, best) ??
          await collectMaps(model, this.#rows[member], best, signal);
      }
      if (before) {
        const setup = this.#setups[member], own = sumsBefore![b];
        const { result } = await score(before.model, proteins[member], setup, own, scoring);
        found.result.adapter = await analyzeAdapter(
          [before.model, model],
          this.#rows[member],
          [result.rows, found.result.rows],
          { ...{ layers, setup, signal }, name: before.adapter },
        );
        onLayer?.(done += 2 * layers.length);
      }
      const { mutants = [] } = proteins[member];
      if (mutants.length > 0) {
        found.result.mutants = await analyzeMutants(model, this.#rows[member], mutants, {
          ...{ layers, setup: this.#setups[member], signal },
          onBatch: () => onLayer?.(done += layers.length),
        });
      }
      put(member, found);
    }
  }
}

/** What is settled before anything runs. */
export interface Prepared {
  layers: readonly number[];
  setups: SetUp[];
  /** What makes results doubtful without being wrong. */
  warnings: string[];
}

/** Checks proteins and options against a model. @throws {UserError} if they do not fit */
export function prepareSites(
  config: Esm2Config,
  proteins: readonly ProteinInput[],
  options: SiteOptions,
): Prepared {
  const setups = proteins.map((protein) => setUp(protein, options));
  const warnings = setups.flatMap(({ columns, sites }, i) => {
    const sets = fewSets(columns, sites, options.nullMode ?? "uniform");
    return sets === undefined ? [] : [
      `Random site sets of ${quote(proteins[i].id)} can differ in only ${sets} way${
        sets === 1 ? "" : "s"
      }: a p-value below 1/${sets + 1} has no meaning there.`,
    ];
  });
  return { layers: checkLayers(options.layers, config.layers), setups, warnings };
}

/** Columns that are sites, and what the columns are. */
export interface SetUp {
  columns: number;
  sites: Uint32Array;
  specials: boolean;
}

function setUp(protein: ProteinInput, options: SiteOptions): SetUp {
  const { nullMode = "uniform", trials = 1000, legacy } = options;
  const tokens = tokenize(protein, options).length;
  const specials = (options.specials ?? false) || legacy !== undefined;
  const columns = specials ? tokens : tokens - 2;
  const sites = legacy
    ? legacyColumns(protein.sites)
    : Uint32Array.from(protein.sites, ({ residue }) => specials ? residue : residue - 1);
  if (legacy && nullMode !== "uniform") {
    throw new UserError(
      `Cannot use --legacy ${legacy} as --null must be uniform with it: current value is ${nullMode}`,
    );
  }
  checkNull(quote(protein.id), columns, sites, nullMode, trials);
  return { columns, sites, specials };
}

async function score(
  model: Esm2,
  { id, residues, sites }: ProteinInput,
  setup: SetUp,
  { mass, count }: CollectedSums,
  options: SiteOptions & { layers: readonly number[] },
): Promise<ProteinSites> {
  const { layers, nullMode = "uniform", trials = 1000, seed = 0, legacy } = options;
  const { heads } = model.config;
  const names = layers.flatMap((layer) =>
    Array.from({ length: heads }, (_, head) => ({ layer, head }))
  );
  const null_ = await sampleNull(model.backend.gpu, mass, setup.columns, setup.sites, {
    mode: nullMode,
    trials,
    seed,
    keepSums: legacy !== undefined,
    signal: options.signal,
  });
  const rows: HeadRow[] = scoreHeads(
    { heads: names, mass, count, sites: setup.sites },
    null_.sampled,
    null_.exact,
  );
  return {
    result: showProtein({
      id,
      residues: displayLetters(residues),
      sites,
      layers: [...layers],
      heads,
      rows,
      calledByChance: null_.calledByChance,
      maps: [],
    }),
    ...(legacy && { legacy: legacyRows(rows, null_.sums!) }),
  };
}

function checkLayers(wanted: readonly number[] | undefined, layers: number): readonly number[] {
  if (!wanted) return Array.from({ length: layers }, (_, i) => i);
  const wrong = wanted.find((layer) => !Number.isInteger(layer) || layer < 0 || layer >= layers);
  if (wrong !== undefined || wanted.length === 0) {
    throw new UserError(
      `Cannot analyse --layers as they must be in 0..${layers - 1} for this model: ` +
        `current value is ${wrong ?? "none"}`,
    );
  }
  return [...new Set(wanted)].sort((a, b) => a - b);
}
