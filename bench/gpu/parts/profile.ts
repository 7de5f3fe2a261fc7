/** The profile for the virtual device. */
import { progress } from '../../harness.js';
import { withBackend } from '../backend.js';
import type { Part } from '../part.js';
import { measureProfile } from '../profile/measure.js';

const [ROUNDS, SMOKE_ROUNDS] = [100, 5];

export const profile: Part = async ({ smoke, adapter }) => {
  progress('submissions, fences, rates and copies');
  const measured = await withBackend(
    (backend, name) => measureProfile(backend, name, smoke ? SMOKE_ROUNDS : ROUNDS),
    { adapter },
  );
  const rows = Object.entries(measured).map(([field, value]) => [
    field,
    typeof value === 'number' ? String(Number(value.toPrecision(3))) : String(value),
  ]);
  return { tables: [{ title: 'Profile', header: ['field', 'value'], rows }], data: measured };
};
