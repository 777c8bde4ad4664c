// Site baseline: per head the mass on the sites and on random site sets.
//
// mass      f32[G, L]         in
// sites     u32[n]            in
// sets      u32[n, trials]    in, place by place
// moments   f32[G, 3]         out, observed, mean, population standard deviation
// at_least  u32[G]            out, trials with a sum >= observed
// sampled   f32[G, trials]    out if keep_sampled, else untouched
//
// Threads: one workgroup per head; lane i takes trials i, i + lanes, ..., four at a time.
// Memory: each mass is gathered by its column's number, one load after another. Eight gathers of a
// lane are under way at once (four trials, two places), the numbers of neighbouring trials are
// neighbours, and a head's masses lie in workgroup memory if 4 * lanes hold them: 1024 with 4 KB.
// Up to 4 * lanes trials, the second pass still has the sums of the first.
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

override lanes: u32 = 256u;
// What the four of each lane hold: 1024 columns (4 KB), and trials.
override held: u32 = 4u * lanes;
// Whether neither columns nor trials are more. A constant, as a device that masks branches instead of
// taking them would do both.
override fits: bool = true;

const FOUR = vec4u(0u, 1u, 2u, 3u);
const GROUPS = 16u;

@group(0) @binding(0) var<storage, read> mass: array<f32>;
@group(0) @binding(1) var<storage, read> sites: array<u32>;
@group(0) @binding(2) var<storage, read> sets: array<u32>;
@group(0) @binding(3) var<storage, read_write> moments: array<f32>;
@group(0) @binding(4) var<storage, read_write> at_least: array<u32>;
@group(0) @binding(5) var<storage, read_write> sampled: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

var<workgroup> row: array<f32, held>;
var<workgroup> sum_part: array<f32, lanes>;
var<workgroup> count_part: array<u32, lanes>;
var<workgroup> group_sum: array<f32, GROUPS>;
var<workgroup> group_count: array<u32, GROUPS>;
var<workgroup> centre_sum: f32;

fn masses_at(head: u32, column: vec4u) -> vec4f {
  if fits {
    return vec4f(row[column.x], row[column.y], row[column.z], row[column.w]);
  }
  let at = head * params.columns + column;
  return vec4f(mass[at.x], mass[at.y], mass[at.z], mass[at.w]);
}

fn places_of(k: u32, trial: vec4u) -> vec4u {
  let at = k * params.trials + trial;
  return vec4u(sets[at.x], sets[at.y], sets[at.z], sets[at.w]);
}

// Sums of four trials; those past the last repeat it.
fn set_sums(head: u32, first: u32) -> vec4f {
  let trial = min(first + lanes * FOUR, vec4u(params.trials - 1u));
  var sum = vec4f();
  var k = 0u;
  for (; k + 1u < params.set_size; k += 2u) {
    let a = places_of(k, trial);
    let b = places_of(k + 1u, trial);
    sum += masses_at(head, a);
    sum += masses_at(head, b);
  }
  if k < params.set_size {
    sum += masses_at(head, places_of(k, trial));
  }
  return sum;
}

fn site_sum(head: u32) -> f32 {
  var sum = 0.0;
  for (var k = 0u; k < params.set_size; k += 4u) {
    let at = min(k + FOUR, vec4u(params.set_size - 1u));
    let masses = masses_at(head, vec4u(sites[at.x], sites[at.y], sites[at.z], sites[at.w]));
    let kept = select(vec4f(), masses, k + FOUR < vec4u(params.set_size));
    sum = sum + kept.x + kept.y + kept.z + kept.w;
  }
  return sum;
}

struct Total {
  sum: f32,
  count: u32,
}

// Total over the lanes, the same in each; for any number of lanes. Two rounds of sums instead of a
// tree: two barriers instead of nine.
fn lane_total(lane: u32, sum: f32, count: u32) -> Total {
  sum_part[lane] = sum;
  count_part[lane] = count;
  workgroupBarrier();
  if lane < GROUPS {
    var own = Total();
    for (var other = lane; other < lanes; other += GROUPS) {
      own.sum += sum_part[other];
      own.count += count_part[other];
    }
    group_sum[lane] = own.sum;
    group_count[lane] = own.count;
  }
  workgroupBarrier();
  var total = Total();
  for (var other = 0u; other < GROUPS; other++) {
    total.sum += group_sum[other];
    total.count += group_count[other];
  }
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
  let keeps = params.keep_sampled != 0u && work == head;
  let trials = params.trials;
  let count = f32(trials);

  if fits {
    // Past the row's end the last mass again, where nothing reads.
    let column = lane + lanes * FOUR;
    let at = head * params.columns + min(column, vec4u(params.columns - 1u));
    let own = vec4f(mass[at.x], mass[at.y], mass[at.z], mass[at.w]);
    row[column.x] = own.x;
    row[column.y] = own.y;
    row[column.z] = own.z;
    row[column.w] = own.w;
    workgroupBarrier();
  }

  let observed = site_sum(head);
  var sums = set_sums(head, lane);
  if lane == 0u {
    centre_sum = sums.x;
  }
  workgroupBarrier();
  let centre = centre_sum;

  var sum = 0.0;
  var passes = vec4u();
  for (var first = lane; first < trials; first += 4u * lanes) {
    if !fits && first != lane {
      sums = set_sums(head, first);
    }
    let trial = first + lanes * FOUR;
    let exists = trial < vec4u(trials);
    let difference = select(vec4f(), sums - centre, exists);
    sum = sum + difference.x + difference.y + difference.z + difference.w;
    passes += select(vec4u(), vec4u(1u), exists & (sums >= vec4f(observed)));
    if keeps {
      let at = head * trials + trial;
      if exists.x { sampled[at.x] = sums.x; }
      if exists.y { sampled[at.y] = sums.y; }
      if exists.z { sampled[at.z] = sums.z; }
      if exists.w { sampled[at.w] = sums.w; }
    }
  }
  let above = passes.x + passes.y + passes.z + passes.w;
  let first_total = lane_total(lane, sum, above);
  let shift = first_total.sum / count;

  var squares = 0.0;
  for (var first = lane; first < trials; first += 4u * lanes) {
    if !fits {
      sums = set_sums(head, first);
    }
    let exists = first + lanes * FOUR < vec4u(trials);
    let difference = select(vec4f(), (sums - centre) - shift, exists);
    squares = squares + difference.x * difference.x + difference.y * difference.y +
      difference.z * difference.z + difference.w * difference.w;
  }
  let variance = lane_total(lane, squares, 0u).sum / count;

  if lane == 0u && work == head {
    moments[3u * head] = observed;
    moments[3u * head + 1u] = centre + shift;
    moments[3u * head + 2u] = sqrt(variance);
    at_least[head] = first_total.count;
  }
}
