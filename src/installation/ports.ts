/** The files that say on which ports the service listens (contracts §1): there while it does, and only then. */
import type { DataDir } from './data-dir.ts';

export interface Ports {
  /** Once something listens on it. @throws the signal's reason when the service is to stop. */
  tell: DataDir['writePort'];
  clear(): void;
}

/** For the one process that holds the directory's lock. */
export function openPorts(dataDir: Pick<DataDir, 'writePort' | 'clearPorts'>, stopping: AbortSignal): Ports {
  const clear = () => dataDir.clearPorts();
  // Ports of an earlier process would send clients to nowhere.
  clear();
  // At once when it is to stop: closing may take longer than it is given.
  stopping.addEventListener('abort', clear);
  return {
    tell(name, port) {
      stopping.throwIfAborted();
      dataDir.writePort(name, port);
    },
    clear,
  };
}
