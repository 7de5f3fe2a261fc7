/** Watches from outside how an engine admits runs, and tells the monitor when a rule is broken. */
import type { Room } from '../../runtime/waiting-runs.js';
import { AdmissionRules, type RuledRun } from './admission-rules.js';
import type { WatchedRun } from './watched-run.js';
import type { World } from './world.js';

/** A waiting run, as the rules and as the simulation know it. */
class WaitingRun implements RuledRun {
  readonly run: WatchedRun;
  readonly lanes: number;
  readonly #world: World;

  constructor(run: WatchedRun, lanes: number, world: World) {
    this.run = run;
    this.lanes = lanes;
    this.#world = world;
  }

  get name(): string {
    return this.run.name;
  }

  get priority(): number {
    return this.run.spec.priority;
  }

  get leaving(): boolean {
    const { abortedMs, deadlineMs } = this.run;
    return abortedMs !== undefined || (deadlineMs ?? Number.POSITIVE_INFINITY) <= this.#world.clock.nowMs();
  }
}

export class AdmissionWatch {
  readonly #world: World;
  readonly #runsInFlight: number;
  readonly #rules: AdmissionRules;
  readonly #waiting = new Map<number, WaitingRun>();
  readonly #dispatched = new Set<WatchedRun>();
  /** Streams whose replacement is being started. */
  readonly #away = new Set<number>();

  /** `lanesOf` tells the streams that a run takes, by its name. */
  constructor(world: World, runsInFlight: number, lanesOf: (name: string) => number) {
    this.#world = world;
    this.#runsInFlight = runsInFlight;
    this.#rules = new AdmissionRules((message) => world.monitor.violate(message));
    world.engine.on('run:queued', ({ run }) => {
      const called = world.monitor.calling!;
      const waiting = new WaitingRun(called, lanesOf(called.name), world);
      this.#waiting.set(run, waiting);
      this.#rules.queued(waiting);
    });
    world.engine.on('run:dispatched', ({ run }) => this.#onDispatched(run));
    world.engine.on('stream:replaced', ({ stream }) => this.#away.add(stream));
    world.monitor.atRest = () => this.#atRest();
  }

  /** The most often that a run was overtaken. */
  get mostOvertaken(): number {
    return this.#rules.mostOvertaken;
  }

  /** What was free before is not known, but it was enough for this run. */
  #onDispatched(number: number): void {
    const waiting = this.#waiting.get(number)!;
    this.#waiting.delete(number);
    this.#dispatched.add(waiting.run);
    this.#rules.started(waiting, { ...this.#room, free: waiting.lanes });
  }

  #atRest(): void {
    for (const [number, waiting] of this.#waiting) {
      const { settlement } = waiting.run;
      if (settlement === undefined) continue;
      this.#waiting.delete(number);
      this.#rules.left(waiting, settlement.report?.outcome === 'deadline-exceeded');
    }
    const { free, serving, lasting } = this.#room;
    this.#rules.atRest({ free, serving: serving + this.#ending, lasting });
    this.#checkCounts();
  }

  /** Streams whose thread is being ended: for them, others may still be held. Admission is told once it has ended. */
  get #ending(): number {
    for (const { index, available } of this.#world.streams) if (available) this.#away.delete(index);
    return this.#world.streams.filter(
      ({ index, available, broken }) => !available && broken === undefined && !this.#away.has(index),
    ).length;
  }

  #checkCounts(): void {
    const { runs, streams } = this.#world.engine.stats();
    if (runs.queued !== this.#waiting.size)
      this.#world.monitor.violate(`${runs.queued} runs wait, it should be ${this.#waiting.size}`);
    for (const run of this.#dispatched)
      if (run.settlement !== undefined && run.leaving === 0) this.#dispatched.delete(run);
    for (const { index, inFlight } of streams) {
      const expected = [...this.#dispatched].filter((run) => run.streams.has(index)).length;
      if (inFlight !== expected)
        this.#world.monitor.violate(`stream ${index} has ${inFlight} runs, it should have ${expected}`);
    }
  }

  get #room(): Room {
    const { streams, engine } = this.#world;
    const inFlight = engine.stats().streams.map((stream) => stream.inFlight);
    const serving = streams.filter(({ available }) => available);
    const free = serving.filter(({ index }) => inFlight[index]! < this.#runsInFlight);
    const lasting = streams.filter(({ broken }) => broken === undefined);
    return { free: free.length, serving: serving.length, lasting: lasting.length };
  }
}
