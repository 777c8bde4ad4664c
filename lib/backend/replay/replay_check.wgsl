// Replay check: how many elements of a replayed output are not what onnxruntime computed.
//
// expected   f32[N]  in
// found      f32[N]  in
// different  u32[1]  in and out, added to
//
// Threads: one per element. Bits are compared first, so that infinities and NaN equal themselves.

struct Params {
  elements: u32,
}

override lanes: u32 = 256u;

@group(0) @binding(0) var<storage, read> expected: array<u32>;
@group(0) @binding(1) var<storage, read> found: array<u32>;
@group(0) @binding(2) var<storage, read_write> different: array<atomic<u32>>;
@group(1) @binding(0) var<uniform> params: Params;

// A device may add in another order from run to run, but is never this far off.
const RELATIVE = 1e-3;
const ABSOLUTE = 1e-4;

fn is_finite(bits: u32) -> bool {
  return (bits & 0x7f800000u) != 0x7f800000u;
}

@compute @workgroup_size(lanes)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.x + groups.x * (group.y + groups.y * group.z)) * lanes + lane;
  if i >= params.elements || expected[i] == found[i] {
    return;
  }
  let a = bitcast<f32>(expected[i]);
  let b = bitcast<f32>(found[i]);
  let near = abs(a - b) <= RELATIVE * max(abs(a), abs(b)) + ABSOLUTE;
  if !(is_finite(expected[i]) && is_finite(found[i]) && near) {
    atomicAdd(&different[0], 1u);
  }
}
