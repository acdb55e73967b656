// @ts-check
// Work that need not be done within the frame: only for panels in sight, one piece at a time, leaving time for the screen.

/** @typedef {{panel: Element, run: () => void, wanted: boolean, inSight: boolean}} Task */

export class Workshop {
  constructor() {
    /** @type {Task[]} */
    this.tasks = [];
    /** @type {(() => boolean) | null} */
    this.idle = null;
    this.waiting = false;
    this.watcher = new IntersectionObserver((entries) => {
      for (const entry of entries) {
        for (const task of this.tasks) if (task.panel === entry.target) task.inSight = entry.isIntersecting;
      }
      this.begin();
    }, { rootMargin: "80px" });
  }

  /** Forget all tasks. */
  clear() {
    this.watcher.disconnect();
    this.tasks = [];
  }

  /**
   * Something to be done anew whenever the view changes, while its panel is in sight.
   * @param {Element} panel
   * @param {() => void} run
   */
  add(panel, run) {
    this.tasks.push({ panel, run, wanted: true, inSight: false });
    this.watcher.observe(panel);
  }

  /** The view has changed. */
  renew() {
    for (const task of this.tasks) task.wanted = true;
    this.begin();
  }

  /** Do all that is wanted now, in sight or not. */
  finish() {
    for (const task of this.tasks.filter((one) => one.wanted)) {
      task.wanted = false;
      task.run();
    }
  }

  begin() {
    if (this.waiting) return;
    this.waiting = true;
    setTimeout(() => this.next(), 0);
  }

  next() {
    this.waiting = false;
    const task = this.tasks.find((one) => one.wanted && one.inSight);
    const before = performance.now();
    if (task !== undefined) {
      task.wanted = false;
      // The one that waited longest comes first next time.
      this.tasks = [...this.tasks.filter((one) => one !== task), task];
      task.run();
    } else if (this.idle === null || !this.idle()) {
      return;
    }
    this.waiting = true;
    setTimeout(() => this.next(), Math.min(Math.max(performance.now() - before, 4), 200));
  }
}
