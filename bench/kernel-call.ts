/**
 * What calling one tiny kernel costs: a chain of `Add`s on 16 floats through TensorFlow.js's engine, through its
 * kernel function, and through a prepared node of the wasm backend. Run `node dist/bench/kernel-call.js [--smoke]`.
 */
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-wasm';
import { createKernelBackend } from '../kernels/wasm/backend.js';
import type { NodeId, ValueId } from '../scheduler/graph.js';
import type { PreparedNode, ProgramNode, ValueTable } from '../scheduler/kernel.js';
import type { TensorSpec } from '../scheduler/tensor.js';

const CHAIN_LENGTH = 1000;
const SPEC: TensorSpec = { dtype: 'float32', shape: [16] };
const smoke = process.argv.includes('--smoke');
const rounds = smoke ? 3 : 41;
const chainsPerRound = smoke ? 1 : 5;

type Side = readonly [name: string, runChain: () => void];

function throughEngine(): void {
  const one = tf.ones([16]);
  let x = tf.zeros([16]);
  for (let step = 0; step < CHAIN_LENGTH; step++) {
    const sum = tf.add(x, one);
    x.dispose();
    x = sum;
  }
  x.dispose();
  one.dispose();
}

function throughKernelFunction(): void {
  const backend = tf.backend();
  const kernel = tf.getKernel('Add', 'wasm').kernelFunc;
  const run = (a: tf.TensorInfo, b: tf.TensorInfo) =>
    kernel({ inputs: { a, b }, attrs: {}, backend }) as tf.TensorInfo;
  const upload = (value: number): tf.TensorInfo => ({
    dataId: backend.write(new Float32Array(16).fill(value), [16], 'float32'),
    shape: [16],
    dtype: 'float32',
  });
  const one = upload(1);
  let x = upload(0);
  for (let step = 0; step < CHAIN_LENGTH; step++) {
    const sum = run(x, one);
    backend.disposeData(x.dataId);
    x = sum;
  }
  backend.disposeData(x.dataId);
  backend.disposeData(one.dataId);
}

async function throughPreparedNodes(): Promise<() => void> {
  const backend = await createKernelBackend({
    stream: 0,
    threads: 1,
    memoryLimitBytes: undefined,
    device: undefined,
  });
  const bytes = new Uint8Array(64);
  const program: PreparedNode[] = Array.from({ length: CHAIN_LENGTH }, (_, step) => {
    const node: ProgramNode = {
      id: step as NodeId,
      name: `add${step}`,
      op: 'Add',
      attributes: {},
      inputNames: ['a', 'b'],
      inputs: [step + 1, 0] as ValueId[],
      inputSpecs: [SPEC, SPEC],
      outputs: [step + 2] as ValueId[],
      outputSpecs: [SPEC],
      cost: { operations: 16, bytes: 192 },
    };
    return backend.prepare(node).run;
  });
  const values: ValueTable = new Array(CHAIN_LENGTH + 2).fill(undefined);
  return () => {
    values[0] = backend.upload(SPEC, bytes);
    values[1] = backend.upload(SPEC, bytes);
    for (let step = 0; step < CHAIN_LENGTH; step++) {
      program[step]!(values);
      backend.release(values[step + 1]!);
      values[step + 1] = undefined;
    }
    backend.release(values[CHAIN_LENGTH + 1]!);
    backend.release(values[0]!);
  };
}

function measureUs(runChain: () => void): number {
  const start = performance.now();
  for (let chain = 0; chain < chainsPerRound; chain++) runChain();
  return ((performance.now() - start) * 1000) / (chainsPerRound * CHAIN_LENGTH);
}

const quantile = (sorted: readonly number[], part: number) =>
  sorted[Math.round(part * (sorted.length - 1))]!.toFixed(3);

tf.env().set('PROD', true);
await tf.setBackend('wasm');
const sides: Side[] = [
  ['tf.add through the engine', throughEngine],
  ['tfjs kernel function', throughKernelFunction],
  ['prepared node', await throughPreparedNodes()],
];
for (const [, runChain] of sides) for (let warmUp = 0; warmUp < 20; warmUp++) runChain();
const results = new Map<string, number[]>(sides.map(([name]) => [name, []]));
for (let round = 0; round < rounds; round++) {
  for (const [name, runChain] of sides) results.get(name)!.push(measureUs(runChain));
}
console.log(`Add on 16 floats, chain of ${CHAIN_LENGTH}, µs per node: median (p10–p90) of ${rounds} rounds`);
for (const [name, samples] of results) {
  samples.sort((a, b) => a - b);
  console.log(
    `${name.padEnd(28)}${quantile(samples, 0.5)}  (${quantile(samples, 0.1)}–${quantile(samples, 0.9)})`,
  );
}
