/** Which dialect counts at a station, by the registers: its own and those of the gateways that may write it. */
import { type Dialect, effectiveDialect } from '#model/dialect.ts';
import type { Control } from './registers.ts';

/** Asked for every series that is opened, of thousands of stations: gateways are only looked through when one changed. */
export class Dialects {
  readonly #control: Pick<Control, 'get' | 'list'>;
  #ofGateways: Map<string, Dialect[]> | null = null;

  /** @param control tells of changes, if it is a view that moves on. */
  constructor(control: Pick<Control, 'get' | 'list'> & Partial<Pick<Control, 'onChange'>>) {
    this.#control = control;
    control.onChange?.(({ command }) => {
      if ((command.verb === 'put' || command.verb === 'delete') && command.noun === 'gateway') this.#ofGateways = null;
    });
  }

  at(station: string): Dialect {
    this.#ofGateways ??= this.#read();
    return effectiveDialect(this.#control.get('station', station)?.dialect, this.#ofGateways.get(station) ?? []);
  }

  #read(): Map<string, Dialect[]> {
    const found = new Map<string, Dialect[]>();
    for (const { body } of this.#control.list('gateway')) {
      if (!body.dialect) continue;
      for (const station of body.stations) found.getOrInsertComputed(station, () => []).push(body.dialect);
    }
    return found;
  }
}
