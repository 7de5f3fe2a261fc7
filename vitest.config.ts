import { defineConfig } from 'vitest/config';
import { findInstallation } from './kernels/tensorflow/installation.js';

const TENSORFLOW_TESTS = 'test/tensorflow/**';
// Without a set-up they would only say that there is none. CI has one, and says so.
const skipsTensorFlow = findInstallation() === undefined && process.env['CURFEW_REQUIRE_TENSORFLOW'] !== '1';
if (skipsTensorFlow)
  console.log(`Skipping ${TENSORFLOW_TESTS}: TensorFlow is not set up here (npm run setup:tensorflow)`);

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: skipsTensorFlow ? [TENSORFLOW_TESTS] : [],
    pool: 'forks',
    testTimeout: 180_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
  },
});
