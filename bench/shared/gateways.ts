/**
 * Gateways at work, as a process of its own: publishes a `Load` at QoS 1 over bare sockets, so that it costs little of
 * the cores that it shares with the service, and prints one line of JSON (`Published`). A lost connection is a failure.
 * Real time is an open loop: a message is due when it is due, its event time, and what keeps it waiting counts.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { generate } from 'mqtt-packet';
import { quantile } from './figure.ts';
import type { Load, Published } from './load.ts';
import { LIMITED, PARAMETERS, PERIOD, valueAt } from './water.ts';

const load = JSON.parse(process.argv[2]!) as Load;
const { stations, pace } = load;
const OFFSET_MS = 8 * 3_600_000;
const TURN_MS = 1;

/** The values of each round, as they stand in a message: made once, so that sending is cheap. */
const VALUES = Array.from({ length: PERIOD }, (_, round) =>
  PARAMETERS.map(({ id }, place) => `"${id}":${valueAt(place, round)}`).join(),
);

const nowMs = () => performance.timeOrigin + performance.now();

interface Outgoing {
  station: string;
  timeMs: number;
  seq: number;
  values: string;
}

/** A PUBLISH at QoS 1 (MQTT 3.1.1 §3.3). */
function publishPacket(topic: Buffer, packetId: number, body: string): Buffer {
  let length = 2 + topic.length + 2 + body.length;
  const head = [0x32];
  do {
    head.push((length & 0x7f) | (length > 0x7f ? 0x80 : 0));
    length >>= 7;
  } while (length > 0);
  const packet = Buffer.allocUnsafe(head.length + 4 + topic.length + body.length);
  packet.set(head);
  let at = packet.writeUInt16BE(topic.length, head.length);
  at += topic.copy(packet, at);
  at = packet.writeUInt16BE(packetId, at);
  packet.write(body, at, 'latin1');
  return packet;
}

function payload({ station, timeMs, seq, values }: Outgoing): string {
  const time = new Date(timeMs + OFFSET_MS).toISOString().slice(0, -1);
  return `{"seq":${seq},"samples":[{"station":"${station}","time":"${time}+08:00","values":{${values}}}]}`;
}

const latenciesMs: number[] = [];

class Gateway {
  readonly #topic: Buffer;
  readonly #socket: Socket;
  readonly #sentMs = new Map<number, number>();
  #packets: Buffer[] = [];
  #packetId = 0;
  #rest: Buffer = Buffer.alloc(0);

  constructor(name: string, socket: Socket, onAcknowledged: () => void) {
    this.#topic = Buffer.from(`wk/v1/${name}/readings`);
    this.#socket = socket;
    socket.on('data', (chunk) => {
      this.#read(chunk as Buffer);
      onAcknowledged();
    });
    socket.on('close', () => {
      if (this.inFlight > 0) throw new Error(`${name} lost its connection with ${this.inFlight} messages on the way`);
    });
  }

  get inFlight(): number {
    return this.#sentMs.size;
  }

  publish(message: Outgoing, countedFromMs: number): void {
    this.#packetId = (this.#packetId % 65_535) + 1;
    this.#sentMs.set(this.#packetId, countedFromMs);
    this.#packets.push(publishPacket(this.#topic, this.#packetId, payload(message)));
  }

