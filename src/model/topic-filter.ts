/** Filters of MQTT topics (MQTT 5 §4.7): which topics one matches, whether two share a topic, whether one holds another. */

const LENGTH_MAX = 65_535;

/** `+` and `#` stand alone in their level, `#` in the last one. */
export function isTopicFilter(text: string): boolean {
  if (text === '' || /\p{Cc}/u.test(text) || Buffer.byteLength(text) > LENGTH_MAX) return false;
  const levels = text.split('/');
  return levels.every((level, at) => {
    if (level === '#') return at === levels.length - 1;
    return level === '+' || !/[+#]/.test(level);
  });
}

/** Whether all that `inner` matches is matched by `outer`; a topic is a filter that matches itself. */
export function covers(outer: string, inner: string): boolean {
  const [wide, narrow] = [outer.split('/'), inner.split('/')];
  if (isHidden(wide[0]!, narrow[0]!)) return false;
  for (const [at, level] of wide.entries()) {
    if (level === '#') return true;
    const other = narrow[at];
    if (other === undefined || other === '#') return false;
    if (level !== '+' && level !== other) return false;
  }
  return narrow.length === wide.length;
}

/** Wildcards in the first level don't match what begins with a dollar sign (§4.7.2). */
const isHidden = (level: string, other: string): boolean => /^[+#]$/.test(level) && other.startsWith('$');

interface Node<Owner> {
  below: Map<string, Node<Owner>>;
  owner: Owner | undefined;
}

/** Filters with their owners. Looking one up takes as long as it has levels, whatever the number of filters. */
export class FilterTree<Owner> {
  readonly #root: Node<Owner> = { below: new Map(), owner: undefined };

  add(filter: string, owner: Owner): void {
    let node = this.#root;
    for (const level of filter.split('/')) {
      node = node.below.getOrInsertComputed(level, () => ({ below: new Map(), owner: undefined }));
    }
    node.owner = owner;
  }

  /**
   * Any owner with a filter that shares a topic with this filter, or topic; undefined for none.
   * @param isWanted others are passed over.
   */
  find(filter: string, isWanted: (owner: Owner) => boolean = () => true): Owner | undefined {
    return this.#find(this.#root, filter.split('/'), 0, isWanted);
  }

  #find(node: Node<Owner>, levels: string[], at: number, isWanted: (owner: Owner) => boolean): Owner | undefined {
    const own = (owner: Owner | undefined) => (owner !== undefined && isWanted(owner) ? owner : undefined);
    const level = levels[at];
    const isFirst = at === 0;
    const all = node.below.get('#');
    if (all && !(isFirst && isHidden('#', level!))) {
      const found = own(all.owner);
      if (found !== undefined) return found;
    }
    if (level === undefined) return own(node.owner);
    if (level === '#') return this.#any(node, isFirst, own);
    for (const [name, next] of node.below) {
      const isMet = name === level || ((name === '+' || level === '+') && name !== '#');
      if (!isMet || (isFirst && (isHidden(name, level) || isHidden(level, name)))) continue;
      const found = this.#find(next, levels, at + 1, isWanted);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** Of the node itself and all below it: `a/#` is also `a`. */
  #any(node: Node<Owner>, isFirst: boolean, own: (owner: Owner | undefined) => Owner | undefined): Owner | undefined {
    const found = own(node.owner);
    if (found !== undefined) return found;
    for (const [name, next] of node.below) {
      const below = isFirst && isHidden('#', name) ? undefined : this.#any(next, false, own);
      if (below !== undefined) return below;
    }
    return undefined;
  }
}
