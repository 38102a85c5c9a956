/** What a payload's text says beyond JSON.parse: bare non-numbers, and names that stand twice. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { json } from '#ingest/codecs/json.ts';
import { countMembers, repeatedNames, withQuotedNonNumbers } from '#ingest/codecs/json-text.ts';
import { delivery, NOW_MS, openDoor } from '#tests/helpers/ingest/door.ts';

describe('texts that JSON.parse takes', () => {
  it('have no repeated name when JSON.stringify wrote them, whatever they hold', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        expect(repeatedNames(text)).toEqual([]);
        expect(JSON.parse(withQuotedNonNumbers(text))).toEqual(JSON.parse(text));
      }),
    );
  });

  it('tell each repeated name with its place and the texts of its values', () => {
    expect(repeatedNames('{"a":[{"b":1},{"b": 1 ,"c":{"d":[2]},"b":"x,\\"}"}],"\\u0061":null}')).toEqual([
      { path: ['a', 1, 'b'], values: ['1', '"x,\\"}"'] },
      { path: ['a'], values: ['[{"b":1},{"b": 1 ,"c":{"d":[2]},"b":"x,\\"}"}]', 'null'] },
    ]);
  });

  it('count their members whatever the spaces', () => {
    expect(countMembers('{"a" :1,\n"b"\t: {"c":"d:e"}}')).toBe(3);
  });
});

it('is linear in what a stranger sends', () => {
  // Each of these would take hours if a token were tried again from each of its characters.
  for (const text of ['"\\'.repeat(60_000), '\\"'.repeat(120_000), '['.repeat(250_000), '{"a":'.repeat(50_000)]) {
    expect(withQuotedNonNumbers(text)).toHaveLength(text.length);
  }
  const nested = `{"station":"s","time":1,"values":{"ph":7},"x":${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}}`;
  expect(json.decode(Buffer.from(nested)).samples).toHaveLength(1);
  const deep = `{"station":"s","time":1,"values":{"ph":7},"x":${'['.repeat(100_000)}${']'.repeat(100_000)}}`;
  expect(json.decode(Buffer.from(deep)).samples).toHaveLength(1);
});

it('takes numbers in quotation marks only from a gateway that may send them', async () => {
  const { gate, journal } = await openDoor();
  const values = { ph: '7.9', temp: { value: ' -0.5 ' }, nh3n: '0x1F', turbidity: 'NaN' };
  const message = delivery(JSON.stringify({ station: 'taocha', time: NOW_MS, values }));
  const codes = async () => (await gate.accept(message)).quarantined.map(({ code, path }) => [path, code]);
  expect(await codes()).toEqual([
    ['values.ph', 'value.not-a-number'],
    ['values.temp', 'value.not-a-number'],
    ['values.nh3n', 'value.not-a-number'],
    ['values.turbidity', 'value.not-finite'],
  ]);
  const body = { stations: ['taocha'], numbersAsText: true, passwordHash: 'x' };
  await journal.appendCommand('admin', { verb: 'put', noun: 'gateway', id: 'g1', body });
  expect(await codes()).toEqual([
    ['values.nh3n', 'value.not-a-number'],
    ['values.turbidity', 'value.not-finite'],
  ]);
  const entry = journal.entries.at(-1)!;
  expect(entry.kind === 'message' && entry.readings.map(({ value }) => value)).toEqual([7.9, -0.5]);
});

it('says what to do about a number in quotation marks', async () => {
  const { gate } = await openDoor();
  const receipt = await gate.accept(delivery(`{"station":"taocha","time":${NOW_MS},"values":{"ph":"7.9"}}`));
  expect(receipt.quarantined[0]!.message).toBe(
    '"7.9" is not a number: send numbers without quotation marks, or set `numbersAsText` for the gateway.',
  );
});

it('keeps both values of a repeated name in quarantine', async () => {
  const { gate, journal } = await openDoor();
  const sent = `{"station":"taocha","time":${NOW_MS},"values":{"nh3n":0.1,"ph":7,"nh3n":{"value":0.2,"flag":"N"}}}`;
  const { quarantined, accepted } = await gate.accept(delivery(sent));
  expect(accepted).toBe(1);
  const texts = quarantined.map(({ quarantineId }) => Buffer.from(journal.quarantine.get(quarantineId)!.payload));
  expect(texts.map(String)).toEqual(
    Array(2).fill(`{"station":"taocha","time":${NOW_MS},"values":{"nh3n":0.1,"nh3n":{"value":0.2,"flag":"N"}}}`),
  );
  expect(quarantined[0]!.message).toBe('"nh3n" stands twice: 0.1, {"value":0.2,"flag":"N"}.');
});
