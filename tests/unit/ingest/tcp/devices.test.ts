/** Whose a frame is, and whether it may come from there. */
import { describe, expect, it } from 'vitest';
import { STREAMS } from '#ingest/codecs/index.ts';
import { Devices, plainAddress, unwelcome } from '#ingest/transports/tcp/devices.ts';
import { Control } from '#journal/registers.ts';
import { type Protocol, TCP_LISTENERS } from '#model/protocol.ts';
import type { Gateway } from '#model/register.ts';

function devicesOf(protocols: readonly Protocol[], entries: Record<string, Partial<Gateway>>): Devices {
  const versions = Object.entries(entries).map(([id, body], seq) => ({
    noun: 'gateway' as const,
    id,
    seq,
    atMs: 0,
    actor: 'admin',
    body: { stations: ['s'], passwordHash: '', ...body },
  }));
  return new Devices(new Control(versions), protocols);
}

describe('a device', () => {
  it('is found by the address of its gateway’s identity or of one of its devices, among gateways of its protocol', () => {
    const devices = devicesOf(TCP_LISTENERS.szy206, {
      a: { protocol: 'szy206', identity: { stationAddress: '0012345678' } },
      b: { protocol: 'slt427', stations: ['s', 't'], devices: [{ address: '41022501ab', station: 't' }] },
      c: { protocol: 'sl651', identity: { stationAddress: '0099999999' } },
      d: { identity: { stationAddress: '0088888888' } },
    });
    expect(devices.find('0012345678')).toMatchObject({ gateway: 'a', station: 's' });
    expect(devices.find('41022501AB')).toMatchObject({ gateway: 'b', station: 't', address: '41022501ab' });
    expect([devices.find('0099999999'), devices.find('0088888888')]).toEqual([undefined, undefined]);
  });

  it('of HJ 212 has an MN of any letters, which are not the same in another case', () => {
    const devices = devicesOf(TCP_LISTENERS.hj212, { a: { protocol: 'hj212', identity: { mn: 'Ab1' } } });
    expect([devices.find('Ab1')?.gateway, devices.find('AB1')]).toEqual(['a', undefined]);
  });

  it('has no station of its own where its gateway has several and does not say which', () => {
    const devices = devicesOf(TCP_LISTENERS.sl651, {
      a: { protocol: 'sl651', stations: ['s', 't'], identity: { stationAddress: '0012345678' } },
    });
    expect(devices.find('0012345678')?.station).toBeNull();
  });
});

describe('a password', () => {
  it.each([
    ['hj212', 'pw', 'pw', true],
    ['hj212', 'pw', 'PW', false],
    ['hj212', 'pw', null, false],
    ['sl651', '03e8', '03E8', true],
    ['sl651', '03e8', '03E9', false],
    // SZY 206: devices send none.
    ['szy206', '1234', undefined, true],
  ] as const)('of %s that is %s, sent as %s: %s', (protocol, wanted, sent, isWelcome) => {
    const identity = { mn: 'A1', stationAddress: 'A1', password: wanted };
    const devices = devicesOf(TCP_LISTENERS[protocol], { a: { protocol, identity } });
    const fault = unwelcome(devices.find('A1'), { address: 'A1', password: sent }, '10.0.0.1');
    expect(fault?.code ?? null).toBe(isWelcome ? null : 'device.password');
    expect(fault?.message ?? '').not.toContain(wanted);
  });
});

describe('networks', () => {
  const at = (from: string, ...addresses: string[]) => {
    const devices = devicesOf(TCP_LISTENERS.hj212, { a: { protocol: 'hj212', identity: { mn: 'A1', addresses } } });
    return unwelcome(devices.find('A1'), { address: 'A1', password: null }, plainAddress(from))?.code ?? 'welcome';
  };

  it('are single addresses or whole networks, of either family', () => {
    expect(at('10.1.2.3', '10.1.2.3')).toBe('welcome');
    expect(at('::ffff:10.1.2.3', '10.1.0.0/16')).toBe('welcome');
    expect(at('10.2.0.1', '10.1.0.0/16', '2001:db8::/32')).toBe('device.elsewhere');
    expect(at('2001:db8::7', '10.1.0.0/16', '2001:db8::/32')).toBe('welcome');
    expect(at('2001:db9::7', '2001:db8::/32')).toBe('device.elsewhere');
  });
});

describe('framers', () => {
  // A connection is closed for a frame that takes too long: what a modem says must not look like the beginning of one.
  it.each(Object.keys(STREAMS))('of %s are not within a frame after what modems say', (format) => {
    const framer = STREAMS[format as keyof typeof STREAMS]!.framer();
    for (const text of ['\xfe', 'REG:460012345678901', '\x00', 'www.modem.example', 'hb\r\n', '\r\n']) {
      framer.push(Buffer.from(text, 'latin1'));
      expect(framer.isWithin, JSON.stringify(text)).toBe(false);
    }
  });

  it.each([
    ['application/x-hj212', '##0087QN=2026'],
    ['application/x-sl651', '~~\x01\x00\x12'],
    ['application/x-szy206', 'h\x1ah\xb3'],
  ] as const)('of %s are within one after its first bytes', (format, text) => {
    const framer = STREAMS[format]!.framer();
    framer.push(Buffer.from(text, 'latin1'));
    expect(framer.isWithin).toBe(true);
  });
});
