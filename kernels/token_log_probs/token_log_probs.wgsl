// Token log probabilities: for chosen rows of logits, log p(a) - log p(reference) of the 20 amino
// acids, the entropy among them (nats) and log p(reference).
//
// logits   f32[N, 33]  in
// choices  u32[R, 2]   in, (row of the logits, reference token)
// result   f32[R, 22]  out, 20 differences, entropy, log p(reference) over all 33 tokens
//
// Threads: one thread per chosen row; 33 values are too few to share.
// Order: tokens ascending, in single precision, after the largest logit is subtracted.
// Source: Meier et al. 2021 (doi:10.1101/2021.07.09.450648), masked and wild-type marginals.

struct Params {
  rows: u32,
}

override lanes: u32 = 64u;

const VOCABULARY = 33u;
const FIRST_LETTER = 4u;
const LETTERS = 20u;
const ROW_VALUES = 22u;

@group(0) @binding(0) var<storage, read> logits: array<f32>;
@group(0) @binding(1) var<storage, read> choices: array<vec2u>;
@group(0) @binding(2) var<storage, read_write> result: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(lanes)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let row = (group.x + groups.x * (group.y + groups.y * group.z)) * lanes + lane;
  if row >= params.rows {
    return;
  }
  let choice = choices[row];
  let base = choice.x * VOCABULARY;
  let out = row * ROW_VALUES;
  let reference = logits[base + choice.y];

  var largest = logits[base];
  for (var t = 1u; t < VOCABULARY; t++) {
    largest = max(largest, logits[base + t]);
  }
  // The entropy is taken from the letters' own largest: were all of them far below some other
  // token, their powers would underflow together.
  var largest_letter = logits[base + FIRST_LETTER];
  for (var t = 1u; t < LETTERS; t++) {
    largest_letter = max(largest_letter, logits[base + FIRST_LETTER + t]);
  }

  var all = 0.0;
  for (var t = 0u; t < VOCABULARY; t++) {
    all += exp(logits[base + t] - largest);
  }
  var letters = 0.0;
  var weighted = 0.0;
  for (var t = 0u; t < LETTERS; t++) {
    let logit = logits[base + FIRST_LETTER + t];
    let power = exp(logit - largest_letter);
    letters += power;
    weighted += power * (logit - largest_letter);
    // Both logarithms have the same normaliser, so it is never computed here.
    result[out + t] = logit - reference;
  }
  result[out + LETTERS] = log(letters) - weighted / letters;
  result[out + LETTERS + 1u] = reference - largest - log(all);
}
