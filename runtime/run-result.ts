/** What a run resolves with. */
import type { RunReport } from '../scheduler/outcome.js';
import type { Tensor, TensorSpecs } from '../scheduler/tensor.js';
import type { OnDeadline } from './options.js';
import type { Timeline } from './timeline/timeline.js';

/** Outputs by name; with `onDeadline: 'partial'` any of them may be missing. */
export type RunOutputs<Outputs extends TensorSpecs, Policy extends OnDeadline> = 'partial' extends Policy
  ? { readonly [Name in keyof Outputs]?: Tensor }
  : { readonly [Name in keyof Outputs]: Tensor };

/** What a run resolves with, given the outputs of its graph and its options `onDeadline` and `timeline`. */
export interface RunResult<
  Outputs extends TensorSpecs = TensorSpecs,
  Policy extends OnDeadline = OnDeadline,
  Recorded extends boolean = boolean,
> {
  /** Outputs by name; with `onDeadline: 'partial'` those that were computed. The record has no prototype. */
  readonly outputs: RunOutputs<Outputs, Policy>;
  readonly report: RunReport;
  /** There with the option `timeline: true`. */
  readonly timeline: Recorded extends true ? Timeline : undefined;
}
