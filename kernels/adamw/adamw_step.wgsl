// A step of AdamW for any number of tensors that stand in blocks of 256 elements, one behind another.
//
// gradients  f32[P]  in, P = 256 K
// flags      u32[K]  in: bit 0, the block is moved; bit 1, its weights decay
// clip       f32[2]  in: length of the gradient; what it is multiplied by
// weights    f32[P]  in and out
// first      f32[P]  in and out, running mean of the gradient
// second     f32[P]  in and out, running mean of its square
//
// Threads: a workgroup for each block, four elements a thread.
// Order: elementwise; decay before the step, epsilon after the correction of the second moment.

struct Params {
  blocks: u32,
  size: f32,
  correction: f32,
  first_share: f32,
  second_share: f32,
  epsilon: f32,
  kept: f32,
}

@group(0) @binding(0) var<storage, read> gradients: array<vec4f>;
@group(0) @binding(1) var<storage, read> flags: array<u32>;
@group(0) @binding(2) var<storage, read> clip: array<f32>;
@group(0) @binding(3) var<storage, read_write> weights: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> first: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> second: array<vec4f>;
@group(1) @binding(0) var<uniform> params: Params;

// Vectors of a block.
const LANES = 64u;

@compute @workgroup_size(LANES)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let block = group.x + groups.x * (group.y + groups.y * group.z);
  if block >= params.blocks {
    return;
  }
  let flag = flags[block];
  if (flag & 1u) == 0u {
    return;
  }
  let i = block * LANES + lane;
  let slope = clip[1] * gradients[i];
  let mean = first[i] + params.first_share * (slope - first[i]);
  let square = second[i] + params.second_share * (slope * slope - second[i]);
  let kept = select(1.0, params.kept, (flag & 2u) != 0u);
  first[i] = mean;
  second[i] = square;
  weights[i] = weights[i] * kept -
    params.size * mean / (sqrt(square) * params.correction + params.epsilon);
}
