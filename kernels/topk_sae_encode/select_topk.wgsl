// Last of three steps of encoding with a sparse autoencoder: the k largest pre-activations of every
// token, exactly; of equal ones the lower index.
//
// pre_acts     f32[rows, F]  in, tokens first..first + rows - 1
// top_acts     f32[N, k]     out, max(pre_acts, 0), descending; unsorted and as they are if k > sorted
// top_indices  u32[N, k]     out
//
// Threads: a workgroup per token. Radix selection: eight bits at a time, the digits of the k-th largest
// value are read off a histogram of the candidates, first of the values as ordered integers and, where
// more than are wanted equal the k-th, of the indices. What is at least that large is then gathered,
// in any order, and each entry put at its rank. A row is never held in workgroup memory.
// Order: no sums are made; the result depends on the values alone.

struct Params {
  first: u32,
  rows: u32,
  latents: u32,
  k: u32,
}

override lanes: u32 = 256u;
/// Most entries that workgroup memory holds.
override sorted: u32 = 1024u;

const BINS = 256u;
const GROUP = 16u;

@group(0) @binding(0) var<storage, read> pre_acts: array<f32>;
@group(0) @binding(1) var<storage, read_write> top_acts: array<f32>;
@group(0) @binding(2) var<storage, read_write> top_indices: array<u32>;
@group(1) @binding(0) var<uniform> params: Params;

var<workgroup> bins: array<atomic<u32>, BINS>;
var<workgroup> group_sums: array<u32, 16>;
/// Leading digits of the threshold, known so far.
var<workgroup> threshold: u32;
/// Candidates: entries that begin with these digits; and how many of the largest of them are wanted.
var<workgroup> candidates: u32;
var<workgroup> wanted: u32;
var<workgroup> taken: atomic<u32>;
var<workgroup> keys: array<u32, sorted>;
var<workgroup> indices: array<u32, sorted>;

/// Integer that orders as the values do; both zeros are one.
fn ordered(value: f32) -> u32 {
  let bits = bitcast<u32>(value);
  if bits == 0x80000000u {
    return 0x80000000u;
  }
  return bits ^ select(0x80000000u, 0xffffffffu, bits >= 0x80000000u);
}

/// Finds eight bits more of the threshold: of values, or of inverted indices among those equal `key`.
fn narrow(begin: u32, lane: u32, shift: u32, by_index: bool, key: u32) {
  let known = threshold;
  let mask = select(0xffffffffu << ((shift + 8u) & 31u), 0u, shift == 24u);
  for (var bin = lane; bin < BINS; bin += lanes) {
    atomicStore(&bins[bin], 0u);
  }
  workgroupBarrier();
  for (var i = lane; i < params.latents; i += lanes) {
    let own = ordered(pre_acts[begin + i]);
    let order = select(own, ~i, by_index);
    if (order & mask) == known && (!by_index || own == key) {
      atomicAdd(&bins[(order >> shift) & 255u], 1u);
    }
  }
  workgroupBarrier();
  for (var part = lane; part < GROUP; part += lanes) {
    var sum = 0u;
    for (var bin = 0u; bin < GROUP; bin++) {
      sum += atomicLoad(&bins[part * GROUP + bin]);
    }
    group_sums[part] = sum;
  }
  workgroupBarrier();
  if lane == 0u {
    var above = 0u;
    var part = GROUP - 1u;
    while part > 0u && above + group_sums[part] < wanted {
      above += group_sums[part];
      part--;
    }
    var bin = part * GROUP + GROUP - 1u;
    while bin > part * GROUP && above + atomicLoad(&bins[bin]) < wanted {
      above += atomicLoad(&bins[bin]);
      bin--;
    }
    threshold = known | (bin << shift);
    wanted -= above;
    candidates = atomicLoad(&bins[bin]);
  }
  workgroupBarrier();
}

@compute @workgroup_size(lanes)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let row = group.x + groups.x * (group.y + groups.y * group.z);
  if row < params.rows {
    let begin = row * params.latents;
    let k = params.k;
    if lane == 0u {
      threshold = 0u;
      wanted = k;
      atomicStore(&taken, 0u);
    }
    workgroupBarrier();
    for (var digit = 0u; digit < 4u; digit++) {
      narrow(begin, lane, 24u - 8u * digit, false, 0u);
    }
    let key = workgroupUniformLoad(&threshold);
    var last = 0u;
    if workgroupUniformLoad(&candidates) > workgroupUniformLoad(&wanted) {
      if lane == 0u {
        threshold = 0u;
      }
      workgroupBarrier();
      for (var digit = 0u; digit < 4u; digit++) {
        narrow(begin, lane, 24u - 8u * digit, true, key);
      }
      last = workgroupUniformLoad(&threshold);
    }

    let out = (params.first + row) * k;
    for (var i = lane; i < params.latents; i += lanes) {
      let value = pre_acts[begin + i];
      let own = ordered(value);
      if own > key || (own == key && ~i >= last) {
        let slot = atomicAdd(&taken, 1u);
        if k <= sorted {
          keys[slot] = own;
          indices[slot] = i;
        } else {
          top_acts[out + slot] = value;
          top_indices[out + slot] = i;
        }
      }
    }
    workgroupBarrier();
    if k <= sorted {
      for (var entry = lane; entry < k; entry += lanes) {
        let own = keys[entry];
        let index = indices[entry];
        var rank = 0u;
        for (var other = 0u; other < k; other++) {
          let before = keys[other] > own || (keys[other] == own && indices[other] < index);
          rank += select(0u, 1u, before);
        }
        let value = pre_acts[begin + index];
        top_acts[out + rank] = select(0.0, value, value > 0.0);
        top_indices[out + rank] = index;
      }
    }
  }
}
