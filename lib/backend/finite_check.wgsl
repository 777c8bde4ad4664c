// Finite check: how many elements of a tensor are NaN or infinite.
//
// values  f32[N]  in, read as bits
// wrong   u32[1]  in and out, added to
//
// Threads: one for every `stride`-th element.

struct Params {
  elements: u32,
}

override lanes: u32 = 256u;

@group(0) @binding(0) var<storage, read> values: array<u32>;
@group(0) @binding(1) var<storage, read_write> wrong: array<atomic<u32>>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(lanes)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let work = group.x + groups.x * (group.y + groups.y * group.z);
  let stride = groups.x * groups.y * groups.z * lanes;
  var found = 0u;
  for (var i = work * lanes + lane; i < params.elements; i += stride) {
    if (values[i] & 0x7f800000u) == 0x7f800000u {
      found += 1u;
    }
  }
  if found > 0u {
    atomicAdd(&wrong[0], found);
  }
}
