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
// Order: each lane every lanes-th value ascending, then lanes in a tree; it never changes.

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

var<workgroup> scratch: array<f32, lanes>;

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
    for (var d = lane; d < params.d_model; d += lanes) {
      sum += gradient[slope + d] * w_dec[weights + d];
    }
    scratch[lane] = sum;
    workgroupBarrier();
    for (var half = lanes / 2u; half > 0u; half /= 2u) {
      if lane < half {
        scratch[lane] += scratch[lane + half];
      }
      workgroupBarrier();
    }
    if lane == 0u {
      attribution[entry] = token_std[token] * scratch[0] * (input[entry] - base[entry]);
    }
  }
}
