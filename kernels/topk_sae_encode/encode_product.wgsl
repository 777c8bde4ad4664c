// Second of three steps of encoding with a sparse autoencoder: pre-activations
// p = ((x - mean) / (std + 1e-5) - b_pre) · w_enc + b_enc of a run of tokens.
//
// hidden      f32[N, D]     in
// token_mean  f32[N]        in
// token_std   f32[N]        in
// w_enc       f32[D, F]     in
// b_enc       f32[F]        in
// b_pre       f32[D]        in
// pre_acts    f32[rows, F]  out, tokens first..first + rows - 1
//
// Threads: a workgroup makes a tile of 64 tokens and 64 latents, each of its 128 threads 8 tokens and
// 4 latents. The normalised tokens and the weights of 16 values of D at a time lie in workgroup memory
// as vectors, the tokens turned, so that a thread reads three vectors for 32 products. Threads next to
// each other read the weights of neighbouring latents and neighbouring values of a token.
// Order: D ascending, in single precision; b_enc last.

struct Params {
  first: u32,
  rows: u32,
  d_model: u32,
  latents: u32,
  normalisation: u32,
}

const EPSILON = 1e-5;
/// Side of the tile, and values of D at a time.
const SIDE = 64u;
const DEPTH = 16u;
/// Vectors along a side.
const QUADS = 16u;
/// Vectors from one value of D to the next among tokens: one more than needed, so that the writes of
/// neighbouring threads fall into different banks.
const TOKEN_STRIDE = 17u;
/// Rows of threads.
const THREAD_ROWS = 8u;

@group(0) @binding(0) var<storage, read> hidden: array<f32>;
@group(0) @binding(1) var<storage, read> token_mean: array<f32>;
@group(0) @binding(2) var<storage, read> token_std: array<f32>;
@group(0) @binding(3) var<storage, read> w_enc: array<f32>;
@group(0) @binding(4) var<storage, read> b_enc: array<f32>;
@group(0) @binding(5) var<storage, read> b_pre: array<f32>;
@group(0) @binding(6) var<storage, read_write> pre_acts: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

var<workgroup> token_tile: array<vec4f, 272>;
var<workgroup> weight_tile: array<vec4f, 256>;

/// Means of four rows, zero beyond the last.
fn means(row: u32) -> vec4f {
  var found = vec4f();
  for (var i = 0u; i < 4u; i++) {
    if row + i < params.rows && params.normalisation == 1u {
      found[i] = token_mean[params.first + row + i];
    }
  }
  return found;
}

/// What the centred values of four rows are multiplied by.
fn factors(row: u32) -> vec4f {
  var found = vec4f(1.0);
  for (var i = 0u; i < 4u; i++) {
    if row + i < params.rows && params.normalisation > 0u {
      let epsilon = select(0.0, EPSILON, params.normalisation == 1u);
      found[i] = 1.0 / (token_std[params.first + row + i] + epsilon);
    }
  }
  return found;
}

/// Value d of four rows as the product takes them.
fn tokens_at(row: u32, d: u32, centre: vec4f, factor: vec4f) -> vec4f {
  if d >= params.d_model {
    return vec4f();
  }
  var values = centre;
  let at = (params.first + row) * params.d_model + d;
  if row < params.rows {
    values.x = hidden[at];
  }
  if row + 1u < params.rows {
    values.y = hidden[at + params.d_model];
  }
  if row + 2u < params.rows {
    values.z = hidden[at + 2u * params.d_model];
  }
  if row + 3u < params.rows {
    values.w = hidden[at + 3u * params.d_model];
  }
  return (values - centre) * factor - vec4f(b_pre[d]);
}

/// Weights of four latents at value d.
fn weights_at(d: u32, latent: u32) -> vec4f {
  var weights = vec4f();
  if d >= params.d_model {
    return weights;
  }
  let at = d * params.latents + latent;
  if latent + 3u < params.latents {
    return vec4f(w_enc[at], w_enc[at + 1u], w_enc[at + 2u], w_enc[at + 3u]);
  }
  if latent < params.latents {
    weights.x = w_enc[at];
  }
  if latent + 1u < params.latents {
    weights.y = w_enc[at + 1u];
  }
  if latent + 2u < params.latents {
    weights.z = w_enc[at + 2u];
  }
  return weights;
}

fn store(row: u32, latent: u32, sums: vec4f) {
  if row >= params.rows {
    return;
  }
  let at = row * params.latents + latent;
  for (var i = 0u; i < 4u; i++) {
    if latent + i < params.latents {
      pre_acts[at + i] = sums[i] + b_enc[latent + i];
    }
  }
}

@compute @workgroup_size(128)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let row_tiles = (params.rows + SIDE - 1u) / SIDE;
  let latent_tiles = (params.latents + SIDE - 1u) / SIDE;
  let tile = group.x + groups.x * (group.y + groups.y * group.z);
  if tile < row_tiles * latent_tiles {
    // Tiles that follow each other share their weights, which are the larger part.
    let first_row = (tile % row_tiles) * SIDE;
    let first_latent = (tile / row_tiles) * SIDE;
    let column = lane % QUADS;
    let line = lane / QUADS;

    // Rows that this thread fetches, which are not those that it multiplies.
    let row_a = first_row + 4u * line;
    let row_b = row_a + 4u * THREAD_ROWS;
    let mean_a = means(row_a);
    let mean_b = means(row_b);
    let factor_a = factors(row_a);
    let factor_b = factors(row_b);

    var sum_0 = vec4f();
    var sum_1 = vec4f();
    var sum_2 = vec4f();
    var sum_3 = vec4f();
    var sum_4 = vec4f();
    var sum_5 = vec4f();
    var sum_6 = vec4f();
    var sum_7 = vec4f();
    for (var begin = 0u; begin < params.d_model; begin += DEPTH) {
      let token_at = column * TOKEN_STRIDE + line;
      token_tile[token_at] = tokens_at(row_a, begin + column, mean_a, factor_a);
      token_tile[token_at + THREAD_ROWS] = tokens_at(row_b, begin + column, mean_b, factor_b);
      let latent = first_latent + 4u * column;
      weight_tile[lane] = weights_at(begin + line, latent);
      weight_tile[lane + 128u] = weights_at(begin + line + THREAD_ROWS, latent);
      workgroupBarrier();
      for (var d = 0u; d < DEPTH; d++) {
        let weights = weight_tile[d * QUADS + column];
        let low = token_tile[d * TOKEN_STRIDE + 2u * line];
        let high = token_tile[d * TOKEN_STRIDE + 2u * line + 1u];
        sum_0 += low.x * weights;
        sum_1 += low.y * weights;
        sum_2 += low.z * weights;
        sum_3 += low.w * weights;
        sum_4 += high.x * weights;
        sum_5 += high.y * weights;
        sum_6 += high.z * weights;
        sum_7 += high.w * weights;
      }
      workgroupBarrier();
    }
    let row = first_row + 8u * line;
    let latent = first_latent + 4u * column;
    store(row, latent, sum_0);
    store(row + 1u, latent, sum_1);
    store(row + 2u, latent, sum_2);
    store(row + 3u, latent, sum_3);
    store(row + 4u, latent, sum_4);
    store(row + 5u, latent, sum_5);
    store(row + 6u, latent, sum_6);
    store(row + 7u, latent, sum_7);
  }
}
