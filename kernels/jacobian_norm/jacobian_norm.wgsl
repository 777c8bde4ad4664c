// Norms of a categorical Jacobian: for a run of residue pairs n < m, half the Frobenius norm over
// letters of pair[n, m][a, b] - means[n][a, b] - means[m][b, a].
//
// pairs   f32[P, 20, 20]  in, numbered m (m - 1) / 2 + n; the first is number `first`
// means   f32[L, 20, 20]  in
// turned  f32[L, 20, 20]  in, the means with letters exchanged, [m, a, b]
// norms   f32[P]          out
//
// Threads: a workgroup per four pairs, its lanes over the 100 vectors of each.
// Memory: all inputs are read in order, in vectors; a lane loads those of four pairs before it uses
// any. A device of 4 TB/s and 0.7 µs of latency needs 3 MB of loads under way: 480 workgroups with
// 6.4 KB of pairs each. Single loads of 4 bytes had 1 MB under way with every thread of 132
// processors in use.
// Order: lane l adds vectors l, l + lanes, ..., each by its dot product; then lanes are added as a tree.
// Source: Zhang et al. 2024 (10.1073/pnas.2406285121).

struct Params {
  count: u32,
  first: u32,
}

// Vectors of a pair.
const VECTORS: u32 = 100u;
override lanes: u32 = 128u;

@group(0) @binding(0) var<storage, read> pairs: array<vec4f>;
@group(0) @binding(1) var<storage, read> means: array<vec4f>;
@group(0) @binding(2) var<storage, read> turned: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> norms: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

// A vector has four pairs.
var<workgroup> part: array<vec4f, lanes>;

struct Pair {
  // Where its vectors begin, and those of its residues.
  own: u32,
  n: u32,
  m: u32,
}

fn pair_at(pair: u32) -> Pair {
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
  return Pair(pair * VECTORS, n * VECTORS, m * VECTORS);
}

@compute @workgroup_size(lanes)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let begin = 4u * (group.x + groups.x * (group.y + groups.y * group.z));
  // The grid can be larger than the work; past the last pair it is that one again.
  let last = params.count - 1u;
  let a = pair_at(min(begin, last));
  let b = pair_at(min(begin + 1u, last));
  let c = pair_at(min(begin + 2u, last));
  let d = pair_at(min(begin + 3u, last));

  var sum = vec4f();
  for (var v = lane; v < VECTORS; v += lanes) {
    let pair_a = pairs[a.own + v];
    let pair_b = pairs[b.own + v];
    let pair_c = pairs[c.own + v];
    let pair_d = pairs[d.own + v];
    let value_a = pair_a - means[a.n + v] - turned[a.m + v];
    let value_b = pair_b - means[b.n + v] - turned[b.m + v];
    let value_c = pair_c - means[c.n + v] - turned[c.m + v];
    let value_d = pair_d - means[d.n + v] - turned[d.m + v];
    sum += vec4f(
      dot(value_a, value_a),
      dot(value_b, value_b),
      dot(value_c, value_c),
      dot(value_d, value_d),
    );
  }
  part[lane] = sum;
  workgroupBarrier();
  for (var reach = lanes / 2u; reach > 0u; reach /= 2u) {
    if lane < reach {
      part[lane] += part[lane + reach];
    }
    workgroupBarrier();
  }
  if lane < 4u && begin + lane < params.count {
    norms[begin + lane] = sqrt(part[0][lane]) / 2.0;
  }
}
