/** Ops whose output comes from attributes, or from the shapes of what they get, alone. */
import type { Attributes } from '../../scheduler/graph.js';
import type { DType } from '../../scheduler/tensor.js';
import {
  dtypeAttribute,
  elementAttribute,
  hasAttribute,
  integerAttribute,
  integersAttribute,
  numberAttribute,
} from './attributes.js';
import { moveCost } from './cost.js';
import { expect } from './mistake.js';
import type { OpDefinition } from './op.js';
import { expectDType, expectRank, INT, spec } from './specs.js';

/** The dtype asked for, or the one the value suggests. */
function fillDType(attributes: Attributes): DType {
  const { value } = attributes;
  expect(typeof value === 'number' || typeof value === 'boolean', 'attribute value to be a number', value);
  const suggested = typeof value === 'boolean' ? 'bool' : 'float32';
  const dtype = hasAttribute(attributes, 'dtype') ? dtypeAttribute(attributes, 'dtype') : suggested;
  if (typeof value === 'number') elementAttribute(attributes, 'value', dtype);
  return dtype;
}

const fill: OpDefinition = {
  name: 'Fill',
  inputs: [],
  infer: (_inputs, attributes) => [spec(fillDType(attributes), integersAttribute(attributes, 'shape', 0))],
  cost: moveCost,
};

/**
 * How many values a range has, as TensorFlow.js counts them (its `rangeImpl`). It takes a step of 1 downwards for -1; of a
 * step between 0 and 1 it makes the mistake of counting as if it led down: `range(5, 0, 0.5)` has ten values, which go up.
 * The kernels make as many.
 */
function rangeLength(start: number, stop: number, step: number): number {
  const goesAway = (start < stop && step < 0) || (stop < start && step > 1);
  return start === stop || goesAway ? 0 : Math.abs(Math.ceil((stop - start) / step));
}

const range: OpDefinition = {
  name: 'Range',
  inputs: [],
  infer(_inputs, attributes) {
    const [start, stop, step] = (['start', 'stop', 'step'] as const).map((name) =>
      numberAttribute(attributes, name),
    );
    expect(step !== 0, 'attribute step other than 0', step);
    const dtype = dtypeAttribute(attributes, 'dtype');
    return [spec(dtype, [rangeLength(start!, stop!, step!)])];
  },
};

const linSpace: OpDefinition = {
  name: 'LinSpace',
  inputs: [],
  infer(_inputs, attributes) {
    numberAttribute(attributes, 'start');
    numberAttribute(attributes, 'stop');
    return [spec('float32', [integerAttribute(attributes, 'num', 1)])];
  },
};

/** The shape two shapes broadcast to is data, but its rank is known. */
const broadcastArgs: OpDefinition = {
  name: 'BroadcastArgs',
  inputs: ['s0', 's1'],
  infer(inputs) {
    for (const name of ['s0', 's1']) {
      expectDType(inputs[name]!, name, INT);
      expectRank(inputs[name]!, name, 1);
    }
    return [spec('int32', [Math.max(inputs['s0']!.shape[0]!, inputs['s1']!.shape[0]!)])];
  },
};

export const GENERATORS: readonly OpDefinition[] = [fill, range, linSpace, broadcastArgs];
