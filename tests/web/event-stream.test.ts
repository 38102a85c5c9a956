/** The stream's lines, in whatever pieces they come. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createParser } from '../../src/web/core/event-stream.ts';

function parse(pieces: readonly string[]) {
  const place = { id: '' };
  const events: { name: string; data: string }[] = [];
  const take = createParser(place, { event: (event) => void events.push(event) });
  for (const piece of pieces) take(piece);
  return { events, id: place.id };
}

const TEXT =
  'retry: 3000\n\nevent: health\ndata: {"ready":true}\n\nid: 7.0\nevent: reading\ndata: {"value":1}\n\n: heartbeat\n\n' +
  'id: 7.1\r\nevent: alarm\r\ndata: {"a":\ndata: 2}\r\n\r\nid: 8.0\n\nid: 9.0\nevent: reading\ndata: {"cut';

describe('event stream', () => {
  it('gives each event with its name and its lines of data, and remembers the last whole id', () => {
    expect(parse([TEXT])).toEqual({
      events: [
        { name: 'health', data: '{"ready":true}' },
        { name: 'reading', data: '{"value":1}' },
        { name: 'alarm', data: '{"a":\n2}' },
      ],
      id: '8.0',
    });
  });

  it('gives the same however it is cut', () => {
    const cuts = fc.array(fc.nat(TEXT.length), { maxLength: 20 });
    fc.assert(
      fc.property(cuts, (places) => {
        const sorted = [0, ...places.sort((a, b) => a - b), TEXT.length];
        const pieces = sorted.slice(1).map((end, index) => TEXT.slice(sorted[index], end));
        expect(parse(pieces)).toEqual(parse([TEXT]));
      }),
    );
  });
});
