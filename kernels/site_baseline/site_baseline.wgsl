// Site baseline: per head the mass on the sites and on random site sets.
//
// mass      f32[G, L]         in
// sites     u32[n]            in
// sets      u32[trials, n]    in
// moments   f32[G, 3]         out, observed, mean, population standard deviation
// at_least  u32[G]            out, trials with a sum >= observed
// sampled   f32[G, trials]    out if keep_sampled, else untouched
//
// Threads: one workgroup per head; lane i takes trials i, i + lanes, ...
// Order: a set is summed in its own order, as on the CPU, so that >= agrees. Mean and deviation are
// taken in two passes about trial 0's sum: differences of near equal sums are exact, and the second
// pass is about the mean, so nothing cancels.

struct Params {
  heads: u32,
  columns: u32,
  set_size: u32,
  trials: u32,
  keep_sampled: u32,
}

override lanes: u32 = 64u;

@group(0) @binding(0) var<storage, read> mass: array<f32>;
@group(0) @binding(1) var<storage, read> sites: array<u32>;
@group(0) @binding(2) var<storage, read> sets: array<u32>;
@group(0) @binding(3) var<storage, read_write> moments: array<f32>;
@group(0) @binding(4) var<storage, read_write> at_least: array<u32>;
@group(0) @binding(5) var<storage, read_write> sampled: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

var<workgroup> scratch: array<f32, lanes>;
var<workgroup> above: atomic<u32>;

fn set_sum(row: u32, trial: u32) -> f32 {
  var sum = 0.0;
  let first = trial * params.set_size;
  for (var k = first; k < first + params.set_size; k++) {
    sum += mass[row + sets[k]];
  }
  return sum;
}

fn site_sum(row: u32) -> f32 {
  var sum = 0.0;
  for (var k = 0u; k < params.set_size; k++) {
    sum += mass[row + sites[k]];
  }
  return sum;
}

// Sum over the lanes, the same in each; for any number of lanes.
fn lane_total(lane: u32, value: f32) -> f32 {
  scratch[lane] = value;
  workgroupBarrier();
  for (var width = lanes; width > 1u; width = (width + 1u) / 2u) {
    let upper = (width + 1u) / 2u;
    if lane < width / 2u {
      scratch[lane] += scratch[lane + upper];
    }
    workgroupBarrier();
  }
  let total = scratch[0];
  // The next call writes scratch.
  workgroupBarrier();
  return total;
}

@compute @workgroup_size(lanes)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let work = group.x + groups.x * (group.y + groups.y * group.z);
  // The grid can be larger than the work; spare groups repeat the last head up to the stores.
  let head = min(work, params.heads - 1u);
  let row = head * params.columns;
  let count = f32(params.trials);

  let observed = site_sum(row);
  let centre = set_sum(row, 0u);
  var sum = 0.0;
  var passes = 0u;
  for (var trial = lane; trial < params.trials; trial += lanes) {
    let value = set_sum(row, trial);
    sum += value - centre;
    passes += select(0u, 1u, value >= observed);
    if params.keep_sampled != 0u && work == head {
      sampled[head * params.trials + trial] = value;
    }
  }
  atomicAdd(&above, passes);
  let shift = lane_total(lane, sum) / count;

  var squares = 0.0;
  for (var trial = lane; trial < params.trials; trial += lanes) {
    let difference = (set_sum(row, trial) - centre) - shift;
    squares += difference * difference;
  }
  let variance = lane_total(lane, squares) / count;

  if lane == 0u && work == head {
    moments[3u * head] = observed;
    moments[3u * head + 1u] = centre + shift;
    moments[3u * head + 2u] = sqrt(variance);
    at_least[head] = atomicLoad(&above);
  }
}
