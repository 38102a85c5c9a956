/** A start of the service that is expected to end by itself: how it ended and what it said. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { GUARD_MS } from './eventually.ts';

const ROOT = join(import.meta.dirname, '../..');

export interface RefusedStart {
  code: number | null;
  /** stdout and stderr. */
  output: string;
}

/** @param env besides PATH; `WK_DATA_DIR` belongs in it. Kills it when it is still there after long, which gives code null. */
export async function refusedStart(env: Record<string, string>): Promise<RefusedStart> {
  const child = spawn(process.execPath, [join(ROOT, 'src/main.ts')], {
    cwd: ROOT,
    env: { PATH: process.env.PATH, WK_HTTP_PORT: '0', WK_MQTT_PORT: '0', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: GUARD_MS,
    killSignal: 'SIGKILL',
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, output };
}
