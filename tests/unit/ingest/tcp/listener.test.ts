/** A listener over real sockets: what is answered when, who is let in, and what ends a connection. */
import { afterEach, describe, expect, it } from 'vitest';
import { eventually } from '#tests/helpers/eventually.ts';
import { plainFrame } from '#tests/helpers/ingest/plain-protocol.ts';
import { endAll, NOW_MS, runTcp } from '#tests/helpers/ingest/tcp-rig.ts';

afterEach(endAll);

const payloads = (door: { accepted: { payload: Uint8Array }[] }) =>
  door.accepted.map(({ payload }) => Buffer.from(payload).toString());

describe('a frame', () => {
  it('goes to the door as its gateway’s, with its stations, and is answered', async () => {
    const { door, device, tcp } = await runTcp();
    const one = await device();
    one.send(plainFrame({ text: 'a' }));
    await one.hears('ok a\n');
    expect(door.accepted).toMatchObject([
      { source: 'gw', stations: new Set(['s']), contentType: 'application/x-hj212' },
    ]);
    expect(payloads(door)).toEqual([plainFrame({ text: 'a' })]);
    expect(tcp.lastSeenMs('gw')).toBe(NOW_MS);
    expect(tcp.connections()).toEqual({ hj212: 1 });
  });

  it('is not answered before it is on disk', async () => {
    const { door, device } = await runTcp();
    door.delayMs = 100;
    const one = await device();
    one.send(plainFrame({ text: 'a' }));
    await eventually('the attempt', () => door.attempts === 1);
    expect(one.heard()).toBe('');
    await one.hears('ok a\n');
    expect(door.accepted).toHaveLength(1);
  });

  it('waits while the journal is full, and nothing is answered meanwhile', async () => {
    const { door, device, tcp, count } = await runTcp();
    door.isFull = true;
    const one = await device();
    one.send(plainFrame({ text: 'a' }) + plainFrame({ text: 'b' }));
    await eventually('two that wait', () => tcp.waiting() === 2);
    expect(one.heard()).toBe('');
    door.isFull = false;
    await one.hears('ok a\nok b\n');
    expect(count('held')).toBeGreaterThan(0);
    expect(tcp.waiting()).toBe(0);
  });

  it('that waits when its connection ends is left to be sent again', async () => {
    const { door, device, tcp } = await runTcp();
    door.isFull = true;
    const one = await device();
    one.send(plainFrame({ text: 'a' }));
    await eventually('one that waits', () => tcp.waiting() === 1);
    one.socket.destroy();
    await eventually('nobody', () => tcp.connections().hj212 === 0);
    door.isFull = false;
    await eventually('nothing that waits', () => tcp.waiting() === 0);
    expect(door.accepted).toEqual([]);
  });

  it('may come in any pieces, together with others and behind noise', async () => {
    const { door, device, count } = await runTcp();
    const one = await device();
    const bytes = `REG:13800000000 ${plainFrame({ text: 'a' })}${plainFrame({ text: 'b' })}\xfe${plainFrame({ text: 'c' })}`;
    for (const letter of bytes) one.send(letter);
    await one.hears('ok a\nok b\nok c\n');
    expect(payloads(door)).toEqual(['a', 'b', 'c'].map((text) => plainFrame({ text })));
    expect(count('noiseBytes')).toBe(17);
  });

  it('that is damaged is quarantined by the codec and the device told what the protocol says', async () => {
    const { door, device, count } = await runTcp();
    door.undecodable = true;
    const one = await device();
    one.send(plainFrame({ isSound: false }));
    await one.hears('bad x\n');
    expect(count('unsound')).toBe(1);
    expect(door.accepted).toMatchObject([{ source: 'gw' }]);
  });

  it('that can be taken nevertheless, as the dialect says, is answered as others', async () => {
    const { device } = await runTcp();
    const one = await device();
    one.send(plainFrame({ text: 'a', isSound: false }));
    await one.hears('ok a\n');
  });

  it('that holds no values is answered at once and comes to no door', async () => {
    const { door, device, count } = await runTcp();
    const one = await device();
    one.send(plainFrame({ kind: 'heartbeat', text: 'h' }) + plainFrame({ kind: 'reply', text: 'r' }));
    one.send(plainFrame({ kind: 'login', text: 'l' }));
    await one.hears('ok h\nok l\n');
    expect(one.heard()).not.toContain('ok r');
    expect([door.attempts, count('heartbeats'), count('replies')]).toEqual([0, 2, 1]);
  });
});

