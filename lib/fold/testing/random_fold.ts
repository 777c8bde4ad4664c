/** ESMFold with random weights as Hugging Face's folder, of any size: cheap to write, and the same each time. */
import { configToHf } from "../../checkpoint/config.ts";
import type { Esm2Config } from "../../checkpoint/mod.ts";
import { hfName } from "../../checkpoint/names.ts";
import { stored } from "../../checkpoint/random.ts";
import { writeSafetensors, type WrittenTensor } from "../../checkpoint/write_safetensors.ts";
import type { FoldConfig } from "../config.ts";
import { foldTensors } from "../tensors.ts";

/** Elements of a pattern that tensors are cut from, each from another place on: a prime number. */
const PATTERN = 1_048_573;

/** Bytes of a file, after which another begins. */
const FILE_BYTES = 4e9;

/** @param half whether the language model is in half precision, as it is published */
export async function writeRandomFold(
  dir: string,
  config: FoldConfig,
  esm: Esm2Config,
  half = true,
): Promise<void> {
  await Deno.mkdir(dir, { recursive: true });
  await Deno.writeTextFile(`${dir}/config.json`, JSON.stringify(hfConfig(config, esm)));
  const all = new Map<string, WrittenTensor>();
  for (const { name, shape } of stored(esm)) {
    if (!name.startsWith("lm_head.")) all.set(hfName(name), random(shape, name, half, all.size));
  }
  for (const [name, shape] of foldTensors(config, esm)) {
    all.set(name, random(shape, name, false, all.size));
  }
  const files: Record<string, WrittenTensor>[] = [{}], map: Record<string, string> = {};
  let bytes = 0;
  for (const [name, tensor] of all) {
    if (bytes > FILE_BYTES) {
      files.push({});
      bytes = 0;
    }
    files.at(-1)![name] = tensor;
    bytes += tensor.shape.reduce((a, b) => a * b, tensor.dtype === "F16" ? 2 : 4);
  }
  for (const [n, tensors] of files.entries()) {
    const own = `model-${n + 1}-of-${files.length}.safetensors`;
    for (const name of Object.keys(tensors)) map[name] = own;
    await writeSafetensors(`${dir}/${own}`, tensors);
  }
  await Deno.writeTextFile(
    `${dir}/model.safetensors.index.json`,
    JSON.stringify({ metadata: {}, weight_map: map }),
  );
}

const patterns = new Map<string, Float32Array | Float16Array>();

/** Uniform values that keep activations near 1. */
function random(
  shape: readonly number[],
  name: string,
  half: boolean,
  counter: number,
): WrittenTensor {
  const isScale = shape.length === 1 &&
    /norm.*\.weight$|mlp\.0\.weight$|head\.0\.weight$/i.test(name);
  const spread = isScale ? 0.1 : shape.length === 2 ? Math.sqrt(1 / shape[1]) : 0.02;
  const key = `${spread} ${isScale} ${half}`;
  const pattern = patterns.get(key) ?? patternOf(spread, Number(isScale), half);
  patterns.set(key, pattern);
  const count = shape.reduce((a, b) => a * b, 1);
  async function* pieces() {
    let at = counter * 7919 % PATTERN;
    for (let left = count; left > 0;) {
      const piece = pattern.subarray(at, at + Math.min(left, PATTERN - at));
      yield piece;
      left -= piece.length;
      at = 0;
    }
    await Promise.resolve();
  }
  return { dtype: half ? "F16" : "F32", shape, data: pieces() };
}

function patternOf(spread: number, centre: number, half: boolean): Float32Array | Float16Array {
  const values = half ? new Float16Array(PATTERN) : new Float32Array(PATTERN);
  let state = 0x9e3779b9;
  for (let i = 0; i < PATTERN; i++) {
    // xorshift32 (Marsaglia 2003, doi:10.18637/jss.v008.i14)
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    values[i] = centre + spread * (state / 2 ** 31);
  }
  return values;
}

const hfConfig = (config: FoldConfig, esm: Esm2Config) => {
  const { structure: s } = config;
  return {
    ...configToHf(esm),
    architectures: ["EsmForProteinFolding"],
    is_folding_model: true,
    esmfold_config: {
      ...{ esm_type: config.languageModel, lddt_head_hid_dim: config.lddtWidth },
      trunk: {
        ...{ num_blocks: config.blocks, max_recycles: config.passes },
        ...{ sequence_state_dim: config.single, sequence_head_width: config.singleHeadWidth },
        ...{ pairwise_state_dim: config.pair, pairwise_head_width: config.pairHeadWidth },
        position_bins: config.positionBins,
        structure_module: {
          ...{ num_blocks: s.blocks, sequence_dim: s.single, pairwise_dim: s.pair },
          ...{ num_heads_ipa: s.heads, ipa_dim: s.headWidth, num_qk_points: s.queryPoints },
          ...{ num_v_points: s.valuePoints, resnet_dim: s.angleWidth },
          ...{ num_resnet_blocks: s.angleBlocks, num_transition_layers: s.transitions },
          trans_scale_factor: s.scale,
        },
      },
    },
  };
};
