// @ts-check
// One policy with the episode that it plays, and what is known of its steps; found once, when it is asked for.
import { clamped } from "./page_dom.js";
import { decisiveTest } from "./paths.js";
import { smallestSeenChange } from "./nearest.js";
import { commandMap } from "./plane.js";
import { makeSupport } from "./seen.js";
import { makeExplainer } from "./shapley.js";

/** @typedef {import("./policy.js").Policy} Policy */
/** @typedef {import("./playing.js").Track} Track */
/** @typedef {import("./page_model.js").Asked} Asked */
/** @typedef {{seed: number, command: Asked, observations: any, actions: any, rewards: any}} Recorded */
/** @typedef {{action: number, desiredReturn: number, desiredHorizon: number, distance: number,
 *   test: ReturnType<typeof decisiveTest>}} Flip */

const MAPS_KEPT = 60;

export class Side {
  /** @param {any} parts */
  constructor(parts) {
    /** @type {any} */
    this.run = parts.run;
    /** @type {Policy} */
    this.policy = parts.policy;
    /** @type {Float64Array} */
    this.background = Float64Array.from(parts.background);
    /** @type {Float32Array} */
    this.drawn = parts.drawn;
    /** @type {Recorded[]} */
    this.recorded = parts.recorded;
    this.checkRows = parts.checkRows;
    this.checkWanted = parts.checkWanted;
    const { spread, radius, n_needed: nNeeded } = this.run.seen;
    this.spread = spread;
    this.support = makeSupport({ commands: parts.seen, counts: parts.counts, spread, radius, nNeeded });
    /** @type {ReturnType<typeof makeExplainer> | null} */
    this.explainer = null;
    /** @type {Track} */
    this.track = {
      length: 0, rows: new Float64Array(0), probabilities: new Float64Array(0), actions: new Int32Array(0),
      rewards: new Float64Array(0), totalReturn: 0, ending: "recorded",
    };
    /** @type {Asked} */
    this.startCommand = { desiredReturn: 0, desiredHorizon: 0 };
    /** @type {Map<number, import("./plane.js").CommandPlane>} */
    this.maps = new Map();
    /** @type {Map<number, import("./shapley.js").Explanation>} */
    this.explanations = new Map();
    this.influence = new Float64Array(0);
    /** @type {(Flip | null | undefined)[]} undefined: not looked for yet */
    this.flips = [];
  }

  /**
   * Take a new episode, and forget what was known of the old one.
   * @param {Track} track
   * @param {Asked} startCommand
   */
  begin(track, startCommand) {
    this.track = track;
    this.startCommand = startCommand;
    this.maps = new Map();
    this.explanations = new Map();
    this.influence = new Float64Array(track.length).fill(NaN);
    this.flips = new Array(track.length);
  }

  /** The step of this episode that a step of the page shows: the last one where the page is beyond its end.
   * @param {number} t */
  at(t) {
    return clamped(t, 0, this.track.length - 1);
  }

  /** @param {number} t */
  row(t) {
    const n = this.policy.nFeatures;
    return this.track.rows.subarray(this.at(t) * n, (this.at(t) + 1) * n);
  }

  /** @param {number} t */
  action(t) {
    return this.track.actions[this.at(t)];
  }

  /** @param {number} t */
  probabilities(t) {
    const n = this.policy.nActions;
    return this.track.probabilities.subarray(this.at(t) * n, (this.at(t) + 1) * n);
  }

  /** What the policy would do at a step if another command were in force.
   * @param {number} t
   * @param {Asked} asked */
  underCommand(t, asked) {
    const row = Float64Array.from(this.row(t));
    row[row.length - 2] = asked.desiredReturn;
    row[row.length - 1] = asked.desiredHorizon;
    return { row, probabilities: this.policy.probabilities(row) };
  }

  getExplainer() {
    this.explainer ??= makeExplainer(this.policy, this.background, this.background.length / this.policy.nFeatures);
    return this.explainer;
  }

  /** Shapley values of a step.
   * @param {number} t */
  explain(t) {
    let found = this.explanations.get(this.at(t));
    if (found === undefined) {
      found = this.getExplainer().explain(Float64Array.from(this.row(t)));
      this.explanations.set(this.at(t), found);
    }
    return found;
  }

  /** What each command of the plane would have the policy do at a step.
   * @param {number} t */
  map(t) {
    let found = this.maps.get(this.at(t));
    if (found === undefined) {
      const { return: returns, horizon: horizons } = this.run.command_range;
      found = commandMap(this.policy, Float64Array.from(this.row(t)), returns, horizons);
      if (this.maps.size >= MAPS_KEPT) this.maps.delete([...this.maps.keys()][0]);
      this.maps.set(this.at(t), found);
    }
    return found;
  }

  /** The smallest change to a command like those of training that changes the action, null where there is none.
   * @param {number} t
   * @returns {Flip | null} */
  flip(t) {
    const at = this.at(t);
    const known = this.flips[at];
    if (known !== undefined) return known;
    const row = Float64Array.from(this.row(at));
    const change = smallestSeenChange(this.policy, row, this.support, this.map(at));
    const found = change && { ...change, test: decisiveTest(this.policy, row, this.underCommand(at, change).row) };
    this.flips[at] = found;
    return found;
  }

  /** How much the command raised the probability of the action taken at a step, against the command of the background.
   * @param {number} t */
  commandInfluence(t) {
    const at = this.at(t);
    if (Number.isNaN(this.influence[at])) {
      const pair = this.getExplainer().pair(Float64Array.from(this.row(at)));
      this.influence[at] = pair.command[this.action(at)];
    }
    return this.influence[at];
  }

  /** The recorded episode of a seed whose command is nearest to what is asked, in spreads of the training commands.
   * @param {Asked} asked
   * @param {number} seed */
  nearest(asked, seed) {
    const far = (/** @type {Recorded} */ episode) => Math.hypot(
      (episode.command.desiredReturn - asked.desiredReturn) / this.spread[0],
      (episode.command.desiredHorizon - asked.desiredHorizon) / this.spread[1],
    );
    const same = this.recorded.filter((episode) => episode.seed === seed);
    return same.reduce((best, episode) => (far(episode) < far(best) ? episode : best));
  }
}

/** @param {any} parts */
export function makeSide(parts) {
  return new Side(parts);
}
