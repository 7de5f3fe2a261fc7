/** The checks that `curfew/device-testing` offers, on WebGPU. */
import { describe, it } from 'vitest';
import { createKernelBackend } from '../../kernels/webgpu/backend.js';
import { deviceChecks } from '../../runtime/device-testing.js';

describe('the webgpu device', () => {
  const options = { tolerance: 1e-3, engine: { device: 'webgpu' } } as const;
  for (const { name, run } of deviceChecks(createKernelBackend, options))
    it(name, async ({ skip }) => {
      const reason = await run();
      if (reason !== undefined) skip(reason);
    });
});