  flush(): void {
    if (this.#packets.length > 0) this.#socket.write(Buffer.concat(this.#packets));
    this.#packets = [];
  }

  end(): void {
    this.#socket.end(Buffer.from([0xe0, 0]));
  }

  /** After CONNACK a broker only sends us PUBACKs, of four bytes each (§3.4). */
  #read(chunk: Buffer): void {
    const bytes = this.#rest.length > 0 ? Buffer.concat([this.#rest, chunk]) : chunk;
    const atMs = nowMs();
    let at = 0;
    for (; at + 4 <= bytes.length; at += 4) {
      if (bytes[at] !== 0x40) throw new Error(`the broker sent a packet of type ${bytes[at]! >> 4}, not a PUBACK`);
      const id = bytes.readUInt16BE(at + 2);
      latenciesMs.push(atMs - this.#sentMs.get(id)!);
      this.#sentMs.delete(id);
    }
    this.#rest = bytes.subarray(at);
  }
}

async function logIn(name: string, password: string, onAcknowledged: () => void): Promise<Gateway> {
  const socket = connect(load.port, '127.0.0.1');
  await once(socket, 'connect');
  socket.setNoDelay(true);
  const session = { protocolId: 'MQTT', protocolVersion: 4, clean: true, keepalive: 0 } as const;
  socket.write(
    generate({ cmd: 'connect', ...session, clientId: name, username: name, password: Buffer.from(password) }),
  );
  const [answer] = (await once(socket, 'data')) as [Buffer];
  if (answer[0] !== 0x20 || answer[3] !== 0) throw new Error(`${name} was refused: ${answer.toString('hex')}`);
  return new Gateway(name, socket, onAcknowledged);
}

function sample(index: number, timeMs: number): Outgoing {
  const round = Math.floor(index / stations);
  return { station: `s${index % stations}`, timeMs, seq: round, values: VALUES[round % PERIOD]! };
}

function breach(index: number, timeMs: number): Outgoing {
  const { id, breach: value } = LIMITED[index % LIMITED.length]!;
  return { station: `b${Math.floor(index / LIMITED.length)}`, timeMs, seq: index, values: `"${id}":${value}` };
}

/** Each gateway fills its window with messages of its own stations, in their order; none of them is a breach. */
function flood(gateways: readonly Gateway[], startMs: number, stepMs: number): number {
  const next = gateways.map(() => ({ station: 0, round: 0 }));
  const rounds = load.messages / stations;
  refill = () => {
    for (const [g, gateway] of gateways.entries()) {
      const place = next[g]!;
      while (gateway.inFlight < load.window && place.round < rounds) {
        const station = g + place.station * gateways.length;
        gateway.publish(sample(place.round * stations + station, startMs + place.round * stepMs), nowMs());
        place.station++;
        if (g + place.station * gateways.length >= stations) {
          place.station = 0;
          place.round++;
        }
      }
      gateway.flush();
    }
  };
  refill();
  return 0;
}

/** Each message when it is due, breaches beside the others; says how many of them there will be. */
function realTime(gateways: readonly Gateway[], messagesPerSecond: number, breachesPerSecond: number): number {
  const beganMs = nowMs();
  let messages = 0;
  let breaches = 0;
  const breachesTotal = Math.floor((load.messages / messagesPerSecond) * breachesPerSecond);
  const dueOf = (n: number, perSecond: number) => beganMs + (n / perSecond) * 1000;
  const turn = setInterval(() => {
    const atMs = nowMs();
    for (; messages < load.messages && dueOf(messages, messagesPerSecond) <= atMs; messages++) {
      const dueMs = dueOf(messages, messagesPerSecond);
      gateways[(messages % stations) % gateways.length]!.publish(sample(messages, Math.floor(dueMs)), dueMs);
    }
    for (; breaches < breachesTotal && dueOf(breaches, breachesPerSecond) <= atMs; breaches++) {
      const dueMs = dueOf(breaches, breachesPerSecond);
      const station = Math.floor(breaches / LIMITED.length);
      gateways[station % gateways.length]!.publish(breach(breaches, Math.floor(dueMs)), dueMs);
    }
    for (const gateway of gateways) gateway.flush();
    if (messages === load.messages && breaches === breachesTotal) clearInterval(turn);
  }, TURN_MS);
  return breachesTotal;
}

let refill = () => {};
let acknowledgedAll = () => {};
let expected = load.messages;
const gateways: Gateway[] = [];
for (const [g, password] of load.passwords.entries()) {
  const onAcknowledged = () => {
    refill();
    if (latenciesMs.length === expected) acknowledgedAll();
  };
  gateways.push(await logIn(`g${g}`, password, onAcknowledged));
}
const done = new Promise<void>((resolve) => {
  acknowledgedAll = resolve;
});
const beganMs = nowMs();
const cpu = process.cpuUsage();
const breaches =
  'stepMs' in pace
    ? flood(gateways, pace.startMs, pace.stepMs)
    : realTime(gateways, pace.messagesPerSecond, pace.breachesPerSecond);
expected += breaches;
await done;
const endedMs = nowMs();
for (const gateway of gateways) gateway.end();
const { user, system } = process.cpuUsage(cpu);
const published: Published = {
  beganMs,
  endedMs,
  messages: load.messages,
  breaches,
  acknowledgedMs: { p50: quantile(latenciesMs, 0.5), p99: quantile(latenciesMs, 0.99) },
  cpuSeconds: (user + system) / 1e6,
};
console.log(JSON.stringify(published));
