/** Extents of ESMFold's structure module. */
export interface StructureConfig {
  /** Blocks, which share one set of weights. */
  blocks: number;
  /** Width of a residue's state. */
  single: number;
  /** Width of a pair's state. */
  pair: number;
  /** Heads of the invariant point attention. */
  heads: number;
  /** Width of a head's queries, keys and values. */
  headWidth: number;
  /** Points of a head's queries and keys. */
  queryPoints: number;
  /** Points of a head's values. */
  valuePoints: number;
  /** Blocks of the network that gives torsion angles. */
  angleBlocks: number;
  /** Width of that network. */
  angleWidth: number;
  /** Transitions in a block. */
  transitions: number;
  /** Å in a unit of the translations. */
  scale: number;
}