describe('parts', () => {
  it('go through the door as one payload, and are answered as one', async () => {
    const { door, device } = await runTcp();
    const one = await device();
    const parts = [1, 2].map((number) => plainFrame({ part: `m/${number}/2`, text: `p${number}` }));
    one.send(parts[0]!);
    one.send(parts[1]!);
    await one.hears('ok p1+p2\n');
    expect(payloads(door)).toEqual([parts.join('')]);
  });

  it('go on without those that never come', async () => {
    const { door, device, clock } = await runTcp();
    const one = await device();
    one.send(plainFrame({ part: 'm/1/2', text: 'p1' }));
    await eventually('time', () => {
      clock.advance(1000);
      return one.heard() === 'some p1\n';
    });
    one.send(plainFrame({ part: 'm/2/2', text: 'p2' }));
    await one.hears('some p1\nok p1+p2\n');
    expect(door.accepted.map(({ payload }) => Buffer.from(payload).toString().match(/p\d/g))).toEqual([
      ['p1'],
      ['p1', 'p2'],
    ]);
  });

  it('go on when their connection ends', async () => {
    const { door, device, count } = await runTcp();
    const one = await device();
    one.send(plainFrame({ part: 'm/1/2', text: 'p1' }));
    await eventually('the part', () => count('frames') === 1);
    one.socket.end();
    await eventually('the part', () => door.accepted.length === 1);
  });
});

