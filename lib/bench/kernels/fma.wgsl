// FMA: y = scale · x + offset again and again on values that stay in registers; what it computes in a
// second is the arithmetic ceiling of the device.
//
// start   f32[N]  in, N a multiple of 16
// result  f32[N]  out, start after `rounds` steps
//
// Threads: one per 16 elements, held as four vectors so that four independent chains hide the latency
// of each step. Eight steps a turn of the loop, as the WebGPU implementation counts every turn.
// Source: the peak-rate loop of the roofline model (Williams et al. 2009, doi:10.1145/1498765.1498785).

struct Params {
  threads: u32,
  rounds: u32,
  scale: f32,
  offset: f32,
}

override lanes: u32 = 256u;

@group(0) @binding(0) var<storage, read> start: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> result: array<vec4f>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(lanes)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let work = group.x + groups.x * (group.y + groups.y * group.z);
  let thread = work * lanes + lane;
  if thread >= params.threads {
    return;
  }
  // Vectors of a thread lie `threads` apart, so that neighbouring threads load neighbouring vectors.
  var a = start[thread];
  var b = start[thread + params.threads];
  var c = start[thread + 2u * params.threads];
  var d = start[thread + 3u * params.threads];
  let scale = vec4f(params.scale);
  let offset = vec4f(params.offset);
  for (var round = 0u; round < params.rounds / 8u; round++) {
    a = fma(a, scale, offset);
    b = fma(b, scale, offset);
    c = fma(c, scale, offset);
    d = fma(d, scale, offset);
    a = fma(a, scale, offset);
    b = fma(b, scale, offset);
    c = fma(c, scale, offset);
    d = fma(d, scale, offset);
    a = fma(a, scale, offset);
    b = fma(b, scale, offset);
    c = fma(c, scale, offset);
    d = fma(d, scale, offset);
    a = fma(a, scale, offset);
    b = fma(b, scale, offset);
    c = fma(c, scale, offset);
    d = fma(d, scale, offset);
    a = fma(a, scale, offset);
    b = fma(b, scale, offset);
    c = fma(c, scale, offset);
    d = fma(d, scale, offset);
    a = fma(a, scale, offset);
    b = fma(b, scale, offset);
    c = fma(c, scale, offset);
    d = fma(d, scale, offset);
    a = fma(a, scale, offset);
    b = fma(b, scale, offset);
    c = fma(c, scale, offset);
    d = fma(d, scale, offset);
    a = fma(a, scale, offset);
    b = fma(b, scale, offset);
    c = fma(c, scale, offset);
    d = fma(d, scale, offset);
  }
  for (var round = 0u; round < params.rounds % 8u; round++) {
    a = fma(a, scale, offset);
    b = fma(b, scale, offset);
    c = fma(c, scale, offset);
    d = fma(d, scale, offset);
  }
  result[thread] = a;
  result[thread + params.threads] = b;
  result[thread + 2u * params.threads] = c;
  result[thread + 3u * params.threads] = d;
}
