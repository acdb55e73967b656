// @ts-check
// Which commands training has seen: those with enough training commands within a quarter of a spread, return and horizon
// each divided by its standard deviation. Tiles of 1/32 of a spread of which every command is seen stand in for its inside.

/**
 * @typedef {object} Support
 * @property {(desiredReturn: number, desiredHorizon: number) => boolean} seen
 * @property {number[]} spread of return and horizon
 * @property {Float64Array} commands (n, 2)
 * @property {() => SeenTiles} tiles
 */
/**
 * @typedef {object} SeenTiles
 * @property {Float64Array} returnEdges
 * @property {Float64Array} horizonEdges
 * @property {Int32Array} inner places i * n_h + j of the tiles of which every command is seen
 */

const TILES_PER_SPREAD = 32;
const MOST_TILES = 2048; // along each axis
const LEFT_OUT = 1e-9; // share of the radius, far above what rounding does to a distance

/**
 * @param {{commands: Float64Array, counts: ArrayLike<number>, spread: number[], radius: number, nNeeded: number}} data
 * @returns {Support}
 */
export function makeSupport(data) {
  const { commands, counts, spread, radius, nNeeded } = data;
  /** @type {SeenTiles|null} */
  let made = null;
  return {
    spread, commands,
    seen: (desiredReturn, desiredHorizon) => {
      let near = 0;
      for (let k = 0; k < counts.length; k++) {
        const r = (desiredReturn - commands[2 * k]) / spread[0];
        const h = (desiredHorizon - commands[2 * k + 1]) / spread[1];
        if (r * r + h * h <= radius * radius) near += counts[k];
      }
      return near >= nNeeded;
    },
    tiles: () => {
      made ??= seenTiles(commands, counts, spread, radius, nNeeded);
      return made;
    },
  };
}

/**
 * @param {Float64Array} commands
 * @param {ArrayLike<number>} counts
 * @param {number[]} spread
 * @param {number} radius
 * @param {number} nNeeded
 * @returns {SeenTiles}
 */
function seenTiles(commands, counts, spread, radius, nNeeded) {
  const n = counts.length;
  const lowest = [0, 1].map((axis) => commands.reduce((low, v, k) => (k % 2 === axis ? Math.min(low, v) : low), Infinity));
  const points = [0, 1].map((axis) => (
    Float64Array.from({ length: n }, (_, k) => (commands[2 * k + axis] - lowest[axis]) / spread[axis])
  ));
  const widest = points.map((line) => line.reduce((high, v) => Math.max(high, v), 0));
  const side = Math.max(1 / TILES_PER_SPREAD, (Math.max(...widest) + 2 * radius) / (MOST_TILES - 2));
  const nTiles = widest.map((width) => Math.ceil((width + 2 * radius) / side) + 2);
  const edges = nTiles.map((tiles) => Float64Array.from({ length: tiles + 1 }, (_, i) => (i - 1) * side - radius));
  const largest = commands.reduce((high, v, k) => Math.max(high, Math.abs(v) / spread[k % 2]), 0);
  const least = Math.max(radius - (radius * LEFT_OUT + 8 * Number.EPSILON * largest), 0);
  const reach = Math.ceil(radius / side) + 2;
  const surely = new Float64Array(nTiles[0] * nTiles[1]);
  for (let k = 0; k < n; k++) {
    const [rows, columns] = [0, 1].map((axis) => farthest(edges[axis], points[axis][k], radius, side, reach));
    for (const [i, r] of rows) {
      for (const [j, h] of columns) if (r + h <= least * least) surely[i * nTiles[1] + j] += counts[k];
    }
  }
  const inner = [];
  for (let place = 0; place < surely.length; place++) if (surely[place] >= nNeeded) inner.push(place);
  const [returnEdges, horizonEdges] = edges.map((line, axis) => line.map((edge) => lowest[axis] + edge * spread[axis]));
  return { returnEdges, horizonEdges, inner: Int32Array.from(inner) };
}

/**
 * Tiles near a point along one axis, each with the square of its far end's distance.
 * @param {Float64Array} line
 * @param {number} value
 * @param {number} radius
 * @param {number} side
 * @param {number} reach
 * @returns {[number, number][]}
 */
function farthest(line, value, radius, side, reach) {
  const at = Math.floor((value + radius) / side) + 1;
  /** @type {[number, number][]} */
  const found = [];
  for (let i = Math.max(at - reach, 0); i < Math.min(at + reach + 1, line.length - 1); i++) {
    found.push([i, Math.max(value - line[i], line[i + 1] - value) ** 2]);
  }
  return found;
}
