// @ts-check
// What the page shows at a moment, and what follows from it; views listen to changes.
import { decodeBlock } from "./blocks.js";
import { makeDynamics } from "./dynamics.js";
import { clamped } from "./page_dom.js";
import { makeSide } from "./page_side.js";
import { playLive, playRecorded } from "./playing.js";
import { readPolicy } from "./policy.js";

/** @typedef {import("./page_side.js").Side} Side */
/** @typedef {{desiredReturn: number, desiredHorizon: number}} Asked */
/** @typedef {Asked & {step: number}} Change */
/** @typedef {"episode" | "frame" | "choice" | "playing" | "found"} Event */
/** @typedef {{beside: number, run: number, seed: number, start: Asked, changes: Change[], whatIf: Asked | null, t: number,
 *   explained: number, against: number, tree: number}} View explained: an action, -1 the one taken; against: -1 nothing */

export class Model {
  /**
   * @param {any} data the payload
   * @param {Side[]} players one per run
   * @param {Float64Array} starts internal states, one behind the other
   */
  constructor(data, players, starts) {
    this.data = data;
    this.players = players;
    this.starts = starts;
    /** @type {number[]} */
    this.seeds = data.simulated ? data.starts.seeds : [...new Set(data.runs[0].recorded.map(seedOf))];
    this.dynamics = data.simulated ? makeDynamics(data.environment.kind) : null;
    this.playing = false;
    this.speed = 1;
    /** @type {View} */
    this.view = {
      run: 0, beside: -1, seed: this.seeds[0], start: this.finalCommand(0), changes: [], whatIf: null, t: 0,
      explained: -1, against: -1, tree: 0,
    };
    /** @type {[Event, () => void][]} */
    this.listeners = [];
    this.play();
  }

  get features() {
    return this.data.environment.features;
  }

  get actions() {
    return this.data.environment.actions;
  }

  /** @returns {Side[]} those shown: one, or two side by side */
  get sides() {
    const second = this.view.beside < 0 ? [] : [this.players[this.view.beside]];
    return [this.players[this.view.run], ...second];
  }

  /** Steps of the longest episode shown. */
  get length() {
    return Math.max(...this.sides.map((side) => side.track.length));
  }

  /**
   * The command that a run was evaluated with at the end of its training.
   * @param {number} run
   * @returns {Asked}
   */
  finalCommand(run) {
    const { desired_return: desiredReturn, desired_horizon: desiredHorizon } = this.data.runs[run].command;
    return { desiredReturn, desiredHorizon };
  }

  /**
   * Hear of changes: of the episode, the step, what is explained, whether it plays, what was found meanwhile.
   * @param {Event[]} events
   * @param {() => void} listener
   */
  on(events, listener) {
    for (const event of events) this.listeners.push([event, listener]);
  }

  /** @param {Event} event */
  tell(event) {
    for (const [kind, listener] of this.listeners) if (kind === event) listener();
  }

  /** Play the shown episodes anew, from the first step to their end. */
  play() {
    const { seed, start, changes } = this.view;
    for (const side of this.sides) {
      if (this.dynamics !== null) {
        const at = this.seeds.indexOf(seed);
        const width = this.starts.length / this.seeds.length;
        const state = this.starts.subarray(at * width, (at + 1) * width);
        const { most_steps: most } = this.data.environment;
        side.begin(playLive(side.policy, this.dynamics, state, start, side.run.most_return, most, changes), start);
      } else {
        const episode = side.nearest(start, seed);
        side.begin(playRecorded(side.policy, episode, side.run.most_return), episode.command);
      }
    }
    this.view.t = clamped(this.view.t, 0, this.length - 1);
  }

  /**
   * Show something else: the parts given change, the rest stays.
   * @param {Partial<View>} parts
   */
  show(parts) {
    const view = this.view;
    if (parts.run !== undefined && parts.start === undefined && sameCommand(view.start, this.finalCommand(view.run))) {
      parts.start = this.finalCommand(parts.run);
    }
    const restart = ["run", "beside", "seed", "start", "changes"].some((name) => name in parts);
    const moved = "t" in parts;
    Object.assign(view, parts);
    if (view.beside === view.run) view.beside = -1;
    if (restart) {
      this.play();
      this.tell("episode");
    } else {
      view.t = clamped(Math.round(view.t), 0, this.length - 1);
      this.tell(moved ? "frame" : "choice");
    }
  }

  /**
   * Ask for another command at the present step. Live episodes go on under it; of recorded ones the first step chooses
   * the episode, any later step answers what the policy would do.
   * @param {number} desiredReturn
   * @param {number} desiredHorizon
   */
  command(desiredReturn, desiredHorizon) {
    const { t, changes } = this.view;
    const asked = { desiredReturn, desiredHorizon };
    if (t === 0) this.show({ start: asked, changes: [], whatIf: null });
    else if (this.dynamics === null) this.show({ whatIf: asked });
    else this.show({ changes: [...changes.filter((change) => change.step < t), { step: t, ...asked }] });
  }

  /** The command that the first policy shown sees at this step.
   * @returns {Asked} */
  get present() {
    const row = this.sides[0].row(this.view.t);
    return { desiredReturn: row[row.length - 2], desiredHorizon: row[row.length - 1] };
  }

  /** The action that is explained for a side: the one chosen, or the one taken.
   * @param {Side} side */
  explainedOf(side) {
    return this.view.explained < 0 ? side.action(this.view.t) : this.view.explained;
  }

  /** @param {boolean} playing */
  run(playing) {
    if (playing && this.view.t >= this.length - 1) this.view.t = 0;
    this.playing = playing;
    this.tell("playing");
    this.tell("frame");
  }
}

/** @param {{seed: number}} episode */
function seedOf(episode) {
  return episode.seed;
}

/**
 * @param {Asked} a
 * @param {Asked} b
 */
export function sameCommand(a, b) {
  return a.desiredReturn === b.desiredReturn && a.desiredHorizon === b.desiredHorizon;
}

/**
 * Read the payload.
 * @param {any} data
 * @returns {Promise<Model>}
 */
export async function readModel(data) {
  const players = await Promise.all(data.runs.map(readSide));
  const starts = data.simulated ? Float64Array.from(await decodeBlock(data.starts.states)) : new Float64Array(0);
  return new Model(data, players, starts);
}

/**
 * @param {any} run
 * @returns {Promise<Side>}
 */
async function readSide(run) {
  const [policy, background, seen, counts, drawn, checkRows, checkWanted] = await Promise.all([
    readPolicy(run),
    ...[run.background, run.seen.commands, run.seen.counts, run.training_commands].map(decodeBlock),
    ...[run.check.rows, run.check.probabilities].map(decodeBlock),
  ]);
  const recorded = await Promise.all(run.recorded.map(readRecorded));
  return makeSide({ run, policy, background, seen, counts, drawn, recorded, checkRows, checkWanted });
}

/** @param {any} episode */
async function readRecorded(episode) {
  const parts = [episode.observations, episode.actions, episode.rewards].map(decodeBlock);
  const [observations, actions, rewards] = await Promise.all(parts);
  const command = { desiredReturn: episode.command.desired_return, desiredHorizon: episode.command.desired_horizon };
  return { seed: episode.seed, command, observations, actions, rewards };
}
