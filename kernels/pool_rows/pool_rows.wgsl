// Pools rows of a matrix: `mean` gives the weighted mean of the rows of each range, `largest` the
// largest value of each column.
//
// state    f32[N, D]  in
// weights  f32[N]     in, of `mean`: at least one of a range is not zero
// ranges   u32[B, 2]  in, rows begin to end (exclusive) of each item, at least one
// pooled   f32[B, D]  out
//
// Threads: one for each item and column; neighbours take neighbouring columns, so that loads coalesce.
// Memory: a thread loads eight rows before it adds any, as one load at a time would wait for each.
// Order: eight rows are added in order from zero, these sums in order, so that the chain of a protein of
// 1022 residues is 136 additions; an item's value depends on its own rows alone.

struct Params {
  batch: u32,
  d_model: u32,
}

override lanes: u32 = 64u;

// Rows that a thread loads at once.
const STEP = 8u;

@group(0) @binding(0) var<storage, read> state: array<f32>;
@group(0) @binding(1) var<storage, read> weights: array<f32>;
@group(0) @binding(2) var<storage, read> ranges: array<vec2u>;
@group(0) @binding(3) var<storage, read_write> pooled: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

struct Place {
  // False for threads beyond the work.
  live: bool,
  column: u32,
  begin: u32,
  end: u32,
  out: u32,
}

fn place_of(group: vec3u, groups: vec3u, lane: u32) -> Place {
  let tiles = (params.d_model + lanes - 1u) / lanes;
  let work = group.x + groups.x * (group.y + groups.y * group.z);
  let item = work / tiles;
  let column = (work % tiles) * lanes + lane;
  if item >= params.batch || column >= params.d_model {
    return Place(false, 0u, 0u, 0u, 0u);
  }
  let rows = ranges[item];
  return Place(true, column, rows.x, rows.y, item * params.d_model + column);
}

@compute @workgroup_size(lanes)
fn mean(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_id) lane: vec3u,
) {
  let place = place_of(group, groups, lane.x);
  if !place.live {
    return;
  }
  var sum = 0.0;
  var weight = 0.0;
  for (var first = place.begin; first < place.end; first += STEP) {
    var values: array<f32, STEP>;
    var shares: array<f32, STEP>;
    for (var i = 0u; i < STEP; i++) {
      let row = min(first + i, place.end - 1u);
      values[i] = state[row * params.d_model + place.column];
      shares[i] = select(0.0, weights[row], first + i < place.end);
    }
    var step_sum = 0.0;
    var step_weight = 0.0;
    for (var i = 0u; i < STEP; i++) {
      step_sum += shares[i] * values[i];
      step_weight += shares[i];
    }
    sum += step_sum;
    weight += step_weight;
  }
  pooled[place.out] = sum / weight;
}

@compute @workgroup_size(lanes)
fn largest(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_id) lane: vec3u,
) {
  let place = place_of(group, groups, lane.x);
  if !place.live {
    return;
  }
  var most = state[place.begin * params.d_model + place.column];
  for (var first = place.begin; first < place.end; first += STEP) {
    var values: array<f32, STEP>;
    for (var i = 0u; i < STEP; i++) {
      // The last row again where none is left.
      values[i] = state[min(first + i, place.end - 1u) * params.d_model + place.column];
    }
    for (var i = 0u; i < STEP; i++) {
      most = max(most, values[i]);
    }
  }
  pooled[place.out] = most;
}
