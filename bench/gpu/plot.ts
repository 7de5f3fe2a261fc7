/** Price and lateness over precision, as SVG for light and dark backgrounds: one panel each, one line per workload. */
import type { ModeFigures } from './modes.js';
import type { Price } from './parts/price.js';

const [WIDTH, HEIGHT] = [1000, 510];
const [TOP, BOTTOM] = [60, 150];
const [LEFT, PANEL_WIDTH, GAP] = [60, 410, 90];
const COLORS = ['#0969da', '#bc4c00', '#1a7f37', '#8250df', '#cf222e', '#9a6700', '#57606a'];
const DARK_COLORS = ['#58a6ff', '#f0883e', '#3fb950', '#bc8cff', '#ff7b72', '#d29922', '#a2acb8'];

const STYLE = [
  `text { font: 12px system-ui, 'DejaVu Sans', sans-serif; fill: #1f2328; }`,
  '.title { font-size: 15px; font-weight: 600; } .background { fill: #fff; } .grid { stroke: #d0d7de; }',
  ...COLORS.map((color, index) => `.c${index} { stroke: ${color}; fill: ${color}; }`),
  '.line { fill: none; stroke-width: 2; }',
  '@media (prefers-color-scheme: dark) { text { fill: #e6edf3; } .background { fill: #0d1117; } .grid { stroke: #30363d; }',
  ...DARK_COLORS.map((color, index) => `.c${index} { stroke: ${color}; fill: ${color}; }`),
  '.line { fill: none; } }',
].join('\n');

/** One of the two. */
interface Panel {
  readonly title: string;
  readonly left: number;
  readonly value: (figures: ModeFigures) => number | undefined;
  readonly format: (value: number) => string;
}

const PANELS: readonly Panel[] = [
  {
    title: "Time of a complete run against 'none'",
    left: LEFT,
    value: ({ ratio }) => ratio.median,
    format: (value) => `${Number(value.toPrecision(3))} ×`,
  },
  {
    title: 'Lateness of stopped runs, p99',
    left: LEFT + PANEL_WIDTH + GAP,
    value: ({ latenessMs }) => latenessMs?.p99,
    format: (value) => `${Number(value.toPrecision(3))} ms`,
  },
];

/** From the most precise mode to the least. */
function inOrder(figures: readonly ModeFigures[]): ModeFigures[] {
  const rank = ({ mode }: ModeFigures) =>
    mode === 'node' ? 0 : mode === 'none' ? Number.POSITIVE_INFINITY : Number.parseFloat(mode);
  return [...figures].sort((a, b) => rank(a) - rank(b));
}

/** 1, 2 and 5 times powers of ten that cover the values. */
function ticksFor(values: readonly number[]): number[] {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const all = Array.from({ length: 14 }, (_, power) =>
    [1, 2, 5].map((digit) => Number((digit * 10 ** (power - 7)).toPrecision(1))),
  ).flat();
  const first = all.findLastIndex((tick) => tick <= least);
  const last = all.findIndex((tick) => tick > most);
  return all.slice(Math.max(0, first), last < 0 ? undefined : last + 1);
}

function yScale(ticks: readonly number[]): (value: number) => number {
  const [least, most] = [Math.log(ticks[0]!), Math.log(ticks.at(-1)!)];
  return (value) =>
    HEIGHT - BOTTOM - ((Math.log(value) - least) / (most - least || 1)) * (HEIGHT - TOP - BOTTOM);
}

function drawGrid({ left, title, format }: Panel, modes: readonly string[], ticks: readonly number[]) {
  const y = yScale(ticks);
  const x = xScale(left, modes);
  return [
    `<text class="title" x="${left}" y="${TOP - 20}">${title}</text>`,
    ...ticks.flatMap((tick) => [
      `<line class="grid" x1="${left}" y1="${y(tick).toFixed(1)}" x2="${left + PANEL_WIDTH}" y2="${y(tick).toFixed(1)}"/>`,
      `<text x="${left - 6}" y="${(y(tick) + 4).toFixed(1)}" text-anchor="end">${format(tick)}</text>`,
    ]),
    ...modes.map(
      (mode) =>
        `<text x="${x(mode).toFixed(1)}" y="${HEIGHT - BOTTOM + 18}" text-anchor="middle">${mode.replace(' ms', '')}</text>`,
    ),
  ];
}

const xScale =
  (left: number, modes: readonly string[]) =>
  (mode: string): number =>
    left + 14 + ((PANEL_WIDTH - 28) * modes.indexOf(mode)) / Math.max(1, modes.length - 1);

function drawPanel(panel: Panel, prices: readonly Price[]): string[] {
  const modes = inOrder(prices[0]!.figures).map(({ mode }) => mode);
  const positive = (value: number | undefined): value is number => value !== undefined && value > 0;
  const values = prices.flatMap(({ figures }) => figures.map(panel.value).filter(positive));
  if (values.length === 0) return [];
  const ticks = ticksFor(values);
  const [x, y] = [xScale(panel.left, modes), yScale(ticks)];
  const lines = prices.flatMap(({ figures, title }, index) => {
    const points = inOrder(figures).flatMap((of) => {
      const value = panel.value(of);
      return positive(value)
        ? [{ mode: of.mode, value, at: [x(of.mode).toFixed(1), y(value).toFixed(1)] }]
        : [];
    });
    const color = `c${index % COLORS.length}`;
    return [
      `<polyline class="${color} line" points="${points.map(({ at }) => at.join(',')).join(' ')}"/>`,
      ...points.map(
        ({ mode, value, at: [cx, cy] }) =>
          `<circle class="${color}" cx="${cx}" cy="${cy}" r="3"><title>${title}, ${mode}: ${panel.format(value)}</title></circle>`,
      ),
    ];
  });
  return [...drawGrid(panel, modes, ticks), ...lines];
}

function drawLegend(prices: readonly Price[]): string[] {
  return prices.map(({ title }, index) => {
    const left = LEFT + (PANEL_WIDTH + GAP) * (index % 2);
    const top = HEIGHT - BOTTOM + 66 + 20 * Math.floor(index / 2);
    return `<circle class="c${index % COLORS.length}" cx="${left}" cy="${top - 4}" r="4"/><text x="${left + 10}" y="${top}">${title}</text>`;
  });
}

/** Draws what was measured; at least one workload. */
export function drawPrices(prices: readonly Price[]): string {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" role="img">`,
    `<title>The price of precision</title><style>${STYLE}</style>`,
    `<rect class="background" width="${WIDTH}" height="${HEIGHT}"/>`,
    ...PANELS.flatMap((panel) => drawPanel(panel, prices)),
    `<text x="${WIDTH / 2}" y="${HEIGHT - BOTTOM + 38}" text-anchor="middle">cancellation: node, precisionMs, or none</text>`,
    ...drawLegend(prices),
    '</svg>',
    '',
  ].join('\n');
}
