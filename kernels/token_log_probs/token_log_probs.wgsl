// Token log probabilities: for chosen rows of logits, log p(a) - log p(reference) of the 20 amino
// acids, the entropy among them (nats) and log p(reference).
//
// logits   f32[N, 33]  in
// choices  u32[R, 2]   in, (row of the logits, reference token)
// result   f32[R, 22]  out, 20 differences, entropy, log p(reference) over all 33 tokens
//
// Threads: one thread per chosen row; 33 values are too few to share.
// Memory: a thread loads its whole row before it uses any of it, 132 bytes under way at once: one wait
// instead of 106, and each row comes once. 1022 rows are 32 workgroups of 32, one per processor.
// Order: tokens ascending, in single precision, after the largest logit is subtracted.
// Source: Meier et al. 2021 (doi:10.1101/2021.07.09.450648), masked and wild-type marginals.

struct Params {
  rows: u32,
}

override lanes: u32 = 32u;

const VOCABULARY = 33u;
const LETTERS = 20u;
const ROW_VALUES = 22u;

@group(0) @binding(0) var<storage, read> logits: array<f32>;
@group(0) @binding(1) var<storage, read> choices: array<vec2u>;
@group(0) @binding(2) var<storage, read_write> result: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

fn load_four(at: u32) -> vec4f {
  return vec4f(logits[at], logits[at + 1u], logits[at + 2u], logits[at + 3u]);
}

fn largest_of(a: vec4f) -> f32 {
  return max(max(a.x, a.y), max(a.z, a.w));
}

fn add_in_order(sum: f32, a: vec4f) -> f32 {
  return sum + a.x + a.y + a.z + a.w;
}

struct Letters {
  powers: f32,
  weighted: f32,
}

fn add_letters(sum: Letters, relative: vec4f) -> Letters {
  let powers = exp(relative);
  return Letters(
    add_in_order(sum.powers, powers),
    add_in_order(sum.weighted, powers * relative),
  );
}

fn store_four(at: u32, a: vec4f) {
  result[at] = a.x;
  result[at + 1u] = a.y;
  result[at + 2u] = a.z;
  result[at + 3u] = a.w;
}

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

  // Tokens 0..3, the letters 4..23 in five vectors, the tokens after them.
  let before = load_four(base);
  let a = load_four(base + 4u);
  let b = load_four(base + 8u);
  let c = load_four(base + 12u);
  let d = load_four(base + 16u);
  let e = load_four(base + 20u);
  let after = load_four(base + 24u);
  let late = load_four(base + 28u);
  let last = logits[base + 32u];

  // The entropy is taken from the letters' own largest: were all of them far below some other
  // token, their powers would underflow together.
  let largest_letter = largest_of(max(max(max(a, b), max(c, d)), e));
  let largest = max(largest_of(max(max(before, after), late)), max(largest_letter, last));

  var all = add_in_order(0.0, exp(before - largest));
  all = add_in_order(all, exp(a - largest));
  all = add_in_order(all, exp(b - largest));
  all = add_in_order(all, exp(c - largest));
  all = add_in_order(all, exp(d - largest));
  all = add_in_order(all, exp(e - largest));
  all = add_in_order(all, exp(after - largest));
  all = add_in_order(all, exp(late - largest)) + exp(last - largest);

  var letters = add_letters(Letters(0.0, 0.0), a - largest_letter);
  letters = add_letters(letters, b - largest_letter);
  letters = add_letters(letters, c - largest_letter);
  letters = add_letters(letters, d - largest_letter);
  letters = add_letters(letters, e - largest_letter);

  // Both logarithms have the same normaliser, so it is never computed here.
  store_four(out, a - reference);
  store_four(out + 4u, b - reference);
  store_four(out + 8u, c - reference);
  store_four(out + 12u, d - reference);
  store_four(out + 16u, e - reference);
  result[out + LETTERS] = log(letters.powers) - letters.weighted / letters.powers;
  result[out + LETTERS + 1u] = reference - largest - log(all);
}
