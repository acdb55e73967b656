// @ts-check
// Episodes. The command runs down as in training: the return by the reward, the horizon by one step, never below 1; while
// it runs down, the return stays at or below the most that training ever saw, or its start where that is higher.
import { greedyAction } from "./policy.js";

/** @typedef {{desiredReturn: number, desiredHorizon: number}} CommandGiven */

/**
 * @typedef {object} Track
 * @property {number} length steps
 * @property {Float64Array} rows what the policy saw, step by step
 * @property {Float64Array} probabilities
 * @property {Int32Array} actions
 * @property {Float64Array} rewards
 * @property {number} totalReturn
 * @property {"terminated"|"time limit"|"recorded"} ending
 */

/**
 * Play an episode to its end; the policy is greedy, ties go to the lowest action.
 * @param {import("./policy.js").Policy} policy
 * @param {import("./dynamics.js").Dynamics} dynamics
 * @param {ArrayLike<number>} start internal state after the reset
 * @param {CommandGiven} command
 * @param {number|null} mostReturn null: no limit
 * @param {number} mostSteps of the environment's time limit
 * @param {(CommandGiven & {step: number})[]} changes new commands, seen by the policy from their step on
 * @returns {Track}
 */
export function playLive(policy, dynamics, start, command, mostReturn, mostSteps, changes) {
  const n = policy.nFeatures;
  const given = new Map(changes.map((change) => [change.step, change]));
  const track = emptyTrack(policy, mostSteps);
  /** @type {Float64Array} */
  let now = Float64Array.from(start);
  let running = beginning(command, mostReturn);
  let length = 0;
  let terminated = false;
  while (length < mostSteps && !terminated) {
    const change = given.get(length);
    if (change) running = beginning(change, mostReturn);
    const row = track.rows.subarray(length * n, (length + 1) * n);
    row.set(dynamics.observe(now));
    const action = decided(policy, row, running, track, length);
    const step = dynamics.step(now, action);
    track.rewards[length] = step.reward;
    runDown(running, step.reward);
    ({ state: now, terminated } = step);
    length++;
  }
  return finished(track, policy, length, terminated ? "terminated" : "time limit");
}

/**
 * An episode that Python played with this policy, as if it were played now. Its actions are those that were taken.
 * @param {import("./policy.js").Policy} policy
 * @param {{command: CommandGiven, observations: ArrayLike<number>, actions: ArrayLike<number>,
 *   rewards: ArrayLike<number>}} episode decoded
 * @param {number|null} mostReturn
 * @returns {Track}
 */
export function playRecorded(policy, episode, mostReturn) {
  const n = policy.nFeatures;
  const length = episode.actions.length;
  const track = emptyTrack(policy, length);
  const running = beginning(episode.command, mostReturn);
  for (let t = 0; t < length; t++) {
    const row = track.rows.subarray(t * n, (t + 1) * n);
    for (let j = 0; j < n - 2; j++) row[j] = episode.observations[t * (n - 2) + j];
    decided(policy, row, running, track, t);
    track.actions[t] = episode.actions[t];
    track.rewards[t] = episode.rewards[t];
    runDown(running, episode.rewards[t]);
  }
  return finished(track, policy, length, "recorded");
}

/**
 * @param {CommandGiven} command
 * @param {number|null} mostReturn
 */
function beginning(command, mostReturn) {
  const { desiredReturn, desiredHorizon } = command;
  return { desiredReturn, desiredHorizon, most: Math.max(desiredReturn, mostReturn ?? Infinity) };
}

/**
 * @param {CommandGiven & {most: number}} running
 * @param {number} reward
 */
function runDown(running, reward) {
  running.desiredReturn = Math.min(running.desiredReturn - reward, running.most);
  running.desiredHorizon = Math.max(running.desiredHorizon - 1, 1);
}

/**
 * Put the command into a row of the track, ask the policy, and note its answer.
 * @param {import("./policy.js").Policy} policy
 * @param {Float64Array} row
 * @param {CommandGiven} running
 * @param {{probabilities: Float64Array, actions: Int32Array}} track
 * @param {number} t
 */
function decided(policy, row, running, track, t) {
  row[row.length - 2] = running.desiredReturn;
  row[row.length - 1] = running.desiredHorizon;
  const probabilities = policy.probabilities(row);
  track.probabilities.set(probabilities, t * policy.nActions);
  track.actions[t] = greedyAction(probabilities);
  return track.actions[t];
}

/**
 * @param {import("./policy.js").Policy} policy
 * @param {number} mostSteps
 */
function emptyTrack(policy, mostSteps) {
  return {
    rows: new Float64Array(mostSteps * policy.nFeatures),
    probabilities: new Float64Array(mostSteps * policy.nActions),
    actions: new Int32Array(mostSteps),
    rewards: new Float64Array(mostSteps),
  };
}

/**
 * @param {{rows: Float64Array, probabilities: Float64Array, actions: Int32Array, rewards: Float64Array}} track
 * @param {import("./policy.js").Policy} policy
 * @param {number} length
 * @param {"terminated"|"time limit"|"recorded"} ending
 * @returns {Track}
 */
function finished(track, policy, length, ending) {
  const rewards = track.rewards.slice(0, length);
  return {
    length,
    rows: track.rows.slice(0, length * policy.nFeatures),
    probabilities: track.probabilities.slice(0, length * policy.nActions),
    actions: track.actions.slice(0, length),
    rewards,
    totalReturn: rewards.reduce((sum, reward) => sum + reward, 0),
    ending,
  };
}
