/** Pooling in two and three dimensions, and its gradients. */
import { backend_util } from '@tensorflow/tfjs-core';
import type { Attributes } from '../../scheduler/graph.js';
import { elementCount, type Shape, type TensorSpec } from '../../scheduler/tensor.js';
import { flagAttribute, pairAttribute, tripleAttribute } from './attributes.js';
import type { OpDefinition } from './op.js';
import { expectDType, expectShape, FLOAT, NUMERIC, shape4, shape5, spec } from './specs.js';
import {
  expectChannelsLast,
  expectConsistentWindow,
  expectReach2d,
  expectReach3d,
  padAttribute,
  roundingAttribute,
  uniformPadAttribute,
} from './window.js';

/** The pooled shape of an input, and the elements of one window. */
type Window = (x: TensorSpec, name: string, attributes: Attributes) => { out: Shape; size: number };

const window2d: Window = (x, name, attributes) => {
  const filter = pairAttribute(attributes, 'filterSize');
  const strides = pairAttribute(attributes, 'strides');
  const rounding = roundingAttribute(attributes);
  const pad = padAttribute(attributes);
  const info = backend_util.computePool2DInfo(shape4(x, name), filter, strides, 1, pad, rounding);
  expectReach2d(info);
  expectConsistentWindow(info, attributes);
  return { out: info.outShape, size: elementCount(filter) };
};

/** `AvgPoolGrad` and `MaxPoolWithArgmax` kernels know no rounding mode. */
const truncatedWindow2d: Window = (x, name, attributes) =>
  window2d(x, name, { ...attributes, dimRoundingMode: null });

const window3d: Window = (x, name, attributes) => {
  expectChannelsLast(attributes, 'NDHWC');
  const filter = tripleAttribute(attributes, 'filterSize');
  const strides = tripleAttribute(attributes, 'strides');
  const rounding = roundingAttribute(attributes);
  const pad = uniformPadAttribute(attributes);
  const info = backend_util.computePool3DInfo(shape5(x, name), filter, strides, 1, pad, rounding);
  expectReach3d(info);
  return { out: info.outShape, size: elementCount(filter) };
};

function pool(name: string, window: Window, accepts = FLOAT): OpDefinition {
  return {
    name,
    inputs: ['x'],
    infer(inputs, attributes) {
      const x = inputs['x']!;
      expectDType(x, 'x', accepts);
      return [spec(x.dtype, window(x, 'x', attributes).out)];
    },
    cost: (inputs, outputs, attributes) => ({
      operations: elementCount(outputs[0]!.shape) * window(inputs['x']!, 'x', attributes).size,
    }),
  };
}

/** Gradient of a pooling; `inputs` beside `dy` and `input` have the pooled shape. */
function poolGradient(name: string, inputNames: readonly string[], window: Window): OpDefinition {
  return {
    name,
    inputs: inputNames,
    infer(inputs, attributes) {
      const x = inputs['input']!;
      const { out } = window(x, 'input', attributes);
      for (const input of inputNames) {
        expectDType(inputs[input]!, input, FLOAT);
        if (input !== 'input') expectShape(inputs[input]!, input, out);
      }
      return [spec('float32', x.shape)];
    },
    cost: (inputs, _outputs, attributes) => ({
      operations: elementCount(inputs['dy']!.shape) * window(inputs['input']!, 'input', attributes).size,
    }),
  };
}

const argmaxPool = pool('MaxPoolWithArgmax', truncatedWindow2d, NUMERIC);

/** The second output is the flat index of each maximum. */
const maxPoolWithArgmax: OpDefinition = {
  ...argmaxPool,
  infer(inputs, attributes) {
    flagAttribute(attributes, 'includeBatchInIndex');
    const [pooled] = argmaxPool.infer(inputs, attributes);
    return [pooled!, spec('int32', pooled!.shape)];
  },
};

export const POOLING: readonly OpDefinition[] = [
  pool('AvgPool', window2d),
  pool('AvgPool3D', window3d),
  pool('MaxPool', window2d, NUMERIC),
  pool('MaxPool3D', window3d),
  maxPoolWithArgmax,
  poolGradient('AvgPoolGrad', ['dy', 'input'], truncatedWindow2d),
  poolGradient('AvgPool3DGrad', ['dy', 'input'], window3d),
  poolGradient('MaxPoolGrad', ['dy', 'input', 'output'], window2d),
  poolGradient('MaxPool3DGrad', ['dy', 'input', 'output'], window3d),
];
