/** What a message between the main thread and a worker takes. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { summarize } from '../../harness.js';

const ECHO = `const { parentPort } = require('node:worker_threads'); parentPort.on('message', (m) => parentPort.postMessage(m));`;

/** Half of the median round trip, in milliseconds. */
export async function measureMessageMs(rounds: number): Promise<number> {
  const worker = new Worker(ECHO, { eval: true });
  await once(worker, 'online');
  const samples: number[] = [];
  for (let round = -20; round < rounds; round++) {
    const startMs = performance.now();
    worker.postMessage({ type: 'run', slot: 0 });
    await once(worker, 'message');
    if (round >= 0) samples.push(performance.now() - startMs);
  }
  await worker.terminate();
  return summarize(samples).median / 2;
}
