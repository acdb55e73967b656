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
    activation: stored.activation,
  };
}

/**
 * Sums of the first layer, before its activation.
 * @param {Net} net
 * @param {Float64Array} row scaled
 */
export function firstSums(net, row) {
  return layerSums(row, net.weights[0], net.biases[0]);
}

/**
 * @param {Net} net
 * @param {Float64Array} sums of the first layer; left as they are
 * @returns {Float64Array} one probability per action
 */
export function probabilitiesOfSums(net, sums) {
  let outputs = sums;
  for (let layer = 1; layer < net.weights.length; layer++) {
    outputs = layerSums(activated(net.activation, outputs), net.weights[layer], net.biases[layer]);
  }
  const probabilities = new Float64Array(net.nActions);
  const { classes } = net;
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

const ACTIVE = new Int32Array(1 << 16); // places of the inputs that are not 0: half of what a rectifier lets through

/**
 * Bias plus inputs times weights. Four inputs at a time: each sum is then read and written once for four products.
 * @param {Float64Array} inputs
 * @param {Float64Array} weights
 * @param {Float64Array} bias
 */
function layerSums(inputs, weights, bias) {
  const sums = bias.slice();
  const n = sums.length;
  let nActive = 0;
  for (let i = 0; i < inputs.length; i++) if (inputs[i] !== 0) ACTIVE[nActive++] = i;
  let k = 0;
  for (; k + 4 <= nActive; k += 4) {
    const [i0, i1, i2, i3] = [ACTIVE[k], ACTIVE[k + 1], ACTIVE[k + 2], ACTIVE[k + 3]];
    const [x0, x1, x2, x3] = [inputs[i0], inputs[i1], inputs[i2], inputs[i3]];
    const [at0, at1, at2, at3] = [i0 * n, i1 * n, i2 * n, i3 * n];
    for (let j = 0; j < n; j++) {
      sums[j] += x0 * weights[at0 + j] + x1 * weights[at1 + j] + (x2 * weights[at2 + j] + x3 * weights[at3 + j]);
    }
  }
  for (; k < nActive; k++) {
    const input = inputs[ACTIVE[k]];
    const at = ACTIVE[k] * n;
    for (let j = 0; j < n; j++) sums[j] += input * weights[at + j];
  }
  return sums;
}

/**
 * @param {string} activation
 * @param {Float64Array} sums
 */
function activated(activation, sums) {
  if (activation === "relu") {
    const passed = new Float64Array(sums.length);
    for (let j = 0; j < sums.length; j++) if (sums[j] > 0) passed[j] = sums[j];
    return passed;
  }
  if (activation === "tanh") return sums.map(Math.tanh);
  if (activation === "logistic") return sums.map(logistic);
  return sums;
}

/** @param {number} x */
function logistic(x) {
  return 1 / (1 + Math.exp(-x));
}
