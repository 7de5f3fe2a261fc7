/** The checks that `curfew/device-testing` offers, on TensorFlow's CPU device, as it is and as if it queued its work. */
import { describe, it } from 'vitest';
import { createKernelBackend } from '../../kernels/tensorflow/backend.js';
import { deviceChecks } from '../../runtime/device-testing.js';

describe.each([false, true])('the tensorflow device, queueing: %s', (queueing) => {
  const options = {
    device: { queueing },
    engine: { device: 'tensorflow', tensorflow: { queueing } },
  } as const;
  for (const { name, run } of deviceChecks(createKernelBackend, options))
    it(name, async ({ skip }) => {
      const reason = await run();
      if (reason !== undefined) skip(reason);
    });
});