describe('who is not welcome', () => {
  it.each([
    ['device.unknown', { address: 'B2' }, {}],
    ['device.password', { password: 'secret-9' }, {}],
    ['device.elsewhere', {}, { addresses: ['127.0.0.2/32'] }],
  ])('finds his frame in quarantine and hears nothing: %s', async (code, frame, identity) => {
    const { door, device, put, logged } = await runTcp();
    put('gw', { identity: { mn: 'A1', password: 'pw', ...identity } });
    const one = await device('127.0.0.1');
    one.send(plainFrame({ text: 'a', ...frame }));
    await eventually('the refusal', () => door.refused.length === 1);
    expect(door.refused[0]).toMatchObject({ source: 'tcp:hj212', fault: { code } });
    expect(door.refused[0]!.payload.toString()).toBe(plainFrame({ text: 'a', ...frame }));
    expect(logged.find(({ fields }) => fields.event === 'tcp.unwelcome')?.fields.code).toBe(code);
    expect(one.heard()).toBe('');
    expect(door.refused[0]!.fault.message).toContain('127.0.0.1');
    expect(JSON.stringify(logged)).not.toContain('secret-9');
  });

  it('may come from the networks that are named', async () => {
    const { device, put } = await runTcp();
    put('gw', { identity: { mn: 'A1', password: 'pw', addresses: ['127.0.0.0/30'] } });
    const one = await device('127.0.0.2');
    one.send(plainFrame({ text: 'a' }));
    await one.hears('ok a\n');
  });

  it('is heard no more after ten frames a minute, which holds up nobody else of his address', async () => {
    const { door, device, crowded, count, clock } = await runTcp();
    const good = await device();
    good.send(plainFrame({ text: 'a' }));
    await good.hears('ok a\n');
    const stranger = await device();
    stranger.send(plainFrame({ address: 'B2' }).repeat(12));
    await stranger.ended;
    expect(door.refused).toHaveLength(10);
    expect(count('unwelcomeLimited')).toBeGreaterThan(0);
    expect(crowded).toContain('tcp.address 127.0.0.1');
    good.send(plainFrame({ text: 'b' }));
    await good.hears('ok b\n');
    clock.advance(60_001);
    const later = await device();
    later.send(plainFrame({ address: 'B2' }));
    await eventually('another refusal', () => door.refused.length === 11);
  });

  it('is disconnected when his gateway is deleted, or another password wanted', async () => {
    const { device, put, tcp } = await runTcp();
    for (const change of [{ identity: { mn: 'A1', password: 'new' } }, null]) {
      put('gw', { identity: { mn: 'A1', password: 'pw' } });
      const one = await device();
      one.send(plainFrame({ text: 'a' }));
      await one.hears('ok a\n');
      put('gw', change);
      await one.ended;
    }
    expect(tcp.lastSeenMs('gw')).toBeNull();
  });

  it('stays connected over a change that does not concern him', async () => {
    const { device, put } = await runTcp();
    const one = await device();
    one.send(plainFrame({ text: 'a' }));
    await one.hears('ok a\n');
    put('gw', { name: 'Another name', identity: { mn: 'A1', password: 'pw' } });
    one.send(plainFrame({ text: 'b' }));
    await one.hears('ok b\n');
  });

  it('is told when he speaks by turns with the device from elsewhere, and not for coming back', async () => {
    const { device, contested, count } = await runTcp();
    const broken = await device('127.0.0.2');
    broken.send(plainFrame({ text: 'a' }));
    await broken.hears('ok a\n');
    const back = await device('127.0.0.3');
    back.send(plainFrame({ text: 'b' }));
    await back.hears('ok b\n');
    expect(contested).toEqual([]);
    broken.send(plainFrame({ text: 'c' }));
    await broken.hears('ok c\n');
    expect(contested).toEqual(['A1 127.0.0.2 127.0.0.3']);
    back.send(plainFrame({ text: 'd' }));
    await back.hears('ok d\n');
    expect(count('contested')).toBe(1);
  });
});

describe('one gateway', () => {
  it('may have several devices on one connection, each of its own station', async () => {
    const { door, device, put } = await runTcp();
    put('gw', {
      stations: ['s', 't'],
      devices: [
        { address: 'A1', station: 's' },
        { address: 'A2', station: 't' },
      ],
    });
    const one = await device();
    one.send(plainFrame({ address: 'A1', text: 'a' }) + plainFrame({ address: 'A2', text: 'b' }));
    await one.hears('ok a\nok b\n');
    expect(door.accepted.map(({ source }) => source)).toEqual(['gw', 'gw']);
  });
});

