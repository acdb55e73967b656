// @ts-check
// The smallest change of the command, among seen ones, that flips the action. Candidates are the nearest command of every
// cell, the training commands, and the nearest command of every piece of a cell that lies in a tile which is seen throughout;
// between those tiles and the curved border of what is seen a nearer one may lie, by about 1/32 of a spread.

import { nextFloat } from "./float_edges.js";
import { actionAt, cellOf } from "./plane.js";
import { greedyAction } from "./policy.js";

/** @typedef {import("./policy.js").Policy} Policy */
/** @typedef {import("./plane.js").CommandPlane} CommandPlane */
/** @typedef {import("./seen.js").Support} Support */
/** @typedef {{desiredReturn: number, desiredHorizon: number, action: number, distance: number}} NearestChange distance in spreads */

/**
 * @param {Policy} policy
 * @param {Float64Array} row
 * @param {Support} support
 * @param {CommandPlane} plane of this row's state
 * @returns {NearestChange|null} null where no seen command of the plane flips it
 */
export function smallestSeenChange(policy, row, support, plane) {
  const own = greedyAction(policy.probabilities(row));
  const command = [row[row.length - 2], row[row.length - 1]];
  const { spread } = support;
  const asked = row.slice();
  /** @param {number} r @param {number} h */
  const askedAction = (r, h) => {
    asked[row.length - 2] = r;
    asked[row.length - 1] = h;
    return greedyAction(policy.probabilities(asked));
  };
  /** @param {number} r @param {number} h */
  const distanceTo = (r, h) => Math.hypot((r - command[0]) / spread[0], (h - command[1]) / spread[1]);
  /** @type {NearestChange|null} */
  let best = null;
  /** @param {number} r @param {number} h @param {number} action */
  const consider = (r, h, action) => {
    const distance = distanceTo(r, h);
    if (!best || distance < best.distance) best = { desiredReturn: r, desiredHorizon: h, action, distance };
  };
  const { commands } = support;
  for (let k = 0; k < commands.length; k += 2) {
    const [r, h] = [commands[k], commands[k + 1]];
    if (!inPlane(plane, r, h) || (best && distanceTo(r, h) >= /** @type {NearestChange} */ (best).distance)) continue;
    const action = plane.exact ? actionAt(plane, r, h) : askedAction(r, h);
    if (action !== own && support.seen(r, h)) consider(r, h, action);
  }
  if (!plane.exact) return best;
  const anywhere = nearestInCells(plane, command, spread, own, wholePlane(plane), Infinity);
  if (anywhere && support.seen(anywhere.desiredReturn, anywhere.desiredHorizon)) return confirmed(anywhere, askedAction);
  const tiles = support.tiles();
  const nH = tiles.horizonEdges.length - 1;
  const near = Array.from(tiles.inner, (place) => {
    const [i, j] = [Math.floor(place / nH), place % nH];
    const ends = [
      [tiles.returnEdges[i], tiles.returnEdges[i + 1]], [tiles.horizonEdges[j], tiles.horizonEdges[j + 1]],
    ];
    const at = ends.map(([low, high], axis) => Math.min(Math.max(command[axis], low), high));
    return { ends, gap: distanceTo(at[0], at[1]) };
  }).sort((a, b) => a.gap - b.gap);
  for (const { ends, gap } of near) {
    const most = best ? /** @type {NearestChange} */ (best).distance : Infinity;
    if (gap >= most) break;
    const found = nearestInCells(plane, command, spread, own, ends, most);
    if (found) best = found;
  }
  return best && confirmed(best, askedAction);
}

/**
 * @param {NearestChange} change
 * @param {(r: number, h: number) => number} askedAction
 */
function confirmed(change, askedAction) {
  return askedAction(change.desiredReturn, change.desiredHorizon) === change.action ? change : null;
}

/**
 * @param {CommandPlane} plane
 * @param {number} r
 * @param {number} h
 */
function inPlane(plane, r, h) {
  const { returnEdges: a, horizonEdges: b } = plane;
  return r >= a[0] && r <= a[a.length - 1] && h >= b[0] && h <= b[b.length - 1];
}

/** @param {CommandPlane} plane */
function wholePlane(plane) {
  return [plane.returnEdges, plane.horizonEdges].map((edges) => [edges[0], edges[edges.length - 1]]);
}

/**
 * The nearest command with another action in the cells that lie within `ends`, if nearer than `most`.
 * @param {CommandPlane} plane
 * @param {number[]} command
 * @param {number[]} spread
 * @param {number} own
 * @param {number[][]} ends
 * @param {number} most
 * @returns {NearestChange|null}
 */
function nearestInCells(plane, command, spread, own, ends, most) {
  const [rows, columns] = [plane.returnEdges, plane.horizonEdges].map((edges, axis) => (
    reachable(edges, command[axis], spread[axis], ends[axis])
  ));
  const nH = plane.horizonEdges.length - 1;
  /** @type {NearestChange|null} */
  let best = null;
  let least = most;
  for (const { piece: i, at: r, step: dr } of rows) {
    if (dr >= least) continue;
    for (const { piece: j, at: h, step: dh } of columns) {
      const action = plane.actions[i * nH + j];
      if (action === own) continue;
      const distance = Math.hypot(dr, dh);
      if (distance < least) {
        least = distance;
        best = { desiredReturn: r, desiredHorizon: h, action, distance };
      }
    }
  }
  return best;
}

/**
 * Pieces of an axis within its ends, with the command nearest to `value` in each and how far that is, in spreads.
 * @param {Float64Array} edges
 * @param {number} value
 * @param {number} unit
 * @param {number[]} end
 */
function reachable(edges, value, unit, end) {
  const found = [];
  const last = Math.min(cellOf(edges, end[1]), edges.length - 2);
  for (let piece = cellOf(edges, end[0]); piece <= last; piece++) {
    const lowest = Math.max(piece > 0 ? nextFloat(edges[piece], 1) : edges[0], end[0]);
    const highest = Math.min(edges[piece + 1], end[1]);
    if (lowest > highest) continue;
    const at = Math.min(Math.max(value, lowest), highest);
    found.push({ piece, at, step: Math.abs(at - value) / unit });
  }
  return found;
}
