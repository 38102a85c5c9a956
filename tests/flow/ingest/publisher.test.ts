/** bench/shared/publisher.ts as the kill test relies on it: whatever it noted as acknowledged was, and nothing is left out. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, expect, it } from 'vitest';
import { startEmbeddedBroker } from '#ingest/transports/mqtt-embedded.ts';
import { Control } from '#journal/registers.ts';
import { createLogInLimit, createPasswordVerifier, hashPassword } from '#setting/secrets.ts';
import { systemClock } from '#src/clock.ts';
import { GUARD_MS } from '#tests/helpers/eventually.ts';
import { createFakeDoor } from '#tests/helpers/ingest/fake-door.ts';

const endings: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

it('gets every message acknowledged across broken connections', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'wk-publisher-'));
  endings.push(() => rmSync(directory, { recursive: true }));
  const door = createFakeDoor();
  door.delayMs = 2;
  const body = { stations: ['s1'], passwordHash: await hashPassword('secret') };
  const broker = await startEmbeddedBroker({
    host: '127.0.0.1',
    port: 0,
    door,
    control: new Control([{ noun: 'gateway', id: 'gw-1', seq: 1, atMs: 0, actor: 'admin', body }]),
    clock: systemClock,
    log: { info() {}, warn() {}, error() {} },
    maxMessageBytes: 262_144,
    checkViewer: () => false,
    verifier: createPasswordVerifier(),
    logIns: createLogInLimit(systemClock),
  });
  endings.push(() => broker.close());
  const accept = door.accept;
  door.accept = (delivery) => {
    if (door.attempts % 700 === 699) broker.disconnectGateway('gw-1');
    return accept(delivery);
  };
  const acks = join(directory, 'acks');
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [
      ...[join(import.meta.dirname, '../../../bench/shared/publisher.ts'), '--url', `mqtt://127.0.0.1:${broker.port}`],
      ...['--password', 'secret', '--parameters', 'ph,do,nh3n', '--messages', '3000', '--values', '7'],
      ...['--window', '100', '--start-ms', '1700000000000', '--step-ms', '500', '--acks', acks],
    ],
    { timeout: GUARD_MS },
  );
  const result = JSON.parse(stdout);
  expect(result).toMatchObject({ bench: 'publisher', messages: 3000, values: 21_000 });
  expect(result.connections).toBeGreaterThan(1);
  const acknowledged = readFileSync(acks, 'utf8').trim().split('\n').map(Number);
  expect(acknowledged.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 3000 }, (_, i) => i));

  // Each value at its place, as the head of the publisher says; a message may have come more than once.
  const seen = new Map<number, string>();
  for (const { payload } of door.accepted) {
    for (const { station, time, values } of JSON.parse(Buffer.from(payload).toString()).samples) {
      for (const [parameter, value] of Object.entries(values)) {
        seen.set(value as number, `${station} ${parameter} ${time}`);
      }
    }
  }
  expect(seen.size).toBe(21_000);
  const parameters = ['ph', 'do', 'nh3n'];
  for (const [k, place] of seen) {
    expect(place).toBe(`s1 ${parameters[k % 3]} ${1_700_000_000_000 + Math.floor(k / 3) * 500}`);
  }
});
