/**
 * A queueing device whose threads must park before they are ended, made of the reference kernels. How it starts, waits and
 * parks is in shared memory, laid out as `../parking-device.ts` says.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { createReferenceBackend } from '../../../dist/kernels/reference/backend.js';

export const parks = true;

const [STARTING, CREATED, WAITING, MADE, PARK_CALLS, IDLE, GATE, WAIT, PARK] = [0, 1, 2, 3, 4, 5, 6, 7, 8];

/** In the order of `WAITS` in `../parking-device.ts`. */
const waits = [
  () => undefined,
  /** In a loop of the device's own. */
  (words, leaveIfAsked) => {
    while (Atomics.load(words, GATE) === 0) {
      Atomics.wait(words, GATE, 0, 1);
      leaveIfAsked?.();
    }
  },
  /** Asynchronously. */
  async (words) => {
    while (Atomics.load(words, GATE) === 0) await nextTurn();
  },
  /** In a call of the driver's. */
  (words) => {
    while (Atomics.load(words, GATE) === 0) Atomics.wait(words, GATE, 0);
  },
  () => process.exit(3),
  async () => {
    setImmediate(() => {
      throw new Error('where nobody catches');
    });
    await new Promise(() => {});
  },
];

/** In the order of `PARKS`. */
const answers = [
  () => true,
  () => false,
  () => {
    throw new Error('the device was told not to park');
  },
];

async function start(how, words, streams) {
  Atomics.add(words, STARTING, 1);
  if (how === 'slow') while (Atomics.load(words, GATE) === 0) await nextTurn();
  if (how === 'fails') {
    // Before that the others need not be parked.
    while (Atomics.load(words, STARTING) < streams) await nextTurn();
    throw new Error('the device was told to fail');
  }
  Atomics.add(words, CREATED, 1);
}

function queueOn(words, leaveIfAsked) {
  let submitted = 0;
  let passed = 0;
  return {
    fences: 'each',
    submit: () => ++submitted,
    reached: (mark) => mark <= passed,
    wait: (mark) => {
      if (mark <= passed) return false;
      Atomics.add(words, WAITING, 1);
      const pending = waits[Atomics.load(words, WAIT)](words, leaveIfAsked);
      const pass = () => {
        passed = mark;
        return true;
      };
      return pending === undefined ? pass() : pending.then(pass);
    },
  };
}

function parkOn(words, leaveIfAsked) {
  return () => {
    Atomics.add(words, PARK_CALLS, 1);
    // As a device does that drains its queue in the same loop as ever.
    leaveIfAsked?.();
    const isIdle = answers[Atomics.load(words, PARK)]();
    if (isIdle) Atomics.add(words, IDLE, 1);
    return isIdle;
  };
}

export async function createKernelBackend({ stream, leaveIfAsked, device, memoryLimitBytes }) {
  const words = new Int32Array(device.strings);
  const how = device.starts[stream];
  await start(how, words, device.starts.length);
  const reference = createReferenceBackend({ memoryLimitBytes });
  const prepare = (node) => {
    const { run } = reference.prepare(node);
    return {
      run: (values) => {
        run(values);
        Atomics.add(words, MADE, 1);
      },
    };
  };
  return {
    device: 'parking',
    memory: reference.memory,
    queue: queueOn(words, leaveIfAsked),
    prepare,
    upload: (spec, bytes) => reference.upload(spec, bytes),
    read: (tensor) => reference.read(tensor),
    release: (tensor) => reference.release(tensor),
    close: () => reference.close(),
    park: how === 'lacks park' ? undefined : parkOn(words, leaveIfAsked),
  };
}
