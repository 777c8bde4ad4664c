// Sums of squares of a gradient, one for each workgroup: a part of its length.
//
// gradients  f32[P]  in, P a multiple of 4
// partials   f32[G]  out: of this dispatch those from `first` on
//
// Threads: a workgroup takes every `groups`-th stretch of vectors, so that neighbours load neighbours.
// Order: a lane adds its vectors in order; then the lanes, by lane_sum.wgsl, which follows.

struct Params {
  vectors: u32,
  groups: u32,
  first: u32,
}

override lanes: u32 = 256u;

@group(0) @binding(0) var<storage, read> gradients: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> partials: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

const GROUPS = 16u;

@compute @workgroup_size(lanes)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let own = group.x + groups.x * (group.y + groups.y * group.z);
  if own < params.groups {
    var sum = 0.0;
    for (var i = own * lanes + lane; i < params.vectors; i += params.groups * lanes) {
      let values = gradients[i];
      sum += dot(values, values);
    }
    let total = lane_sum(lane, sum);
    if lane == 0u {
      partials[params.first + own] = total;
    }
  }
}
