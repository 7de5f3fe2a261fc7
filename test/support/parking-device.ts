/**
 * A device whose threads must park before they are ended. Shared words: counts over all of its threads, then a gate that
 * what waits waits for, and what a wait and `park()` do.
 */
import { onTestFinished } from 'vitest';
import { createEngineWithClock } from '../../runtime/create-engine.js';
import type { EngineOptions } from '../../runtime/options.js';
import { type Clock, createSystemClock } from '../../scheduler/clock.js';

const WORDS = [
  'starting',
  'created',
  'waiting',
  'made',
  'parkCalls',
  'idle',
  'gate',
  'wait',
  'park',
] as const;

/** In the order of the module's table. */
const WAITS = ['returns', 'looks', 'turns', 'hangs', 'exits', 'throws'] as const;
const PARKS = ['idle', 'busy', 'throws'] as const;

/** What each stream's thread does when it starts. */
type Start = 'well' | 'slow' | 'fails' | 'lacks park';

export class ParkingDevice {
  readonly #words = new Int32Array(new SharedArrayBuffer(WORDS.length * 4));
  readonly #starts: readonly Start[];

  constructor(starts: readonly Start[] = []) {
    this.#starts = starts;
  }

  get device(): EngineOptions['device'] {
    return {
      module: new URL('./devices/parking.mjs', import.meta.url),
      options: { strings: this.#words.buffer, starts: this.#starts },
    };
  }

  /** `starting`, `created`: backends; `waiting`, `parkCalls`: calls so far; `made`: nodes; `idle`: threads parked for good. */
  count(what: 'starting' | 'created' | 'waiting' | 'made' | 'parkCalls' | 'idle'): number {
    return Atomics.load(this.#words, WORDS.indexOf(what));
  }

  /** What a wait for the queue does from now on, until the gate is open. */
  set wait(how: (typeof WAITS)[number]) {
    Atomics.store(this.#words, WORDS.indexOf('wait'), WAITS.indexOf(how));
  }

  set park(how: (typeof PARKS)[number]) {
    Atomics.store(this.#words, WORDS.indexOf('park'), PARKS.indexOf(how));
  }

  openGate(): void {
    const gate = WORDS.indexOf('gate');
    Atomics.store(this.#words, gate, 1);
    Atomics.notify(this.#words, gate);
  }
}

/** An engine on it. When the test has ended nothing hangs any more, whatever its end. */
export async function startParkingEngine(
  options: EngineOptions = {},
  clock: Clock = createSystemClock(),
  parking = new ParkingDevice(),
) {
  const engine = await createEngineWithClock({ ...options, device: parking.device }, clock);
  onTestFinished(async () => {
    parking.park = 'idle';
    parking.openGate();
    await engine.destroy();
  });
  return { engine, parking };
}
