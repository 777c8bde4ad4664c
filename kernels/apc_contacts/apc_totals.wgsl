// Between the halves of attention contacts: factor[b, h] = weight[h] / sum over t of s[b, h, t],
// zero where the sum is zero.
//
// sums     f32[B, H, T]  in
// weights  f32[H]        in
// factors  f32[B, H]     out
//
// Threads: one workgroup per head; lanes take every `lanes`-th token, then are added in order.

struct Params {
  batch: u32,
  heads: u32,
  tokens: u32,
}

override lanes: u32 = 64u;

@group(0) @binding(0) var<storage, read> sums: array<f32>;
@group(0) @binding(1) var<storage, read> weights: array<f32>;
@group(0) @binding(2) var<storage, read_write> factors: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

var<workgroup> part: array<f32, lanes>;

@compute @workgroup_size(lanes)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let head = group.x + groups.x * (group.y + groups.y * group.z);
  let live = head < params.batch * params.heads;
  var sum = 0.0;
  if live {
    for (var token = lane; token < params.tokens; token += lanes) {
      sum += sums[head * params.tokens + token];
    }
  }
  part[lane] = sum;
  workgroupBarrier();
  if live && lane == 0u {
    for (var other = 1u; other < lanes; other++) {
      sum += part[other];
    }
    factors[head] = select(weights[head % params.heads] / sum, 0.0, sum == 0.0);
  }
}
