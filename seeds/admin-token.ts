/** The administrator's token of a local service, as scripts on the same machine may find it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** WK_ADMIN_TOKEN, else WK_ADMIN_TOKEN_FILE, else `admin.token` in the data directory; null when there is none. */
export function adminToken(environment: NodeJS.ProcessEnv): string | null {
  if (environment.WK_ADMIN_TOKEN) return environment.WK_ADMIN_TOKEN;
  const file = environment.WK_ADMIN_TOKEN_FILE || join(environment.WK_DATA_DIR || './data', 'admin.token');
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}
