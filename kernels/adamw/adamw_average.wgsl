// Brings a running mean nearer to values: mean += share · (values − mean).
//
// values  f32[P]  in, P a multiple of 4
// mean    f32[P]  in and out
//
// Threads: one for each four elements. Order: elementwise.

struct Params {
  vectors: u32,
  share: f32,
}

override lanes: u32 = 256u;

@group(0) @binding(0) var<storage, read> values: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> mean: array<vec4f>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(lanes)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.x + groups.x * (group.y + groups.y * group.z)) * lanes + lane;
  if i < params.vectors {
    mean[i] += params.share * (values[i] - mean[i]);
  }
}
