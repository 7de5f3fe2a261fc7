/** Checks of how a device parks whose threads must not be ended in the middle of something. */
import { Bench } from './bench.js';
import { carrierOn, fanOut } from './carrier.js';
import { check, checkSame } from './check-failure.js';
import type { CheckWork } from './device-check.js';
import type { Subject } from './options.js';
import { randomOf, randomTensor } from './tensors.js';

const SHAPE = [4, 5];
const NODES = 6;

/** As the thread of a stream asks: it blocks in between. */
const TURN_MS = 5;
const TURNS = 400;

function parkedWithin(park: () => boolean): boolean {
  const word = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  for (let turn = 0; turn < TURNS; turn++) {
    const isIdle = park();
    checkSame('the type of what park() returns', typeof isIdle, 'boolean');
    if (isIdle) return true;
    Atomics.wait(word, 0, 0, TURN_MS);
  }
  return false;
}

/** Submits work and begins to wait for it. */
async function beginToWait(bench: Bench, { options }: Subject): Promise<void> {
  const { node, run } = carrierOn(bench, SHAPE);
  const input = bench.upload(randomTensor({ dtype: 'float32', shape: SHAPE }, randomOf(options)));
  let mark = await bench.submit();
  for (let index = 0; index < NODES; index++) {
    run(fanOut(node, input));
    mark = await bench.submit();
  }
  // It need not end any more.
  bench.wait(mark).catch(() => undefined);
}

/** No backend that has parked is asked for anything, so it is not closed either. */
const becomesIdle: CheckWork = async (subject) => {
  const bench = await Bench.open(subject);
  const { backend } = bench;
  if (backend.park === undefined) {
    await bench.close();
    return 'the device does not park';
  }
  await beginToWait(bench, subject);
  const isIdle = parkedWithin(() => backend.park!());
  check(isIdle, 'park(), called again and again', `true within ${TURNS * TURN_MS} ms`, 'false');
  return undefined;
};

/** Checks by name. */
export const PARKING_CHECKS: Readonly<Record<string, CheckWork>> = Object.freeze({
  'parking: a device is idle soon, also in the middle of a wait, while its thread blocks': becomesIdle,
});
