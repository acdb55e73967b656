// @ts-check
// The command map of one frame: which action wins under which command, the state held fixed. A forest is constant on
// rectangles, so its map is exact: every leaf that the state reaches adds its values to one rectangle. A net is asked on a grid.

import { lastLeft } from "./float_edges.js";
import { greedyAction, treeInputs } from "./policy.js";

/** @typedef {import("./policy.js").Policy} Policy */
/** @typedef {import("./forest.js").Forest} Forest */
/**
 * @typedef {object} CommandPlane
 * @property {Float64Array} returnEdges (n_r + 1); a cell holds its upper edge, the first one its lower edge too
 * @property {Float64Array} horizonEdges (n_h + 1)
 * @property {Uint8Array} actions (n_r, n_h)
 * @property {boolean} exact false: asked in the middle of each cell of a grid
 */

/** Scores nearer than this may have changed places by rounding in the sums: the policy itself is asked. */
const TOO_NEAR = 1e-9;

/**
 * @param {Policy} policy
 * @param {Float64Array} row of the frame; its command plays no part
 * @param {number[]} returns lowest and highest
 * @param {number[]} horizons lowest and highest
 * @param {number} grid cells along each axis where the policy is no forest
 * @returns {CommandPlane}
 */
export function commandMap(policy, row, returns, horizons, grid = 48) {
  return policy.forest ? exactMap(policy, policy.forest, row, returns, horizons) : gridMap(policy, row, returns, horizons, grid);
}

/**
 * @param {Policy} policy
 * @param {Float64Array} row
 * @param {number[]} returns
 * @param {number[]} horizons
 * @param {number} grid
 * @returns {CommandPlane}
 */
function gridMap(policy, row, returns, horizons, grid) {
  const [returnEdges, horizonEdges] = [returns, horizons].map(([low, high]) => (
    Float64Array.from({ length: grid + 1 }, (_, i) => (i === grid ? high : low + ((high - low) * i) / grid))
  ));
  const asked = row.slice();
  const actions = new Uint8Array(grid * grid);
  for (let i = 0; i < grid; i++) {
    for (let j = 0; j < grid; j++) {
      asked[row.length - 2] = (returnEdges[i] + returnEdges[i + 1]) / 2;
      asked[row.length - 1] = (horizonEdges[j] + horizonEdges[j + 1]) / 2;
      actions[i * grid + j] = greedyAction(policy.probabilities(asked));
    }
  }
  return { returnEdges, horizonEdges, actions, exact: false };
}

/** @type {WeakMap<Forest, Float64Array>} natural-unit edge of every inner node that tests a command */
const NODE_EDGES = new WeakMap();

/**
 * @param {Policy} policy
 * @param {Forest} forest
 */
function nodeEdges(policy, forest) {
  const known = NODE_EDGES.get(forest);
  if (known) return known;
  const edges = new Float64Array(forest.feature.length);
  const nObservations = forest.nFeatures - 2;
  for (let node = 0; node < edges.length; node++) {
    const j = forest.feature[node];
    if (j >= nObservations) edges[node] = lastLeft(forest.threshold[node], policy.factors[j]);
  }
  NODE_EDGES.set(forest, edges);
  return edges;
}

/**
 * Rectangles of the leaves that a state reaches: lower and upper edge of return and horizon, and the leaf.
 * @param {Forest} forest
 * @param {Float64Array} edges
 * @param {Float32Array} ownRow scaled
 * @param {number[]} returns
 * @param {number[]} horizons
 */
function reachedRectangles(forest, edges, ownRow, returns, horizons) {
  const { feature, threshold, right, roots } = forest;
  const nObservations = forest.nFeatures - 2;
  /** @type {number[]} */
  const corners = [];
  /** @type {number[]} */
  const leaves = [];
  /** @param {number} start @param {number} r0 @param {number} r1 @param {number} h0 @param {number} h1 */
  const walk = (start, r0, r1, h0, h1) => {
    const [high, top] = [r1, h1];
    let [node, low, left] = [start, r0, h0];
    while (feature[node] >= 0) {
      const j = feature[node];
      const edge = edges[node];
      if (j < nObservations) node = ownRow[j] <= threshold[node] ? node + 1 : right[node];
      else if (j === nObservations) {
        if (edge >= high) node += 1;
        else if (edge <= low) node = right[node];
        else {
          walk(node + 1, low, edge, left, top);
          low = edge;
          node = right[node];
        }
      } else if (edge >= top) node += 1;
      else if (edge <= left) node = right[node];
      else {
        walk(node + 1, low, high, left, edge);
        left = edge;
        node = right[node];
      }
    }
    corners.push(low, high, left, top);
    leaves.push(node);
  };
  for (const root of roots) walk(root, returns[0], returns[1], horizons[0], horizons[1]);
  return { corners, leaves };
}

