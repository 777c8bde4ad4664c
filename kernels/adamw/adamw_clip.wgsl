// The length of a gradient from sums of squares of its parts, and what it is clipped by.
//
// partials  f32[G]  in
// clip      f32[2]  out: length; min(1, limit / (length + epsilon))
//
// Threads: one workgroup.
// Order: a lane adds every `lanes`-th part; then the lanes, by lane_sum.wgsl, which follows.

struct Params {
  count: u32,
  limit: f32,
  epsilon: f32,
}

override lanes: u32 = 256u;

@group(0) @binding(0) var<storage, read> partials: array<f32>;
@group(0) @binding(1) var<storage, read_write> clip: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

const GROUPS = 16u;

@compute @workgroup_size(lanes)
fn main(@builtin(local_invocation_index) lane: u32) {
  var sum = 0.0;
  for (var i = lane; i < params.count; i += lanes) {
    sum += partials[i];
  }
  let length = sqrt(lane_sum(lane, sum));
  if lane == 0u {
    clip[0] = length;
    clip[1] = min(1.0, params.limit / (length + params.epsilon));
  }
}
