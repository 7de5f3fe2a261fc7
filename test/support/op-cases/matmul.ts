/** Cases of matrix products: transposed, batched, broadcast, fused. */
import { type CaseTable, f32, i32, type OpCase, randomShape, variadic } from '../op-case.js';
import type { Random } from '../random.js';

const FLAGS = [
  [false, false],
  [true, false],
  [false, true],
  [true, true],
] as const;

function matrices(random: Random, transposeA: boolean, transposeB: boolean) {
  const [rows, inner, columns] = randomShape(random, 3) as [number, number, number];
  const a = transposeA ? [inner, rows] : [rows, inner];
  const b = transposeB ? [columns, inner] : [inner, columns];
  return { a, b, rows, columns };
}

function productCases(random: Random): OpCase[] {
  return FLAGS.flatMap(([transposeA, transposeB]) =>
    [[], randomShape(random, 1), randomShape(random, 2)].map((batch) => {
      const { a, b } = matrices(random, transposeA, transposeB);
      const inputs = { a: f32([...batch, ...a]), b: f32([...batch, ...b]) };
      return { op: 'BatchMatMul', inputs, attributes: { transposeA, transposeB } };
    }),
  );
}

function broadcastCases(random: Random): OpCase[] {
  const { a, b } = matrices(random, false, false);
  const attributes = { transposeA: false, transposeB: false };
  return [
    { op: 'BatchMatMul', inputs: { a: f32([3, ...a]), b: f32(b) }, attributes },
    { op: 'BatchMatMul', inputs: { a: f32([1, ...a]), b: f32([3, ...b]) }, attributes },
    {
      op: 'BatchMatMul',
      inputs: { a: i32(a), b: i32(b) },
      attributes,
      except: { wasm: 'throws for other dtypes than float32' },
    },
  ];
}

const ACTIVATIONS = ['linear', 'relu', 'relu6', 'elu', 'prelu', 'leakyrelu', 'sigmoid'] as const;

/** The wasm kernel's path for transposed operands and batches takes the bias of another column. */
const OTHER_BIAS = { wasm: 'adds the bias of another column to transposed operands and batches' };

function fusedCases(random: Random): OpCase[] {
  return ACTIVATIONS.flatMap((activation) =>
    [false, true].flatMap((hasBias) =>
      [FLAGS[0], random.pick(FLAGS)].map(([transposeA, transposeB], batch) => {
        const { a, b, columns } = matrices(random, transposeA, transposeB);
        const inputs = {
          a: f32([batch + 1, ...a]),
          b: f32([batch + 1, ...b]),
          ...(hasBias && { bias: f32([columns]) }),
          ...(activation === 'prelu' && { preluActivationWeights: f32([columns]) }),
        };
        const alpha = activation === 'leakyrelu' ? { leakyreluAlpha: 0.3 } : {};
        const attributes = { transposeA, transposeB, activation, ...alpha };
        return {
          op: '_FusedMatMul',
          inputs,
          attributes,
          ...(batch > 0 && hasBias && { except: OTHER_BIAS }),
        };
      }),
    ),
  );
}

function einsumCases(random: Random): OpCase[] {
  const [i, j, k, b] = randomShape(random, 4) as [number, number, number, number];
  const rows: [string, number[][]][] = [
    [
      'ij,jk->ik',
      [
        [i, j],
        [j, k],
      ],
    ],
    [
      'bij,bjk->bik',
      [
        [b, i, j],
        [b, j, k],
      ],
    ],
    ['ij->ji', [[i, j]]],
    ['ij->i', [[i, j]]],
    ['i,i->', [[i], [i]]],
    ['i,j->ij', [[i], [j]]],
    [
      'ij,ij->',
      [
        [i, j],
        [i, j],
      ],
    ],
  ];
  return rows.map(([equation, shapes]) => ({
    op: 'Einsum',
    inputs: variadic(shapes.map((shape) => f32(shape))),
    attributes: { equation },
  }));
}

export const matmulCases: CaseTable = (random) => [
  ...productCases(random),
  ...broadcastCases(random),
  ...fusedCases(random),
  ...einsumCases(random),
];
