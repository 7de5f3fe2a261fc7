/** The parts of the bench, in the order in which they run. */
import type { Part } from '../part.js';
import { adapter } from './adapter.js';
import { conformance } from './conformance.js';
import { demo } from './demo.js';
import { dispatch } from './dispatch.js';
import { prices } from './price.js';
import { profile } from './profile.js';
import { inFlight, streams } from './throughput.js';

export const PARTS: Readonly<Record<string, Part>> = {
  adapter,
  profile,
  dispatch,
  ...prices,
  'in-flight': inFlight,
  streams,
  demo,
  conformance,
};
