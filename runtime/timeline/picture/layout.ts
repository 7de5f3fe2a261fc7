/** Where a picture of a run puts things. Pixels. */
import type { TimelineData } from '../timeline-data.js';

export const WIDTH = 1200;
export const LEFT = 150;
export const RIGHT = 24;
export const TOP = 104;
export const ROW_HEIGHT = 40;
export const BAR_HEIGHT = 28;
/** Left edge of titles, names and legend. */
export const MARGIN = 24;

const BOTTOM = 76;
/** Room to the right of the run's end for what is said of it, as a share of the run. */
const ROOM = 0.25;

/** The scale of a picture. */
export class Layout {
  /** The last moment shown. */
  readonly endMs: number;
  /** Lower edge of the rows. */
  readonly bottom: number;
  readonly height: number;

  constructor({ settledMs }: TimelineData, rows: number) {
    // A run of no time at all still needs a scale.
    this.endMs = settledMs === 0 ? 1 : settledMs * (1 + ROOM);
    this.bottom = TOP + rows * ROW_HEIGHT;
    this.height = this.bottom + BOTTOM;
  }

  x(ms: number): number {
    return LEFT + (ms / this.endMs) * (WIDTH - LEFT - RIGHT);
  }

  /** Upper edge of the bars of a row. */
  barY(row: number): number {
    return TOP + row * ROW_HEIGHT + (ROW_HEIGHT - BAR_HEIGHT) / 2;
  }
}
