import { describe, expect, it } from 'vitest';
import { readPayload } from '#ingest/codecs/sparkplug-b/payload.ts';
import { createSparkplugHost } from '#ingest/transports/sparkplug-host.ts';
import { handClock } from '#tests/helpers/hand-clock.ts';
import { casesOf } from '#tests/helpers/ingest/codecs.ts';
import { aMetric, aPayload } from '#tests/helpers/ingest/sparkplug.ts';

interface Vector {
  name: string;
  topic: string;
  base64: string;
}
const VECTORS = casesOf<Vector[]>('sparkplug-b');
const NODE = 'spBv1.0/SNWD/NDATA/taocha';
const DDATA = 'spBv1.0/SNWD/DDATA/taocha/sonde';

function aHost(bytesMax?: number) {
  const clock = handClock(0);
  const host = createSparkplugHost(clock, bytesMax);
  const hear = (topic: string, seq?: number, metrics: Uint8Array[] = []) =>
    host.hear('g1', topic, aPayload({ metrics, ...(seq !== undefined && { seq }) }))!;
  const hearVector = (name: string) => {
    const { topic, base64 } = VECTORS.find((one) => one.name === name)!;
    return host.hear('g1', topic, Buffer.from(base64, 'base64'))!;
  };
  return { host, clock, hear, hearVector };
}

const names = (birth: { names: ReadonlyMap<string, unknown> } | null) => [...(birth?.names.keys() ?? [])];

describe('what a Sparkplug host remembers', () => {
  it('a session from birth to death, by aliases of the device that speaks', () => {
    const { hearVector } = aHost();
    expect(hearVector('nbirth')).toEqual({ birth: null, missed: null, ended: [] });
    expect(hearVector('dbirth').missed).toBeNull();
    const data = hearVector('ddata');
    expect(data).toMatchObject({ missed: null, ended: [] });
    expect(data.birth!.aliases.get(1)).toMatchObject({ name: 'ph', datatype: 10 });
    // The node's alias 7 is no alias of its device.
    expect(data.birth!.aliases.has(7)).toBe(false);
    hearVector('ddata-historical');
    expect(hearVector('ddeath').ended.map(({ device }) => device)).toEqual(['sonde']);
    expect(hearVector('ndeath').ended.map(({ device, birth }) => [device, names(birth)])).toEqual([
      [null, ['bdSeq', 'Node Control/Rebirth', 'level']],
    ]);
    expect(hearVector('ddata').birth).toBeNull();
  });

  it('a will of an earlier session ends nothing', () => {
    const { hearVector, hear } = aHost();
    hear('spBv1.0/SNWD/NBIRTH/taocha', 0, [
      aMetric({ name: 'bdSeq', datatype: 8, int: 4 }),
      aMetric({ name: 'level', alias: 1 }),
    ]);
    expect(hearVector('ndeath').ended).toEqual([]);
    expect(names(hear(NODE, 1).birth)).toEqual(['bdSeq', 'level']);
  });

  it('numbers run round at 256; a repeat is no hole, one left out is, until the device is born again', () => {
    const { hear, hearVector } = aHost();
    hearVector('nbirth');
    hearVector('dbirth');
    for (let seq = 2; seq < 300; seq++) expect(hear(DDATA, seq % 256).missed).toBeNull();
    expect(hear(DDATA, 299 % 256).missed).toBeNull();
    expect(hear(DDATA).missed).toBeNull();
    expect(hear(DDATA, 45).missed).toBe('seq 45 came where 44 was next');
    expect(hear(DDATA, 46).missed).toBe('seq 45 came where 44 was next');
    expect(hear(NODE, 47).missed).toBe('seq 45 came where 44 was next');
    hear('spBv1.0/SNWD/DBIRTH/taocha/sonde', 48, [aMetric({ name: 'ph', alias: 1 })]);
    expect(hear(DDATA, 49).missed).toBeNull();
    expect(hear(NODE, 50).missed).not.toBeNull();
    hearVector('nbirth');
    expect(hear(NODE, 1).missed).toBeNull();
    expect(hear(DDATA, 2).birth).toBeNull();
  });

  it('the first message that is heard of a node says nothing of what was before', () => {
    const { hear } = aHost();
    expect(hear(DDATA, 17)).toEqual({ birth: null, missed: null, ended: [] });
    expect(hear(DDATA, 19).missed).toBe('seq 19 came where 18 was next');
  });

  it('asks for births at once, and ever more seldom while none comes', () => {
    const { host, clock, hear, hearVector } = aHost();
    const ask = () => host.rebirthTopic('g1', DDATA, ['sparkplug.no-birth']);
    expect(ask()).toBeNull();
    hear(DDATA, 1);
    expect(host.rebirthTopic('g1', DDATA, ['parameter.unknown'])).toBeNull();
    expect(ask()).toBe('spBv1.0/SNWD/NCMD/taocha');
    for (const seconds of [10, 20, 40, 80, 160, 320, 600, 600]) {
      clock.advance(seconds * 1000 - 1);
      expect(ask()).toBeNull();
      clock.advance(1);
      expect(host.rebirthTopic('g1', DDATA, ['sparkplug.missed'])).not.toBeNull();
    }
    hearVector('nbirth');
    clock.advance(600_000);
    expect(ask()).not.toBeNull();
    clock.advance(10_000);
    expect(ask()).not.toBeNull();
  });

  it('a damaged birth defines nothing', () => {
    const { host, hear } = aHost();
    host.hear('g1', 'spBv1.0/SNWD/NBIRTH/taocha', Buffer.from('hello'));
    expect(hear(NODE, 1).birth).toBeNull();
  });

  it('gateways know nothing of each other, and the one that has most gives up its oldest first', () => {
    const { host, hear } = aHost(100_000);
    const many = Array.from({ length: 50 }, (_, n) => aMetric({ name: `metric ${n}`, alias: n }));
    hear('spBv1.0/SNWD/NBIRTH/taocha', 0, many.slice(0, 10));
    expect(host.hear('g2', NODE, aPayload({ seq: 1 }))!.birth).toBeNull();
    for (let n = 0; n < 40; n++) host.hear('g2', `spBv1.0/SNWD/NBIRTH/n${n}`, aPayload({ seq: 0, metrics: many }));
    expect(host.counters.birthsForgotten).toBeGreaterThan(30);
    expect(host.hear('g2', 'spBv1.0/SNWD/NDATA/n0', aPayload({ seq: 1 }))!.birth).toBeNull();
    expect(host.hear('g2', 'spBv1.0/SNWD/NDATA/n39', aPayload({ seq: 1 }))!.birth).not.toBeNull();
    expect(hear(NODE, 1).birth).not.toBeNull();
  });

  it('other topics are none of its business', () => {
    expect(createSparkplugHost(handClock(0)).hear('g1', 'v1/gateway/telemetry', Buffer.alloc(0))).toBeUndefined();
    expect(readPayload(Buffer.alloc(0)).metrics).toEqual([]);
  });
});
