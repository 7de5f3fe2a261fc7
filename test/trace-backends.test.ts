import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-layers';
import { expect, it } from 'vitest';
import { interpret } from '../kernels/reference/interpret.js';
import { trace } from '../runtime/trace.js';
import type { Tensor } from '../scheduler/tensor.js';

const VECTOR = { dtype: 'float32', shape: [3] } as const;
const feed: Tensor = { ...VECTOR, data: new Float32Array([1, 2, 3]) };

// In this order: the backends of a process only ever become more.
it('trace() needs no backend of the caller, and activates none', async () => {
  expect(tf.engine().backendNames()).toEqual([]);
  let v: tf.Variable | undefined;
  const graph = await trace(
    ({ x }) => {
      v = tf.variable(tf.tensor1d([1, 1, 1]));
      return tf.add(x, v);
    },
    { x: VECTOR },
  );
  expect(tf.getBackend()).toBeUndefined();
  // Stays for those who import it later, when its module is there already.
  expect(tf.engine().backendNames()).toEqual(['cpu']);
  await import('@tensorflow/tfjs-backend-cpu');
  expect(tf.findBackend('cpu')).not.toBeNull();
  expect([...(await interpret(graph, { x: feed }))['output']!.data]).toEqual([2, 3, 4]);
  expect([...v!.dataSync()]).toEqual([1, 1, 1]);
  v!.dispose();
});

it('trace() reads weights on a backend of the caller and leaves them there', async () => {
  await import('@tensorflow/tfjs-backend-wasm');
  await tf.setBackend('wasm');
  const w = tf.variable(tf.tensor1d([1, 2, 3]));
  const t = tf.tensor1d([10, 20, 30]);
  const owner = () =>
    [w, t].map(({ dataId }) => tf.engine().state.tensorInfo.get(dataId)?.backend === tf.backend());
  const references = () => [w, t].map(({ dataId }) => tf.backend().refCount(dataId));
  const before = references();
  const optimizer = tf.train.adam(0.1);
  const memory = tf.memory().numTensors;
  const graph = await trace(
    ({ x }) => {
      const loss = optimizer.minimize(() => tf.sum(tf.square(tf.sub(tf.mul(w, x), t))) as tf.Scalar, true, [
        w,
      ])!;
      return { loss, w, t: tf.reshape(tf.clone(t), [1, 3]) };
    },
    { x: VECTOR },
  );
  expect(tf.getBackend()).toBe('wasm');
  expect(owner()).toEqual([true, true]);
  // Adam's accumulators.
  expect(tf.memory().numTensors).toBe(memory + 2);
  expect(references()).toEqual(before);
  expect([...w.dataSync()]).toEqual([1, 2, 3]);

  const received = await interpret(graph, { x: feed });
  expect([...received['t']!.data]).toEqual([10, 20, 30]);
  const x = tf.tensor1d([1, 2, 3]);
  const loss = optimizer.minimize(() => tf.sum(tf.square(tf.sub(tf.mul(w, x), t))) as tf.Scalar, true, [w])!;
  expect(received['loss']!.data[0]).toBeCloseTo(loss.dataSync()[0]!, 3);
  const stepped = w.dataSync();
  for (const [index, value] of received['w']!.data.entries()) expect(value).toBeCloseTo(stepped[index]!, 5);

  tf.dispose([x, loss]);
  optimizer.dispose();
});
