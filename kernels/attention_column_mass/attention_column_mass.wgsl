// Attention column mass: mass[b, h, j] = sum of a[b, h, i, j] over rows i with a > theta, and how
// many such rows there are; rows i run over row_ranges[b] = (begin, end).
//
// pattern     f32[B, H, T, T]   in, row = query
// row_ranges  u32[B, 2]         in
// mass        f32[B, H, T]      out
// count       u32[B, H, T]      out
//
// Threads: a workgroup takes `columns` neighbouring columns (x, so that loads coalesce) of one head
// and splits the rows over `row_lanes` lanes (y).
// Order: lane y adds rows begin + y, begin + y + row_lanes, ...; then lanes are added in order.
// Source: Vig et al. 2021 (arXiv:2006.15222), weighted instead of counted.

struct Params {
  batch: u32,
  heads: u32,
  tokens: u32,
  theta: f32,
}

override columns: u32 = 32u;
override row_lanes: u32 = 8u;
override lanes: u32 = columns * row_lanes;

@group(0) @binding(0) var<storage, read> pattern: array<f32>;
@group(0) @binding(1) var<storage, read> row_ranges: array<vec2u>;
@group(0) @binding(2) var<storage, read_write> mass: array<f32>;
@group(0) @binding(3) var<storage, read_write> count: array<u32>;
@group(1) @binding(0) var<uniform> params: Params;

var<workgroup> mass_part: array<f32, lanes>;
var<workgroup> count_part: array<u32, lanes>;

@compute @workgroup_size(columns, row_lanes)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_id) lane: vec3u,
) {
  let tokens = params.tokens;
  let tiles = (tokens + columns - 1u) / columns;
  let work = group.x + groups.x * (group.y + groups.y * group.z);
  let head = work / tiles;
  let column = (work % tiles) * columns + lane.x;
  // The grid can be larger than the work; idle threads still reach the barrier.
  let live = head < params.batch * params.heads && column < tokens;

  var sum = 0.0;
  var above = 0u;
  if live {
    let rows = row_ranges[head / params.heads];
    let end = min(rows.y, tokens);
    for (var row = rows.x + lane.y; row < end; row += row_lanes) {
      let attention = pattern[(head * tokens + row) * tokens + column];
      let passes = attention > params.theta;
      sum += select(0.0, attention, passes);
      above += select(0u, 1u, passes);
    }
  }
  let slot = lane.y * columns + lane.x;
  mass_part[slot] = sum;
  count_part[slot] = above;
  workgroupBarrier();

  if live && lane.y == 0u {
    for (var other = 1u; other < row_lanes; other++) {
      sum += mass_part[other * columns + lane.x];
      above += count_part[other * columns + lane.x];
    }
    mass[head * tokens + column] = sum;
    count[head * tokens + column] = above;
  }
}
