// @ts-check
// The last float64 number in natural units that a tree sends left: float32(v * factor) <= threshold, and the next goes right.

const ONE_FLOAT = new Float64Array(1);
const ITS_BITS = new BigInt64Array(ONE_FLOAT.buffer);

/**
 * The next float64 number above (direction 1) or below (-1).
 * @param {number} value finite
 * @param {1|-1} direction
 */
export function nextFloat(value, direction) {
  if (value === 0) return direction * Number.MIN_VALUE;
  ONE_FLOAT[0] = value;
  ITS_BITS[0] += value > 0 === direction > 0 ? 1n : -1n;
  return ONE_FLOAT[0];
}

/**
 * @param {number} threshold a float32 number
 * @param {number} factor positive
 */
export function lastLeft(threshold, factor) {
  if (!Number.isFinite(threshold)) return threshold;
  /** @param {number} v */
  const goesLeft = (v) => Math.fround(v * factor) <= threshold;
  // Bounds a float32 step around the quotient, then a bisection: rounding keeps the order.
  const reach = (Math.abs(threshold) * 2 ** -22 + 2 ** -148) / factor;
  let low = threshold / factor - reach;
  let high = threshold / factor + reach;
  while (!goesLeft(low)) low -= reach;
  while (goesLeft(high)) high += reach;
  for (let middle = low + (high - low) / 2; middle > low && middle < high; middle = low + (high - low) / 2) {
    if (goesLeft(middle)) low = middle;
    else high = middle;
  }
  return low;
}
