// Attribution of the reconstruction error of each token: gradient · (input - base).
//
// gradient     f32[N, D]  in, summed over the path
// base         f32[N, D]  in, error where the path begins
// input        f32[N, D]  in, and where it ends
// attribution  f32[N]     out
//
// Threads: a workgroup per token; its lanes read neighbouring values together.
// Order: each lane every lanes-th value ascending, then lanes in a tree; it never changes.

struct Params {
  tokens: u32,
  entries: u32,
  d_model: u32,
}

override lanes: u32 = 64u;

@group(0) @binding(0) var<storage, read> gradient: array<f32>;
@group(0) @binding(1) var<storage, read> base: array<f32>;
@group(0) @binding(2) var<storage, read> input: array<f32>;
@group(0) @binding(3) var<storage, read_write> attribution: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

var<workgroup> scratch: array<f32, lanes>;

@compute @workgroup_size(lanes)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let token = group.x + groups.x * (group.y + groups.y * group.z);
  if token < params.tokens {
    let begin = token * params.d_model;
    var sum = 0.0;
    for (var d = lane; d < params.d_model; d += lanes) {
      sum += gradient[begin + d] * (input[begin + d] - base[begin + d]);
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
      attribution[token] = scratch[0];
    }
  }
}
