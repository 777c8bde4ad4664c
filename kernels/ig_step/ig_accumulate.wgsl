// Adds the weighted gradients of a batch of steps: sum += sum over steps of weight · gradient.
//
// weights    f32[S]        in
// gradients  f32[S, N, D]  in
// sum        f32[N, D]     in and out
//
// Threads: one per value of the sum.
// Memory: a thread loads eight gradients before it adds any: 66 tokens of 1280 values are 84,000
// threads, which have 2.7 MB under way instead of 0.3.
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

// Four products of a value, one for each of the steps from `step` on.
fn products(step: u32, i: u32) -> vec4f {
  let weight = vec4f(weights[step], weights[step + 1u], weights[step + 2u], weights[step + 3u]);
  let at = (step + vec4u(0u, 1u, 2u, 3u)) * params.size + i;
  return weight * vec4f(gradients[at.x], gradients[at.y], gradients[at.z], gradients[at.w]);
}

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
  var step = 0u;
  for (; step + 8u <= params.steps; step += 8u) {
    let a = products(step, i);
    let b = products(step + 4u, i);
    total = total + a.x + a.y + a.z + a.w + b.x + b.y + b.z + b.w;
  }
  for (; step < params.steps; step++) {
    total += weights[step] * gradients[step * params.size + i];
  }
  sum[i] = total;
}
