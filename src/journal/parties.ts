/**
 * Whose a source is, for whatever is shared out by sender: turns at the door and room in quarantine. A registered gateway and
 * a user are parties of their own. All imports together are one, however many names they go by; so are all sources that
 * nobody has registered (an outside broker without an access list lets any name through).
 */
import { isImport } from '#model/entry.ts';
import type { Control } from './registers.ts';

// No id has a colon: no gateway can be called so.
const IMPORTS = 'import:';
const UNREGISTERED = 'unregistered:';

export function partyOf(source: string, control: Pick<Control, 'get'>): string {
  if (isImport(source)) return IMPORTS;
  if (source.startsWith('user:') || control.get('gateway', source)) return source;
  return UNREGISTERED;
}
