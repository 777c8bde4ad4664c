// Decoding sparse latents: y = (sum over entries of value · w_dec[latent] + b_pre) · std + mean, plus
// an addend such as the reconstruction error where there is one.
//
// values      f32[N, K]  in, zero where a list is shorter
// latents     u32[N, K]  in, below F
// w_dec       f32[F, D]  in
// b_pre       f32[D]     in
// token_mean  f32[N]     in
// token_std   f32[N]     in
// addend      f32[N, D]  in, read if added is 1
// hidden      f32[N, D]  out
//
// Threads: one per value of a token; neighbours read neighbouring weights together, and the same entry.
// Memory: a thread loads eight weights before it adds any, as each comes from a row that only the list
// names. A decoder of 21 MB lies in a large cache: 5 TB/s and 0.3 µs of latency need 1.6 MB of loads
// under way, where 270,000 threads with one load each had 1.1 MB, and few tokens far less.
// Order: entries as listed, in single precision; then b_pre, the scaling, the addend.
// Source: InterProt, interprot/sae_model.py (decode).

struct Params {
  tokens: u32,
  entries: u32,
  d_model: u32,
  added: u32,
}

override lanes: u32 = 128u;

@group(0) @binding(0) var<storage, read> values: array<f32>;
@group(0) @binding(1) var<storage, read> latents: array<u32>;
@group(0) @binding(2) var<storage, read> w_dec: array<f32>;
@group(0) @binding(3) var<storage, read> b_pre: array<f32>;
@group(0) @binding(4) var<storage, read> token_mean: array<f32>;
@group(0) @binding(5) var<storage, read> token_std: array<f32>;
@group(0) @binding(6) var<storage, read> addend: array<f32>;
@group(0) @binding(7) var<storage, read_write> hidden: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

// Four products of a column, one for each of the entries from `entry` on.
fn products(entry: u32, column: u32) -> vec4f {
  let row = vec4u(latents[entry], latents[entry + 1u], latents[entry + 2u], latents[entry + 3u]);
  let value = vec4f(values[entry], values[entry + 1u], values[entry + 2u], values[entry + 3u]);
  let at = row * params.d_model + column;
  return value * vec4f(w_dec[at.x], w_dec[at.y], w_dec[at.z], w_dec[at.w]);
}

@compute @workgroup_size(lanes)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let tiles = (params.d_model + lanes - 1u) / lanes;
  let work = group.x + groups.x * (group.y + groups.y * group.z);
  let token = work / tiles;
  let d = (work % tiles) * lanes + lane;
  if token >= params.tokens || d >= params.d_model {
    return;
  }
  let end = (token + 1u) * params.entries;
  var entry = token * params.entries;
  var sum = 0.0;
  for (; entry + 8u <= end; entry += 8u) {
    let a = products(entry, d);
    let b = products(entry + 4u, d);
    sum = sum + a.x + a.y + a.z + a.w + b.x + b.y + b.z + b.w;
  }
  for (; entry < end; entry++) {
    sum += values[entry] * w_dec[latents[entry] * params.d_model + d];
  }
  let at = token * params.d_model + d;
  var value = (sum + b_pre[d]) * token_std[token] + token_mean[token];
  if params.added == 1u {
    value += addend[at];
  }
  hidden[at] = value;
}
