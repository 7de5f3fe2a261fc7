/** The same network on the calling thread: through tfjs-node without Curfew, and Curfew's graph of it without an engine. */
import * as core from '@tensorflow/tfjs-core';
import { drive, waiterOn } from '../../kernels/stream-worker/driver.js';
import { ProgramStore } from '../../kernels/stream-worker/program-store.js';
import { loadAddon } from '../../kernels/tensorflow/addon.js';
import { createKernelBackend } from '../../kernels/tensorflow/backend.js';
import { findInstallation } from '../../kernels/tensorflow/installation.js';
import { registerPackage } from '../../kernels/tensorflow/stock-package.js';
import type { Graph } from '../../runtime/index.js';
import { createSystemClock } from '../../scheduler/clock.js';
import { writeConstants } from '../../scheduler/plan/constants.js';
import { planGraph } from '../../scheduler/plan-graph.js';
import { bytesOf } from '../../scheduler/tensor.js';

/** A network that a peer executes: elements of the image in, elements of the output out. */
export type Peer = (image: Float32Array) => Float32Array;

/** tfjs-node as its users call it: TensorFlow.js calls kernel by kernel. Makes TensorFlow the current backend of `core`. */
export function kernelByKernel(
  predict: (image: core.Tensor) => core.Tensor,
  shape: [number, number, number, number],
): Peer {
  const installation = findInstallation()!;
  registerPackage(core, installation.packageFolder, loadAddon(installation.addon));
  return (image) => {
    const output = core.tidy(() => predict(core.tensor(image, shape)));
    const data = output.dataSync() as Float32Array;
    output.dispose();
    return data;
  };
}

/**
 * The frozen graph that Curfew writes for mode `'none'`, called here by Curfew's device: TensorFlow's session through the
 * addon's `runSavedModel`, with the image copied in and the output copied out.
 */
export async function graphOnMainThread(graph: Graph): Promise<Peer> {
  const backend = await createKernelBackend({
    stream: 0,
    threads: 1,
    memoryLimitBytes: undefined,
    device: undefined,
  });
  const plan = planGraph(graph, { streams: 1, placement: 'single', chunks: { ahead: [{ kind: 'none' }] } });
  const constants = new SharedArrayBuffer(plan.constantBytes);
  writeConstants(graph, new Uint8Array(constants));
  const store = new ProgramStore(backend, createSystemClock());
  store.load(0, plan.programs[0]!, constants);
  const { program, template, chunks } = store.get(0);
  while (!chunks!.isReady) await drive(chunks!.makeNext(), waiterOn(backend));
  const [call, ...others] = chunks!.stepsFor({ kind: 'none' })!.steps;
  if (call?.parts === undefined || others.length > 0) throw new Error('expected a network in one chunk');
  const [input] = program.segments[0]!.imports;
  const [output] = call.exports!.values;
  return (image) => {
    const values = template.slice();
    values[input!.value] = backend.upload(input!.spec, bytesOf(image));
    call.run(values);
    const bytes = backend.read(values[output!.value]!) as Uint8Array;
    for (const { value } of [input!, output!]) backend.release(values[value]!);
    return new Float32Array(bytes.slice().buffer);
  };
}
