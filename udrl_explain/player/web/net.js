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

/**
 * @param {Float64Array} inputs
 * @param {Float64Array} weights
 * @param {Float64Array} bias
 */
function layerSums(inputs, weights, bias) {
  const sums = Float64Array.from(bias);
  const n = sums.length;
  // Half of what a rectifier lets through is 0. Four inputs at a time: each sum is read and written a quarter as often.
  const live = [];
  for (let i = 0; i < inputs.length; i++) if (inputs[i] !== 0) live.push(i);
  let k = 0;
  for (; k + 3 < live.length; k += 4) {
    const [x0, x1, x2, x3] = [inputs[live[k]], inputs[live[k + 1]], inputs[live[k + 2]], inputs[live[k + 3]]];
    const [a0, a1, a2, a3] = [live[k] * n, live[k + 1] * n, live[k + 2] * n, live[k + 3] * n];
    for (let j = 0; j < n; j++) {
      sums[j] += x0 * weights[a0 + j] + x1 * weights[a1 + j] + x2 * weights[a2 + j] + x3 * weights[a3 + j];
    }
  }
  for (; k < live.length; k++) {
    const [input, at] = [inputs[live[k]], live[k] * n];
    for (let j = 0; j < n; j++) sums[j] += input * weights[at + j];
  }
  return sums;
}

/**
 * @param {string} activation
 * @param {Float64Array} sums
 */
function activated(activation, sums) {
  if (activation === "relu") return sums.map((x) => (x > 0 ? x : 0));
  if (activation === "tanh") return sums.map(Math.tanh);
  if (activation === "logistic") return sums.map(logistic);
  return sums;
}

/** @param {number} x */
function logistic(x) {
  return 1 / (1 + Math.exp(-x));
}
