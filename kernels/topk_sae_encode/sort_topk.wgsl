// Sorts the entries that select_topk left unsorted, where they are too many for workgroup memory.
//
// top_acts     f32[N, k]  in and out, afterwards descending and max(·, 0)
// top_indices  u32[N, k]  in and out; equal values: lower index first
//
// Threads: a workgroup per token of first..first + rows - 1; its threads share the exchanges of each
// step of a bitonic sort in the form whose exchanges all point the same way, so that what lies beyond
// the end counts as last and is never touched.
// Source: Batcher 1968 (doi:10.1145/1468075.1468121).

struct Params {
  first: u32,
  rows: u32,
  latents: u32,
  k: u32,
}

override lanes: u32 = 256u;

@group(0) @binding(0) var<storage, read_write> top_acts: array<f32>;
@group(0) @binding(1) var<storage, read_write> top_indices: array<u32>;
@group(1) @binding(0) var<uniform> params: Params;

/// Puts two entries in order, if both exist.
fn exchange(begin: u32, low: u32, high: u32) {
  if high >= params.k {
    return;
  }
  let a = top_acts[begin + low];
  let b = top_acts[begin + high];
  let i = top_indices[begin + low];
  let j = top_indices[begin + high];
  if b > a || (b == a && j < i) {
    top_acts[begin + low] = b;
    top_acts[begin + high] = a;
    top_indices[begin + low] = j;
    top_indices[begin + high] = i;
  }
}

@compute @workgroup_size(lanes)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let row = group.x + groups.x * (group.y + groups.y * group.z);
  if row < params.rows {
    let begin = (params.first + row) * params.k;
    // Pairs of the next power of two.
    var pairs = 1u;
    while 2u * pairs < params.k {
      pairs *= 2u;
    }
    for (var half = 1u; half <= pairs; half *= 2u) {
      for (var pair = lane; pair < pairs; pair += lanes) {
        let start = 2u * half * (pair / half);
        exchange(begin, start + pair % half, start + 2u * half - 1u - pair % half);
      }
      storageBarrier();
      for (var step = half / 2u; step > 0u; step /= 2u) {
        for (var pair = lane; pair < pairs; pair += lanes) {
          let low = 2u * step * (pair / step) + pair % step;
          exchange(begin, low, low + step);
        }
        storageBarrier();
      }
    }
    for (var entry = lane; entry < params.k; entry += lanes) {
      let value = top_acts[begin + entry];
      top_acts[begin + entry] = select(0.0, value, value > 0.0);
    }
  }
}
