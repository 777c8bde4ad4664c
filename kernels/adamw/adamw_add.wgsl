// Adds values onto a part of a sum.
//
// values  f32[S]  in: of these those from 4 · `begin` on
// sum     f32[P]  in and out: of these those from 4 · `first` on
//
// Threads: one for each four elements. Order: elementwise.

struct Params {
  vectors: u32,
  begin: u32,
  first: u32,
}

override lanes: u32 = 256u;

@group(0) @binding(0) var<storage, read> values: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> sum: array<vec4f>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(lanes)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.x + groups.x * (group.y + groups.y * group.z)) * lanes + lane;
  if i < params.vectors {
    sum[params.first + i] += values[params.begin + i];
  }
}
