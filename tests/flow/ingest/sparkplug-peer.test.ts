/** An edge node that others have written (pysparkplug, from PyPI), through the embedded broker and the door. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { startEmbeddedBroker } from '#ingest/transports/mqtt-embedded.ts';
import { createLogInLimit, createPasswordVerifier, hashPassword } from '#setting/secrets.ts';
import { systemClock } from '#src/clock.ts';
import { eventually } from '#tests/helpers/eventually.ts';
import { openDoor } from '#tests/helpers/ingest/door.ts';
import { pythonWith } from '#tests/helpers/ingest/python.ts';

const found = await pythonWith('pysparkplug==0.6.1');
const reason = 'reason' in found ? ` (skipped: ${found.reason})` : '';

const endings: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

async function service() {
  const { gate, journal, clock } = await openDoor();
  clock.set(Date.now() + 5_000);
  const body = {
    stations: ['taocha'],
    passwordHash: await hashPassword('secret'),
    protocol: 'sparkplug-b' as const,
    topics: ['spBv1.0/SNWD/+/taocha/#'],
    devices: [{ address: 'sonde', station: 'taocha' }],
  };
  await journal.appendCommand('admin', { verb: 'put', noun: 'gateway', id: 'node-1', body });
  const broker = await startEmbeddedBroker({
    host: '127.0.0.1',
    port: 0,
    door: gate,
    control: journal.control,
    clock: systemClock,
    log: { info() {}, warn() {}, error() {} },
    maxMessageBytes: 262_144,
    checkViewer: () => false,
    verifier: createPasswordVerifier(),
    logIns: createLogInLimit(systemClock),
  });
  endings.push(() => broker.close());
  const parameters = new Map(journal.control.list('station').map(({ id }) => [id, id]));
  expect(parameters.has('taocha')).toBe(true);
  const taken = () =>
    journal.entries.flatMap((entry) => (entry.kind === 'message' ? entry.readings.map(({ value }) => value) : []));
  const refused = () => [...journal.quarantine.values()].map(({ code }) => code);
  return { broker, taken, refused };
}

async function node(port: number): Promise<{ child: ChildProcess; lines: string[]; say: (line: string) => void }> {
  const script = join(import.meta.dirname, '../../helpers/ingest/sparkplug_node.py');
  const child = spawn((found as { python: string }).python, [script, String(port), 'node-1', 'secret'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  endings.push(() => child.kill());
  const lines: string[] = [];
  child.stdout!.on('data', (text: Buffer) => lines.push(...text.toString().trim().split('\n')));
  await eventually('the node is ready', () => lines.includes('ready'));
  return { child, lines, say: (line) => void child.stdin!.write(`${line}\n`) };
}

it.skipIf('reason' in found)(
  `takes births and data by aliases, asks for births after a hole, and hears of a death${reason}`,
  async () => {
    const { broker, taken, refused } = await service();
    const { child, lines, say } = await node(broker.port);
    await eventually('the births', () => taken().length === 3);
    // Int16 is signed, and the Float is the number that it was written for.
    expect(taken()).toEqual([8.02, -3, 7.9]);
    say('data 7.93');
    await eventually('data', () => taken().length === 5);
    expect(taken().slice(3)).toEqual([7.93, -4]);
    say('lose');
    say('data 7.5');
    await eventually('refused', () => refused().length === 2);
    expect(refused()).toEqual(['sparkplug.missed', 'sparkplug.missed']);
    await eventually('asked', () => lines.includes('command Node Control/Rebirth'));
    await eventually('born again: the same values as before', () => taken().length === 8);
    say('data 7.6');
    await eventually('data again', () => taken().length === 10);
    expect(taken().slice(8)).toEqual([7.6, -4]);
    say('vanish');
    await eventually('dead', () => taken().length === 13);
    expect(taken().slice(10)).toEqual([null, null, null]);
    expect(refused()).toHaveLength(2);
    child.stdin!.end();
    if (child.exitCode === null) await once(child, 'exit');
  },
  240_000,
);
