// Attribution of the reconstruction error of each token: gradient · (input - base).
//
// gradient     f32[N, D]  in, summed over the path
// base         f32[N, D]  in, error where the path begins
// input        f32[N, D]  in, and where it ends
// attribution  f32[N]     out
//
// Threads: a workgroup per token; its lanes read neighbouring values together.
// Memory: a lane loads four values of each before it adds any, as in ig_attribute.wgsl.
// Order: each lane every lanes-th value ascending; of eight lanes each the sums of every eighth lane;
// then those; lane_sum.wgsl follows.

struct Params {
  tokens: u32,
  d_model: u32,
}

override lanes: u32 = 64u;

@group(0) @binding(0) var<storage, read> gradient: array<f32>;
@group(0) @binding(1) var<storage, read> base: array<f32>;
@group(0) @binding(2) var<storage, read> input: array<f32>;
@group(0) @binding(3) var<storage, read_write> attribution: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

const GROUPS = 8u;

// Four products of a lane, from value i on.
fn products(i: u32) -> vec4f {
  let at = i + lanes * vec4u(0u, 1u, 2u, 3u);
  let difference = vec4f(input[at.x], input[at.y], input[at.z], input[at.w]) -
    vec4f(base[at.x], base[at.y], base[at.z], base[at.w]);
  return vec4f(gradient[at.x], gradient[at.y], gradient[at.z], gradient[at.w]) * difference;
}

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
    var d = lane;
    for (; d + 3u * lanes < params.d_model; d += 4u * lanes) {
      let a = products(begin + d);
      sum = sum + a.x + a.y + a.z + a.w;
    }
    for (; d < params.d_model; d += lanes) {
      sum += gradient[begin + d] * (input[begin + d] - base[begin + d]);
    }
    let total = lane_sum(lane, sum);
    if lane == 0u {
      attribution[token] = total;
    }
  }
}
