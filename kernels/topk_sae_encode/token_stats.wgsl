// First of three steps of encoding with a sparse autoencoder: mean and unbiased standard deviation of
// every token (normalisation 1), 0 and its root mean square (2), or 0 and 1 (0: read as it is).
//
// hidden      f32[N, D]  in
// token_mean  f32[N]     out
// token_std   f32[N]     out; the deviation is divided by D - 1 and without epsilon
//
// Threads: a workgroup per token; its lanes read neighbouring values together.
// Order: each lane every lanes-th value ascending, then lanes in a tree; it never changes.
// Source: InterProt, interprot/sae_model.py (LN).

struct Params {
  tokens: u32,
  d_model: u32,
  normalisation: u32,
}

/// Shortest length of a token.
const SHORTEST = 1e-8;

override lanes: u32 = 64u;

@group(0) @binding(0) var<storage, read> hidden: array<f32>;
@group(0) @binding(1) var<storage, read_write> token_mean: array<f32>;
@group(0) @binding(2) var<storage, read_write> token_std: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

var<workgroup> scratch: array<f32, lanes>;

/// Sum over the lanes, the same for all.
fn total(lane: u32, own: f32) -> f32 {
  // All have read what the last sum left here.
  workgroupBarrier();
  scratch[lane] = own;
  workgroupBarrier();
  for (var half = lanes / 2u; half > 0u; half /= 2u) {
    if lane < half {
      scratch[lane] += scratch[lane + half];
    }
    workgroupBarrier();
  }
  return scratch[0];
}

@compute @workgroup_size(lanes)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let token = group.x + groups.x * (group.y + groups.y * group.z);
  if token < params.tokens {
    var centre = 0.0;
    var deviation = 1.0;
    if params.normalisation == 1u {
      let d_model = params.d_model;
      let begin = token * d_model;
      // Relative to a value of the token: a constant token then deviates by exactly nothing.
      let origin = hidden[begin];
      var sum = 0.0;
      for (var d = lane; d < d_model; d += lanes) {
        sum += hidden[begin + d] - origin;
      }
      centre = origin + total(lane, sum) / f32(d_model);
      var squares = 0.0;
      for (var d = lane; d < d_model; d += lanes) {
        let difference = hidden[begin + d] - centre;
        squares += difference * difference;
      }
      deviation = sqrt(total(lane, squares) / f32(d_model - 1u));
    } else if params.normalisation == 2u {
      let begin = token * params.d_model;
      var squares = 0.0;
      for (var d = lane; d < params.d_model; d += lanes) {
        squares += hidden[begin + d] * hidden[begin + d];
      }
      deviation = max(sqrt(total(lane, squares)), SHORTEST) / sqrt(f32(params.d_model));
    }
    if lane == 0u {
      token_mean[token] = centre;
      token_std[token] = deviation;
    }
  }
}
