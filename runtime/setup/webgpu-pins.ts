/** Exactly which packages the set-up of the webgpu device takes from npm's registry, and what of them. */
import { DAWN, KERNELS } from '../../kernels/webgpu/installation.js';
import type { PinnedPackage } from './pins.js';

export interface PinnedArchive extends PinnedPackage {
  /** Of the archive. */
  readonly bytes: number;
  /** Of what is kept of it, at most. */
  readonly keptBytes: number;
}

/** All that the set-up may fetch from there. */
export interface WebGpuPins {
  readonly dawn: PinnedArchive;
  readonly kernels: PinnedArchive;
  /** A browser for servers, which has SwiftShader with it. Nothing else is taken of it, and no script of it runs. */
  readonly swiftShader: PinnedArchive;
}

export const WEBGPU_PINS: WebGpuPins = {
  dawn: {
    requirement: `${DAWN.name}@${DAWN.version}`,
    file: `webgpu-${DAWN.version}.tgz`,
    integrity:
      'sha512-3L4GfmqJLvYUIEWJngEQY+2HQiUlAFkg8+P8NDDj3Xx5hHHIFO/r8JW+ynfqBj7kHN4mbnwO74uB+lrRtLhp4Q==',
    bytes: 51_264_151,
    keptBytes: 21_600_000,
  },
  kernels: {
    requirement: `${KERNELS.name}@${KERNELS.version}`,
    file: `tensorflow-tfjs-backend-webgpu-${KERNELS.version}.tgz`,
    integrity:
      'sha512-lvIc7Af4Tl2BCdYp43iQmSCRq3asaKT0q2xaErphXiUZ+jqeB0bQa0ZvQys1Xatvto0U4/c90DVsHPfvkn5ftg==',
    bytes: 2_979_748,
    keptBytes: 1_500_000,
  },
  swiftShader: {
    requirement: '@sparticuz/chromium@153.0.0',
    file: 'sparticuz-chromium-153.0.0.tgz',
    integrity:
      'sha512-jiGWqSvPMdu4+P9TilYqAR7yEGPEHINx+lCvE/NqNO/EHYzF/x1hUiI5T6ioVIt7dEy7n88byyT0vk+dnsgQwA==',
    bytes: 69_995_309,
    keptBytes: 28_400_000,
  },
};
