// Random site sets, one thread per trial; philox.wgsl is prepended.
//
// candidates  u32[M or S]        in, columns that are no sites / valid starts of the gap pattern
// offsets     u32[n]             in, distance of every site from the first
// taken       u32[W, trials]     scratch of the uniform draw, W = ceil(M / 32): one bit a candidate
// sets        u32[n, trials]     out, place by place, so that neighbouring threads write neighbours
//
// Draw k of a trial uses the counter (trial, k, attempt, stream), so that neither workgroup size
// nor grid can change it. Uniform: Floyd's algorithm (Bentley & Floyd 1987,
// doi:10.1145/30401.315746). The scratch keeps it linear in n: looking back over the set instead
// would exceed the number of loop steps that software adapters grant a thread.

struct Params {
  trials: u32,
  set_size: u32,
  candidate_count: u32,
  stream: u32,
  seed_low: u32,
  seed_high: u32,
}

override lanes: u32 = 64u;

@group(0) @binding(0) var<storage, read> candidates: array<u32>;
@group(0) @binding(1) var<storage, read> offsets: array<u32>;
@group(0) @binding(2) var<storage, read_write> taken: array<u32>;
@group(0) @binding(3) var<storage, read_write> sets: array<u32>;
@group(1) @binding(0) var<uniform> params: Params;

fn trial_of(group: vec3u, groups: vec3u, lane: u32) -> u32 {
  return (group.x + groups.x * (group.y + groups.y * group.z)) * lanes + lane;
}

@compute @workgroup_size(lanes)
fn uniform_sets(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let trial = trial_of(group, groups, lane);
  if trial >= params.trials {
    return;
  }
  let key = vec2u(params.seed_low, params.seed_high);
  let words = (params.candidate_count + 31u) / 32u;
  for (var word = 0u; word < words; word++) {
    taken[word * params.trials + trial] = 0u;
  }
  for (var k = 0u; k < params.set_size; k++) {
    let last = params.candidate_count - params.set_size + k;
    var index = philox_below(last + 1u, trial, k, params.stream, key);
    // `last` itself is new in this round, so it cannot be taken yet.
    if ((taken[index / 32u * params.trials + trial] >> (index % 32u)) & 1u) != 0u {
      index = last;
    }
    taken[index / 32u * params.trials + trial] |= 1u << (index % 32u);
    sets[k * params.trials + trial] = candidates[index];
  }
}

@compute @workgroup_size(lanes)
fn contiguous_sets(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let trial = trial_of(group, groups, lane);
  if trial >= params.trials {
    return;
  }
  let key = vec2u(params.seed_low, params.seed_high);
  let start = candidates[philox_below(params.candidate_count, trial, 0u, params.stream, key)];
  for (var k = 0u; k < params.set_size; k++) {
    sets[k * params.trials + trial] = start + offsets[k];
  }
}
