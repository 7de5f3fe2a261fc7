/** Entry of a stream's thread: makes the backend, then serves messages. */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { createSystemClock } from '../../scheduler/clock.js';
import { invariant, toErrorRecord } from '../../scheduler/errors.js';
import type { CreateKernelBackend, KernelBackend } from '../../scheduler/kernel.js';
import { checkBackend } from './check-backend.js';
import { viewControlBlock } from './control-block.js';
import { drive, pauseInPieces, waiterOn } from './driver.js';
import { Inbox } from './inbox.js';
import { writeMemory } from './memory-words.js';
import type { FromStream, FromThread, StreamWorkerData, ToStream, ToThread } from './protocol.js';
import { StreamSession } from './session.js';
import { SpareTime } from './spare-time.js';
import { WorkerParking } from './worker-parking.js';

const data = workerData as StreamWorkerData;
const port = parentPort;
invariant(port !== null, 'the stream worker runs in a worker thread');

/** In the place of a message when there is time for what makes later runs faster. */
const NOTHING_WAITS = 'nothing waits';

const parking = new WorkerParking(data.parking, (idle) =>
  port.postMessage({ type: 'parked', idle } satisfies FromThread),
);
const { leaveIfAsked, whileFree } = parking;

/** What a device module exports. */
interface DeviceModule {
  readonly createKernelBackend?: CreateKernelBackend;
  readonly parks?: unknown;
}

async function createBackend(): Promise<KernelBackend> {
  const module = (await import(data.backend)) as DeviceModule;
  if (typeof module.createKernelBackend !== 'function') {
    throw new TypeError(`expected ${data.backend} to export createKernelBackend`);
  }
  const parks = module.parks === true;
  if (parks) parking.begin();
  const options = parks ? { ...data.options, leaveIfAsked, whileFree } : data.options;
  const backend = checkBackend(await module.createKernelBackend(options), data.backend, parks);
  if (parks) parking.host(backend);
  return backend;
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
    onMemory: (constantBytes) => {
      // The words are another thread's once this one has hung and was abandoned.
      leaveIfAsked();
      writeMemory(memory, backend.memory, constantBytes);
    },
  });
  const wait = waiterOn(backend, pauseInPieces(leaveIfAsked));
  const inbox = new Inbox<ToStream | typeof NOTHING_WAITS>(
    (message) =>
      drive(message === NOTHING_WAITS ? session.makeReady() : session.handle(message), wait, leaveIfAsked),
    () => spareTime.onIdle(),
  );
  const spareTime = new SpareTime({
    clock,
    hasWork: () => session.hasMore,
    doPiece: () => inbox.receive(NOTHING_WAITS),
  });
  messages.on('message', (message: ToThread) => {
    // Not one of the inbox's, which lets nothing in while work waits asynchronously.
    if (message.type === 'park') leaveIfAsked();
    else inbox.receive(message);
  });
}

/**
 * Not awaited at the top of the module: Node takes the process down when a thread is ended at the moment at which it begins to evaluate a
 * module that awaits there (V8: "Check failed: (location_) != nullptr").
 */
async function start(messages: MessagePort): Promise<void> {
  try {
    const backend = await createBackend();
    serve(backend, messages);
    messages.postMessage({ type: 'ready', hardware: backend.hardware } satisfies FromStream);
  } catch (error) {
    messages.postMessage({
      type: 'unavailable',
      error: toErrorRecord(error, 'DEVICE_UNAVAILABLE'),
    } satisfies FromStream);
    // Something of the device may be there all the same.
    if (parking.isNeeded) messages.on('message', leaveIfAsked);
  }
}

void start(port);
