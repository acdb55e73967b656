// @ts-check
// Does the page answer as Python did? Averaged trees must agree bit for bit, all else within 1e-12.

/**
 * @param {import("./policy.js").Policy} policy
 * @param {ArrayLike<number>} rows of the payload's `check`, one behind the other
 * @param {ArrayLike<number>} wanted probabilities that Python gave them
 * @param {number} nRows
 * @returns {{n: number, worst: number, exact: boolean, good: boolean}} worst: the greatest difference
 */
export function checkPolicy(policy, rows, wanted, nRows) {
  const { nFeatures, nActions } = policy;
  let worst = 0;
  for (let i = 0; i < nRows; i++) {
    const row = Float64Array.from({ length: nFeatures }, (_, j) => rows[i * nFeatures + j]);
    const given = policy.probabilities(row);
    for (let a = 0; a < nActions; a++) {
      const difference = Math.abs(given[a] - wanted[i * nActions + a]);
      if (!(difference <= worst)) worst = Number.isNaN(difference) ? Infinity : difference;
    }
  }
  const exact = worst === 0 && nRows > 0;
  const mustBeExact = policy.forest !== null && policy.forest.link === "mean";
  return { n: nRows, worst, exact, good: nRows > 0 && (mustBeExact ? exact : worst <= 1e-12) };
}
