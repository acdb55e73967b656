// @ts-check
// Exact Shapley values of one row: each unknown input takes the value of a background row, averaged over all of them
// (the interventional game). The game is a mean over background rows, so it is solved for each of them and averaged; only
// inputs in which the two rows differ play. Trees: both rows are walked at once, and a branch is taken twice only where they
// part (Lundberg et al. 2020, Algorithm 3). Else all coalitions of the playing inputs are valued.

import { forestProbabilities } from "./forest.js";
import { firstSums, probabilitiesOfSums } from "./net.js";
import { treeInputs } from "./policy.js";

/** @typedef {import("./policy.js").Policy} Policy */
/** @typedef {import("./forest.js").Forest} Forest */
/**
 * @typedef {object} PairGame the game of two players, the state and the command
 * @property {Float64Array} state (n_actions)
 * @property {Float64Array} command
 * @property {Float64Array} base mean probabilities over the background
 * @property {Float64Array} probabilities of the row
 */
/** @typedef {PairGame & {values: Float64Array}} Explanation values: (n_features, n_actions) */
/** @typedef {{explain: (row: Float64Array) => Explanation, pair: (row: Float64Array) => PairGame}} Explainer */

/**
 * @param {Policy} policy
 * @param {Float64Array} background (n_rows, n_features), natural units
 * @param {number} nRows
 * @returns {Explainer}
 */
export function makeExplainer(policy, background, nRows) {
  const { nFeatures, nActions, factors } = policy;
  /** @param {Float64Array} row */
  const scaled = (row) => row.map((x, j) => x * factors[j]);
  const others = Array.from({ length: nRows }, (_, i) => background.slice(i * nFeatures, (i + 1) * nFeatures));
  const base = new Float64Array(nActions);
  for (const other of others) addShares(base, policy.probabilities(other), 1 / nRows);
  const treeOthers = policy.forest ? others.map((other) => treeInputs(factors, other)) : [];
  const scaledOthers = policy.net ? others.map(scaled) : [];

  /** @param {Float64Array} row */
  const pair = (row) => {
    const probabilities = policy.probabilities(row);
    const mixed = [new Float64Array(nActions), new Float64Array(nActions)]; // own state; own command
    for (const other of others) {
      const withState = other.slice();
      withState.set(row.subarray(0, nFeatures - 2));
      const withCommand = other.slice();
      withCommand.set(row.subarray(nFeatures - 2), nFeatures - 2);
      addShares(mixed[0], policy.probabilities(withState), 1 / nRows);
      addShares(mixed[1], policy.probabilities(withCommand), 1 / nRows);
    }
    const state = Float64Array.from(base, (b, a) => (mixed[0][a] - b + probabilities[a] - mixed[1][a]) / 2);
    const command = Float64Array.from(base, (b, a) => (mixed[1][a] - b + probabilities[a] - mixed[0][a]) / 2);
    return { state, command, base, probabilities };
  };

  /** @param {Float64Array} row */
  const explain = (row) => {
    const values = new Float64Array(nFeatures * nActions);
    const { forest, net } = policy;
    if (forest && forest.link === "mean") {
      const own = treeInputs(factors, row);
      const walk = pairWalker(forest, values);
      for (const other of treeOthers) walk(own, other);
      for (let k = 0; k < values.length; k++) values[k] /= forest.nTrees * nRows;
    } else if (forest) {
      const own = treeInputs(factors, row);
      for (const other of treeOthers) {
        const differing = whereDifferent(own, other);
        const mixedRow = other.slice();
        addShapley(values, nActions, differing, coalitionValues(nActions, differing, (mask) => {
          differing.forEach((j, bit) => { mixedRow[j] = (mask >> bit) & 1 ? own[j] : other[j]; });
          return forestProbabilities(forest, mixedRow);
        }), 1 / nRows);
      }
    } else if (net) {
      const own = scaled(row);
      const nSums = net.biases[0].length;
      for (const other of scaledOthers) {
        const differing = whereDifferent(own, other);
        const sums = composedSums(net, own, other, differing);
        addShapley(values, nActions, differing, coalitionValues(nActions, differing, (mask) => (
          probabilitiesOfSums(net, sums, mask * nSums)
        )), 1 / nRows);
      }
    }
    return { values, ...pair(row) };
  };
  return { explain, pair };
}

/**
 * @param {Float64Array} totals
 * @param {ArrayLike<number>} shares
 * @param {number} weight
 */
function addShares(totals, shares, weight) {
  for (let a = 0; a < totals.length; a++) totals[a] += weight * shares[a];
}

/**
 * @param {ArrayLike<number>} own
 * @param {ArrayLike<number>} other
 */
function whereDifferent(own, other) {
  return Array.from({ length: own.length }, (_, j) => j).filter((j) => own[j] !== other[j]);
}

