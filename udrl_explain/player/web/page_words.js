// @ts-check

/** @typedef {{name: string, symbol: string, unit: string}} Feature */

const MINUS = "−";

/**
 * A number for reading: about three digits, a true minus sign, no superfluous zeros.
 * @param {number} value
 * @param {number} [digits] significant ones
 */
export function formatNumber(value, digits = 3) {
  if (!Number.isFinite(value)) return value > 0 ? "∞" : Number.isNaN(value) ? "–" : `${MINUS}∞`;
  const size = Math.abs(value);
  let text;
  if (size === 0) text = "0";
  else if (size >= 10 ** digits || Number.isInteger(value)) text = size.toFixed(0);
  else if (size < 1e-4) {
    const [digitsShown, power] = size.toExponential(digits - 1).split("e-");
    text = `${digitsShown} · 10⁻${power.replaceAll(/\d/g, (digit) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[Number(digit)])}`;
  }
  else text = String(Number(size.toPrecision(digits)));
  return value < 0 ? MINUS + text : text;
}

/**
 * A number with its sign and two digits behind the point, as contributions are shown.
 * @param {number} value
 */
export function formatSigned(value) {
  const text = Math.abs(value).toFixed(3);
  if (Number(text) === 0) return "0.000";
  return (value < 0 ? MINUS : "+") + text;
}

/**
 * A probability with two digits that never claims certainty where there is none.
 * @param {number} value
 */
export function formatProbability(value) {
  if (value > 0.995 && value < 1) return "> 0.99";
  if (value < 0.005 && value > 0) return "< 0.01";
  return value.toFixed(2);
}

/**
 * A value with its unit.
 * @param {number} value
 * @param {Feature} feature
 */
export function formatValue(value, feature) {
  const plain = feature.unit === "" || feature.unit === "reward" || feature.unit === "scaled" || feature.unit === "0/1";
  return plain ? formatNumber(value) : `${formatNumber(value)} ${feature.unit}`;
}

/**
 * The words of an input's name.
 * @param {Feature} feature
 */
export function featureWords(feature) {
  return feature.name.replaceAll("_", " ");
}

let horizonMatters = true;

/**
 * Whether training gave the desired horizon a meaning; where it did not, no sentence speaks of it.
 * @param {boolean} matters
 */
export function speakOfHorizon(matters) {
  horizonMatters = matters;
}

/**
 * A command in words.
 * @param {number} desiredReturn
 * @param {number} desiredHorizon
 */
export function commandWords(desiredReturn, desiredHorizon) {
  if (!horizonMatters) return `a return of ${formatNumber(desiredReturn, 4)}`;
  const steps = formatNumber(desiredHorizon, 4);
  return `a return of ${formatNumber(desiredReturn, 4)} within ${steps} ${desiredHorizon === 1 ? "step" : "steps"}`;
}

/**
 * Several things in a sentence.
 * @param {string[]} parts
 */
export function listWords(parts) {
  return parts.length < 2 ? parts.join("") : `${parts.slice(0, -1).join(", ")} and ${parts[parts.length - 1]}`;
}

const ENDINGS = {
  CartPole: "the pole fell or the cart left the track",
  Acrobot: "the tip reached the height of the line",
  MountainCar: "the car reached the flag",
};

/**
 * How an episode ended.
 * @param {string} kind of the environment
 * @param {"terminated" | "time limit" | "recorded"} ending
 */
export function endingWords(kind, ending) {
  if (ending === "time limit") return "the time limit was reached";
  if (ending === "recorded") return "the recording ends";
  return kind === "CartPole" || kind === "Acrobot" || kind === "MountainCar" ? ENDINGS[kind] : "the environment ended it";
}

/** @type {Record<string, string>} */
const TASKS = {
  CartPole: "A pole stands on a cart. Pushing the cart to the left or right keeps it up; each step brings a reward of 1.",
  Acrobot: "Two links hang from a hinge. A torque at the joint between them must swing the tip up; each step until then costs 1.",
  MountainCar: "A car too weak for the hill must rock up to the flag; each step until then costs 1.",
  LunarLander: "A lander fires its engines to come down on the pad. Approaching and landing bring reward; fuel costs, crashing costs 100. The ground is drawn flat: the agent does not observe its hills.",
};

/**
 * What an environment asks of the agent.
 * @param {string} kind
 * @param {number | null} mostSteps
 */
export function taskWords(kind, mostSteps) {
  const task = TASKS[kind] ?? "Each strip below is one thing that the agent observes.";
  return mostSteps === null ? task : `${task} At most ${mostSteps} steps.`;
}
