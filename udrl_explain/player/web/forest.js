// @ts-check
// A tree ensemble as flat arrays. A row goes left where its float32 input is <= the threshold; trees are added in their
// order. Thresholds come rounded down to float32, which changes no comparison of float32 numbers.
import { decodeBlock } from "./blocks.js";

/**
 * Nodes stand depth first, one tree behind the other: a node, its left branch, its right branch.
 * @typedef {object} Forest
 * @property {number} nTrees
 * @property {number} nFeatures
 * @property {number} nActions
 * @property {"mean"|"softmax"|"logistic"} link
 * @property {Float64Array} base added once to the sum over the trees
 * @property {Int32Array} roots
 * @property {Int32Array} right right child of each node, -1 at leaves; the left child is the next node
 * @property {Int32Array} feature
 * @property {Float32Array} threshold
 * @property {Float64Array} value what each node adds, node by node; only leaves are read
 */

/**
 * @param {any} stored what the payload holds under `forest`
 * @returns {Promise<Forest>}
 */
export async function readForest(stored) {
  const isLeaf = await decodeBlock(stored.is_leaf);
  const innerFeature = await decodeBlock(stored.inner_feature);
  const innerThreshold = await decodeBlock(stored.inner_threshold);
  const nNodes = isLeaf.length;
  const nActions = stored.n_actions;
  const value = new Float64Array(nNodes * nActions);
  const roots = new Int32Array(stored.n_trees);
  const right = new Int32Array(nNodes).fill(-1);
  const feature = new Int32Array(nNodes).fill(-1);
  const threshold = new Float32Array(nNodes);
  const leaves = await decodeBlock(stored.leaf_counts ?? stored.leaf_values);
  const waiting = []; // inner nodes whose right branch has not begun
  let inner = 0;
  let leaf = 0;
  let tree = 0;
  let begins = true;
  for (let node = 0; node < nNodes; node++) {
    if (begins) roots[tree++] = node;
    begins = false;
    if (!isLeaf[node]) {
      feature[node] = innerFeature[inner];
      threshold[node] = innerThreshold[inner++];
      waiting.push(node);
      continue;
    }
    let total = 1;
    if (stored.leaf_counts) {
      total = 0;
      for (let a = 0; a < nActions; a++) total += leaves[leaf * nActions + a];
    }
    for (let a = 0; a < nActions; a++) value[node * nActions + a] = leaves[leaf * nActions + a] / total;
    leaf++;
    const parent = waiting.pop();
    if (parent === undefined) begins = true;
    else right[parent] = node + 1;
  }
  if (tree !== stored.n_trees || waiting.length > 0) throw new Error("the nodes of a forest are no whole trees");
  const base = new Float64Array(await decodeBlock(stored.base));
  const { n_trees: nTrees, n_features: nFeatures, link } = stored;
  return { nTrees, nFeatures, nActions, link, base, roots, right, feature, threshold, value };
}

/**
 * Leaf of one tree that a row reaches.
 * @param {Forest} forest
 * @param {number} tree
 * @param {Float32Array} row scaled
 * @returns {number}
 */
export function leafOf(forest, tree, row) {
  const { right, feature, threshold } = forest;
  let node = forest.roots[tree];
  while (right[node] >= 0) node = row[feature[node]] <= threshold[node] ? node + 1 : right[node];
  return node;
}

/**
 * @param {Forest} forest
 * @param {Float32Array} row scaled
 * @returns {Float64Array} one probability per action
 */
export function forestProbabilities(forest, row) {
  const { nActions, nTrees, value } = forest;
  const totals = Float64Array.from(forest.base);
  for (let tree = 0; tree < nTrees; tree++) {
    const at = leafOf(forest, tree, row) * nActions;
    for (let a = 0; a < nActions; a++) totals[a] += value[at + a];
  }
  return linked(forest, totals);
}

/**
 * Turn sums over the trees into probabilities, in place.
 * @param {Forest} forest
 * @param {Float64Array} totals
 */
export function linked(forest, totals) {
  if (forest.link === "mean") {
    for (let a = 0; a < totals.length; a++) totals[a] /= forest.nTrees;
    return totals;
  }
  if (forest.link === "logistic") {
    const seen = [...forest.base.keys()].filter((a) => Number.isFinite(forest.base[a]));
    const second = 1 / (1 + Math.exp(totals[seen[0]] - totals[seen[1]]));
    totals.fill(0);
    totals[seen[1]] = second;
    totals[seen[0]] = 1 - second;
    return totals;
  }
  return softmaxInPlace(totals);
}

/** @param {Float64Array} scores */
export function softmaxInPlace(scores) {
  const most = scores.reduce((a, b) => Math.max(a, b), -Infinity);
  let sum = 0;
  for (let a = 0; a < scores.length; a++) sum += scores[a] = Math.exp(scores[a] - most);
  for (let a = 0; a < scores.length; a++) scores[a] /= sum;
  return scores;
}
