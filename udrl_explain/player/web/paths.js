// @ts-check
// The path of a row through one tree, and the test at which the paths of two rows part in the most trees.

import { lastLeft } from "./float_edges.js";
import { leafOf } from "./forest.js";
import { treeInputs } from "./policy.js";

/** @typedef {import("./policy.js").Policy} Policy */
/** @typedef {import("./forest.js").Forest} Forest */
/** @typedef {{feature: number, threshold: number, value: number, left: boolean, node: number}} PathTest threshold: last value that goes left, natural units */

/**
 * @param {Policy} policy a forest
 * @param {number} tree
 * @param {Float64Array} row
 * @returns {PathTest[]} from the root on
 */
export function decisionPath(policy, tree, row) {
  const forest = /** @type {Forest} */ (policy.forest);
  const own = treeInputs(policy.factors, row);
  const tests = [];
  let node = forest.roots[tree];
  while (forest.feature[node] >= 0) {
    const feature = forest.feature[node];
    const left = own[feature] <= forest.threshold[node];
    const threshold = lastLeft(forest.threshold[node], policy.factors[feature]);
    tests.push({ feature, threshold, value: row[feature], left, node });
    node = left ? node + 1 : forest.right[node];
  }
  return tests;
}

/**
 * What the leaf that a row reaches adds to the sum over the trees, (n_actions).
 * @param {Policy} policy a forest
 * @param {number} tree
 * @param {Float64Array} row
 */
export function leafValue(policy, tree, row) {
  const forest = /** @type {Forest} */ (policy.forest);
  const at = leafOf(forest, tree, treeInputs(policy.factors, row)) * forest.nActions;
  return forest.value.slice(at, at + forest.nActions);
}

/**
 * The test at which the most trees part two rows; of equals that of the first input, then of the lowest threshold.
 * Tests that no float32 number answers differently are one test here; in Python, float64 thresholds tell them apart.
 * @param {Policy} policy
 * @param {Float64Array} rowA
 * @param {Float64Array} rowB
 * @returns {{feature: number, threshold: number, nTrees: number, nTreesParting: number}|null} null for nets, or if no tree parts them
 */
export function decisiveTest(policy, rowA, rowB) {
  const { forest } = policy;
  if (!forest) return null;
  const [a, b] = [rowA, rowB].map((row) => treeInputs(policy.factors, row));
  /** @type {Map<string, {feature: number, threshold: number, nTrees: number}>} */
  const tests = new Map();
  let nTreesParting = 0;
  for (const root of forest.roots) {
    let node = root;
    while (forest.feature[node] >= 0) {
      const feature = forest.feature[node];
      const threshold = forest.threshold[node];
      const left = a[feature] <= threshold;
      if (left !== b[feature] <= threshold) {
        const name = `${feature} ${threshold}`;
        const known = tests.get(name) ?? { feature, threshold, nTrees: 0 };
        known.nTrees++;
        tests.set(name, known);
        nTreesParting++;
        break;
      }
      node = left ? node + 1 : forest.right[node];
    }
  }
  if (!nTreesParting) return null;
  const first = [...tests.values()].sort((x, y) => (
    y.nTrees - x.nTrees || x.feature - y.feature || x.threshold - y.threshold
  ))[0];
  return { ...first, threshold: lastLeft(first.threshold, policy.factors[first.feature]), nTreesParting };
}
