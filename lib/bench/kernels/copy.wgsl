// Copy: target[i] = source[i]; what it moves in a second is the memory ceiling of the device.
//
// source  f32[N]  in, N a multiple of 4
// target  f32[N]  out
//
// Threads: neighbouring threads take neighbouring vectors of 16 bytes, so that loads coalesce; a
// thread takes every `stride`-th vector, four of them loaded before the first is stored, so that they are
// on their way together.
// Source: STREAM copy (McCalpin 1995), as a device kernel.

struct Params {
  vectors: u32,
}

override lanes: u32 = 256u;

@group(0) @binding(0) var<storage, read> source: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> target_values: array<vec4f>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(lanes)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let work = group.x + groups.x * (group.y + groups.y * group.z);
  let stride = groups.x * groups.y * groups.z * lanes;
  let first = work * lanes + lane;
  if first + 3u * stride < params.vectors {
    let a = source[first];
    let b = source[first + stride];
    let c = source[first + 2u * stride];
    let d = source[first + 3u * stride];
    target_values[first] = a;
    target_values[first + stride] = b;
    target_values[first + 2u * stride] = c;
    target_values[first + 3u * stride] = d;
    return;
  }
  for (var i = first; i < params.vectors; i += stride) {
    target_values[i] = source[i];
  }
}
