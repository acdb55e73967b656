// @ts-check
// A policy of the payload: rows in natural units, observation first, then desired return and horizon.
import { forestProbabilities, readForest } from "./forest.js";
import { firstSums, probabilitiesOfSums, readNet } from "./net.js";

/**
 * @typedef {object} Policy
 * @property {"forest"|"net"} kind
 * @property {number} nActions
 * @property {number} nFeatures
 * @property {number} nTrees 0 for nets
 * @property {Float64Array} factors by which each input is multiplied before the estimator sees it
 * @property {import("./forest.js").Forest|null} forest
 * @property {import("./net.js").Net|null} net
 * @property {(row: Float64Array) => Float64Array} probabilities one per action
 */

/**
 * @param {any} run of the payload
 * @returns {Promise<Policy>}
 */
export async function readPolicy(run) {
  if (run.kind === "forest") {
    const forest = await readForest(run.forest);
    const factors = scaleFactors(forest.nFeatures, run);
    return {
      kind: "forest", nActions: forest.nActions, nFeatures: forest.nFeatures, nTrees: forest.nTrees, factors, forest,
      net: null, probabilities: (row) => forestProbabilities(forest, treeInputs(factors, row)),
    };
  }
  const net = await readNet(run.net);
  const factors = scaleFactors(net.nFeatures, run);
  return {
    kind: "net", nActions: net.nActions, nFeatures: net.nFeatures, nTrees: 0, factors, forest: null, net,
    probabilities: (row) => probabilitiesOfSums(net, firstSums(net, row.map((x, j) => x * factors[j]))),
  };
}

/**
 * A row as trees compare it: scaled in float64, then rounded to float32.
 * @param {Float64Array} factors
 * @param {ArrayLike<number>} row
 */
export function treeInputs(factors, row) {
  const inputs = new Float32Array(factors.length);
  for (let j = 0; j < inputs.length; j++) inputs[j] = Math.fround(row[j] * factors[j]);
  return inputs;
}

/**
 * The most probable action; ties go to the lowest.
 * @param {ArrayLike<number>} probabilities
 */
export function greedyAction(probabilities) {
  let best = 0;
  for (let a = 1; a < probabilities.length; a++) if (probabilities[a] > probabilities[best]) best = a;
  return best;
}

/**
 * @param {number} nFeatures
 * @param {any} run
 */
function scaleFactors(nFeatures, run) {
  const factors = new Float64Array(nFeatures).fill(1);
  factors[nFeatures - 2] = run.return_scale;
  factors[nFeatures - 1] = run.horizon_scale;
  return factors;
}
