// First half of attention contacts: for every head, the row plus the column sum of each residue,
// s[b, h, t] = sum over residues j of a[t, j] + a[j, t], zero for tokens that are no residues.
//
// pattern  f32[B, H, T, T]  in, row = query
// ranges   u32[B, 2]        in, residues are tokens begin..end-1
// sums     f32[B, H, T]     out
//
// Threads: one per token of a head; neighbours read neighbouring columns together.
// Order: for each j in turn, a[j, t] then a[t, j].

struct Params {
  batch: u32,
  heads: u32,
  tokens: u32,
}

override lanes: u32 = 64u;

@group(0) @binding(0) var<storage, read> pattern: array<f32>;
@group(0) @binding(1) var<storage, read> ranges: array<vec2u>;
@group(0) @binding(2) var<storage, read_write> sums: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(lanes)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let tokens = params.tokens;
  let tiles = (tokens + lanes - 1u) / lanes;
  let work = group.x + groups.x * (group.y + groups.y * group.z);
  let head = work / tiles;
  let token = (work % tiles) * lanes + lane;
  if head >= params.batch * params.heads || token >= tokens {
    return;
  }
  let range = ranges[head / params.heads];
  let end = min(range.y, tokens);
  var sum = 0.0;
  if token >= range.x && token < end {
    let base = head * tokens * tokens;
    for (var other = range.x; other < end; other++) {
      sum += pattern[base + other * tokens + token];
      sum += pattern[base + token * tokens + other];
    }
  }
  sums[head * tokens + token] = sum;
}
