/** Reads what is asked for on the command line of `curfew setup`. */
import { parseArgs } from 'node:util';
import { quote } from '../../scheduler/errors.js';
import type { LibrarySource } from './task.js';
import { SOFTWARE_DRIVERS, type SoftwareDriver } from './webgpu-task.js';

/** What a call asks for. */
export type SetupCall =
  | { readonly device: 'tensorflow'; readonly source: LibrarySource }
  | { readonly device: 'webgpu'; readonly driver: SoftwareDriver | undefined };

/** A wrong call, in words. */
export interface Mistake {
  readonly mistake: string;
}

const OPTIONS = {
  cpu: { type: 'boolean' },
  gpu: { type: 'boolean' },
  library: { type: 'string' },
  driver: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const;

type Values = ReturnType<typeof parseArgs<{ options: typeof OPTIONS }>>['values'];

/** Which options each device has. */
const OPTIONS_OF = { tensorflow: ['cpu', 'gpu', 'library'], webgpu: ['driver'] } as const;

function readTensorflow({ cpu, gpu, library }: Values): SetupCall | Mistake {
  const given = Object.entries({ cpu, gpu, library }).filter(([, value]) => value !== undefined);
  if (given.length > 1) {
    const received = given.map(([name]) => `--${name}`).join(' ');
    return { mistake: `expected one of --cpu, --gpu and --library, received ${received}` };
  }
  if (library === '') return { mistake: 'expected a folder after --library, received none' };
  const source = (kind: 'cpu' | 'gpu' | 'automatic') => ({ device: 'tensorflow', source: { kind } }) as const;
  if (library !== undefined) return { device: 'tensorflow', source: { kind: 'library', folder: library } };
  if (cpu) return source('cpu');
  return source(gpu ? 'gpu' : 'automatic');
}

function readWebGpu({ driver: name }: Values): SetupCall | Mistake {
  const driver = SOFTWARE_DRIVERS.find((known) => known === name);
  if (name === undefined || driver !== undefined) return { device: 'webgpu', driver };
  return { mistake: `expected ${SOFTWARE_DRIVERS.join(' or ')} after --driver, received ${quote(name)}` };
}

export function readCall(args: readonly string[]): SetupCall | 'help' | Mistake {
  let parsed: ReturnType<typeof parseArgs<{ options: typeof OPTIONS; allowPositionals: true }>>;
  try {
    parsed = parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true });
  } catch (error) {
    return { mistake: (error as Error).message };
  }
  const { values, positionals } = parsed;
  if (values.help) return 'help';
  const [device, ...rest] = positionals;
  if ((device !== 'tensorflow' && device !== 'webgpu') || rest.length > 0) {
    return {
      mistake: `expected the device tensorflow or webgpu, received ${quote(positionals.join(' '))}`,
    };
  }
  const others = Object.keys(values).filter((name) => !OPTIONS_OF[device].some((own) => own === name));
  if (others.length > 0) {
    const expected = OPTIONS_OF[device].map((name) => `--${name}`).join(', ');
    return { mistake: `expected options of ${device} (${expected}), received --${others.join(' --')}` };
  }
  return device === 'tensorflow' ? readTensorflow(values) : readWebGpu(values);
}
