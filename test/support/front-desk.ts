/** Admission on streams that execute nothing: a test ends the runs, and the rules look on. */
import { Admission } from '../../runtime/admission.js';
import { type Place, SlotTable } from '../../runtime/slots.js';
import type { Claim } from '../../runtime/waiting-runs.js';
import { CurfewError } from '../../scheduler/errors.js';
import { AdmissionRules } from '../simulator/admission-rules.js';
import { fakeStreams } from './fake-stream.js';
import { nextTurn } from './until.js';

/** Turns of the event loop in which everything that an operation set off comes to rest. */
const TURNS = 3;

const EXPECTED_CODES = new Set(['QUEUE_FULL', 'DEVICE_LOST']);

export interface FrontDeskOptions {
  readonly streams: number;
  readonly runsInFlight: number;
  readonly queueLimit: number;
}

/** A run that was called. */
export interface DeskRun extends Claim {
  readonly name: string;
  state: 'waiting' | 'in flight' | 'over' | 'refused';
  /** What `admit` rejected with, if it did. */
  error: unknown;
  /** Its place, until it is given back. */
  place: Place | undefined;
  readonly controller: AbortController;
  /** Aborted; it may not have left yet. */
  readonly leaving: boolean;
  /** Ends its job; the place has been given back, or will be. */
  end(): void;
}

export class FrontDesk {
  readonly streams;
  readonly admission: Admission;
  readonly runs: DeskRun[] = [];
  readonly #options: FrontDeskOptions;
  readonly #table: SlotTable;
  readonly #violations: string[] = [];
  readonly #rules = new AdmissionRules((message) => this.#violations.push(message));

  constructor(options: FrontDeskOptions) {
    this.#options = options;
    this.streams = fakeStreams(options.streams);
    this.#table = new SlotTable(this.streams, options.runsInFlight);
    this.admission = new Admission(this.#table, options.queueLimit);
  }

  in(state: DeskRun['state']): readonly DeskRun[] {
    return this.runs.filter((run) => run.state === state);
  }

  /** Calls `run()`. By the time it returns the run is in flight, waiting, or refused. */
  call(lanes = 1, priority = 0): DeskRun {
    let end!: () => void;
    const ended = new Promise<void>((resolve) => {
      end = resolve;
    });
    const run: DeskRun = {
      name: `run ${this.runs.length + 1}`,
      lanes,
      priority,
      state: 'refused',
      error: undefined,
      place: undefined,
      controller: new AbortController(),
      get leaving() {
        return run.controller.signal.aborted;
      },
      end,
    };
    this.runs.push(run);
    const onAccepted = () => {
      run.state = 'waiting';
      this.#rules.queued(run);
    };
    const request = { priority, lanes, waiting: () => run.controller.signal, onAccepted };
    this.admission
      .admit(request, (place) => this.#start(run, place, ended))
      .then(
        () => this.#over(run, undefined),
        (error: unknown) => this.#over(run, error),
      );
    return run;
  }

  /** A run gives its place back, and its job ends. */
  finish(run: DeskRun): void {
    this.giveBack(run);
    run.end();
  }

  giveBack(run: DeskRun): void {
    const { place } = run;
    run.place = undefined;
    place!.giveBack();
  }

  /** A stream is being replaced, or is back. */
  toggle(index: number): void {
    const stream = this.streams[index]!;
    stream.available = !stream.available && stream.broken === undefined;
    this.admission.serve();
  }

  break(index: number): void {
    this.streams[index]!.break();
    this.admission.serve();
  }

  /** Lets everything that was set off happen, and checks the rules. */
  async rest(): Promise<void> {
    for (let turn = 0; turn < TURNS; turn++) await nextTurn();
    this.#rules.atRest(this.#table.room);
    const waiting = this.in('waiting').length;
    const idle = waiting + this.in('in flight').length === 0;
    if (this.admission.queued !== waiting)
      this.#violations.push(`${waiting} runs wait, not ${this.admission.queued}`);
    if (this.admission.idle !== idle) this.#violations.push(`admission is ${idle ? '' : 'not '}idle`);
    const [violation] = this.#violations;
    if (violation !== undefined) throw new Error(violation);
  }

  /** All streams serve that are not broken, and every run ends: then none waits. */
  async drain(): Promise<void> {
    for (const stream of this.streams) stream.available = stream.broken === undefined;
    this.admission.serve();
    do {
      for (const run of this.runs) if (run.place !== undefined) this.finish(run);
      await this.rest();
    } while (this.in('in flight').length > 0);
    if (this.in('waiting').length > 0) throw new Error('a run waits for ever');
  }

  /** Whether a run that came now, when all is at rest, would have to be refused. */
  wouldRefuse(claim: Claim): boolean {
    const full = this.in('waiting').length >= this.#options.queueLimit;
    return full && !this.#rules.wouldStart(claim, this.#table.room);
  }

  #start(run: DeskRun, place: Place, ended: Promise<void>): Promise<void> {
    run.state = 'in flight';
    run.place = place;
    const { free, serving, lasting } = this.#table.room;
    const { runsInFlight } = this.#options;
    const filled = place.streams.filter(({ index }) => this.#table.inFlight(index) === runsInFlight);
    this.#rules.started(run, { free: free + filled.length, serving, lasting });
    return ended;
  }

  #over(run: DeskRun, error: unknown): void {
    if (run.state === 'waiting') this.#rules.left(run);
    if (run.state !== 'refused') run.state = 'over';
    run.error = error;
    const isExpected = error === undefined || error === run.controller.signal.reason;
    if (!isExpected && !(error instanceof CurfewError && EXPECTED_CODES.has(error.code)))
      this.#violations.push(`${run.name} fails with ${error}`);
  }
}
