/** Attributes every sliding window has: padding, rounding and data layout. */
import type { backend_util } from '@tensorflow/tfjs-core';
import type { Attributes } from '../../scheduler/graph.js';
import { choiceAttribute, hasAttribute, marginsAttribute } from './attributes.js';
import { expect } from './mistake.js';

/** Padding by rule, by a number for all sides, or (2-D only) explicitly for each side. */
export type Pad = Parameters<typeof backend_util.computeConv2DInfo>[4];
export type UniformPad = 'same' | 'valid' | number;

/** Padding of a 3-D window. */
export function uniformPadAttribute(attributes: Attributes): UniformPad {
  const { pad } = attributes;
  if (pad === 'same' || pad === 'valid') return pad;
  const fits = Number.isSafeInteger(pad) && (pad as number) >= 0;
  expect(fits, "attribute pad to be 'same', 'valid' or an integer of 0 or more", pad);
  return pad as number;
}

/** Padding of a 2-D window; explicit margins for batch, height, width and channels are allowed. */
export function padAttribute(attributes: Attributes): Pad {
  if (!Array.isArray(attributes['pad'])) return uniformPadAttribute(attributes);
  const margins = marginsAttribute(attributes, 'pad', 4);
  return margins as unknown as Pad;
}

/** How output lengths are rounded; undefined truncates. */
export function roundingAttribute(attributes: Attributes): 'floor' | 'round' | 'ceil' | undefined {
  if (!hasAttribute(attributes, 'dimRoundingMode')) return undefined;
  return choiceAttribute(attributes, 'dimRoundingMode', ['floor', 'round', 'ceil']);
}

const ROUND = { floor: Math.floor, round: Math.round, ceil: Math.ceil, none: Math.trunc } as const;

/** Longest window, stride, dilation or padding: kernels add them up in 32 bits. */
const MAX_REACH = 2 ** 24;

function expectReach(lengths: readonly number[]): void {
  const longest = Math.max(...lengths);
  expect(longest <= MAX_REACH, `windows, strides, dilations and padding of ${MAX_REACH} at most`, longest);
}

/** Checks that windows stay within what kernels can count. */
export function expectReach2d(info: backend_util.Conv2DInfo): void {
  const { top, bottom, left, right } = info.padInfo;
  const { effectiveFilterHeight, effectiveFilterWidth, dilationHeight, dilationWidth } = info;
  expectReach([effectiveFilterHeight, effectiveFilterWidth, dilationHeight, dilationWidth]);
  expectReach([info.strideHeight, info.strideWidth, top, bottom, left, right]);
}

/** The same in three dimensions. */
export function expectReach3d(info: backend_util.Conv3DInfo): void {
  const { effectiveFilterDepth, effectiveFilterHeight, effectiveFilterWidth } = info;
  const { strideDepth, strideHeight, strideWidth } = info;
  const { front, back, top, bottom, left, right } = info.padInfo;
  const { dilationDepth, dilationHeight, dilationWidth } = info;
  expectReach([effectiveFilterDepth, effectiveFilterHeight, effectiveFilterWidth]);
  expectReach([dilationDepth, dilationHeight, dilationWidth]);
  expectReach([strideDepth, strideHeight, strideWidth, front, back, top, bottom, left, right]);
}

/**
 * Checks that the output is as large as its window says. With padding by a number TensorFlow.js takes height's filter
 * and stride for the width too; its kernels then compute nonsense, or leave the wasm heap.
 */
export function expectConsistentWindow(info: backend_util.Conv2DInfo, attributes: Attributes): void {
  const { padInfo, inHeight, inWidth, outHeight, outWidth } = info;
  if (typeof attributes['pad'] !== 'number') return;
  const round = ROUND[roundingAttribute(attributes) ?? 'none'];
  const rows = inHeight + padInfo.top + padInfo.bottom - info.effectiveFilterHeight;
  const columns = inWidth + padInfo.left + padInfo.right - info.effectiveFilterWidth;
  const fits =
    outHeight === round(rows / info.strideHeight + 1) && outWidth === round(columns / info.strideWidth + 1);
  const expected = 'a square filter with equal strides and dilations where pad is a number';
  expect(fits, expected, `pad ${attributes['pad']}`);
}

/** Layout of ops that exist in both. */
export function layoutAttribute(attributes: Attributes): 'channelsLast' | 'channelsFirst' {
  const format = choiceAttribute(attributes, 'dataFormat', ['NHWC', 'NCHW']);
  return format === 'NHWC' ? 'channelsLast' : 'channelsFirst';
}

/** Checks the layout of ops that know channels-last only. */
export function expectChannelsLast(attributes: Attributes, format: 'NHWC' | 'NDHWC'): void {
  choiceAttribute(attributes, 'dataFormat', [format], format);
}
