// @ts-check
// A multilayer perceptron in float64.
import { decodeBlock } from "./blocks.js";
import { softmaxInPlace } from "./forest.js";

/**
 * @typedef {object} Net
 * @property {Float64Array[]} weights of each layer, its inputs line by line
 * @property {Float64Array[]} biases
 * @property {number[]} classes the action of each output; two actions share one logistic output
 * @property {number} nActions
 * @property {number} nFeatures
 * @property {string} activation of the hidden layers
 * @property {Float64Array[]} rooms for the sums of each layer, while a row passes
 */

/**
 * @param {any} stored what the payload holds under `net`
 * @returns {Promise<Net>}
 */
export async function readNet(stored) {
  const weights = [];
  const biases = [];
  for (const block of stored.weights) weights.push(new Float64Array(await decodeBlock(block)));
  for (const block of stored.biases) biases.push(new Float64Array(await decodeBlock(block)));
  return {
    weights, biases, classes: stored.classes, nActions: stored.n_actions, nFeatures: stored.weights[0].shape[0],
    activation: stored.activation, rooms: biases.map((bias) => new Float64Array(bias.length)),
  };
}

/**
 * Sums of the first layer, before its activation.
 * @param {Net} net
 * @param {Float64Array} row scaled
 */
export function firstSums(net, row) {
  const sums = new Float64Array(net.biases[0].length);
  addLayer(sums, gathered(row, 0, row.length, "identity"), net.weights[0], net.biases[0]);
  return sums;
}

/**
 * @param {Net} net
 * @param {Float64Array} sums of the first layer, from place `at` on; left as they are
 * @param {number} at
 * @returns {Float64Array} one probability per action
 */
export function probabilitiesOfSums(net, sums, at = 0) {
  const { rooms, biases, classes, activation } = net;
  let nActive = gathered(sums, at, biases[0].length, activation);
  for (let layer = 1; layer < biases.length; layer++) {
    if (layer > 1) nActive = gathered(rooms[layer - 1], 0, biases[layer - 1].length, activation);
    addLayer(rooms[layer], nActive, net.weights[layer], biases[layer]);
  }
  const outputs = biases.length > 1 ? rooms[biases.length - 1] : sums.slice(at, at + biases[0].length);
  const probabilities = new Float64Array(net.nActions);
  if (classes.length === 2) {
    const second = logistic(outputs[0]);
    probabilities[classes[0]] = 1 - second;
    probabilities[classes[1]] = second;
  } else {
    const shares = softmaxInPlace(Float64Array.from(outputs));
    classes.forEach((action, k) => (probabilities[action] = shares[k]));
  }
  return probabilities;
}

// Values that are not 0, half of what a rectifier lets through, and their places: between two steps of one pass.
let active = new Float64Array(256);
let places = new Int32Array(256);

/**
 * Gather what a layer passes on.
 * @param {Float64Array} sums
 * @param {number} at
 * @param {number} n
 * @param {string} activation
 * @returns {number} how many are not 0
 */
function gathered(sums, at, n, activation) {
  if (n > active.length) {
    active = new Float64Array(n);
    places = new Int32Array(n);
  }
  let nActive = 0;
  for (let i = 0; i < n; i++) {
    let value = sums[at + i];
    if (activation === "relu") value = value > 0 ? value : 0;
    else if (activation === "tanh") value = Math.tanh(value);
    else if (activation === "logistic") value = logistic(value);
    if (value !== 0) {
      active[nActive] = value;
      places[nActive++] = i;
    }
  }
  return nActive;
}

/**
 * Bias plus weighted inputs, as gathered. Four inputs at a time: a sum is then read and written once for four products.
 * @param {Float64Array} sums where they are written
 * @param {number} nActive
 * @param {Float64Array} weights
 * @param {Float64Array} bias
 */
function addLayer(sums, nActive, weights, bias) {
  sums.set(bias);
  const n = sums.length;
  let k = 0;
  for (; k + 4 <= nActive; k += 4) {
    const x0 = active[k];
    const x1 = active[k + 1];
    const x2 = active[k + 2];
    const x3 = active[k + 3];
    const at0 = places[k] * n;
    const at1 = places[k + 1] * n;
    const at2 = places[k + 2] * n;
    const at3 = places[k + 3] * n;
    for (let j = 0; j < n; j++) {
      sums[j] += x0 * weights[at0 + j] + x1 * weights[at1 + j] + (x2 * weights[at2 + j] + x3 * weights[at3 + j]);
    }
  }
  for (; k < nActive; k++) {
    const value = active[k];
    const at = places[k] * n;
    for (let j = 0; j < n; j++) sums[j] += value * weights[at + j];
  }
}

/** @param {number} x */
function logistic(x) {
  return 1 / (1 + Math.exp(-x));
}
