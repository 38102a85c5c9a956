/**
 * The data directory: who may read it, the small files beside the databases, and the secrets that an installation
 * makes for itself on its first start (0600, as contracts §2 says of `admin.token`).
 */
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { TCP_LISTENERS, type TcpListener } from '#model/protocol.ts';
import { generateSecret } from '#setting/secrets.ts';

/** What listens, and tells on which port. */
type PortName = 'http' | 'mqtt' | TcpListener;
const PORT_NAMES: readonly PortName[] = ['http', 'mqtt', ...(Object.keys(TCP_LISTENERS) as TcpListener[])];

export interface DataDir {
  journal: string;
  derived: string;
  readings: string;
  adminTokenFile: string;
  /** What is known of our session at an outside broker. */
  mqttSession: string;
  /** Writes a port once something listens on it; removed by `clearPorts`. */
  writePort(name: PortName, port: number): void;
  /** For the one process that holds the directory's lock: another one's ports are not ours to remove. */
  clearPorts(): void;
  /** The bootstrap administrator's token: the given one, else the file's, else a new one in the file. */
  adminToken(given: string | null): string;
  /** The installation's own key, for links that it signs. */
  installationKey(): string;
}

export function openDataDir(path: string): DataDir {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  const at = (name: string) => join(path, name);
  const portFiles = PORT_NAMES.map((name) => at(`${name}.port`));
  const clearPorts = () => {
    for (const file of portFiles) rmSync(file, { force: true });
  };
  return {
    journal: at('journal.db'),
    derived: at('derived.db'),
    readings: at('readings.db'),
    adminTokenFile: at('admin.token'),
    mqttSession: at('mqtt-session.json'),
    writePort(name, port) {
      // Renamed into place, so that a reader never sees an empty file.
      writeFileSync(at(`${name}.port.new`), `${port}\n`);
      renameSync(at(`${name}.port.new`), at(`${name}.port`));
    },
    clearPorts,
    adminToken: (given) => given ?? secretIn(at('admin.token')),
    installationKey: () => secretIn(at('installation.key')),
  };
}

function secretIn(path: string): string {
  try {
    const known = readFileSync(path, 'utf8').trim();
    if (known !== '') return known;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  const made = generateSecret();
  writeFileSync(`${path}.new`, `${made}\n`, { mode: 0o600 });
  renameSync(`${path}.new`, path);
  return made;
}
