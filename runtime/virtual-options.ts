/** Options of the virtual device as callers give them: one rule per field of its types, and guards around its functions. */
import type {
  VirtualFault,
  VirtualLogEntry,
  VirtualNode,
  VirtualOptions,
} from '../kernels/virtual/options.js';
import { DEVICE_PROFILES, type DeviceProfile } from '../kernels/virtual/profiles.js';
import { quote } from '../scheduler/errors.js';
import {
  checkFields,
  checkKeys,
  invalidOption,
  numberRule,
  optional,
  type Rule,
  type Rules,
} from './option-checks.js';

const TEXT: Rule = {
  expected: 'a non-empty string',
  fits: (value) => typeof value === 'string' && value !== '',
};
const FUNCTION: Rule = { expected: 'a function', fits: (value) => typeof value === 'function' };
const FLAG: Rule = { expected: 'true or false', fits: (value) => typeof value === 'boolean' };
const MS = numberRule('a finite number of milliseconds, 0 or more', (ms) => ms >= 0 && Number.isFinite(ms));
const OFFSET_MS = numberRule('a finite number of milliseconds', Number.isFinite);
const RATE = numberRule('a number above 0', (rate) => rate > 0);
const FACTOR = numberRule('a finite number above 0', (factor) => factor > 0 && Number.isFinite(factor));
const SHARE = numberRule('a number above 0, 1 at most', (share) => share > 0 && share <= 1);
const JITTER = numberRule('a number from 0 to below 1', (jitter) => jitter >= 0 && jitter < 1);
const INTEGER = numberRule('an integer', Number.isSafeInteger);
/** Infinity counts as one. */
const COUNT = numberRule('an integer of 1 or more', (count) => count >= 1 && isWhole(count));

const FENCES: Rule = { expected: "'each' or 'all'", fits: (fences) => fences === 'each' || fences === 'all' };

function isWhole(value: number): boolean {
  return Number.isSafeInteger(value) || value === Number.POSITIVE_INFINITY;
}

const PROFILE: Rules<DeviceProfile> = {
  name: TEXT,
  operationsPerMs: RATE,
  bytesPerMs: RATE,
  efficiency: SHARE,
  minKernelMs: MS,
  submitMs: MS,
  startMs: optional(MS),
  encodeMs: optional(MS),
  batch: optional(COUNT),
  fences: FENCES,
  queueDepth: COUNT,
  fenceMs: MS,
  spinMs: optional(MS),
  pausedFenceMs: optional(MS),
  pollMs: MS,
  copyBytesPerMs: RATE,
  copyLatencyMs: MS,
  messageMs: MS,
};

type FaultKind = VirtualFault['kind'];
type FaultOf<Kind extends FaultKind> = Omit<Extract<VirtualFault, { kind: Kind }>, 'kind'>;

/** Rules by kind, on an engine with so many streams. */
function faultRules(streams: number): { readonly [Kind in FaultKind]: Rules<FaultOf<Kind>> } {
  const stream = numberRule(
    `an integer from 0 to ${streams - 1}`,
    (index) => Number.isInteger(index) && index >= 0 && index < streams,
  );
  const ofNode = { node: TEXT, times: optional(COUNT) };
  return {
    'kernel-error': ofNode,
    'submit-error': ofNode,
    'slow-kernel': { ...ofNode, factor: FACTOR },
    'device-lost': { stream, atMs: MS },
    stall: { stream, atMs: MS },
    'lost-wake-up': { stream, atMs: MS },
    irreplaceable: { stream },
    watchdog: { offsetMs: OFFSET_MS },
    'clock-jump': { atMs: MS, byMs: MS },
  };
}

function checkFaults(faults: unknown, streams: number): void {
  if (!Array.isArray(faults)) throw invalidOption('virtual.faults', 'an array of faults', faults);
  const rules = new Map(Object.entries(faultRules(streams)));
  for (const [index, fault] of faults.entries()) {
    const what = `virtual.faults[${index}]`;
    const kind: unknown = fault?.kind;
    const ofKind = typeof kind === 'string' ? rules.get(kind) : undefined;
    if (ofKind === undefined) throw invalidOption(`${what}.kind`, [...rules.keys()].join(', '), kind);
    checkFields(fault, what, { kind: TEXT, ...ofKind });
  }
}

function checkProfile(profile: unknown): void {
  if (typeof profile === 'string' && Object.hasOwn(DEVICE_PROFILES, profile)) return;
  const expected = `${Object.keys(DEVICE_PROFILES).join(', ')} or a profile object`;
  if (typeof profile !== 'object' || profile === null)
    throw invalidOption('virtual.profile', expected, profile);
  checkFields(profile, 'virtual.profile', PROFILE);
}

/** What has rules of its own. */
type Compound = 'profile' | 'faults';

const COMPOUND: readonly Compound[] = ['profile', 'faults'];

const OPTIONS: Rules<Omit<VirtualOptions, Compound>> = {
  fences: optional(FENCES),
  seed: optional(INTEGER),
  jitter: optional(JITTER),
  compute: optional(FLAG),
  kernelMs: optional(FUNCTION),
  log: optional(FUNCTION),
};

/** A duration that no clock can wait for fails the node instead of hanging the simulation. */
function guardKernelMs(kernelMs: NonNullable<VirtualOptions['kernelMs']>) {
  return (node: VirtualNode): number | undefined => {
    const ms = kernelMs(node);
    if (ms === undefined || MS.fits(ms)) return ms;
    const expected = `${MS.expected}, or undefined`;
    throw new TypeError(
      `virtual.kernelMs: expected ${expected} for ${quote(node.name)}, received ${quote(ms)}`,
    );
  };
}

/** What `log` throws surfaces as an uncaught exception, as with listeners, and changes no run. */
function guardLog(log: NonNullable<VirtualOptions['log']>) {
  return (entry: VirtualLogEntry): void => {
    try {
      log(entry);
    } catch (error) {
      queueMicrotask(() => {
        throw error;
      });
    }
  };
}

/**
 * Checks `virtual` of an engine with so many streams.
 *
 * @throws INVALID_OPTION
 */
export function checkVirtualOptions(virtual: unknown, streams: number): VirtualOptions {
  checkKeys(virtual, 'virtual', [...COMPOUND, ...Object.keys(OPTIONS)]);
  const { profile, faults, ...plain } = virtual as VirtualOptions;
  checkFields(plain, 'virtual', OPTIONS);
  const { kernelMs, log, ...rest } = plain;
  if (profile !== undefined) checkProfile(profile);
  if (faults !== undefined) checkFaults(faults, streams);
  // Copies, so that nobody changes what has been checked.
  return {
    ...rest,
    profile: typeof profile === 'object' ? { ...profile } : profile,
    faults: faults?.map((fault) => ({ ...fault })),
    kernelMs: kernelMs && guardKernelMs(kernelMs),
    log: log && guardLog(log),
  };
}
