// Sum over a workgroup, to be put behind a kernel's own text, which has `lanes` and `GROUPS`: before it,
// naga fails on the array whose length is an override.
//
// Order: of GROUPS lanes each the values of every GROUPS-th lane; then those. Two barriers, where a
// tree of 64 lanes has seven.

var<workgroup> lane_parts: array<f32, lanes>;
var<workgroup> group_parts: array<f32, GROUPS>;

// The sum of the lanes' values, the same in each lane; once in a kernel, in uniform control flow.
fn lane_sum(lane: u32, value: f32) -> f32 {
  lane_parts[lane] = value;
  workgroupBarrier();
  if lane < GROUPS {
    var own = 0.0;
    for (var other = lane; other < lanes; other += GROUPS) {
      own += lane_parts[other];
    }
    group_parts[lane] = own;
  }
  workgroupBarrier();
  var total = 0.0;
  for (var other = 0u; other < GROUPS; other++) {
    total += group_parts[other];
  }
  return total;
}