describe('what ends a connection', () => {
  it('is silence, sooner before a device has shown itself', async () => {
    const { device, clock } = await runTcp({ limits: { silentMs: 10_000, idleMs: 60_000 } });
    const one = await device();
    const other = await device();
    one.send(plainFrame({ text: 'a' }));
    await one.hears('ok a\n');
    clock.advance(11_000);
    await other.ended;
    one.send(plainFrame({ text: 'b' }));
    await one.hears('ok b\n');
    clock.advance(61_000);
    await one.ended;
  });

  it('is a frame that takes too long, and not the heartbeats of a modem', async () => {
    const { device, clock, logged, count } = await runTcp({ limits: { frameMs: 10_000 } });
    const modem = await device();
    const slow = await device();
    for (let n = 1; n <= 4; n++) {
      modem.send('\xfe');
      slow.send(n === 1 ? '@' : 'A');
      await eventually('the heartbeat', () => count('noiseBytes') === n);
      clock.advance(4000);
    }
    await slow.ended;
    expect(logged.findLast(({ fields }) => fields.event === 'tcp.violation')?.fields.reason).toBe(
      'too slow with a frame',
    );
    modem.send(plainFrame({ text: 'a' }));
    await modem.hears('ok a\n');
  });

  it('is nothing but noise', async () => {
    const { device, count } = await runTcp({ limits: { noiseBytes: 5000 } });
    const one = await device();
    one.send(Buffer.alloc(4096, 0x55));
    one.send(plainFrame({ text: 'a' }));
    await one.hears('ok a\n');
    one.send(Buffer.alloc(4096, 0x55));
    one.send(Buffer.alloc(4096, 0x55));
    await one.ended;
    expect(count('violations')).toBe(1);
  });

  it('are more connections of one device than it may have, the oldest', async () => {
    const { device, crowded } = await runTcp({ limits: { connectionsPerCredential: 2 } });
    const lines = [];
    for (const text of ['a', 'b', 'c']) {
      const one = await device();
      one.send(plainFrame({ text }));
      await one.hears(`ok ${text}\n`);
      lines.push(one);
    }
    await lines[0]!.ended;
    expect(crowded).toEqual(['tcp.credential A1']);
  });

  it('are more connections than there may be: silent ones give way, then newcomers', async () => {
    const { device, crowded, count } = await runTcp({ limits: { connections: 2 } });
    const one = await device();
    one.send(plainFrame({ text: 'a' }));
    await one.hears('ok a\n');
    const silent = await device();
    const other = await device();
    await silent.ended;
    other.send(plainFrame({ text: 'b' }));
    await other.hears('ok b\n');
    const late = await device();
    await late.ended;
    expect([count('connectionsEvicted'), count('connectionsRefused')]).toEqual([1, 1]);
    expect(crowded).toEqual(['tcp.connections 127.0.0.1', 'tcp.connections 127.0.0.1']);
  });

  it('is a fault of ours: nothing is answered that is not kept', async () => {
    const { door, device, logged } = await runTcp();
    door.error = new Error('ours');
    const one = await device();
    one.send(plainFrame());
    await one.ended;
    expect(one.heard()).toBe('');
    expect(logged.some(({ fields }) => fields.event === 'tcp.failed')).toBe(true);
  });
});

describe('what goes down', () => {
  it('sets the clocks of devices that are connected', async () => {
    const { device, tcp, put } = await runTcp();
    put('gw', {
      stations: ['s', 't'],
      identity: { password: 'pw' },
      devices: [
        { address: 'A1', station: 's' },
        { address: 'A2', station: 't' },
      ],
    });
    const one = await device();
    one.send(plainFrame({ text: 'a' }));
    await one.hears('ok a\n');
    expect(tcp.setClock('gw', null)).toEqual({ told: ['A1'], away: ['A2'] });
    await one.hears(`clock A1 pw ${NOW_MS}\n`);
    expect(tcp.setClock('gw', 'A2')).toEqual({ told: [], away: ['A2'] });
    expect(tcp.setClock('gw', 'A3')).toEqual({ told: [], away: [] });
  });

  it('asks for what is missing between what was stored before and what comes now', async () => {
    const { door, device, clock, logged } = await runTcp({
      newestMs: () => NOW_MS - 3_600_000,
      cycleMs: () => 300_000,
    });
    door.span = { oldestMs: NOW_MS, newestMs: NOW_MS };
    const one = await device();
    one.send(plainFrame({ text: 'a' }));
    await one.hears('stay a\n');
    await eventually('the request', () => {
      clock.advance(1000);
      return one.heard().includes('ask');
    });
    expect(one.heard()).toContain(`ask A1 ${NOW_MS - 3_600_000 + 1} ${NOW_MS}\n`);
    expect(one.heard()).not.toContain('more');
    one.send(plainFrame({ kind: 'reply' }));
    await one.hears('more A1');
    expect(logged.some(({ fields }) => fields.event === 'tcp.asked')).toBe(true);
  });
});
