/** A stream's thread on virtual time: the same session, driver and inbox as in a real worker. */
import { type ControlWord, stopReasonOf } from '../../scheduler/cancellation.js';
import { invariant } from '../../scheduler/errors.js';
import type { SlotIndex } from '../../scheduler/stream.js';
import { drive, type Waiter, waiterOn } from '../stream-worker/driver.js';
import { Inbox } from '../stream-worker/inbox.js';
import { writeMemory } from '../stream-worker/memory-words.js';
import type { FromStream, ToStream } from '../stream-worker/protocol.js';
import { StreamSession } from '../stream-worker/session.js';
import type { StreamThread, ThreadEvents } from '../stream-worker/thread.js';
import { DeviceQueue } from './device-queue.js';
import type { NodeFaults } from './faults.js';
import type { Simulation } from './options.js';
import { createRandom } from './random.js';
import { COPY_IN, VirtualBackend } from './virtual-backend.js';
import type { VirtualClock } from './virtual-clock.js';
import { VirtualQueue } from './virtual-queue.js';

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
  readonly device: DeviceQueue;
  readonly isAbandoned = false;
  readonly #options: VirtualThreadOptions;
  readonly #events: ThreadEvents;
  readonly #backend: VirtualBackend;
  readonly #session: StreamSession;
  readonly #inbox: Inbox<ToStream>;
  readonly #waiter: Waiter;
  /** The slot whose run the thread works on. */
  #slot: SlotIndex | undefined;
  /** Ends the pause that the thread makes. */
  #wake: (() => void) | undefined;
  #ended = false;

  constructor(options: VirtualThreadOptions, events: ThreadEvents) {
    const { simulation, clock } = options;
    this.#options = options;
    this.#events = events;
    this.device = new DeviceQueue(clock, simulation.profile.queueDepth, (event, name, slot) =>
      this.#log(event, name, slot),
    );
    this.#backend = this.#createBackend();
    this.#waiter = waiterOn(this.#backend, (control, ms) => this.#pause(control, ms));
    const memory = new Float64Array(options.memory);
    this.#session = new StreamSession({
      backend: this.#backend,
      control: options.control,
      claims: options.claims,
      clock,
      post: (message) => this.#send(message),
      onMemory: (constantBytes) => writeMemory(memory, this.#backend.memory, constantBytes),
    });
    this.#inbox = new Inbox((message) => this.#handle(message).catch((error) => this.#surface(error)));
    this.#send({ type: 'ready' });
  }

  #createBackend(): VirtualBackend {
    const { simulation, faults, clock, stream, memoryLimitBytes } = this.#options;
    const slotOf = () => this.#slot;
    const thread = {
      get slot() {
        return slotOf();
      },
      after: (ms: number, callback: () => void) => this.#after(ms, callback),
      nowMs: () => clock.nowMs(),
    };
    return new VirtualBackend({
      simulation,
      faults,
      random: createRandom(simulation.seed + stream * SEED_STRIDE),
      clock,
      queue: new VirtualQueue(this.device, simulation.profile, thread),
      limitBytes: memoryLimitBytes,
    });
  }

  post(message: ToStream): void {
    this.#after(this.#options.simulation.profile.messageMs, () => this.#inbox.receive(message));
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

  /** A run of this slot was stopped. */
  onStop(slot: SlotIndex): void {
    if (this.#slot === slot) this.#wake?.();
  }

  /** A slot must outlive its work. Copies to the device have read the slot's buffer when they are submitted. */
  hasWorkOf(slot: SlotIndex | undefined): boolean {
    return this.device.hasWorkOf(slot, ({ name }) => name !== COPY_IN);
  }

  /** The thread dies, and all that its queue holds with it. */
  end(reason: Error): void {
    if (this.#ended) return;
    this.#ended = true;
    this.device.end();
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

  /** Messages arrive in order: all take equally long. */
  #send(message: FromStream): void {
    this.#after(this.#options.simulation.profile.messageMs, () => this.#events.onMessage(message));
  }

  /** A broken invariant is thrown where the clock is driven. */
  #surface(error: unknown): void {
    this.#options.clock.setTimer(0, () => {
      throw error;
    });
  }

  async #handle(message: ToStream): Promise<void> {
    this.#slot = 'slot' in message ? message.slot : undefined;
    this.#log('message', message.type, this.#slot);
    await drive(this.#session.handle(message), this.#waiter);
    this.#backend.queue.flush();
    const { stream } = this.#options;
    invariant(!this.hasWorkOf(this.#slot), `stream ${stream} has no work in flight after its segment ended`);
    this.#slot = undefined;
  }

  #pause({ words, index }: ControlWord, ms: number): Promise<undefined> {
    return new Promise((resolve) => {
      const wake = () => {
        this.#wake = undefined;
        resolve(undefined);
      };
      this.#wake = wake;
      if (stopReasonOf(Atomics.load(words, index)) !== undefined) wake();
      else
        this.#after(ms, () => {
          if (this.#wake === wake) wake();
        });
    });
  }
}
