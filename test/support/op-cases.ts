/**
 * One table of op cases for every device's correctness test: ops × dtypes × shapes × attributes, and the random data
 * they run on.
 */
import { allocateData, elementCount, formatSpec, type Tensor } from '../../scheduler/tensor.js';
import type { CaseInput, OpCase } from './op-case.js';
import { convolutionCases } from './op-cases/convolution.js';
import { edgeCases } from './op-cases/edges.js';
import { elementwiseCases } from './op-cases/elementwise.js';
import { imageCases } from './op-cases/image.js';
import { indexingCases } from './op-cases/indexing.js';
import { matmulCases } from './op-cases/matmul.js';
import { plainCases } from './op-cases/plain.js';
import { poolingCases } from './op-cases/pooling.js';
import { reductionCases } from './op-cases/reductions.js';
import { shapeCases } from './op-cases/shape.js';
import { createRandom, type Random } from './random.js';

export type { Backend, CaseInput, OpCase } from './op-case.js';

/** All cases of a seed. */
export function opCases(seed: number): readonly OpCase[] {
  const random = createRandom(seed);
  const tables = [
    elementwiseCases,
    reductionCases,
    shapeCases,
    indexingCases,
    matmulCases,
    convolutionCases,
    poolingCases,
    imageCases,
    edgeCases,
    plainCases,
  ];
  return tables.flatMap((table) => table(random));
}

const RANGES = { float32: [-2, 2], int32: [-5, 5], bool: [0, 1] } as const;

function randomTensor(input: CaseInput, random: Random): Tensor {
  const { dtype, shape } = input;
  const data = allocateData(dtype, elementCount(shape));
  const [least, most] = RANGES[dtype];
  const { min = least, max = most } = dtype === 'bool' ? {} : input;
  for (let index = 0; index < data.length; index++) {
    const value = dtype === 'float32' ? min + random.next() * (max - min) : random.integer(min, max);
    data[index] = input.values?.[index] ?? value;
  }
  return { dtype, shape, data };
}

/** The inputs of a case with data; the same seed gives the same data. */
export function caseTensors({ inputs }: OpCase, seed: number): Record<string, Tensor> {
  const random = createRandom(seed);
  return Object.fromEntries(
    Object.entries(inputs).map(([name, input]) => [name, randomTensor(input, random)]),
  );
}

/** A case as test names and failures show it: op, inputs and attributes. */
export function formatCase({ op, inputs, attributes }: OpCase): string {
  const specs = Object.entries(inputs).map(([name, input]) => `${name} ${formatSpec(input)}`);
  return `${op}(${specs.join(', ')}) ${JSON.stringify(attributes)}`;
}
