import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { checkTimeline } from '../../runtime/timeline/file/check.js';
import { type ReadOptions, readTimelineFile } from '../../runtime/timeline/file/read.js';
import { TimelineReader } from '../../runtime/timeline/file/reader.js';
import type { TimelineFile } from '../../runtime/timeline/file/timeline-file.js';
import { startEngine } from '../support/engines.js';
import { createRandom, type Random } from '../support/random.js';
import { seeds, withSeed } from '../support/seed.js';
import { chain, timelineOf } from '../support/timelines.js';

const folder = mkdtempSync(join(tmpdir(), 'curfew-'));
const at = (name: string): string => join(folder, name);
afterAll(() => rmSync(folder, { recursive: true }));

const FRAME = '"displayTimeUnit":"ms","otherData":{"producer":"curfew","device":"wasm","droppedRecords":0}';
const COUNTER = '{"name":"bytes","ph":"C","pid":2,"tid":0,"ts":0,"args":{"bytes":1}}';

async function exportedText(): Promise<string> {
  const engine = await startEngine({ device: 'virtual' });
  return JSON.stringify((await timelineOf(await engine.compile(chain(2)))).toChromeTrace());
}

/** Reads a text in pieces of random lengths; `undefined` when it is refused. */
function read(text: string, random: Random): TimelineFile | undefined {
  const reader = new TimelineReader('file.json');
  try {
    for (let from = 0; from < text.length; ) {
      const to = from + random.integer(1, 2 * Math.ceil(text.length / 8));
      reader.push(text.slice(from, to));
      from = to;
    }
    return reader.end();
  } catch (error) {
    if (!(error instanceof SyntaxError)) expect(error).toMatchObject({ code: 'INVALID_TIMELINE' });
    return undefined;
  }
}

/** Number of events of a text that is a timeline, judged as a whole; `undefined` when it is none. */
function countEvents(text: string): number | undefined {
  try {
    const exported: unknown = JSON.parse(text);
    if (checkTimeline(exported).length > 0) return undefined;
    return (exported as { traceEvents: readonly unknown[] }).traceEvents.length;
  } catch {
    return undefined;
  }
}

