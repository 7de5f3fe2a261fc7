/**
 * Draws the demo: MobileNetV2 stopped half-way, as the picture in README.md.
 * Run `node dist/bench/demo/draw-timeline.js [FILE]`; without a file it writes `bench/demo/timeline.svg`.
 */
import { writeFile } from 'node:fs/promises';
import { createEngine, RunError } from '../../runtime/index.js';
import { drawTimeline } from '../../runtime/timeline/index.js';
import { progress } from '../harness.js';
import { buildClassifier } from './classifier.js';
import { measureFullMs } from './measure.js';
import { PICTURE } from './read-image.js';

const ROUNDS = 10;
const WARM_UPS = 5;
/** Of the time that a complete run takes. */
const DEADLINE_SHARE = 0.6;

const file = process.argv[2] ?? 'bench/demo/timeline.svg';
const { graph } = await buildClassifier(PICTURE);
await using engine = await createEngine();
const classify = await engine.compile(graph, { name: 'classify' });
const fullMs = await measureFullMs(classify, ROUNDS, WARM_UPS);
const timeoutMs = Math.round(fullMs * DEADLINE_SHARE);
try {
  await classify.run({}, { timeoutMs, timeline: true });
  throw new Error(`expected a run with a timeout of ${timeoutMs} ms to be stopped, it completed`);
} catch (error) {
  if (!(error instanceof RunError) || error.timeline === undefined) throw error;
  await writeFile(file, drawTimeline(error.timeline));
  console.log(error.timeline.summary().text);
  progress(`wrote ${file}`);
}
