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
// Memory: a lane loads eight of its rows before it adds any. A device of 4 TB/s and 0.7 µs of latency
// needs 3 MB of loads under way: 20 heads of 414 tokens are 67,000 lanes, which had 0.3 MB under way
// with one load each and have 2.1 MB with eight (5.2 MB at 1024 tokens). The last rows take one more
// such step, as eight single loads would wait eight times. Loads are scalar: a row begins anywhere.
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

// Rows that a lane loads at once.
const STEP = 8u;

@group(0) @binding(0) var<storage, read> pattern: array<f32>;
@group(0) @binding(1) var<storage, read> row_ranges: array<vec2u>;
@group(0) @binding(2) var<storage, read_write> mass: array<f32>;
@group(0) @binding(3) var<storage, read_write> count: array<u32>;
@group(1) @binding(0) var<uniform> params: Params;

var<workgroup> mass_part: array<f32, lanes>;
var<workgroup> count_part: array<u32, lanes>;

struct Sum {
  mass: f32,
  // In four parts: whole numbers may be added in any order.
  count: vec4u,
}

// Four rows of a column from `first` on, `apart` entries between them.
fn load_rows(first: u32, apart: u32) -> vec4f {
  return vec4f(
    pattern[first],
    pattern[first + apart],
    pattern[first + 2u * apart],
    pattern[first + 3u * apart],
  );
}

// The same of four rows by number, of which `left` are there; for the others it is row 0 again.
fn load_last_rows(first: u32, apart: u32, row: vec4u, left: u32) -> vec4f {
  let at = first + select(vec4u(), row, row < vec4u(left)) * apart;
  return vec4f(pattern[at.x], pattern[at.y], pattern[at.z], pattern[at.w]);
}

fn add_rows(sum: Sum, attention: vec4f) -> Sum {
  let passes = attention > vec4f(params.theta);
  let kept = select(vec4f(), attention, passes);
  return Sum(
    sum.mass + kept.x + kept.y + kept.z + kept.w,
    sum.count + select(vec4u(), vec4u(1u), passes),
  );
}

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

  var sum = Sum(0.0, vec4u());
  if live {
    let rows = row_ranges[head / params.heads];
    let begin = rows.x + lane.y;
    let end = min(rows.y, tokens);
    let apart = row_lanes * tokens;
    var at = (head * tokens + begin) * tokens + column;
    var left = select(0u, (end - begin + row_lanes - 1u) / row_lanes, begin < end);
    for (; left >= STEP; left -= STEP) {
      let a = load_rows(at, apart);
      let b = load_rows(at + 4u * apart, apart);
      sum = add_rows(add_rows(sum, a), b);
      at += STEP * apart;
    }
    if left > 0u {
      let row = vec4u(0u, 1u, 2u, 3u);
      let a = load_last_rows(at, apart, row, left);
      let b = load_last_rows(at, apart, row + 4u, left);
      // Zero is never above theta.
      sum = add_rows(sum, select(vec4f(), a, row < vec4u(left)));
      sum = add_rows(sum, select(vec4f(), b, row + 4u < vec4u(left)));
    }
  }
  let above = sum.count.x + sum.count.y + sum.count.z + sum.count.w;
  let slot = lane.y * columns + lane.x;
  mass_part[slot] = sum.mass;
  count_part[slot] = above;
  workgroupBarrier();

  if live && lane.y == 0u {
    var total = sum.mass;
    var rows_above = above;
    for (var other = 1u; other < row_lanes; other++) {
      total += mass_part[other * columns + lane.x];
      rows_above += count_part[other * columns + lane.x];
    }
    mass[head * tokens + column] = total;
    count[head * tokens + column] = rows_above;
  }
}
