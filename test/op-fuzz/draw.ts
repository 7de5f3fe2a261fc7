/** What random calls of ops are made of: shapes, dtypes, inputs. */
import type { AttributeValue } from '../../scheduler/graph.js';
import type { DType, Shape } from '../../scheduler/tensor.js';
import { type CaseInput, of } from '../support/op-case.js';
import type { Random } from '../support/random.js';

/** Inputs and attributes of a call of one op, most of the time such as its kernels expect. */
export interface Call {
  readonly inputs: Readonly<Record<string, CaseInput>>;
  readonly attributes: Readonly<Record<string, AttributeValue>>;
}

/** Makes a random call of an op. */
export type Draw = (random: Random) => Call;

/** Draws by op. */
export type Draws = Readonly<Record<string, Draw>>;

/** Elements of an input at most, so that the plain kernels stay quick. */
const MAX_ELEMENTS = 2000;

/** The odds of something. */
export function chance(random: Random, probability: number): boolean {
  return random.next() < probability;
}

/** A length: mostly a few, now and then 1, seldom 0 or more than kernels take at once. */
export function length(random: Random): number {
  const dice = random.next();
  if (dice < 0.04) return 0;
  if (dice > 0.97) return random.integer(6, 70);
  return dice < 0.25 ? 1 : random.integer(2, 5);
}

/** A length of 1 or more. */
export function positive(random: Random, most = 5): number {
  return random.integer(1, most);
}

/** A shape of a rank that is drawn, too, unless given. */
export function shape(random: Random, rank = random.integer(0, 6)): number[] {
  const lengths: number[] = [];
  let elements = 1;
  while (lengths.length < rank) {
    const next = length(random);
    const fitting = elements * next > MAX_ELEMENTS ? 1 : next;
    lengths.push(fitting);
    elements *= Math.max(1, fitting);
  }
  return lengths;
}

/** A shape of rank 1 or more. */
export function shapeWithAxis(random: Random, most = 6): number[] {
  return shape(random, random.integer(1, most));
}

/** Shapes that broadcast to `full`, each with lengths of 1 and missing dimensions of its own. */
export function broadcasting(random: Random, full: Shape): number[] {
  const thin = chance(random, 0.6) ? full.map((size) => (chance(random, 0.35) ? 1 : size)) : [...full];
  return chance(random, 0.6) ? thin : thin.slice(random.integer(0, thin.length));
}

/** Float32 more often than the others. */
export function dtype(random: Random): DType {
  return random.pick(['float32', 'float32', 'float32', 'int32', 'int32', 'bool']);
}

/** One that arithmetic is defined for. */
export function numeric(random: Random): DType {
  return random.pick(['float32', 'float32', 'int32']);
}

/** An axis of a tensor, counted from either end. */
export function axis(random: Random, rank: number): number {
  return rank === 0 ? 0 : random.integer(-rank, rank - 1);
}

/** Some axes, each once. */
export function axes(random: Random, rank: number): number[] {
  const all = random.shuffle(Array.from({ length: rank }, (_, index) => index));
  return all.slice(0, random.integer(0, rank)).map((index) => (chance(random, 0.2) ? index - rank : index));
}

/** A boolean. */
export function flag(random: Random): boolean {
  return chance(random, 0.5);
}

/** One number, or one for each of `count` dimensions. */
export function tuple(random: Random, count: number, draw: () => number): number | number[] {
  return flag(random) ? draw() : Array.from({ length: count }, draw);
}

/** Indices for places below `limit`; now and then some that are not, unless `limit` says that there are none. */
export function indices(random: Random, places: Shape, limit: number): CaseInput {
  const least = chance(random, 0.15) ? -2 : 0;
  const most = chance(random, 0.15) ? limit + 1 : limit - 1;
  if (chance(random, 0.03))
    return of('int32', places, { values: [random.pick(FAR_INDICES)], min: 0, max: 0 });
  return of('int32', places, { min: least, max: Math.max(least, most) });
}

const FAR_INDICES = [-(2 ** 31), 2 ** 31 - 1, 2 ** 30, -(2 ** 30), 1_000_000, -1_000_000];

/** Indices of several components, one row for each of `places`. */
export function indexRows(random: Random, places: Shape, limits: readonly number[]): CaseInput {
  const rows = places.reduce((product, size) => product * size, 1);
  const columns = limits.map((limit) => indices(random, [], limit));
  const values = Array.from({ length: rows }, () =>
    columns.map(({ min, max, values: far }) => (far === undefined ? random.integer(min!, max!) : far[0]!)),
  ).flat();
  return of('int32', [...places, limits.length], { values });
}

/** A float that is an ordinary attribute. */
export function ordinary(random: Random): number {
  return random.pick([0, 1, -1, 0.5, 2, -0.25, 3, random.next() * 4 - 2]);
}
