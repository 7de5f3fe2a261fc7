import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { withQuietLibrary, withQuietThreads } from '../../kernels/tensorflow/quiet-library.js';

const VARIABLE = 'TF_CPP_MIN_LOG_LEVEL';
const level = () => process.env[VARIABLE];

describe('the log level of the library', () => {
  beforeEach(() => {
    vi.stubEnv(VARIABLE, undefined);
  });
  afterEach(() => {
    vi.unstubAllEnvs();
  });

  it('is silence until the last call that may load it is over', async () => {
    const outer = withQuietThreads(async () => {
      expect(withQuietLibrary(level)).toBe('3');
      return level();
    });
    expect(await outer).toBe('3');
    expect(level()).toBe(undefined);
  });

  it('is the one that the user has set before', () => {
    process.env[VARIABLE] = '1';
    expect(withQuietLibrary(level)).toBe('1');
    expect(level()).toBe('1');
  });

  it('is the one that the user has set meanwhile', async () => {
    await withQuietThreads(async () => {
      process.env[VARIABLE] = '0';
    });
    expect(level()).toBe('0');
  });
});
