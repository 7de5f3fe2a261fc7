/** Attributes as tfjs-node's kernels take them. */
import type { NamedAttrMap } from '@tensorflow/tfjs-core';
import type { ProgramNode } from '../../scheduler/kernel.js';
import { kernelAttributes } from '../ops/kernel-attributes.js';
import { withExplicitPadding } from './windows.js';

/** A copy for the node's kernel. */
export function stockAttributes(node: ProgramNode): NamedAttrMap {
  const attributes = kernelAttributes(withExplicitPadding(node));
  // Without a dtype the kernel takes what is no number for a string.
  if (node.op === 'Fill') attributes['dtype'] = node.outputSpecs[0]!.dtype;
  return attributes;
}
