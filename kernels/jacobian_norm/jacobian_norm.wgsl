// Norms of a categorical Jacobian: for a run of residue pairs n < m, half the Frobenius norm over
// letters of pair[n, m][a, b] - means[n][a, b] - means[m][b, a].
//
// pairs  f32[P, 20, 20]  in, numbered m (m - 1) / 2 + n; the first is number `first`
// means  f32[L, 20, 20]  in
// norms  f32[P]          out
//
// Threads: a workgroup per pair, its lanes over the 400 entries, so that loads coalesce.
// Order: lane l adds entries l, l + lanes, ...; then lanes are added as a tree.
// Source: Zhang et al. 2024 (10.1073/pnas.2406285121).

struct Params {
  count: u32,
  first: u32,
}

const LETTERS: u32 = 20u;
const BLOCK: u32 = 400u;
override lanes: u32 = 64u;

@group(0) @binding(0) var<storage, read> pairs: array<f32>;
@group(0) @binding(1) var<storage, read> means: array<f32>;
@group(0) @binding(2) var<storage, read_write> norms: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

var<workgroup> part: array<f32, lanes>;

@compute @workgroup_size(lanes)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let pair = group.x + groups.x * (group.y + groups.y * group.z);
  // The grid can be larger than the work; idle groups still reach the barriers.
  let live = pair < params.count;
  var sum = 0.0;
  if live {
    let number = params.first + pair;
    // The root is exact enough to be off by one at most.
    var m = u32((1.0 + sqrt(1.0 + 8.0 * f32(number))) / 2.0);
    if m * (m - 1u) / 2u > number {
      m -= 1u;
    }
    if m * (m + 1u) / 2u <= number {
      m += 1u;
    }
    let n = number - m * (m - 1u) / 2u;
    for (var entry = lane; entry < BLOCK; entry += lanes) {
      let turned = (entry % LETTERS) * LETTERS + entry / LETTERS;
      let value = pairs[pair * BLOCK + entry] - means[n * BLOCK + entry] - means[m * BLOCK + turned];
      sum += value * value;
    }
  }
  part[lane] = sum;
  workgroupBarrier();
  for (var reach = lanes / 2u; reach > 0u; reach /= 2u) {
    if lane < reach {
      part[lane] += part[lane + reach];
    }
    workgroupBarrier();
  }
  if live && lane == 0u {
    norms[pair] = sqrt(part[0]) / 2.0;
  }
}
