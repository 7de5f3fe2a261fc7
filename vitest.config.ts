import { defineConfig } from 'vitest/config';
import { findInstallation } from './kernels/tensorflow/installation.js';
import { whyNoWebGpu } from './test/support/find-webgpu.js';

const TENSORFLOW_TESTS = 'test/tensorflow/**';
// Without a set-up they would only say that there is none. CI has one, and says so.
const skipsTensorFlow = findInstallation() === undefined && process.env['CURFEW_REQUIRE_TENSORFLOW'] !== '1';
if (skipsTensorFlow)
  console.log(`Skipping ${TENSORFLOW_TESTS}: TensorFlow is not set up here (npm run setup:tensorflow)`);

const WEBGPU_TESTS = 'test/webgpu/**';
const whyWithoutWebGpu = process.env['CURFEW_REQUIRE_WEBGPU'] === '1' ? undefined : await whyNoWebGpu();
if (whyWithoutWebGpu !== undefined)
  console.log(`Skipping ${WEBGPU_TESTS}: ${whyWithoutWebGpu.split('\n', 1)[0]}`);

const skipped = [
  ...(skipsTensorFlow ? [TENSORFLOW_TESTS] : []),
  ...(whyWithoutWebGpu === undefined ? [] : [WEBGPU_TESTS]),
];

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: skipped,
    pool: 'forks',
    testTimeout: 180_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
  },
});
