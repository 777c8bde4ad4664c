// Between the halves of attention contacts: factor[b, h] = weight[h] / sum over t of s[b, h, t],
// zero where the sum is zero.
//
// sums     f32[B, H, T]  in
// weights  f32[H]        in
// factors  f32[B, H]     out
//
// Threads: one workgroup per head; lane i takes tokens i, i + lanes, ..., four at a time.
// Order: tokens of a lane ascending; of 16 lanes each the sums of every 16th lane; then those;
// lane_sum.wgsl follows.

struct Params {
  batch: u32,
  heads: u32,
  tokens: u32,
}

override lanes: u32 = 64u;

const GROUPS = 16u;
const FOUR = vec4u(0u, 1u, 2u, 3u);

@group(0) @binding(0) var<storage, read> sums: array<f32>;
@group(0) @binding(1) var<storage, read> weights: array<f32>;
@group(0) @binding(2) var<storage, read_write> factors: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(lanes)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let work = group.x + groups.x * (group.y + groups.y * group.z);
  // The grid can be larger than the work; spare groups repeat the last head up to the store.
  let head = min(work, params.batch * params.heads - 1u);
  let base = head * params.tokens;
  var sum = 0.0;
  for (var token = lane; token < params.tokens; token += 4u * lanes) {
    let own = token + lanes * FOUR;
    let at = base + min(own, vec4u(params.tokens - 1u));
    let loaded = vec4f(sums[at.x], sums[at.y], sums[at.z], sums[at.w]);
    let kept = select(vec4f(), loaded, own < vec4u(params.tokens));
    sum = sum + kept.x + kept.y + kept.z + kept.w;
  }
  let total = lane_sum(lane, sum);
  if work == head && lane == 0u {
    factors[head] = select(weights[head % params.heads] / total, 0.0, total == 0.0);
  }
}