describe('a file', () => {
  it.each([
    ['is empty', '', /expected JSON: expected an object, received the end/],
    ['is no JSON', '{', /expected JSON/],
    ['is another JSON', '[]', /expected JSON: expected an object, received "\["/],
    ['goes on after its end', `{${FRAME},"traceEvents":[]} 7`, /expected an object, received "7"/],
    ['is a string of control characters', '"\u001b[31m"', /expected an object/],
    ['has no events', `{${FRAME}}`, /traceEvents: expected an array, received undefined/],
    ['has events of another kind', `{${FRAME},"traceEvents":{}}`, /traceEvents: expected an array/],
    ['has an event that is no JSON', `{${FRAME},"traceEvents":[{},}]}`, /expected JSON/],
    ['has a hole among its events', `{${FRAME},"traceEvents":[${COUNTER},,${COUNTER}]}`, /expected JSON/],
    ['has a comma after its events', `{${FRAME},"traceEvents":[${COUNTER},]}`, /expected JSON/],
    ['closes its events with a brace', `{${FRAME},"traceEvents":[${COUNTER}}}`, /expected JSON/],
    ['has its events twice', `{${FRAME},"traceEvents":[],"traceEvents":[${COUNTER}]}`, /expected one list/],
    ['hides its events', `{${FRAME},"trace\\u0045vents":[${COUNTER}]}`, /expected one list/],
    ['is of another program', `{"traceEvents":[{"ph":"B"}]}`, /producer: expected "curfew"/],
    ['has objects that pretend', '{"traceEvents":[{"ph":{"toString":1},"constructor":{}}]}', /displayTime/],
    ['is no UTF-8', Uint8Array.of(0x7b, 0xff), /not valid for encoding utf-8/],
  ])('that %s is refused with INVALID_TIMELINE', async (name, content, reason) => {
    writeFileSync(at(name), content);
    await expect(readTimelineFile(at(name))).rejects.toMatchObject({
      code: 'INVALID_TIMELINE',
      message: expect.stringMatching(reason) as string,
    });
  });

  it.each([
    ['missing', 'nowhere.json'],
    ['a folder', '.'],
    ['of an impossible name', 'a\0b'],
  ])('that is %s is refused with INVALID_TIMELINE', async (_, name) => {
    await expect(readTimelineFile(at(name))).rejects.toMatchObject({ code: 'INVALID_TIMELINE' });
  });

  it('that never ends is refused, however it goes on', async () => {
    await expect(readTimelineFile('/dev/zero')).rejects.toMatchObject({ code: 'INVALID_TIMELINE' });
    writeFileSync(at('sparse'), `{${FRAME},"traceEvents":[`);
    truncateSync(at('sparse'), 2 ** 40);
    await expect(readTimelineFile(at('sparse'))).rejects.toMatchObject({
      code: 'INVALID_TIMELINE',
      message: expect.stringMatching(/expected at most \d+ characters in one piece/) as string,
    });
  });

  it('that is larger than allowed is refused', async () => {
    const text = `{${FRAME},"traceEvents":[${COUNTER}]}`;
    writeFileSync(at('large'), text);
    expect(await readTimelineFile(at('large'), { maxBytes: text.length })).toMatchObject({ events: 1 });
    await expect(readTimelineFile(at('large'), { maxBytes: text.length - 1 })).rejects.toMatchObject({
      code: 'INVALID_TIMELINE',
      message: expect.stringContaining(`expected at most ${text.length - 1} bytes`) as string,
    });
  });

  it.each([
    ['maxBytes NaN', { maxBytes: Number.NaN }, 'a number of bytes above 0, or nothing'],
    ['maxBytes 0', { maxBytes: 0 }, 'a number of bytes above 0, or nothing'],
    ['maxBytes in a string', { maxBytes: '9999999' }, 'a number of bytes above 0, or nothing'],
    ['a misspelt option', { maxByte: 1 }, 'only the options maxBytes'],
    ['no object', null, 'an object with options (maxBytes)'],
    ['a number', 7, 'an object with options (maxBytes)'],
  ])('is not read with %s: INVALID_OPTION', async (_what, options, expected) => {
    writeFileSync(at('fine'), `{${FRAME},"traceEvents":[${COUNTER}]}`);
    await expect(readTimelineFile(at('fine'), options as ReadOptions)).rejects.toMatchObject({
      code: 'INVALID_OPTION',
      expected,
    });
  });

  it('of an exported timeline gives the summary that the timeline gives', async () => {
    const engine = await startEngine({ device: 'virtual', virtual: { kernelMs: () => 1 / 3 } });
    const timeline = await timelineOf(await engine.compile(chain(6)), { timeoutMs: 1.5 });
    const exported = timeline.toChromeTrace();
    writeFileSync(at('exported.json'), JSON.stringify(exported, undefined, 2));
    const file = await readTimelineFile(at('exported.json'));
    expect(file).toMatchObject({ file: at('exported.json'), events: exported.traceEvents.length });
    expect(file.summary()).toEqual(timeline.summary());
  });

  it.each([0, 1, 63, 64, 65, 100_000])('with %i blanks on either side of a colon is read', (count) => {
    const blanks = ' \n\t\r'.repeat(count).slice(0, count);
    const text = `{${FRAME},"traceEvents"${blanks}:${blanks}[${COUNTER}]}`;
    expect(read(text, createRandom(count))).toMatchObject({ events: 1 });
  });

  it('with a key that ends like that of its events is read', () => {
    const text = `{${FRAME},"no \\"traceEvents":[7],"traceEvents":[${COUNTER}]}`;
    expect(read(text, createRandom(1))).toMatchObject({ events: 1 });
  });

  it('with any character replaced is read or refused as JSON.parse and the check decide, in whatever pieces', async () => {
    const text = await exportedText();
    expect(countEvents(text)).toBeGreaterThan(0);
    for (const seed of seeds(500)) {
      await withSeed(seed, () => {
        const random = createRandom(seed);
        const place = random.integer(0, text.length - 1);
        const other = random.pick([...'{}[],:"\\0-9eE. \nnul']);
        const changed = random.pick([
          text,
          text.slice(0, place) + other + text.slice(place + 1),
          text.slice(0, place) + other + text.slice(place),
          text.slice(0, place),
        ]);
        const file = read(changed, random);
        expect(file?.events).toBe(countEvents(changed));
        // What was read can be summed up, whatever it says.
        if (file !== undefined) expect(typeof file.summary().text).toBe('string');
      });
    }
  });
});
