// Philox4x32-10, counter-based random numbers (Salmon et al. 2011, doi:10.1145/2063384.2063405).
// A chunk without bindings or entry point: kernels prepend it to their own text.
// Draws are a function of (key, trial, draw, stream), never of thread or workgroup numbers, and
// equal those of philox.ts bit for bit.

// Both halves of a 64-bit product: x = high, y = low.
fn multiply_wide(a: u32, b: u32) -> vec2u {
  let a_low = a & 0xffffu;
  let a_high = a >> 16u;
  let b_low = b & 0xffffu;
  let b_high = b >> 16u;
  let low = a_low * b_low;
  // Neither sum can exceed 32 bits: (2^16 - 1)^2 + 2 (2^16 - 1) = 2^32 - 1.
  let middle = a_high * b_low + (low >> 16u);
  let carry = a_low * b_high + (middle & 0xffffu);
  return vec2u(a_high * b_high + (middle >> 16u) + (carry >> 16u), a * b);
}

fn philox4x32(counter: vec4u, key: vec2u) -> vec4u {
  var c = counter;
  var k = key;
  for (var round = 0u; round < 10u; round++) {
    let p = multiply_wide(0xd2511f53u, c.x);
    let q = multiply_wide(0xcd9e8d57u, c.z);
    c = vec4u(q.x ^ c.y ^ k.x, q.y, p.x ^ c.w ^ k.y, p.y);
    k += vec2u(0x9e3779b9u, 0xbb67ae85u);
  }
  return c;
}

// Unbiased integer in 0..bound-1 (bound >= 1) by multiply-high with rejection
// (Lemire 2019, doi:10.1145/3230636); a rejected word leads to the next attempt's counter.
fn philox_below(bound: u32, trial: u32, draw: u32, stream: u32, key: vec2u) -> u32 {
  // 2^32 mod bound: that many low halves are left out, so that all results are equally likely.
  let unfair = (0u - bound) % bound;
  var attempt = 0u;
  var product = multiply_wide(philox4x32(vec4u(trial, draw, attempt, stream), key).x, bound);
  while product.y < unfair {
    attempt++;
    product = multiply_wide(philox4x32(vec4u(trial, draw, attempt, stream), key).x, bound);
  }
  return product.x;
}
