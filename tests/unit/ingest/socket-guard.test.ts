/** The guard's scanner by itself, and the guard between two real sockets. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import fc from 'fast-check';
import { generate } from 'mqtt-packet';
import { afterEach, describe, expect, it } from 'vitest';
import { PacketScanner, ProtocolViolation, type StrayPublish } from '#ingest/transports/packet-scanner.ts';
import { type GuardLimits, SocketGuard } from '#ingest/transports/socket-guard.ts';

const LIMITS = { connectBytes: 100, payloadBytes: 200, controlBytes: 60 };
const CONNECT = generate({
  cmd: 'connect',
  protocolId: 'MQTT',
  protocolVersion: 4,
  clean: true,
  keepalive: 0,
  clientId: 'c',
});

function publish(topic: string, payloadBytes: number, qos: 0 | 1 | 2 = 1, messageId = 7): Buffer {
  return generate({
    cmd: 'publish',
    topic,
    payload: Buffer.alloc(payloadBytes, 'x'),
    qos,
    messageId,
    dup: false,
    retain: false,
  });
}

/** A packet of any kind: type and flags, remaining length, and so many bytes of body. */
function packet(first: number, length: number, body = Buffer.alloc(length, 1)): Buffer {
  const head = [first];
  for (let rest = length; ; ) {
    head.push((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0));
    rest >>= 7;
    if (rest === 0) break;
  }
  return Buffer.concat([Buffer.from(head), body]);
}

interface Scanned {
  passed: Buffer;
  strays: StrayPublish[];
  violation: string | null;
}

/** What comes of these chunks; the broker accepts as soon as the CONNECT is through. */
function scan(chunks: readonly Buffer[]): Scanned {
  const passed: Buffer[] = [];
  const strays: StrayPublish[] = [];
  const scanner = new PacketScanner(LIMITS, {
    pass: (bytes) => passed.push(bytes),
    stray: (stray) => strays.push(stray),
    newer: () => {},
  });
  let rest: Buffer | null = null;
  let violation: string | null = null;
  try {
    for (const chunk of chunks) {
      rest = scanner.scan(rest ? Buffer.concat([rest, chunk]) : chunk);
      if (scanner.isWaiting) {
        scanner.open();
        if (rest) rest = scanner.scan(rest);
      }
    }
  } catch (error) {
    if (!(error instanceof ProtocolViolation)) throw error;
    violation = error.message;
  }
  return { passed: Buffer.concat(passed), strays, violation };
}

