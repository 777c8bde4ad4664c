// Adds the weighted gradients of a batch of steps: sum += sum over steps of weight · gradient.
//
// weights    f32[S]        in
// gradients  f32[S, N, D]  in
// sum        f32[N, D]     in and out
//
// Threads: one per value of the sum.
// Order: steps ascending, onto what is there, in single precision.

struct Params {
  steps: u32,
  size: u32,
}

override lanes: u32 = 256u;

@group(0) @binding(0) var<storage, read> weights: array<f32>;
@group(0) @binding(1) var<storage, read> gradients: array<f32>;
@group(0) @binding(2) var<storage, read_write> sum: array<f32>;
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
  var total = sum[i];
  for (var step = 0u; step < params.steps; step++) {
    total += weights[step] * gradients[step * params.size + i];
  }
  sum[i] = total;
}
