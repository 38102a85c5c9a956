/** `spBv1.0/{group}/{type}/{node}[/{device}]` (Sparkplug 3.0, chapter 4). */

/** What an edge node says; commands (NCMD, DCMD) and STATE are said to it. */
const NODE_TYPES = ['NBIRTH', 'NDATA', 'NDEATH', 'DBIRTH', 'DDATA', 'DDEATH'] as const;
type NodeType = (typeof NODE_TYPES)[number];

export interface SparkplugTopic {
  group: string;
  type: NodeType;
  node: string;
  /** Null for the node's own metrics. */
  device: string | null;
}

/** Null for any other topic, also those of commands. */
export function parseSparkplugTopic(topic: string): SparkplugTopic | null {
  const [namespace, group, type, node, device = null, ...more] = topic.split('/');
  const isNodes = (NODE_TYPES as readonly string[]).includes(type ?? '');
  if (namespace !== 'spBv1.0' || !group || !isNodes || !node || more.length > 0 || device === '') return null;
  if (type!.startsWith('D') !== (device !== null)) return null;
  return { group, type: type as NodeType, node, device };
}

/** What hosts say, to nodes and to each other. */
export const isSparkplugCommand = (topic: string): boolean => /^spBv1\.0\/(?:[^/]+\/[ND]CMD\/|STATE\/)/.test(topic);

/** Where an edge node is told what to do. */
export const commandTopic = ({ group, node }: Pick<SparkplugTopic, 'group' | 'node'>): string =>
  `spBv1.0/${group}/NCMD/${node}`;