/**
 * Value of every coalition of the differing inputs, (2 ** n, n_actions).
 * @param {number} nActions
 * @param {number[]} differing
 * @param {(mask: number) => Float64Array} valueOf
 */
function coalitionValues(nActions, differing, valueOf) {
  const worths = new Float64Array(2 ** differing.length * nActions);
  for (let mask = 0; mask < 2 ** differing.length; mask++) worths.set(valueOf(mask), mask * nActions);
  return worths;
}

/**
 * The first layer is linear: the sums of a coalition are those of one input fewer, and that input's own part.
 * @param {import("./net.js").Net} net
 * @param {Float64Array} own
 * @param {Float64Array} other
 * @param {number[]} differing
 * @returns {Float64Array} (2 ** n, n_sums)
 */
function composedSums(net, own, other, differing) {
  const n = net.biases[0].length;
  const sums = new Float64Array(2 ** differing.length * n);
  sums.set(firstSums(net, other));
  differing.forEach((j, bit) => {
    const step = own[j] - other[j];
    for (let mask = 0; mask < 1 << bit; mask++) {
      const [from, to] = [mask * n, (mask | (1 << bit)) * n];
      for (let i = 0; i < n; i++) sums[to + i] = sums[from + i] + step * net.weights[0][j * n + i];
    }
  });
  return sums;
}

/**
 * Add the Shapley values of one small game.
 * @param {Float64Array} values (n_features, n_actions)
 * @param {number} nActions
 * @param {number[]} players inputs
 * @param {Float64Array} worths of the coalitions
 * @param {number} share
 */
function addShapley(values, nActions, players, worths, share) {
  const n = players.length;
  const weights = Array.from({ length: n }, (_, size) => (share * factorial(size) * factorial(n - size - 1)) / factorial(n));
  for (let mask = 0; mask < 2 ** n; mask++) {
    const size = bitCount(mask);
    for (let bit = 0; bit < n; bit++) {
      if ((mask >> bit) & 1) continue;
      const joined = mask | (1 << bit);
      const at = players[bit] * nActions;
      for (let a = 0; a < nActions; a++) {
        values[at + a] += weights[size] * (worths[joined * nActions + a] - worths[mask * nActions + a]);
      }
    }
  }
}

/** @param {number} mask */
function bitCount(mask) {
  let count = 0;
  for (let rest = mask; rest; rest &= rest - 1) count++;
  return count;
}

/** @param {number} n */
function factorial(n) {
  let product = 1;
  for (let k = 2; k <= n; k++) product *= k;
  return product;
}

/**
 * Walks two rows down every tree at once and adds what each leaf owes to the inputs that part them.
 * @param {Forest} forest
 * @param {Float64Array} values (n_features, n_actions), sums over trees
 * @returns {(own: Float32Array, other: Float32Array) => void}
 */
function pairWalker(forest, values) {
  const { feature, threshold, right, value, roots, nActions, nFeatures } = forest;
  const side = new Int8Array(nFeatures); // 1: the branch of the own row was taken, -1: that of the other
  const size = nFeatures + 1;
  const weight = new Float64Array(size * size); // (a - 1)! b! / (a + b)!, for an input of the own row
  for (let a = 1; a < size; a++) {
    for (let b = 0; a + b < size; b++) weight[a * size + b] = (factorial(a - 1) * factorial(b)) / factorial(a + b);
  }
  /** @type {Float32Array} */
  let own;
  /** @type {Float32Array} */
  let other;

  /**
   * @param {number} start
   * @param {number} nOwn
   * @param {number} nOther
   */
  const walk = (start, nOwn, nOther) => {
    let node = start;
    while (feature[node] >= 0) {
      const j = feature[node];
      const ownNext = own[j] <= threshold[node] ? node + 1 : right[node];
      const otherNext = other[j] <= threshold[node] ? node + 1 : right[node];
      if (ownNext === otherNext || side[j] === 1) node = ownNext;
      else if (side[j] === -1) node = otherNext;
      else {
        side[j] = 1;
        walk(ownNext, nOwn + 1, nOther);
        side[j] = -1;
        walk(otherNext, nOwn, nOther + 1);
        side[j] = 0;
        return;
      }
    }
    if (nOwn + nOther === 0) return;
    const at = node * nActions;
    const gain = nOwn ? weight[nOwn * size + nOther] : 0;
    const loss = nOther ? -weight[nOther * size + nOwn] : 0;
    for (let j = 0; j < nFeatures; j++) {
      if (side[j] === 0) continue;
      const share = side[j] === 1 ? gain : loss;
      for (let a = 0; a < nActions; a++) values[j * nActions + a] += share * value[at + a];
    }
  };

  return (ownRow, otherRow) => {
    own = ownRow;
    other = otherRow;
    for (let t = 0; t < roots.length; t++) walk(roots[t], 0, 0);
  };
}
