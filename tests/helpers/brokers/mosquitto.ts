/** A real Mosquitto on a random port of loopback, for suites that want one; they skip when it isn't installed. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '#tests/helpers/free-port.ts';

/** Debian puts it where an ordinary user's PATH doesn't look. */
const PATH = `${process.env.PATH}:/usr/sbin`;

export const hasMosquitto = spawnSync('mosquitto', ['-h'], { env: { PATH } }).error === undefined;

export interface Mosquitto {
  port: number;
  log(): string;
  /** Has it read its password and access files again (SIGHUP); returns before it has. */
  reload(): void;
  /** SIGSTOP: it takes connections and says nothing, until `thaw`. */
  freeze(): void;
  thaw(): void;
  /** Has it write its store to disk now (SIGUSR1); returns before it has. */
  save(): void;
  stop(): Promise<void>;
  /** SIGKILL: it saves nothing. */
  kill(): Promise<void>;
}

/** @param settings lines of mosquitto.conf besides the listener and the log. @param given the port of an earlier one, to come back on. */
export async function startMosquitto(
  directory: string,
  settings: readonly string[],
  given: { port?: number } = {},
): Promise<Mosquitto> {
  const port = given.port ?? (await freePort());
  const conf = join(directory, 'mosquitto.conf');
  // As root it would change to a user of its own, who can't read the files of the test.
  const own = process.getuid?.() === 0 ? ['user root'] : [];
  writeFileSync(conf, [`listener ${port} 127.0.0.1`, 'log_dest stderr', ...own, ...settings, ''].join('\n'));
  chmodSync(conf, 0o600);
  const child = spawn('mosquitto', ['-c', conf], { env: { PATH }, stdio: ['ignore', 'ignore', 'pipe'] });
  let log = '';
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  await running(
    child,
    () => log,
    (more) => (log += more),
  );
  return {
    port,
    log: () => log,
    reload: () => void child.kill('SIGHUP'),
    freeze: () => void child.kill('SIGSTOP'),
    thaw: () => void child.kill('SIGCONT'),
    save: () => void child.kill('SIGUSR1'),
    async stop() {
      child.kill('SIGCONT');
      child.kill();
      await ended;
    },
    async kill() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

function running(child: ChildProcess, log: () => string, add: (text: string) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`mosquitto ended with ${code}:\n${log()}`)));
    child.stderr!.on('data', (chunk: Buffer) => {
      add(chunk.toString());
      if (/mosquitto version .* running/.test(log())) resolve();
    });
  });
}
