import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import {
  createLogInLimit,
  createPasswordVerifier,
  generateSecret,
  hashPassword,
  hashToken,
  tokenMatches,
  verifyPassword,
} from '#setting/secrets.ts';
import type { Clock } from '#src/clock.ts';
import { type MqttClient, openMqtt } from '#tests/helpers/brokers/mqtt-client.ts';

describe('secrets', () => {
  it('are long, URL-safe and different each time', () => {
    const secrets = Array.from({ length: 100 }, generateSecret);
    expect(new Set(secrets).size).toBe(100);
    for (const secret of secrets) expect(secret).toMatch(/^[A-Za-z0-9_-]{43}$/);
  });

  it('verify against the hash of the same password only', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary' }), fc.string(), async (password, other) => {
        const hash = await hashPassword(password);
        expect(await verifyPassword(password, hash)).toBe(true);
        expect(await verifyPassword(other, hash)).toBe(other === password);
      }),
      { numRuns: 20 },
    );
  });

  it('are salted', async () => {
    expect(await hashPassword('the same')).not.toBe(await hashPassword('the same'));
  });

  it.each([
    '',
    '$7$',
    '$7$101$$',
    '$7$0$c2FsdHNhbHRzYWx0$AAAA',
    '$7$9999999$c2FsdHNhbHRzYWx0$' + Buffer.alloc(64).toString('base64'),
    '$6$c2FsdA==$AAAA',
    'plain text',
    '$7$101$c2FsdHNhbHRzYWx0$' + Buffer.alloc(32).toString('base64'),
  ])('match nothing that is no hash of ours: %s', async (stored) => {
    expect(await verifyPassword('', stored)).toBe(false);
    expect(await verifyPassword(stored, stored)).toBe(false);
  });
});

describe('tokens', () => {
  it('match their own hash only', () => {
    const token = generateSecret();
    expect(hashToken(token)).toMatch(/^[0-9a-f]{64}$/);
    expect(tokenMatches(token, hashToken(token))).toBe(true);
    expect(tokenMatches(`${token}x`, hashToken(token))).toBe(false);
    expect(tokenMatches(token, '')).toBe(false);
    expect(tokenMatches(token, 'not hexadecimal')).toBe(false);
  });
});

describe('the verifier', () => {
  it('remembers successes, and only those', async () => {
    const verifier = createPasswordVerifier();
    const hash = await hashPassword('right');
    expect(verifier.knows('right', hash)).toBe(false);
    expect(await verifier.verify('wrong', hash)).toBe(false);
    expect(verifier.knows('wrong', hash)).toBe(false);
    expect(await verifier.verify('right', hash)).toBe(true);
    expect(verifier.knows('right', hash)).toBe(true);
    expect(verifier.knows('right', await hashPassword('right'))).toBe(false);
  });

  it('forgets the oldest beyond its size', async () => {
    const verifier = createPasswordVerifier(1);
    const [first, second] = [await hashPassword('first'), await hashPassword('second')];
    await verifier.verify('first', first);
    await verifier.verify('second', second);
    expect(verifier.knows('first', first)).toBe(false);
    expect(verifier.knows('second', second)).toBe(true);
    expect(await verifier.verify('first', first)).toBe(true);
  });

  it('refuses nobody and endless passwords', async () => {
    const verifier = createPasswordVerifier();
    expect(await verifier.verify('any', undefined)).toBe(false);
    const long = 'x'.repeat(10_000);
    expect(await verifier.verify(long, await hashPassword(long))).toBe(false);
  });
});

describe('the limit on log-ins', () => {
  it('refuses after ten failures and again allows a minute after the first of them', () => {
    let nowMs = 0;
    const clock: Clock = { nowMs: () => 0, monotonicMs: () => nowMs };
    const limit = createLogInLimit(clock);
    for (let i = 0; i < 10; i++) {
      expect(limit.allows('192.0.2.1')).toBe(true);
      limit.failed('192.0.2.1');
      nowMs += 1000;
    }
    expect(limit.allows('192.0.2.1')).toBe(false);
    expect(limit.allows('192.0.2.2')).toBe(true);
    nowMs = 60_000;
    expect(limit.allows('192.0.2.1')).toBe(true);
    limit.failed('192.0.2.1');
    expect(limit.allows('192.0.2.1')).toBe(false);
  });
});

const MOSQUITTO = '/usr/sbin/mosquitto';
const PASSWD = '/usr/bin/mosquitto_passwd';

describe.skipIf(!existsSync(MOSQUITTO) || !existsSync(PASSWD))('a real Mosquitto (skipped when not installed)', () => {
  const endings: (() => unknown)[] = [];
  afterEach(async () => {
    for (const end of endings.splice(0).reverse()) await end();
  });
  function directory(): string {
    const path = mkdtempSync(join(tmpdir(), 'wk-secrets-'));
    endings.push(() => rmSync(path, { recursive: true }));
    return path;
  }

  it('makes hashes that we verify', async () => {
    const file = join(directory(), 'passwd');
    execFileSync(PASSWD, ['-c', '-b', file, 'gw-1', 'pässword']);
    const hash = readFileSync(file, 'utf8').trim().slice('gw-1:'.length);
    expect(await verifyPassword('pässword', hash)).toBe(true);
    expect(await verifyPassword('password', hash)).toBe(false);
  });

  it('lets in with our hashes', async () => {
    const path = directory();
    const password = generateSecret();
    const port = await freePort();
    writeFileSync(join(path, 'passwd'), `gw-1:${await hashPassword(password)}\n`, { mode: 0o644 });
    writeFileSync(
      join(path, 'mosquitto.conf'),
      `user root\nlistener ${port} 127.0.0.1\npassword_file ${path}/passwd\nallow_anonymous false\n`,
    );
    const broker = spawn(MOSQUITTO, ['-c', join(path, 'mosquitto.conf')], { stdio: 'ignore' });
    endings.push(async () => {
      broker.kill();
      await once(broker, 'exit');
    });
    const right = await untilOpen(port, password);
    const wrong = openMqtt({ port, username: 'gw-1', password: 'wrong' });
    endings.push(
      () => right.end(),
      () => wrong.end(),
    );
    expect((await right.connack()).returnCode).toBe(0);
    expect((await wrong.connack()).returnCode).toBe(5);
  });
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Connects as soon as the broker listens. */
async function untilOpen(port: number, password: string): Promise<MqttClient> {
  for (let attempts = 0; attempts < 200; attempts++) {
    const client = openMqtt({ port, username: 'gw-1', password });
    const isOpen = await client.connack().then(
      () => true,
      () => false,
    );
    if (isOpen) return client;
    await client.end();
    await new Promise((again) => setTimeout(again, 25));
  }
  throw new Error('Mosquitto did not start');
}
