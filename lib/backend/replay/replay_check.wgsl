// Replay check: how many elements of a replayed output are not what onnxruntime computed.
//
// expected   f32[N]  in
// found      f32[N]  in
// largest    u32[1]  in and out, bits of the largest finite magnitude expected: `find_largest` first
// different  u32[1]  in and out, added to
//
// Threads: one per element. Bits are compared first, so that infinities and NaN equal themselves.

struct Params {
  elements: u32,
}

override lanes: u32 = 256u;

@group(0) @binding(0) var<storage, read> expected: array<u32>;
@group(0) @binding(1) var<storage, read> found: array<u32>;
@group(0) @binding(2) var<storage, read_write> largest: array<atomic<u32>>;
@group(0) @binding(3) var<storage, read_write> different: array<atomic<u32>>;
@group(1) @binding(0) var<uniform> params: Params;

// Sums in another order differ by this much at most; a sum of large terms that cancel, by their size.
const RELATIVE = 1e-3;
const ABSOLUTE = 1e-4;
const OF_LARGEST = 1e-5;

fn is_finite(bits: u32) -> bool {
  return (bits & 0x7f800000u) != 0x7f800000u;
}

@compute @workgroup_size(lanes)
fn find_largest(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.x + groups.x * (group.y + groups.y * group.z)) * lanes + lane;
  // Bits of magnitudes are in the order of the magnitudes.
  if i < params.elements && is_finite(expected[i]) {
    atomicMax(&largest[0], expected[i] & 0x7fffffffu);
  }
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
  let scale = bitcast<f32>(atomicLoad(&largest[0]));
  let near = abs(a - b) <= RELATIVE * max(abs(a), abs(b)) + max(ABSOLUTE, OF_LARGEST * scale);
  if !(is_finite(expected[i]) && is_finite(found[i]) && near) {
    atomicAdd(&different[0], 1u);
  }
}
