// Moves matrices of one shape against what their momentum was turned to: w = kept · w − size · turned.
//
// turned   f32[M, R, C]  in
// flags    u32[M]        in: 1 where a matrix is moved
// weights  f32[P]        in and out: matrices one behind another, P at least their elements
//
// Threads: one for each element. Order: elementwise.

struct Params {
  matrices: u32,
  rows: u32,
  columns: u32,
  kept: f32,
  size: f32,
}

override lanes: u32 = 256u;

@group(0) @binding(0) var<storage, read> turned: array<f32>;
@group(0) @binding(1) var<storage, read> flags: array<u32>;
@group(0) @binding(2) var<storage, read_write> weights: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(lanes)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.x + groups.x * (group.y + groups.y * group.z)) * lanes + lane;
  let each = params.rows * params.columns;
  if i >= params.matrices * each || flags[i / each] == 0u {
    return;
  }
  weights[i] = params.kept * weights[i] - params.size * turned[i];
}