/**
 * @param {Policy} policy
 * @param {Forest} forest
 * @param {Float64Array} row
 * @param {number[]} returns
 * @param {number[]} horizons
 * @returns {CommandPlane}
 */
function exactMap(policy, forest, row, returns, horizons) {
  const { nActions, value } = forest;
  const edges = nodeEdges(policy, forest);
  const { corners, leaves } = reachedRectangles(forest, edges, treeInputs(policy.factors, row), returns, horizons);
  const [returnEdges, horizonEdges] = [0, 2].map((at) => distinctSorted(corners, at));
  const places = placesOf(corners, returnEdges, horizonEdges);
  const [nReturns, nHorizons] = [returnEdges.length - 1, horizonEdges.length - 1];
  const [begins, ends] = [0, 1].map((which) => bucketed(places, which, nReturns + 1));
  const line = new Float64Array((nHorizons + 1) * nActions);
  line.set(forest.base); // of the first cell, and so of all
  const actions = new Uint8Array(nReturns * nHorizons);
  const scores = new Float64Array(nActions);
  const asked = row.slice();
  for (let i = 0; i < nReturns; i++) {
    for (const [lists, sign] of /** @type {[Int32Array[], number][]} */ ([[ends, -1], [begins, 1]])) {
      for (const rectangle of lists[i]) {
        const from = places[4 * rectangle + 2] * nActions;
        const until = places[4 * rectangle + 3] * nActions;
        const at = leaves[rectangle] * nActions;
        for (let a = 0; a < nActions; a++) {
          line[from + a] += sign * value[at + a];
          line[until + a] -= sign * value[at + a];
        }
      }
    }
    scores.fill(0);
    for (let j = 0; j < nHorizons; j++) {
      let best = 0;
      let second = -Infinity;
      for (let a = 0; a < nActions; a++) scores[a] += line[j * nActions + a];
      for (let a = 1; a < nActions; a++) {
        if (scores[a] > scores[best]) {
          second = scores[best];
          best = a;
        } else if (scores[a] > second) second = scores[a];
      }
      if (scores[best] - second < TOO_NEAR) {
        asked[row.length - 2] = returnEdges[i + 1];
        asked[row.length - 1] = horizonEdges[j + 1];
        best = greedyAction(policy.probabilities(asked));
      }
      actions[i * nHorizons + j] = best;
    }
  }
  return { returnEdges, horizonEdges, actions, exact: true };
}

/**
 * Distinct edges along one axis.
 * @param {number[]} corners four per rectangle
 * @param {number} at 0 for returns, 2 for horizons
 */
function distinctSorted(corners, at) {
  const all = new Float64Array(corners.length / 2);
  for (let k = 0; k < all.length; k += 2) {
    all[k] = corners[2 * k + at];
    all[k + 1] = corners[2 * k + at + 1];
  }
  all.sort();
  return all.filter((edge, k) => k === 0 || edge !== all[k - 1]);
}

/**
 * Corners as places among the edges.
 * @param {number[]} corners
 * @param {Float64Array} returnEdges
 * @param {Float64Array} horizonEdges
 */
function placesOf(corners, returnEdges, horizonEdges) {
  const ranks = [returnEdges, horizonEdges].map((edges) => new Map(Array.from(edges, (edge, k) => [edge, k])));
  return Int32Array.from(corners, (corner, k) => /** @type {number} */ (ranks[(k >> 1) & 1].get(corner)));
}

/**
 * Rectangles by where they begin (which 0) or end (1) along the returns.
 * @param {Int32Array} places
 * @param {number} which
 * @param {number} n
 */
function bucketed(places, which, n) {
  const nRectangles = places.length / 4;
  const first = new Int32Array(n + 1);
  for (let k = 0; k < nRectangles; k++) first[places[4 * k + which] + 1]++;
  for (let i = 0; i < n; i++) first[i + 1] += first[i];
  const sorted = new Int32Array(nRectangles);
  const next = first.slice();
  for (let k = 0; k < nRectangles; k++) sorted[next[places[4 * k + which]]++] = k;
  return Array.from({ length: n }, (_, i) => sorted.subarray(first[i], first[i + 1]));
}

/**
 * Action at a command of the plane.
 * @param {CommandPlane} plane
 * @param {number} desiredReturn
 * @param {number} desiredHorizon
 */
export function actionAt(plane, desiredReturn, desiredHorizon) {
  const i = cellOf(plane.returnEdges, desiredReturn);
  const j = cellOf(plane.horizonEdges, desiredHorizon);
  return plane.actions[i * (plane.horizonEdges.length - 1) + j];
}

/**
 * The cell that holds a value: its upper edge belongs to it.
 * @param {Float64Array} edges
 * @param {number} value
 */
export function cellOf(edges, value) {
  let [low, high] = [0, edges.length - 2];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (edges[middle + 1] >= value) high = middle;
    else low = middle + 1;
  }
  return low;
}
