/** A part of the bench: a process of its own, so that what one does to the GPU or to itself leaves the others alone. */

/** What a part is told. */
export interface PartContext {
  /** Few repetitions: only to see that it runs. */
  readonly smoke: boolean;
  /** Part of the name of the GPU to take. */
  readonly adapter: string | undefined;
  /** Where files may be written. */
  readonly folder: string;
}

/** A table of a part's results. */
export interface Table {
  readonly title: string;
  readonly header: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** What a part found: as a reader sees it, and as data. */
export interface PartResult {
  readonly tables: readonly Table[];
  readonly data: unknown;
}

export type Part = (context: PartContext) => Promise<PartResult>;

/** What became of a part. */
export type PartOutcome =
  | ({ readonly outcome: 'done'; readonly tookMs: number } & PartResult)
  | { readonly outcome: 'failed'; readonly tookMs: number; readonly reason: string }
  | { readonly outcome: 'skipped'; readonly reason: string };

/** All that a run of the bench found: the JSON file. */
export interface Results {
  /** Grows when fields change their meaning. */
  readonly format: 1;
  readonly smoke: boolean;
  readonly tookMs: number;
  /** By name; `adapter` has the machine. */
  readonly parts: Readonly<Record<string, PartOutcome>>;
}