describe('the scanner', () => {
  it('passes what is welcome and takes the rest out, however it is cut', () => {
    const kinds = fc.oneof(
      fc.record({
        topic: fc.constantFrom('wk/v1/g/readings', 'a', 't/é'),
        bytes: fc.nat(400),
        qos: fc.constantFrom(0, 1, 2),
      }),
      fc.record({
        topic: fc.constantFrom('a/+', '#', `deep${'/x'.repeat(100)}`, 'y'.repeat(2000)),
        bytes: fc.nat(9000),
        qos: fc.constantFrom(0, 1, 2),
      }),
    );
    fc.assert(
      fc.property(fc.array(kinds, { maxLength: 12 }), fc.array(fc.nat(500), { maxLength: 40 }), (sent, cuts) => {
        const welcome: Buffer[] = [CONNECT];
        const stray: object[] = [];
        const all: Buffer[] = [CONNECT];
        for (const [index, { topic, bytes, qos }] of sent.entries()) {
          const raw = publish(topic, bytes, qos as 0 | 1 | 2, index + 1);
          all.push(raw, packet(0xc0, 0));
          const isMisplaced = !['wk/v1/g/readings', 'a', 't/é'].includes(topic);
          if (bytes <= LIMITS.payloadBytes && !isMisplaced) welcome.push(raw);
          else
            stray.push({
              reason: bytes > LIMITS.payloadBytes ? 'too-large' : 'topic',
              topic: topic.slice(0, 1024),
              qos,
              packetId: qos === 0 ? 0 : index + 1,
              payloadBytes: bytes,
              head: Buffer.alloc(Math.min(bytes, 4096), 'x'),
            });
          welcome.push(packet(0xc0, 0));
        }
        const stream = Buffer.concat(all);
        const chunks: Buffer[] = [];
        let at = 0;
        for (const cut of cuts) {
          chunks.push(stream.subarray(at, at + cut));
          at += cut;
        }
        chunks.push(stream.subarray(at));
        const { passed, strays, violation } = scan(chunks);
        expect(violation).toBeNull();
        expect(passed.equals(Buffer.concat(welcome))).toBe(true);
        expect(strays).toEqual(stray);
      }),
    );
  });

  it('hands a chunk without strays on as it is, uncopied', () => {
    const seen: Buffer[] = [];
    const scanner = new PacketScanner(LIMITS, { pass: (bytes) => seen.push(bytes), stray: () => {}, newer: () => {} });
    scanner.scan(CONNECT);
    scanner.open();
    const chunk = Buffer.concat([publish('a', 10), publish('b', 20)]);
    expect(scanner.scan(chunk)).toBeNull();
    expect(seen[1]).toBe(chunk);
  });

  it('never throws anything but a violation, whatever the bytes', () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 10 }),
        fc.boolean(),
        (chunks, isConnected) => {
          scan([...(isConnected ? [CONNECT] : []), ...chunks.map((bytes) => Buffer.from(bytes))]);
        },
      ),
      { numRuns: 500 },
    );
  });

  it.each([
    ['something before CONNECT', [packet(0xc0, 0)], 'the first packet is not a CONNECT'],
    ['HTTP', [Buffer.from('GET / HTTP/1.1\r\n\r\n')], 'the first packet is not a CONNECT'],
    ['TLS', [Buffer.from([0x16, 3, 1, 2, 0])], 'the first packet is not a CONNECT'],
    ['a CONNECT beyond the limit', [packet(0x10, 101, Buffer.alloc(0))], 'a CONNECT of 101 bytes'],
    ['a second CONNECT', [CONNECT, CONNECT], 'a packet of type 1, which no client may send'],
    ['a CONNACK', [CONNECT, packet(0x20, 2)], 'a packet of type 2, which no client may send'],
    [
      'a length without end',
      [CONNECT, Buffer.from([0x30, 255, 255, 255, 255, 1])],
      'the remaining length has more than four bytes',
    ],
    ['a large SUBSCRIBE', [CONNECT, packet(0x82, 61, Buffer.alloc(0))], 'a packet of type 8 of 61 bytes'],
    ['QoS 3', [CONNECT, packet(0x36, 10)], 'a PUBLISH of QoS 3'],
    ['no topic', [CONNECT, packet(0x30, 1)], 'a PUBLISH without a topic'],
    ['a topic beyond the packet', [CONNECT, Buffer.from([0x30, 3, 0, 5, 65])], 'a PUBLISH shorter than its topic'],
    ['no room for the packet id', [CONNECT, Buffer.from([0x32, 3, 0, 1, 65])], 'a PUBLISH shorter than its topic'],
  ])('ends the connection at %s', (_name, chunks, violation) => {
    expect(scan(chunks).violation).toBe(violation);
    expect(scan([...Buffer.concat(chunks)].map((byte) => Buffer.from([byte]))).violation).toBe(violation);
  });

  it('looks at nothing that follows CONNECT before it is accepted', () => {
    const passed: Buffer[] = [];
    const scanner = new PacketScanner(LIMITS, {
      pass: (bytes) => passed.push(bytes),
      stray: () => {},
      newer: () => {},
    });
    const following = Buffer.concat([publish('a', 10), packet(0, 0)]);
    const rest = scanner.scan(Buffer.concat([CONNECT, following]));
    expect(scanner.isWaiting).toBe(true);
    expect(Buffer.concat(passed)).toEqual(CONNECT);
    expect(rest).toEqual(following);
  });
});

