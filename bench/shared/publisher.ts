/**
 * A gateway at full speed, as a process of its own: publishes N messages at QoS 1 with a window of unacknowledged
 * ones, over a bare socket so that it costs little of the cores that it shares with the service. It reconnects and
 * sends again what wasn't acknowledged, so it also serves the kill test. Prints one JSON line.
 *
 *   node bench/shared/publisher.ts --url mqtt://127.0.0.1:1883 --username gw-1 --password … --station s1
 *     --parameters ph,do,nh3n [--messages 10000] [--values 20] [--window 500] [--rate N] [--client-id NAME]
 *     [--start-ms EPOCH] [--step-ms 1000] [--acks FILE]
 *
 * Message i, from 0, holds `--values` values: each parameter in turn at one time, then the next time. Value k of all
 * (k = i × values + j) is k, its parameter `parameters[k % P]`, its time `start + floor(k / P) × step`, so that whoever
 * reads `--acks` (one acknowledged i a line, written before the window moves on) knows exactly what must be stored.
 */
import { closeSync, openSync, writeSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { parseArgs } from 'node:util';
import { generate } from 'mqtt-packet';

const { values: args } = parseArgs({
  options: {
    url: { type: 'string', default: 'mqtt://127.0.0.1:1883' },
    username: { type: 'string', default: 'gw-1' },
    password: { type: 'string', default: '' },
    'client-id': { type: 'string', default: 'publisher' },
    station: { type: 'string', default: 's1' },
    parameters: { type: 'string', default: 'ph' },
    messages: { type: 'string', default: '10000' },
    values: { type: 'string', default: '20' },
    window: { type: 'string', default: '500' },
    rate: { type: 'string' },
    'start-ms': { type: 'string' },
    'step-ms': { type: 'string', default: '1000' },
    acks: { type: 'string' },
  },
});

const messages = Number(args.messages);
const valuesPerMessage = Number(args.values);
const window = Math.min(Number(args.window), 60_000);
/** Messages a second; unset = as many as are acknowledged. */
const rate = args.rate === undefined ? Number.POSITIVE_INFINITY : Number(args.rate);
const stepMs = Number(args['step-ms']);
const parameters = args.parameters.split(',');
const times = Math.ceil((messages * valuesPerMessage) / parameters.length);
const startMs = args['start-ms'] === undefined ? Date.now() - times * stepMs : Number(args['start-ms']);
const topic = Buffer.from(`wk/v1/${args.username}/readings`);
const url = new URL(args.url);
const RECONNECT_MS = 50;

/** Payload of message i. */
function payload(i: number): string {
  const samples: string[] = [];
  const first = i * valuesPerMessage;
  const end = first + valuesPerMessage;
  for (let k = first; k < end; ) {
    const time = Math.floor(k / parameters.length);
    const pairs: string[] = [];
    for (; k < end && Math.floor(k / parameters.length) === time; k++) {
      pairs.push(`"${parameters[k % parameters.length]}":${k}`);
    }
    samples.push(`{"station":"${args.station}","time":${startMs + time * stepMs},"values":{${pairs.join()}}}`);
  }
  return `{"seq":${i},"samples":[${samples.join()}]}`;
}

/** A PUBLISH at QoS 1 (MQTT 3.1.1 §3.3). */
function publish(packetId: number, body: string, isAgain: boolean): Buffer {
  const bodyBytes = Buffer.byteLength(body);
  let length = 2 + topic.length + 2 + bodyBytes;
  const head = [isAgain ? 0x3a : 0x32];
  do {
    head.push((length & 0x7f) | (length > 0x7f ? 0x80 : 0));
    length >>= 7;
  } while (length > 0);
  const packet = Buffer.allocUnsafe(head.length + 2 + topic.length + 2 + bodyBytes);
  packet.set(head);
  let at = packet.writeUInt16BE(topic.length, head.length);
  at += topic.copy(packet, at);
  at = packet.writeUInt16BE(packetId, at);
  packet.write(body, at);
  return packet;
}

/** Unacknowledged messages by packet id, in the order of sending. */
const inFlight = new Map<number, { i: number; sentMs: number }>();
const latenciesMs: number[] = [];
const acks = args.acks === undefined ? null : openSync(args.acks, 'a');
let next = 0;
let packetId = 0;
let acknowledged = 0;
let connections = 0;
let beganMs = 0;
let pacing: NodeJS.Timeout | null = null;

function fill(socket: Socket): void {
  const room = window - inFlight.size;
  const due = beganMs === 0 ? room : Math.floor(((performance.now() - beganMs) / 1000) * rate) + 1 - next;
  const count = Math.min(room, messages - next, rate === Number.POSITIVE_INFINITY ? room : due);
  const packets: Buffer[] = [];
  for (let n = 0; n < count; n++) {
    packetId = (packetId % 65_535) + 1;
    inFlight.set(packetId, { i: next, sentMs: performance.now() });
    packets.push(publish(packetId, payload(next), false));
    next++;
  }
  if (packets.length > 0) socket.write(Buffer.concat(packets));
}

function resend(socket: Socket): void {
  for (const [id, { i }] of inFlight) socket.write(publish(id, payload(i), true));
}

function acknowledge(ids: readonly number[]): void {
  const nowMs = performance.now();
  let lines = '';
  for (const id of ids) {
    const sent = inFlight.get(id);
    if (!sent) continue;
    inFlight.delete(id);
    latenciesMs.push(nowMs - sent.sentMs);
    lines += `${sent.i}\n`;
    acknowledged++;
  }
  if (acks !== null) writeSync(acks, lines);
}

/** Answers of the broker: all of them have a length below 128, so a packet is 2 bytes and that many more. */
function open(): void {
  const socket = connect(Number(url.port || 1883), url.hostname);
  let rest: Buffer = Buffer.alloc(0);
  socket.setNoDelay(true);
  socket.on('connect', () => {
    const { username, password, 'client-id': clientId } = args;
    const session = { protocolId: 'MQTT', protocolVersion: 4, clean: false, keepalive: 60, clientId } as const;
    socket.write(generate({ cmd: 'connect', ...session, username, password: Buffer.from(password) }));
  });
  socket.on('data', (chunk) => {
    const bytes = rest.length > 0 ? Buffer.concat([rest, chunk as Buffer]) : (chunk as Buffer);
    const ids: number[] = [];
    let at = 0;
    for (; at + 2 <= bytes.length && at + 2 + bytes[at + 1]! <= bytes.length; at += 2 + bytes[at + 1]!) {
      if (bytes[at] === 0x40) ids.push(bytes.readUInt16BE(at + 2));
      if (bytes[at] === 0x20) begin(socket, bytes[at + 3]!);
    }
    rest = bytes.subarray(at);
    acknowledge(ids);
    if (acknowledged === messages) finish(socket);
    else fill(socket);
  });
  socket.on('error', () => {});
  socket.on('close', () => {
    if (pacing) clearInterval(pacing);
    if (acknowledged < messages) setTimeout(open, RECONNECT_MS);
  });
}

function begin(socket: Socket, returnCode: number): void {
  if (returnCode !== 0) {
    console.error(`refused with return code ${returnCode}`);
    process.exit(1);
  }
  connections++;
  if (beganMs === 0) beganMs = performance.now();
  resend(socket);
  if (rate !== Number.POSITIVE_INFINITY) pacing = setInterval(() => fill(socket), 10);
}

function finish(socket: Socket): void {
  const seconds = (performance.now() - beganMs) / 1000;
  latenciesMs.sort((a, b) => a - b);
  const quantile = (q: number): number => Number(latenciesMs[Math.floor(q * (latenciesMs.length - 1))]!.toFixed(2));
  const { user, system } = process.cpuUsage();
  socket.end(Buffer.from([0xe0, 0]));
  if (acks !== null) closeSync(acks);
  console.log(
    JSON.stringify({
      bench: 'publisher',
      messages,
      values: messages * valuesPerMessage,
      window,
      connections,
      seconds: Number(seconds.toFixed(3)),
      messagesPerSecond: Math.round(messages / seconds),
      readingsPerSecond: Math.round((messages * valuesPerMessage) / seconds),
      acknowledgedMs: { p50: quantile(0.5), p99: quantile(0.99), max: quantile(1) },
      cpuSeconds: Number(((user + system) / 1e6).toFixed(2)),
    }),
  );
}

open();
