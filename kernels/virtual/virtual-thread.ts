/** A stream's thread on virtual time: the same session as in a real worker, driven from event to event. */
import { invariant } from '../../scheduler/errors.js';
import type { DeviceWait, DeviceWaiting } from '../../scheduler/queued-loop.js';
import type { SlotIndex } from '../../scheduler/stream.js';
import { type FromStream, type ToStream, writeMemory } from '../stream-worker/protocol.js';
import { StreamSession } from '../stream-worker/session.js';
import type { StreamThread, ThreadEvents } from '../stream-worker/thread.js';
import { DeviceQueue, type Submission } from './device-queue.js';
import type { NodeFaults } from './faults.js';
import type { Simulation } from './options.js';
import { createRandom } from './random.js';
import { COPY_IN, VirtualBackend } from './virtual-backend.js';
import type { VirtualClock } from './virtual-clock.js';

/** What a virtual thread is made with. */
export interface VirtualThreadOptions {
  readonly stream: number;
  readonly simulation: Simulation;
  readonly faults: NodeFaults;
  readonly clock: VirtualClock;
  readonly control: Int32Array;
  readonly memory: SharedArrayBuffer;
  readonly claims: Int32Array;
  readonly memoryLimitBytes: number | undefined;
}

/** From the call until a worker thread inside a kernel has ended: 6 to 8 ms measured. */
const TERMINATE_MS = 7;

/** Seeds of streams are apart, so that adding a stream does not change the others. */
const SEED_STRIDE = 7919;

export class VirtualThread implements StreamThread {
  readonly queue: DeviceQueue;
  readonly #options: VirtualThreadOptions;
  readonly #events: ThreadEvents;
  readonly #backend: VirtualBackend;
  readonly #session: StreamSession;
  readonly #inbox: ToStream[] = [];
  /** What the thread is working on, and the submission of each step of it. */
  #work: DeviceWaiting<void> | undefined;
  #submissions = new Map<number, Submission>();
  /** Work in flight by the slot it was submitted for: a slot must outlive its work. */
  readonly #inFlight = new Map<SlotIndex | undefined, Submission[]>();
  #slot: SlotIndex | undefined;
  #ended = false;

  constructor(options: VirtualThreadOptions, events: ThreadEvents) {
    const { simulation, stream, faults, clock, memoryLimitBytes } = options;
    this.#options = options;
    this.#events = events;
    this.#backend = new VirtualBackend(
      simulation,
      faults,
      createRandom(simulation.seed + stream * SEED_STRIDE),
      memoryLimitBytes,
    );
    this.queue = new DeviceQueue(clock, simulation.profile.queueDepth, (event, name, slot) =>
      this.#log(event, name, slot),
    );
    const memory = new Float64Array(options.memory);
    this.#session = new StreamSession({
      backend: this.#backend,
      control: options.control,
      claims: options.claims,
      clock,
      post: (message) => this.#send(message),
      onMemory: (constantBytes) => writeMemory(memory, this.#backend.memory, constantBytes),
    });
    this.#send({ type: 'ready' });
  }

  post(message: ToStream): void {
    this.#after(this.#options.simulation.profile.messageMs, () => {
      this.#inbox.push(message);
      if (this.#work === undefined) this.#takeMessage();
    });
  }

  ref(): void {}

  unref(): void {}

  /** The thread goes on until it has ended, and may still tell and write. */
  terminate(): Promise<void> {
    return new Promise((resolve) => {
      this.#options.clock.setTimer(TERMINATE_MS, () => {
        this.end(new Error('the virtual thread was terminated'));
        resolve();
      });
    });
  }

  /** A slot must outlive its work. Copies to the device have read the slot's buffer when they are submitted. */
  hasWorkOf(slot: SlotIndex | undefined): boolean {
    const submissions = this.#ended ? [] : (this.#inFlight.get(slot) ?? []);
    return submissions.some(({ done, work }) => !done && work.name !== COPY_IN);
  }

  /** The thread dies, and all that its queue holds with it. */
  end(reason: Error): void {
    if (this.#ended) return;
    this.#ended = true;
    this.queue.end();
    this.#log('thread ends', reason.message, undefined);
    this.#events.onExit(reason);
  }

  #log(event: string, name: string, slot: SlotIndex | undefined): void {
    this.#options.simulation.log({
      atMs: this.#options.clock.nowMs(),
      stream: this.#options.stream,
      slot,
      event,
      name,
    });
  }

  #after(ms: number, callback: () => void): void {
    this.#options.clock.setTimer(ms, () => {
      if (!this.#ended) callback();
    });
  }

  /** Messages leave after the copies that fill them, and arrive in order: all take equally long. */
  #send(message: FromStream): void {
    const { messageMs } = this.#options.simulation.profile;
    this.#after(this.#backend.copyMs + messageMs, () => this.#events.onMessage(message));
  }

  #takeMessage(): void {
    const message = this.#inbox.shift();
    if (message === undefined) return;
    this.#slot = 'slot' in message ? message.slot : undefined;
    this.#log('message', message.type, this.#slot);
    this.#submissions = new Map();
    this.#work = this.#session.handle(message);
    this.#step(() => this.#work!.next(false));
  }

  #step(resume: () => IteratorResult<DeviceWait, void>): void {
    const next = resume();
    this.#after(this.#backend.takeCopies(this.#options.clock.nowMs()), () => {
      if (next.done) this.#endOfWork();
      else this.#wait(next.value);
    });
  }

  #endOfWork(): void {
    this.#submitPrepared(undefined);
    invariant(
      !this.hasWorkOf(this.#slot),
      `stream ${this.#options.stream} has no work in flight after its segment ended`,
    );
    this.#inFlight.delete(this.#slot);
    this.#work = undefined;
    this.#takeMessage();
  }

  #wait(wait: DeviceWait): void {
    const { profile } = this.#options.simulation;
    const resume = (waited: boolean) => this.#step(() => this.#answer(waited));
    const passFence = (submission: Submission, waited: boolean) => {
      this.queue.fenced(submission);
      resume(waited);
    };
    switch (wait.kind) {
      case 'submit':
        this.#after(profile.submitMs, () =>
          this.queue.whenRoom(() => {
            this.#submitPrepared(wait.step);
            resume(false);
          }),
        );
        break;
      case 'pause':
        this.#after(wait.ms, () => resume(true));
        break;
      case 'fence': {
        const submission = this.#submissions.get(wait.step);
        invariant(submission !== undefined, 'a fence waits for a step that was submitted');
        if (submission.done) this.#after(profile.pollMs, () => passFence(submission, false));
        else
          this.queue.whenDone(submission, () =>
            this.#after(profile.fenceMs, () => passFence(submission, true)),
          );
        break;
      }
    }
  }

  /** Errors of the device surface at the fence that waits for the work. */
  #answer(waited: boolean): IteratorResult<DeviceWait, void> {
    const error = this.queue.takeError();
    if (error === undefined) return this.#work!.next(waited);
    return this.#work!.throw(error);
  }

  #submitPrepared(step: number | undefined): void {
    for (const work of this.#backend.takeWork()) {
      this.#log('submit', work.name, this.#slot);
      const submission = this.queue.submit(work, this.#slot);
      if (step !== undefined) this.#submissions.set(step, submission);
      const inFlight = this.#inFlight.get(this.#slot);
      if (inFlight === undefined) this.#inFlight.set(this.#slot, [submission]);
      else inFlight.push(submission);
    }
  }
}
