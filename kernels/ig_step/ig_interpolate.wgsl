// Residual streams on the straight line between two: hidden = (1 - alpha) · base + alpha · input.
//
// alphas  f32[S]        in
// base    f32[N, D]     in
// input   f32[N, D]     in
// hidden  f32[S, N, D]  out
//
// Threads: one per value of the two ends, which it reads once for all steps.
// Order: no sums but that of the two; at 0 and 1 the ends themselves.

struct Params {
  steps: u32,
  size: u32,
}

override lanes: u32 = 256u;

@group(0) @binding(0) var<storage, read> alphas: array<f32>;
@group(0) @binding(1) var<storage, read> base: array<f32>;
@group(0) @binding(2) var<storage, read> input: array<f32>;
@group(0) @binding(3) var<storage, read_write> hidden: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(lanes)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.x + groups.x * (group.y + groups.y * group.z)) * lanes + lane;
  if i >= params.size {
    return;
  }
  let begin = base[i];
  let end = input[i];
  for (var step = 0u; step < params.steps; step++) {
    let alpha = alphas[step];
    hidden[step * params.size + i] = (1.0 - alpha) * begin + alpha * end;
  }
}
