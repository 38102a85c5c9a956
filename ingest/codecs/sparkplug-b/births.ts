/** What births have said of metrics, as far as later messages need it (Sparkplug 3.0 §6.4.12 ff.). Immutable. */
import type { Alias, Payload, Properties } from './payload.ts';

/** A metric as its birth defined it. */
export interface Definition {
  name: string;
  datatype: number | undefined;
  properties: Properties | undefined;
  isMeasured: boolean;
}

/** One birth of a node or a device. */
export interface Birth {
  names: ReadonlyMap<string, Definition>;
  aliases: ReadonlyMap<Alias, Definition>;
}

/** What a message's sender has said before, as of that message. */
export interface Births {
  /** Of the message's own node or device; null = none has been heard since the service began, or since its death. */
  birth: Birth | null;
  /** What was missed before this message, in words; aliases may have changed with it. Null: nothing. */
  missed: string | null;
  /** What a death ends. */
  ended: readonly { device: string | null; birth: Birth }[];
}

/** Names that are about the node itself: commands that it takes, the number of its session, its make. */
const OF_THE_NODE = /^(?:bdSeq$|(?:Node|Device) (?:Control|Info)\/|Properties\/)/;
export const isMeasured = (name: string): boolean => !OF_THE_NODE.test(name);

export function birthOf({ metrics }: Payload): Birth {
  const names = new Map<string, Definition>();
  const aliases = new Map<Alias, Definition>();
  for (const { name, alias, datatype, properties } of metrics) {
    if (name === undefined) continue;
    const definition = { name, datatype, properties, isMeasured: isMeasured(name) };
    names.set(name, definition);
    if (alias !== undefined) aliases.set(alias, definition);
  }
  return { names, aliases };
}