describe('the guard', () => {
  const endings: (() => unknown)[] = [];
  afterEach(async () => {
    for (const end of endings.splice(0).reverse()) await end();
  });

  interface Guarded {
    client: Socket;
    guard: SocketGuard;
    closings: string[];
    strays: StrayPublish[];
  }

  async function guarded(changed: Partial<GuardLimits> = {}, isDurable = Promise.resolve(true)): Promise<Guarded> {
    const limits = { ...LIMITS, connectTimeoutMs: 10_000, heldMessages: 2, heldBytes: 10_000, ...changed };
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
    client.on('error', () => {});
    const [socket] = (await once(server, 'connection')) as [Socket];
    const closings: string[] = [];
    const strays: StrayPublish[] = [];
    const guard = new SocketGuard(
      socket,
      limits,
      { bytes: 0, limitBytes: 1_000_000 },
      {
        stray: (stray) => {
          strays.push(stray);
          return isDurable;
        },
        newer: () => {},
        closing: (reason) => closings.push(reason),
      },
    );
    guard.on('error', () => {});
    endings.push(() => {
      client.destroy();
      guard.destroy();
      server.close();
    });
    return { client, guard, closings, strays };
  }

  /** Reads exactly so many bytes, as the broker would. */
  async function read(guard: SocketGuard, count: number): Promise<Buffer> {
    const chunks: Buffer[] = [];
    for (let have = 0; have < count; ) {
      const chunk = guard.read() as Buffer | null;
      if (chunk) {
        chunks.push(chunk);
        have += chunk.length;
      } else {
        await once(guard, 'readable');
      }
    }
    return Buffer.concat(chunks);
  }

  it('closes a connection that sends no CONNECT in time, however it trickles', async () => {
    const { client, guard, closings } = await guarded({ connectTimeoutMs: 200 });
    guard.resume();
    // Its next bytes may come when the guard has closed.
    client.on('error', () => {});
    client.write(CONNECT.subarray(0, 3));
    const trickle = setInterval(() => client.write(Buffer.from([0])), 20);
    await once(client, 'close');
    clearInterval(trickle);
    expect(closings).toEqual(['no CONNECT in time']);
  });

  it('closes a connection that is silent for 1.5 keepalives, not one that speaks', async () => {
    const { client, guard, closings } = await guarded();
    client.write(CONNECT);
    await read(guard, CONNECT.length);
    guard.resume();
    guard.accept(0.2);
    const startedMs = performance.now();
    let pings = 0;
    const pinging = setInterval(() => {
      client.write(packet(0xc0, 0));
      if (++pings === 8) clearInterval(pinging);
    }, 50);
    await once(client, 'close');
    expect(closings).toEqual(['silent for longer than its keepalive']);
    expect(pings).toBe(8);
    expect(performance.now() - startedMs).toBeGreaterThan(650);
  });

  it('does not call a client silent whose message we are holding', async () => {
    const { client, guard, closings } = await guarded();
    client.write(CONNECT);
    await read(guard, CONNECT.length);
    guard.resume();
    guard.hold(10);
    guard.accept(0.02);
    // Longer than the guard's own timer in the same loop, so that has expired at least once by then.
    await new Promise((done) => setTimeout(done, 90));
    expect(closings).toEqual([]);
    guard.release(10);
    await once(client, 'close');
    expect(closings).toHaveLength(1);
  });

  it('stops reading while too much waits for the journal, and goes on when it does not', async () => {
    const { client, guard } = await guarded();
    client.write(CONNECT);
    await read(guard, CONNECT.length);
    guard.accept(0);
    let received = 0;
    guard.on('data', (chunk: Buffer) => {
      received += chunk.length;
    });
    guard.hold(1);
    guard.hold(1);
    const message = publish('a', 100);
    client.write(Buffer.concat([message, message]));
    // On loopback the bytes are there when write returns; a few turns of the loop would read them.
    for (let turn = 0; turn < 10; turn++) await new Promise((done) => setImmediate(done));
    expect(received).toBe(0);
    guard.release(1);
    while (received < 2 * message.length) await once(guard, 'data');
    guard.release(1);
  });

  it.each([
    [1, 0x40],
    [2, 0x50],
  ] as const)('answers a stray at QoS %i itself, once it is durable', async (qos, type) => {
    const durable = Promise.withResolvers<boolean>();
    const { client, guard, strays } = await guarded({}, durable.promise);
    client.write(CONNECT);
    await read(guard, CONNECT.length);
    guard.accept(0);
    client.write(publish('a', 1000, qos, 0x1234));
    client.write(packet(0xc0, 0));
    expect(await read(guard, 2)).toEqual(packet(0xc0, 0));
    expect(strays).toHaveLength(1);
    expect(client.bytesRead).toBe(0);
    durable.resolve(true);
    const [answer] = (await once(client, 'data')) as [Buffer];
    expect(answer).toEqual(Buffer.from([type, 2, 0x12, 0x34]));
  });

  it('answers nothing for a stray that was given up', async () => {
    const { client, guard, strays } = await guarded({}, Promise.resolve(false));
    client.write(CONNECT);
    await read(guard, CONNECT.length);
    guard.accept(0);
    client.write(Buffer.concat([publish('a', 1000), packet(0xc0, 0)]));
    await read(guard, 2);
    expect(strays).toHaveLength(1);
    guard.write(Buffer.from([0xd0, 0]));
    const [answer] = (await once(client, 'data')) as [Buffer];
    expect(answer).toEqual(Buffer.from([0xd0, 0]));
  });
});
