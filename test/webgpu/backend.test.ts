/** The backend by itself. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createKernelBackend } from '../../kernels/webgpu/backend.js';
import type { ImmediateBackend } from '../../scheduler/kernel.js';
import { backendOptions, runOn } from '../support/one-node.js';
import { floats } from '../support/tensors.js';

describe('a webgpu backend', () => {
  let backend: ImmediateBackend;
  beforeEach(async () => {
    // Its reads wait, so single nodes can be run on it as on an immediate one.
    backend = (await createKernelBackend(backendOptions())) as unknown as ImmediateBackend;
  });
  afterEach(() => {
    expect(backend.memory.liveBytes).toBe(0);
    backend.close();
  });

  it('takes no shader of another length', () => {
    for (const length of [5, 4, 3]) {
      const shape = [2, length];
      const x = floats(shape, ...new Array<number>(2 * length).fill(1));
      const attributes = { axis: 1, exclusive: true, reverse: true };
      const [sums] = runOn(backend, 'Cumsum', { x }, [{ dtype: 'float32', shape }], attributes);
      const row = Array.from({ length }, (_, index) => length - 1 - index);
      expect([...sums!.data]).toEqual([...row, ...row]);
    }
  });

  it.each([2 ** 24 + 1, -(2 ** 31), 2 ** 31 - 1])('keeps all digits of %i', (number) => {
    const spec = { dtype: 'int32', shape: [1] } as const;
    const x = { ...spec, data: Int32Array.of(number) };
    const zero = { ...spec, data: Int32Array.of(0) };
    expect(runOn(backend, 'Add', { a: x, b: zero }, [spec])[0]!.data[0]).toBe(number);
    expect(runOn(backend, 'Tile', { x }, [spec], { reps: [1] })[0]!.data[0]).toBe(number);
  });
});
