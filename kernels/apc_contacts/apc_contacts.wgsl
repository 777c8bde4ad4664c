// Second half of attention contacts: map[b, i, j] += sum over heads h of
// w[h] * (a[h, i, j] + a[h, j, i]) - factor[b, h] * s[h, i] * s[h, j], for residues i and j.
//
// pattern  f32[B, H, T, T]  in, row = query
// ranges   u32[B, 2]        in, residues are tokens begin..end-1
// weights  f32[H]           in
// sums     f32[B, H, T]     in, row plus column sums
// factors  f32[B, H]        in, w / total
// map      f32[B, T, T]     in and out
//
// Threads: a workgroup takes a square tile of the map. The mirrored tile is loaded along its own rows
// and turned in workgroup memory, so that both reads coalesce.
// Order: heads one after the other.
// Source: Rao et al. 2021 (10.1101/2020.12.15.422761); fair-esm esm/modules.py ContactPredictionHead.

struct Params {
  batch: u32,
  heads: u32,
  tokens: u32,
}

override side: u32 = 16u;
override cells: u32 = side * (side + 1u);

@group(0) @binding(0) var<storage, read> pattern: array<f32>;
@group(0) @binding(1) var<storage, read> ranges: array<vec2u>;
@group(0) @binding(2) var<storage, read> weights: array<f32>;
@group(0) @binding(3) var<storage, read> sums: array<f32>;
@group(0) @binding(4) var<storage, read> factors: array<f32>;
@group(0) @binding(5) var<storage, read_write> contacts: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

// One more column than needed: turned reads then fall on different banks.
var<workgroup> mirrored: array<f32, cells>;

@compute @workgroup_size(side, side)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_id) lane: vec3u,
) {
  let tokens = params.tokens;
  let across = (tokens + side - 1u) / side;
  let work = group.x + groups.x * (group.y + groups.y * group.z);
  let item = work / (across * across);
  let tile = work % (across * across);
  let top = (tile / across) * side;
  let left = (tile % across) * side;
  let row = top + lane.y;
  let column = left + lane.x;
  let mirror_row = left + lane.y;
  let mirror_column = top + lane.x;
  // The grid can be larger than the work; idle threads still reach the barriers.
  let inside = item < params.batch;
  var range = vec2u(0u, 0u);
  if inside {
    range = ranges[item];
  }
  let end = min(range.y, tokens);
  let live = row >= range.x && row < end && column >= range.x && column < end;
  let loads = inside && mirror_row < tokens && mirror_column < tokens;

  var value = 0.0;
  for (var head = 0u; head < params.heads; head++) {
    let index = item * params.heads + head;
    let base = index * tokens * tokens;
    if loads {
      mirrored[lane.y * (side + 1u) + lane.x] = pattern[base + mirror_row * tokens + mirror_column];
    }
    workgroupBarrier();
    if live {
      let both = pattern[base + row * tokens + column] + mirrored[lane.x * (side + 1u) + lane.y];
      let expected = factors[index] * sums[index * tokens + row] * sums[index * tokens + column];
      value += weights[head] * both - expected;
    }
    workgroupBarrier();
  }
  if live {
    contacts[(item * tokens + row) * tokens + column] += value;
  }
}
