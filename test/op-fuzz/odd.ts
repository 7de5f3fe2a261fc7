/** What goes wrong with a call: odd attributes, shapes and dtypes that do not fit. */
import type { AttributeValue } from '../../scheduler/graph.js';
import type { CaseInput } from '../support/op-case.js';
import type { Random } from '../support/random.js';
import { type Call, chance, length, shape } from './draw.js';

const ODD_NUMBERS = [
  ...[0, -0, 1, -1, 2, 3, 7, 0.5, -0.5, 1.5, 1e-45, 1e38, 1e39],
  ...[2 ** 24 + 1, 2 ** 31 - 1, 2 ** 31, -(2 ** 31), 2 ** 32, 2 ** 53],
  ...[Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
];

const ODD_VALUES: readonly AttributeValue[] = [null, true, false, '', 'same', [], [0], [[]], {}];

function oddNumber(random: Random): number {
  return random.pick(ODD_NUMBERS);
}

function oddList(random: Random, list: readonly AttributeValue[]): AttributeValue {
  const place = random.integer(0, Math.max(0, list.length - 1));
  const dice = random.next();
  if (dice < 0.1) return [];
  if (dice < 0.2) return list.slice(1);
  if (dice < 0.3) return [...list, oddNumber(random)];
  return list.length === 0 ? [oddNumber(random)] : list.with(place, oddValue(random, list[place]!));
}

function oddValue(random: Random, value: AttributeValue): AttributeValue {
  if (chance(random, 0.1)) return random.pick(ODD_VALUES);
  if (typeof value === 'number') return oddNumber(random);
  if (typeof value === 'boolean') return !value;
  if (Array.isArray(value)) return oddList(random, value);
  return random.pick([...ODD_VALUES, oddNumber(random)]);
}

function withOddAttribute(random: Random, { inputs, attributes }: Call): Call {
  const names = Object.keys(attributes);
  if (names.length === 0) return { inputs, attributes };
  const name = random.pick(names);
  if (chance(random, 0.1)) {
    return {
      inputs,
      attributes: Object.fromEntries(Object.entries(attributes).filter(([key]) => key !== name)),
    };
  }
  return { inputs, attributes: { ...attributes, [name]: oddValue(random, attributes[name]!) } };
}

function oddShape(random: Random, places: readonly number[]): number[] {
  const dice = random.next();
  if (dice < 0.15) return shape(random);
  if (dice < 0.3 && places.length < 6) return [1, ...places];
  if (dice < 0.45) return places.slice(1);
  if (dice < 0.5 && places.length < 6) return [...places, length(random)];
  return places.length === 0
    ? [length(random)]
    : places.with(random.integer(0, places.length - 1), length(random));
}

/** Given values stay with it only where there are as many. */
function reshaped(input: CaseInput, places: readonly number[]): CaseInput {
  return { ...input, shape: places };
}

function withOddInput(random: Random, { inputs, attributes }: Call): Call {
  const names = Object.keys(inputs);
  if (names.length === 0) return { inputs, attributes };
  const name = random.pick(names);
  const input = inputs[name]!;
  const changed = chance(random, 0.6)
    ? reshaped(input, oddShape(random, input.shape))
    : { ...input, dtype: random.pick(['float32', 'int32', 'bool'] as const) };
  return { inputs: { ...inputs, [name]: changed }, attributes };
}

/** The call with one or two things changed that may make it wrong. */
export function makeOdd(random: Random, call: Call): Call {
  let odd = call;
  for (let change = random.integer(1, 2); change > 0; change--) {
    odd = chance(random, 0.55) ? withOddAttribute(random, odd) : withOddInput(random, odd);
  }
  return odd;
}
