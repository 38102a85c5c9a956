/**
 * A real HiveMQ CE on a random port of loopback, where `WK_TEST_HIVEMQ` names a directory with `lib/` (the jars of
 * com.hivemq:hivemq-community-edition-embedded and what it needs) and `extension/` (the File RBAC extension as it is
 * unpacked: its jars and hivemq-extension.xml). Needs Java.
 */
import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from '#tests/helpers/eventually.ts';
import { freePort } from '#tests/helpers/free-port.ts';

const HOME = process.env.WK_TEST_HIVEMQ ?? '';
export const hasHiveMq = HOME !== '' && existsSync(join(HOME, 'lib'));
export const hiveMqVersion = hasHiveMq
  ? (/hivemq-community-edition-embedded-([\d.]+)\.jar/.exec(readdirSync(join(HOME, 'lib')).join(' '))?.[1] ?? null)
  : null;

/** Seconds of two processors: on a busy machine that is minutes. */
const START_MS = 200_000;

interface HiveMq {
  port: number;
  /** The extension looks at its files each second here; resolves when it has taken them. */
  reload(): Promise<void>;
  stop(): Promise<void>;
  kill(): Promise<void>;
}

/** @param files what `broker:files` has written. @param given the port of an earlier one, to come back on. */
export async function startHiveMq(directory: string, files: string, given?: number): Promise<HiveMq> {
  const port = given ?? (await freePort());
  const conf = join(directory, 'extensions/hivemq-file-rbac-extension/conf');
  mkdirSync(join(directory, 'conf'), { recursive: true });
  cpSync(join(HOME, 'extension'), join(conf, '..'), { recursive: true });
  mkdirSync(conf, { recursive: true });
  const settings = readFileSync(join(files, 'extension-config.xml'), 'utf8');
  writeFileSync(join(conf, 'config.xml'), settings.replace('>60<', '>1<'));
  const credentials = () => writeFileSync(join(conf, 'credentials.xml'), readFileSync(join(files, 'credentials.xml')));
  credentials();
  const mqtt = readFileSync(join(files, 'mqtt.xml'), 'utf8');
  const listener = `<tcp-listener><port>${port}</port><bind-address>127.0.0.1</bind-address></tcp-listener>`;
  const usage = '<anonymous-usage-statistics><enabled>false</enabled></anonymous-usage-statistics>';
  writeFileSync(
    join(directory, 'conf/config.xml'),
    `<hivemq><listeners>${listener}</listeners>${mqtt}${usage}</hivemq>`,
  );
  const java = ['-Xmx512m', `-Dhivemq.home=${directory}`, '-cp', `${HOME}/lib/*`, 'com.hivemq.HiveMQServer'];
  const child = spawn('java', java, { cwd: directory, stdio: ['ignore', 'pipe', 'pipe'] });
  let log = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (log += chunk.toString()));
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const end = async (signal: NodeJS.Signals) => {
    child.kill(signal);
    await ended;
  };
  await eventually(
    'HiveMQ is ready',
    () => {
      if (child.exitCode !== null) throw new Error(`HiveMQ ended:\n${log}`);
      return log.includes('Started HiveMQ in');
    },
    START_MS,
  ).catch(async (error: Error) => {
    await end('SIGKILL');
    throw error;
  });
  const reload = async () => {
    const before = log.length;
    credentials();
    await eventually('HiveMQ has taken its files', () => /new credentials|eloaded|archiv/i.test(log.slice(before)));
  };
  return { port, reload, stop: () => end('SIGTERM'), kill: () => end('SIGKILL') };
}
