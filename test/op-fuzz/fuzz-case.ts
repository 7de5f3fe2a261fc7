/** One random call of an op, made from its seed alone. */
import { inspect } from 'node:util';
import { opNames } from '../../kernels/ops/index.js';
import { formatSpec, type Tensor } from '../../scheduler/tensor.js';
import { caseTensors, type OpCase, opCases } from '../support/op-cases.js';
import { createRandom, type Random } from '../support/random.js';
import { type Call, chance, type Draws } from './draw.js';
import { ELEMENTWISE } from './elementwise.js';
import { IMAGES } from './images.js';
import { INDEXING } from './indexing.js';
import { makeOdd } from './odd.js';
import { REDUCTIONS } from './reductions.js';
import { SHAPES } from './shapes.js';
import { WINDOWS } from './windows.js';

/** Draws of every op of the op table. */
export const DRAWS: Draws = {
  ...ELEMENTWISE,
  ...REDUCTIONS,
  ...SHAPES,
  ...INDEXING,
  ...WINDOWS,
  ...IMAGES,
};

/** A call with its data. */
export interface FuzzCase {
  readonly seed: number;
  readonly op: string;
  readonly inputs: Readonly<Record<string, Tensor>>;
  readonly attributes: OpCase['attributes'];
  /** Floats among the inputs are infinite, huge or no numbers: kernels may differ in what they make of them. */
  readonly wild: boolean;
}

const CASES_PER_BLOCK = 5000;
const KNOWN_SHARE = 0.15;
const ODD_SHARE = 0.4;
const WILD_SHARE = 0.08;
const WILD_FLOATS = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 3e38, -3e38, 1e-45, -0];

/** The op table's own cases, of one seed for a block of them: making them costs more than running one. */
let known: { readonly block: number; readonly cases: readonly OpCase[] } | undefined;

function knownCases(op: string, seed: number): readonly OpCase[] {
  const block = Math.floor(seed / CASES_PER_BLOCK);
  if (known?.block !== block) known = { block, cases: opCases(block) };
  return known.cases.filter((opCase) => opCase.op === op);
}

function drawCall(op: string, seed: number, random: Random): Call {
  const cases = chance(random, KNOWN_SHARE) ? knownCases(op, seed) : [];
  const call = cases.length > 0 ? random.pick(cases) : DRAWS[op]!(random);
  return chance(random, ODD_SHARE) ? makeOdd(random, call) : call;
}

function makeWild(tensor: Tensor, random: Random): Tensor {
  if (tensor.dtype !== 'float32') return tensor;
  return {
    ...tensor,
    data: tensor.data.map((value) =>
      chance(random, 0.2) ? random.pick(WILD_FLOATS) : value,
    ) as Float32Array,
  };
}

/** The case of a seed. Consecutive seeds go through the ops one after the other. */
export function fuzzCase(seed: number): FuzzCase {
  const ops = opNames();
  const op = ops[seed % ops.length]!;
  const random = createRandom(seed);
  const { inputs, attributes } = drawCall(op, seed, random);
  const wild = chance(random, WILD_SHARE);
  const tensors = Object.entries(caseTensors({ op, inputs, attributes }, ~seed));
  return {
    seed,
    op,
    attributes,
    wild,
    inputs: Object.fromEntries(
      tensors.map(([name, tensor]) => [name, wild ? makeWild(tensor, random) : tensor]),
    ),
  };
}

/** The case as failures show it. */
export function formatFuzzCase({ seed, op, inputs, attributes, wild }: FuzzCase): string {
  const given = Object.entries(inputs).map(([name, input]) => `${name} ${formatSpec(input)}`);
  const options = { depth: 5, breakLength: Number.POSITIVE_INFINITY };
  return `seed ${seed}: ${op}(${given.join(', ')}) ${inspect(attributes, options)}${wild ? ' wild' : ''}`;
}
