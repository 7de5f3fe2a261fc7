/** A model as TensorFlow.js's converter writes them. */
import { type GraphModel, loadGraphModel } from '@tensorflow/tfjs-converter';
import type * as tf from '@tensorflow/tfjs-core';

export function smallGraphModel(): Promise<GraphModel> {
  return loadGraphModel({ load: async () => smallGraphArtifacts() });
}

/** y = reshape(relu(x · w), shape), as the converter writes it; x is float32[2,3]. */
export function smallGraphArtifacts(): tf.io.ModelArtifacts & { readonly weightData: ArrayBuffer } {
  const dtype = { type: 'DT_FLOAT' };
  const int = { type: 'DT_INT32' };
  const modelTopology = {
    node: [
      {
        name: 'x',
        op: 'Placeholder',
        attr: { dtype, shape: { shape: { dim: [{ size: '2' }, { size: '3' }] } } },
      },
      { name: 'w', op: 'Const', attr: { dtype, value: { tensor: { dtype: 'DT_FLOAT' } } } },
      { name: 'shape', op: 'Const', attr: { dtype: int, value: { tensor: { dtype: 'DT_INT32' } } } },
      { name: 'product', op: 'MatMul', input: ['x', 'w'], attr: { T: dtype } },
      { name: 'relu', op: 'Relu', input: ['product'], attr: { T: dtype } },
      { name: 'y', op: 'Reshape', input: ['relu', 'shape'], attr: { T: dtype, Tshape: int } },
    ],
    versions: {},
  };
  const weightSpecs: tf.io.WeightsManifestEntry[] = [
    { name: 'w', shape: [3, 2], dtype: 'float32' },
    { name: 'shape', shape: [1], dtype: 'int32' },
  ];
  const weightData = new ArrayBuffer(28);
  new Float32Array(weightData, 0, 6).set([1, -2, 3, -4, 5, -6]);
  new Int32Array(weightData, 24, 1).set([4]);
  return { modelTopology, weightSpecs, weightData };
}
