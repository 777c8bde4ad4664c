// First part of attention contacts: for every head, the row plus the column sum of each residue,
// s[b, h, t] = sum over residues j of a[t, j] + a[j, t], zero for tokens that are no residues.
//
// pattern  f32[B, H, T, T]  in, row = query
// ranges   u32[B, 2]        in, residues are tokens begin..end-1
// sums     f32[B, H, T]     out
//
// Threads: a workgroup takes 32 neighbouring tokens of one head: 32 columns of the attention, whose
// rows its eight y share, and 32 rows, four for each y. Both are read along rows (x), so that loads
// coalesce.
// Memory: a lane loads 16 entries before it adds any: 20 heads of 414 tokens have 4 MB under way.
// Order: column sums over rows begin + y, begin + y + 8, ...; row sums over columns begin + x,
// begin + x + 32, ...; of these, y has those of four x, which it adds to its column sum; then over y.

struct Params {
  batch: u32,
  heads: u32,
  tokens: u32,
}

const WIDTH = 32u;
const HEIGHT = 8u;
// Rows, and columns, of a step.
const STEP = 64u;
const FOUR = vec4u(0u, 1u, 2u, 3u);

@group(0) @binding(0) var<storage, read> pattern: array<f32>;
@group(0) @binding(1) var<storage, read> ranges: array<vec2u>;
@group(0) @binding(2) var<storage, read_write> sums: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

// By row and x. One entry more than needed: reads of one x over all rows then fall on different banks.
var<workgroup> row_part: array<array<f32, 33>, WIDTH>;
var<workgroup> part: array<array<f32, WIDTH>, HEIGHT>;

fn load_four(at: vec4u) -> vec4f {
  return vec4f(pattern[at.x], pattern[at.y], pattern[at.z], pattern[at.w]);
}

@compute @workgroup_size(WIDTH, HEIGHT)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_id) lane: vec3u,
) {
  let tokens = params.tokens;
  let tiles = (tokens + WIDTH - 1u) / WIDTH;
  let work = group.x + groups.x * (group.y + groups.y * group.z);
  // The grid can be larger than the work; spare groups repeat the last head up to the store.
  let head = min(work / tiles, params.batch * params.heads - 1u);
  let first = (work % tiles) * WIDTH;
  let token = first + lane.x;
  let range = ranges[head / params.heads];
  let end = min(range.y, tokens);
  // Past the end it is the last again, which does not count: no load waits for a branch.
  let last = tokens - 1u;
  let base = head * tokens * tokens;
  let column = base + min(token, last);
  let own_rows = base + min(first + 4u * lane.y + FOUR, vec4u(last)) * tokens;

  var column_sum = 0.0;
  var row_sums = vec4f();
  for (var step = range.x; step < end; step += STEP) {
    let near = step + lane.y + HEIGHT * FOUR;
    let far = near + 4u * HEIGHT;
    let left = step + lane.x;
    let right = left + WIDTH;
    let a = load_four(column + min(near, vec4u(last)) * tokens);
    let b = load_four(column + min(far, vec4u(last)) * tokens);
    let c = load_four(own_rows + min(left, last));
    let d = load_four(own_rows + min(right, last));
    let e = select(vec4f(), a, near < vec4u(end));
    let f = select(vec4f(), b, far < vec4u(end));
    column_sum = column_sum + e.x + e.y + e.z + e.w + f.x + f.y + f.z + f.w;
    row_sums += select(vec4f(), c, left < end);
    row_sums += select(vec4f(), d, right < end);
  }
  row_part[4u * lane.y][lane.x] = row_sums.x;
  row_part[4u * lane.y + 1u][lane.x] = row_sums.y;
  row_part[4u * lane.y + 2u][lane.x] = row_sums.z;
  row_part[4u * lane.y + 3u][lane.x] = row_sums.w;
  workgroupBarrier();

  let at = 4u * lane.y;
  part[lane.y][lane.x] = column_sum + row_part[lane.x][at] + row_part[lane.x][at + 1u] +
    row_part[lane.x][at + 2u] + row_part[lane.x][at + 3u];
  workgroupBarrier();

  if lane.y == 0u && work / tiles == head && token < tokens {
    var sum = 0.0;
    for (var y = 0u; y < HEIGHT; y++) {
      sum += part[y][lane.x];
    }
    sums[head * tokens + token] = select(0.0, sum, token >= range.x && token < end);
  }
}
