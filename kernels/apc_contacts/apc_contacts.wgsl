// Last part of attention contacts: map[b, i, j] += sum over heads h of
// w[h] * (a[h, i, j] + a[h, j, i]) - factor[b, h] * s[h, i] * s[h, j], for residues i and j.
//
// pattern  f32[B, H, T, T]  in, row = query
// ranges   u32[B, 2]        in, residues are tokens begin..end-1
// weights  f32[H]           in
// sums     f32[B, H, T]     in, row plus column sums
// factors  f32[B, H]        in, w / total
// map      f32[B, T, T]     in and out
//
// Threads: a workgroup takes a square tile of the map on or below the diagonal, and with it the
// mirrored one: their values are equal, so that each entry of the attention is read once. Both tiles
// are read and written along their own rows and turned in workgroup memory, so that all coalesces.
// Memory: four heads at a time: eight loads of the attention are under way for each lane, 2.9 MB for
// 414 tokens. The turned tile has two buffers in turn, so that a step waits at one barrier.
// Order: heads one after the other.
// Source: Rao et al. 2021 (10.1101/2020.12.15.422761); fair-esm esm/modules.py ContactPredictionHead.

struct Params {
  batch: u32,
  heads: u32,
  tokens: u32,
}

override side: u32 = 16u;
// One more column than needed: turned reads then fall on different banks.
override cells: u32 = side * (side + 1u);
override two_tiles: u32 = 2u * cells;

const FOUR = vec4u(0u, 1u, 2u, 3u);

@group(0) @binding(0) var<storage, read> pattern: array<f32>;
@group(0) @binding(1) var<storage, read> ranges: array<vec2u>;
@group(0) @binding(2) var<storage, read> weights: array<f32>;
@group(0) @binding(3) var<storage, read> sums: array<f32>;
@group(0) @binding(4) var<storage, read> factors: array<f32>;
@group(0) @binding(5) var<storage, read_write> contacts: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

// A vector has four heads.
var<workgroup> mirrored: array<vec4f, two_tiles>;

fn load_four(at: vec4u) -> vec4f {
  return vec4f(pattern[at.x], pattern[at.y], pattern[at.z], pattern[at.w]);
}

fn sums_of(at: vec4u) -> vec4f {
  return vec4f(sums[at.x], sums[at.y], sums[at.z], sums[at.w]);
}

// Row of the tile with a number: row r begins with number r (r + 1) / 2. The root is exact enough to be
// off by one at most.
fn tile_row(number: u32) -> u32 {
  let row = u32((sqrt(1.0 + 8.0 * f32(number)) - 1.0) / 2.0);
  if row * (row + 1u) / 2u > number {
    return row - 1u;
  }
  return row + select(0u, 1u, (row + 1u) * (row + 2u) / 2u <= number);
}

@compute @workgroup_size(side, side)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_id) lane: vec3u,
) {
  let tokens = params.tokens;
  let across = (tokens + side - 1u) / side;
  let tiles = across * (across + 1u) / 2u;
  let work = group.x + groups.x * (group.y + groups.y * group.z);
  // The grid can be larger than the work; spare groups repeat the last item up to the stores.
  let item = min(work / tiles, params.batch - 1u);
  let below = tile_row(work % tiles);
  let top = below * side;
  let left = (work % tiles - below * (below + 1u) / 2u) * side;
  let row = top + lane.y;
  let column = left + lane.x;
  let mirror_row = left + lane.y;
  let mirror_column = top + lane.x;
  // Past the map it is the last token again, which is not stored: no load waits for a branch.
  let last = tokens - 1u;
  let own = min(row, last) * tokens + min(column, last);
  let other = min(mirror_row, last) * tokens + min(mirror_column, last);
  let cell = lane.y * (side + 1u) + lane.x;
  let turned = lane.x * (side + 1u) + lane.y;

  var value = 0.0;
  var buffer = 0u;
  for (var first = 0u; first < params.heads; first += 4u) {
    let head = min(first + FOUR, vec4u(params.heads - 1u));
    let index = item * params.heads + head;
    let base = index * tokens * tokens;
    let near = load_four(base + own);
    let far = load_four(base + other);
    let row_sums = sums_of(index * tokens + min(row, last));
    let column_sums = sums_of(index * tokens + min(column, last));
    let factor = vec4f(factors[index.x], factors[index.y], factors[index.z], factors[index.w]);
    let weight = vec4f(weights[head.x], weights[head.y], weights[head.z], weights[head.w]);
    mirrored[buffer + cell] = far;
    workgroupBarrier();
    let all = weight * (near + mirrored[buffer + turned]) - factor * row_sums * column_sums;
    let kept = select(vec4f(), all, first + FOUR < vec4u(params.heads));
    value = value + kept.x + kept.y + kept.z + kept.w;
    buffer = cells - buffer;
  }

  // The buffer that was not read last.
  mirrored[buffer + cell].x = value;
  workgroupBarrier();
  let range = ranges[item];
  let end = min(range.y, tokens);
  let map = item * tokens * tokens;
  let lowest = min(row, column);
  let highest = max(row, column);
  if work / tiles == item && lowest >= range.x && highest < end {
    contacts[map + row * tokens + column] += value;
  }
  let mirror_lowest = min(mirror_row, mirror_column);
  let mirror_highest = max(mirror_row, mirror_column);
  if work / tiles == item && top != left && mirror_lowest >= range.x && mirror_highest < end {
    contacts[map + mirror_row * tokens + mirror_column] += mirrored[buffer + turned].x;
  }
}
