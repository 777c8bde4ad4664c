// Moves the momentum of matrices of one shape: m = kept · m + g, and what lies ahead of it, g + kept · m.
//
// gradients  f32[P]        in: matrices one behind another, P at least their elements
// flags      u32[M]        in: 1 where a matrix is moved
// clip       f32[2]        in: length of all gradients; what they are multiplied by
// momentum   f32[P]        in and out
// ahead      f32[M, R, C]  out; zero where a matrix is not moved
//
// Threads: one for each element. Order: elementwise.

struct Params {
  matrices: u32,
  rows: u32,
  columns: u32,
  kept: f32,
}

override lanes: u32 = 256u;

@group(0) @binding(0) var<storage, read> gradients: array<f32>;
@group(0) @binding(1) var<storage, read> flags: array<u32>;
@group(0) @binding(2) var<storage, read> clip: array<f32>;
@group(0) @binding(3) var<storage, read_write> momentum: array<f32>;
@group(0) @binding(4) var<storage, read_write> ahead: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(lanes)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.x + groups.x * (group.y + groups.y * group.z)) * lanes + lane;
  let each = params.rows * params.columns;
  if i >= params.matrices * each {
    return;
  }
  if flags[i / each] == 0u {
    ahead[i] = 0.0;
    return;
  }
  let slope = clip[1] * gradients[i];
  let moved = params.kept * momentum[i] + slope;
  momentum[i] = moved;
  ahead[i] = slope + params.kept * moved;
}
