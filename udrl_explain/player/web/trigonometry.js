// @ts-check
// Sine and cosine rounded correctly (but for one argument in many millions of millions), where a browser's own may miss
// the last bit. The simulated environments are unstable: what differs in the last bit is another state seconds later.
// Numbers are kept as unevaluated sums high + low (Dekker 1971, "A floating-point technique for extending the available
// precision"); the series are Taylor's, after the nearest multiple of pi / 2 has been taken away.

const HALF_PI = [Math.PI / 2, 6.123233995736766e-17, -1.4973849048591698e-33]; // pi / 2 as a sum
const SPLITTER = 2 ** 27 + 1;
const N_TERMS = 12;

/** @typedef {[number, number]} Pair high and low part */

/** @param {number} x */
export function exactSine(x) {
  return quarterTurned(x, 0);
}

/** @param {number} x */
export function exactCosine(x) {
  return quarterTurned(x, 1);
}

/**
 * Sine of x plus a number of quarter turns.
 * @param {number} x below about 1e5
 * @param {number} quarters
 */
function quarterTurned(x, quarters) {
  const k = Math.round(x / HALF_PI[0]);
  /** @type {Pair} */
  let rest = [x, 0];
  for (const part of HALF_PI) rest = pairSum(rest, product(-k, part));
  const turn = (((k + quarters) % 4) + 4) % 4;
  const value = turn % 2 === 0 ? series(rest, rest, 1) : series([1, 0], rest, 0);
  return turn < 2 ? value : -value;
}

/**
 * First term, less first * rest^2 / ((n + 1) (n + 2)), and so on with changing signs.
 * @param {Pair} first
 * @param {Pair} rest
 * @param {number} n
 */
function series(first, rest, n) {
  const square = pairProduct(rest, rest);
  let term = first;
  let sum = first;
  for (let k = 0; k < N_TERMS; k++) {
    n += 2;
    term = quotient(pairProduct(term, square), -(n - 1) * n);
    sum = pairSum(sum, term);
  }
  return sum[0] + sum[1];
}

/**
 * @param {number} a
 * @param {number} b
 * @returns {Pair} a + b exactly
 */
function exactSum(a, b) {
  const sum = a + b;
  const shift = sum - a;
  return [sum, a - (sum - shift) + (b - shift)];
}

/**
 * @param {number} a
 * @param {number} b
 * @returns {Pair} a * b exactly
 */
function product(a, b) {
  const high = a * b;
  const [a1, a2] = halves(a);
  const [b1, b2] = halves(b);
  return [high, a1 * b1 - high + a1 * b2 + a2 * b1 + a2 * b2];
}

/**
 * @param {number} a
 * @returns {Pair}
 */
function halves(a) {
  const wide = SPLITTER * a;
  const high = wide - (wide - a);
  return [high, a - high];
}

/**
 * @param {Pair} a
 * @param {Pair} b
 * @returns {Pair}
 */
function pairSum(a, b) {
  const high = exactSum(a[0], b[0]);
  const low = exactSum(a[1], b[1]);
  const middle = exactSum(high[0], high[1] + low[0]);
  return exactSum(middle[0], middle[1] + low[1]);
}

/**
 * @param {Pair} a
 * @param {Pair} b
 * @returns {Pair}
 */
function pairProduct(a, b) {
  const [high, low] = product(a[0], b[0]);
  return exactSum(high, low + (a[0] * b[1] + a[1] * b[0]));
}

/**
 * @param {Pair} a
 * @param {number} divisor
 * @returns {Pair}
 */
function quotient(a, divisor) {
  const high = a[0] / divisor;
  const [back, lost] = product(high, divisor);
  return exactSum(high, (a[0] - back - lost + a[1]) / divisor);
}
