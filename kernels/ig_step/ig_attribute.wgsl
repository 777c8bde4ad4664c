// Attribution of latents: std · (w_dec[latent] · gradient) · (input - base).
//
// gradient     f32[N, D]  in, summed over the path
// latents      u32[N, K]  in, below F
// base         f32[N, K]  in, activations where the path begins
// input        f32[N, K]  in, and where it ends
// w_dec        f32[F, D]  in
// token_std    f32[N]     in
// attribution  f32[N, K]  out
//
// Threads: a workgroup per entry; its lanes read neighbouring weights together.
// Memory: a lane loads four values of each before it adds any: five waits for 1280 weights of 64 lanes
// instead of twenty.
// Order: each lane every lanes-th value ascending; of eight lanes each the sums of every eighth lane;
// then those; lane_sum.wgsl follows.

struct Params {
  tokens: u32,
  entries: u32,
  d_model: u32,
}

override lanes: u32 = 64u;

@group(0) @binding(0) var<storage, read> gradient: array<f32>;
@group(0) @binding(1) var<storage, read> latents: array<u32>;
@group(0) @binding(2) var<storage, read> base: array<f32>;
@group(0) @binding(3) var<storage, read> input: array<f32>;
@group(0) @binding(4) var<storage, read> w_dec: array<f32>;
@group(0) @binding(5) var<storage, read> token_std: array<f32>;
@group(0) @binding(6) var<storage, read_write> attribution: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

const GROUPS = 8u;

// Four products of a lane, from value d on.
fn products(slope: u32, weights: u32, d: u32) -> vec4f {
  let own = d + lanes * vec4u(0u, 1u, 2u, 3u);
  let at = slope + own;
  let to = weights + own;
  return vec4f(gradient[at.x], gradient[at.y], gradient[at.z], gradient[at.w]) *
    vec4f(w_dec[to.x], w_dec[to.y], w_dec[to.z], w_dec[to.w]);
}

@compute @workgroup_size(lanes)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let entry = group.x + groups.x * (group.y + groups.y * group.z);
  if entry < params.tokens * params.entries {
    let token = entry / params.entries;
    let weights = latents[entry] * params.d_model;
    let slope = token * params.d_model;
    var sum = 0.0;
    var d = lane;
    for (; d + 3u * lanes < params.d_model; d += 4u * lanes) {
      let a = products(slope, weights, d);
      sum = sum + a.x + a.y + a.z + a.w;
    }
    for (; d < params.d_model; d += lanes) {
      sum += gradient[slope + d] * w_dec[weights + d];
    }
    let total = lane_sum(lane, sum);
    if lane == 0u {
      attribution[entry] = token_std[token] * total * (input[entry] - base[entry]);
    }
  }
}
