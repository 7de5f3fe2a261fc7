/** Entry of a stream's thread: makes the backend, then serves messages. */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { createSystemClock } from '../../scheduler/clock.js';
import { invariant, toErrorRecord } from '../../scheduler/errors.js';
import type { CreateKernelBackend, KernelBackend } from '../../scheduler/kernel.js';
import { checkBackend } from './check-backend.js';
import { viewControlBlock } from './control-block.js';
import { drive, waiterOn } from './driver.js';
import { Inbox } from './inbox.js';
import { writeMemory } from './memory-words.js';
import type { FromStream, StreamWorkerData, ToStream } from './protocol.js';
import { StreamSession } from './session.js';
import { SpareTime } from './spare-time.js';

const data = workerData as StreamWorkerData;
const port = parentPort;
invariant(port !== null, 'the stream worker runs in a worker thread');

/** In the place of a message when there is time for what makes later runs faster. */
const NOTHING_WAITS = 'nothing waits';

async function createBackend(): Promise<KernelBackend> {
  const module = (await import(data.backend)) as { createKernelBackend?: CreateKernelBackend };
  if (typeof module.createKernelBackend !== 'function') {
    throw new TypeError(`expected ${data.backend} to export createKernelBackend`);
  }
  return checkBackend(await module.createKernelBackend(data.options), data.backend);
}

function serve(backend: KernelBackend, messages: MessagePort): void {
  const memory = new Float64Array(data.memory);
  const clock = createSystemClock();
  const session = new StreamSession({
    backend,
    control: viewControlBlock(data.control.buffer, data.control.slots).words,
    claims: data.claims,
    clock,
    post: (message, transfer) => messages.postMessage(message, transfer),
    onMemory: (constantBytes) => writeMemory(memory, backend.memory, constantBytes),
  });
  const wait = waiterOn(backend);
  const inbox = new Inbox<ToStream | typeof NOTHING_WAITS>(
    (message) => drive(message === NOTHING_WAITS ? session.makeReady() : session.handle(message), wait),
    () => spareTime.onIdle(),
  );
  const spareTime = new SpareTime({
    clock,
    hasWork: () => session.hasMore,
    doPiece: () => inbox.receive(NOTHING_WAITS),
  });
  messages.on('message', (message: ToStream) => inbox.receive(message));
}

try {
  serve(await createBackend(), port);
  port.postMessage({ type: 'ready' } satisfies FromStream);
} catch (error) {
  port.postMessage({
    type: 'unavailable',
    error: toErrorRecord(error, 'DEVICE_UNAVAILABLE'),
  } satisfies FromStream);
}
