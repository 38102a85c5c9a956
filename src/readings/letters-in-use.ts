/**
 * Which device letters an installation's readings carry that nobody has explained: an older program counted such values as
 * good enough, this one uses them for nothing. Told by the first start after the upgrade, before figures change.
 */

import { Dialects } from '#journal/dialects.ts';
import type { JournalReader } from '#journal/port.ts';
import type { Control } from '#journal/registers.ts';
import { isUnexplained } from '#model/flag.ts';
import type { ReadingStore } from './store.ts';

interface Parts {
  store: Pick<ReadingStore, 'deviceFlags'>;
  reader: Pick<JournalReader, 'allSeries'>;
  control: Pick<Control, 'get' | 'list'>;
}

const STATIONS_NAMED = 5;
const LETTERS_NAMED = 50;

/** A sentence for each letter, with the stations that send it; none when all are explained. Reads every series once. */
export async function lettersWithoutMeaning({ store, reader, control }: Parts): Promise<string[]> {
  const dialects = new Dialects(control);
  const stationsOf = new Map<string, Set<string>>();
  for (const { id, station } of reader.allSeries()) {
    for (const letter of await store.deviceFlags(id)) {
      if (!isUnexplained(letter, dialects.at(station).letters)) continue;
      stationsOf.getOrInsertComputed(letter, () => new Set()).add(station);
    }
  }
  const letters = [...stationsOf].sort(([a], [b]) => (a < b ? -1 : 1));
  const said = letters.slice(0, LETTERS_NAMED).map(([letter, stations]) => {
    const named = [...stations].sort().slice(0, STATIONS_NAMED).join(', ');
    const more = stations.size > STATIONS_NAMED ? ` and ${stations.size - STATIONS_NAMED} more` : '';
    return `Values under the device letter "${letter}" (${named}${more}) no longer count until a dialect says what it means.`;
  });
  const left = letters.length - said.length;
  return left > 0 ? [...said, `${left} more device letters have no meaning either.`] : said;
}
