/** Reads the attributes of a node: each reader checks one, and quotes what it expected and what came. */
import { util } from '@tensorflow/tfjs-core';
import type { Attributes, AttributeValue } from '../../scheduler/graph.js';
import { type DType, isDType, type Shape } from '../../scheduler/tensor.js';
import { expect } from './mistake.js';

/** Least and largest element; what is between them is truncated. */
const ELEMENTS = {
  float32: [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY],
  int32: [-(2 ** 31), 2 ** 31 - 1],
  bool: [0, 1],
} as const;

type Pair = [number, number];
type Triple = [number, number, number];

function isInteger(value: unknown, least = Number.MIN_SAFE_INTEGER): value is number {
  return Number.isSafeInteger(value) && (value as number) >= least;
}

function isIntegers(value: unknown, least?: number): value is readonly number[] {
  return Array.isArray(value) && value.every((item) => isInteger(item, least));
}

/** Whether an attribute was given: kernels read `null` and a missing attribute alike. */
export function hasAttribute(attributes: Attributes, name: string): boolean {
  return attributes[name] !== undefined && attributes[name] !== null;
}

/** A boolean; missing is false, as in the kernels. */
export function flagAttribute(attributes: Attributes, name: string): boolean {
  if (!hasAttribute(attributes, name)) return false;
  const value = attributes[name];
  expect(typeof value === 'boolean', `attribute ${name} to be a boolean`, value);
  return value;
}

/** A number, infinities included (`ClipByValue` has them). */
export function numberAttribute(attributes: Attributes, name: string): number {
  const value = attributes[name];
  expect(typeof value === 'number', `attribute ${name} to be a number`, value);
  return value;
}

/** A number that an element of this dtype can be. */
export function elementAttribute(attributes: Attributes, name: string, dtype: DType): number {
  const value = numberAttribute(attributes, name);
  const [least, most] = ELEMENTS[dtype];
  const fits = dtype === 'float32' || (Number.isFinite(value) && value >= least && value <= most);
  expect(fits, `attribute ${name} to be a number from ${least} to ${most} for ${dtype}`, value);
  return value;
}

/** An integer of `least` or more. */
export function integerAttribute(attributes: Attributes, name: string, least?: number): number {
  const value = attributes[name];
  const range = least === undefined ? '' : ` of ${least} or more`;
  expect(isInteger(value, least), `attribute ${name} to be an integer${range}`, value);
  return value;
}

/** An integer of `least` or more; `fallback` when missing. */
export function optionalInteger(
  attributes: Attributes,
  name: string,
  fallback: number,
  least?: number,
): number {
  return hasAttribute(attributes, name) ? integerAttribute(attributes, name, least) : fallback;
}

/** An array of integers of `least` or more, `length` of them where it is given. */
export function integersAttribute(
  attributes: Attributes,
  name: string,
  least?: number,
  length?: number,
): number[] {
  const value = attributes[name];
  const count = length === undefined ? '' : `${length} `;
  const range = least === undefined ? '' : ` of ${least} or more`;
  const fits = isIntegers(value, least) && (length === undefined || value.length === length);
  expect(fits, `attribute ${name} to be an array of ${count}integers${range}`, value);
  return [...(value as readonly number[])];
}

/** One of a few strings; `fallback`, where there is one, stands in for a missing attribute. */
export function choiceAttribute<const Choice extends string>(
  attributes: Attributes,
  name: string,
  choices: readonly Choice[],
  fallback?: Choice,
): Choice {
  if (fallback !== undefined && !hasAttribute(attributes, name)) return fallback;
  const value = attributes[name];
  const known = choices.find((choice) => choice === value);
  const listed = choices.map((choice) => `'${choice}'`).join(' or ');
  expect(known !== undefined, `attribute ${name} to be ${listed}`, value);
  return known;
}

/** A dtype. */
export function dtypeAttribute(attributes: Attributes, name: string): DType {
  const value = attributes[name];
  expect(isDType(value), `attribute ${name} to be 'float32', 'int32' or 'bool'`, value);
  return value;
}

function asTuple(value: AttributeValue | undefined, length: number): readonly number[] | undefined {
  if (isInteger(value, 1)) return Array<number>(length).fill(value);
  return isIntegers(value, 1) && value.length === length ? value : undefined;
}

/** A window's extent in two dimensions: a positive integer for both, or one for each. */
export function pairAttribute(attributes: Attributes, name: string): Pair {
  const tuple = asTuple(attributes[name], 2);
  const expected = `attribute ${name} to be a positive integer or two of them`;
  expect(tuple !== undefined, expected, attributes[name]);
  return [...tuple] as Pair;
}

/** A window's extent in three dimensions: a positive integer for all, or one for each. */
export function tripleAttribute(attributes: Attributes, name: string): Triple {
  const tuple = asTuple(attributes[name], 3);
  const expected = `attribute ${name} to be a positive integer or three of them`;
  expect(tuple !== undefined, expected, attributes[name]);
  return [...tuple] as Triple;
}

/** Integers before and after each of `count` dimensions, 0 or more: paddings or crops. */
export function marginsAttribute(attributes: Attributes, name: string, count: number): Pair[] {
  const value = attributes[name];
  const fits =
    Array.isArray(value) &&
    value.length === count &&
    value.every((margin) => isIntegers(margin, 0) && margin.length === 2);
  expect(fits, `attribute ${name} to be ${count} pairs of integers of 0 or more`, value);
  return (value as readonly Pair[]).map(([before, after]) => [before, after]);
}

/** Axes to work along, from 0: a number, an array, or nothing for all of them. */
export function axesAttribute(attributes: Attributes, name: string, shape: Shape): number[] {
  const value = attributes[name];
  if (value === undefined || value === null) return shape.map((_, axis) => axis);
  const given = isInteger(value) ? [value] : value;
  const rank = shape.length;
  const fits = isIntegers(given, -rank) && given.every((axis) => axis < rank);
  expect(fits, `attribute ${name} to be axes of a tensor of rank ${rank}`, value);
  const axes = util.parseAxisParam([...(given as readonly number[])], [...shape]);
  expect(new Set(axes).size === axes.length, `attribute ${name} to be distinct axes`, value);
  return axes;
}

/** One axis of a tensor of this rank, from 0. */
export function axisAttribute(attributes: Attributes, name: string, rank: number): number {
  const value = attributes[name];
  const fits = isInteger(value, -rank) && value < rank;
  expect(fits, `attribute ${name} to be an axis of a tensor of rank ${rank}`, value);
  return value < 0 ? value + rank : value;
}
