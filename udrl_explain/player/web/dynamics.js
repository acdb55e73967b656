// @ts-check
// CartPole, Acrobot and MountainCar as Gymnasium documents them (gymnasium.farama.org/environments/classic_control), with
// its constants and its order of operations, so that states agree to the last bits. States are float64, observations
// float32. Without hidden state: a step back is as easy as a step forth.
import { exactCosine, exactSine } from "./trigonometry.js";

/**
 * @typedef {object} Step
 * @property {Float64Array} state
 * @property {number} reward
 * @property {boolean} terminated
 */

/**
 * @typedef {object} Dynamics
 * @property {(state: ArrayLike<number>, action: number) => Step} step the state given is left as it is
 * @property {(state: ArrayLike<number>) => Float64Array} observe float32 numbers
 */

const PI = Math.PI;

/**
 * @param {string} kind
 * @returns {Dynamics}
 */
export function makeDynamics(kind) {
  if (kind === "CartPole") return { step: cartPoleStep, observe: asFloat32 };
  if (kind === "MountainCar") return { step: mountainCarStep, observe: asFloat32 };
  if (kind === "Acrobot") return { step: acrobotStep, observe: acrobotObservation };
  throw new Error(`${kind} is not simulated in the page`);
}

/** @param {ArrayLike<number>} numbers */
function asFloat32(numbers) {
  return Float64Array.from(numbers, Math.fround);
}

/**
 * Barto, Sutton and Anderson (1983), by Euler's rule with steps of 0.02 s.
 * @param {ArrayLike<number>} given position, velocity, angle, angular velocity
 * @param {number} action
 * @returns {Step}
 */
function cartPoleStep(given, action) {
  const gravity = 9.8;
  const poleMass = 0.1;
  const totalMass = 0.1 + 1.0;
  const halfLength = 0.5;
  const seconds = 0.02;
  const [x, speed, angle, turning] = [given[0], given[1], given[2], given[3]];
  const force = action === 1 ? 10.0 : -10.0;
  const cosine = exactCosine(angle);
  const sine = exactSine(angle);
  const poleMoment = poleMass * halfLength;
  const push = (force + poleMoment * (turning * turning) * sine) / totalMass;
  const angular =
    (gravity * sine - cosine * push) / (halfLength * (4.0 / 3.0 - (poleMass * (cosine * cosine)) / totalMass));
  const acceleration = push - (poleMoment * angular * cosine) / totalMass;
  const next = Float64Array.of(
    x + seconds * speed,
    speed + seconds * acceleration,
    angle + seconds * turning,
    turning + seconds * angular,
  );
  const widest = (12 * 2 * PI) / 360;
  const terminated = next[0] < -2.4 || next[0] > 2.4 || next[2] < -widest || next[2] > widest;
  return { state: next, reward: 1, terminated };
}

/**
 * Moore (1990).
 * @param {ArrayLike<number>} given position, velocity
 * @param {number} action
 * @returns {Step}
 */
function mountainCarStep(given, action) {
  let [position, velocity] = [given[0], given[1]];
  velocity += (action - 1) * 0.001 + exactCosine(3 * position) * -0.0025;
  velocity = bounded(velocity, 0.07);
  position = Math.min(Math.max(position + velocity, -1.2), 0.6);
  if (position === -1.2 && velocity < 0) velocity = 0;
  return { state: Float64Array.of(position, velocity), reward: -1, terminated: position >= 0.5 && velocity >= 0 };
}

/**
 * Sutton (1996), the equations of the book, by one Runge-Kutta step of 0.2 s.
 * @param {ArrayLike<number>} given both angles, both angular velocities
 * @param {number} action
 * @returns {Step}
 */
function acrobotStep(given, action) {
  const seconds = 0.2;
  const torque = action - 1;
  const start = Float64Array.from(given);
  const first = acrobotChange(start, torque);
  const second = acrobotChange(moved(start, first, seconds / 2), torque);
  const third = acrobotChange(moved(start, second, seconds / 2), torque);
  const fourth = acrobotChange(moved(start, third, seconds), torque);
  const next = start.map(
    (value, i) => value + (seconds / 6.0) * (first[i] + 2 * second[i] + 2 * third[i] + fourth[i]),
  );
  next[0] = wrapped(next[0]);
  next[1] = wrapped(next[1]);
  next[2] = bounded(next[2], 4 * PI);
  next[3] = bounded(next[3], 9 * PI);
  const terminated = -exactCosine(next[0]) - exactCosine(next[1] + next[0]) > 1.0;
  return { state: next, reward: terminated ? 0 : -1, terminated };
}

/**
 * Links of length and mass 1, their centres of mass in the middle, moments of inertia 1.
 * @param {Float64Array} now
 * @param {number} torque
 */
function acrobotChange(now, torque) {
  const gravity = 9.8;
  const [theta1, theta2, turning1, turning2] = now;
  const cosine2 = exactCosine(theta2);
  const sine2 = exactSine(theta2);
  const d1 = 0.25 + (1.25 + cosine2) + 1 + 1;
  const d2 = 0.25 + 0.5 * cosine2 + 1;
  const phi2 = 0.5 * gravity * exactCosine(theta1 + theta2 - PI / 2);
  const phi1 =
    -0.5 * (turning2 * turning2) * sine2 - turning2 * turning1 * sine2 +
    1.5 * gravity * exactCosine(theta1 - PI / 2) + phi2;
  const change2 =
    (torque + (d2 / d1) * phi1 - 0.5 * (turning1 * turning1) * sine2 - phi2) / (0.25 + 1 - (d2 * d2) / d1);
  const change1 = -(d2 * change2 + phi1) / d1;
  return Float64Array.of(turning1, turning2, change1, change2);
}

/**
 * @param {Float64Array} start
 * @param {Float64Array} change
 * @param {number} seconds
 */
function moved(start, change, seconds) {
  return start.map((value, i) => value + seconds * change[i]);
}

/** @param {ArrayLike<number>} given */
function acrobotObservation(given) {
  const [first, second] = [given[0], given[1]];
  return asFloat32([
    exactCosine(first), exactSine(first), exactCosine(second), exactSine(second), given[2], given[3],
  ]);
}

/** @param {number} angle */
function wrapped(angle) {
  while (angle > PI) angle -= 2 * PI;
  while (angle < -PI) angle += 2 * PI;
  return angle;
}

/**
 * @param {number} value
 * @param {number} most of its magnitude
 */
function bounded(value, most) {
  return Math.min(Math.max(value, -most), most);
}
