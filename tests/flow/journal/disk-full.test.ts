/** Disks that refuse, for real: a small tmpfs in a mount namespace, and the operating system's file size limit. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openJournalReader } from '#journal/reader.ts';
import { type ChildLines, childLines } from '#tests/helpers/child-lines.ts';
import { allEntries } from '#tests/helpers/journal/fixture.ts';
import { tempDir } from '#tests/helpers/temp-dir.ts';

const CHILD = join(import.meta.dirname, '../../helpers/journal/child.ts');
const can = (command: string, ...args: string[]) => spawnSync(command, args).status === 0;

const inSmallFilesystem = `
  mount -t tmpfs -o size=12m tmpfs "$1" && head -c 6m /dev/zero > "$1/ballast" && exec "$2" "$3" "$1"`;
const canMount = can(
  'unshare',
  '--mount',
  'sh',
  '-c',
  'd=$(mktemp -d) && mount -t tmpfs tmpfs "$d" && umount "$d" && rmdir "$d"',
);
const canLimit = can('prlimit', '--version');

const acks = (child: ChildLines): Map<number, number> =>
  new Map(
    child.lines.flatMap((line) =>
      [...line.matchAll(/^ack (\d+) (\d+)$/g)].map(([, seq, number]) => [Number(number), Number(seq)]),
    ),
  );

/** Every acknowledged number at its seq, no holes, and nothing that was refused. */
function checkJournal(path: string, child: ChildLines): void {
  const reader = openJournalReader(path);
  const entries = allEntries(reader);
  const stored = new Map(
    entries.flatMap((entry) => (entry.kind === 'message' ? [[entry.gatewaySeq!, entry.seq]] : [])),
  );
  expect(entries.map(({ seq }) => seq)).toEqual(entries.map((_, index) => index + 1));
  for (const [number, seq] of acks(child)) expect(stored.get(number)).toBe(seq);
  for (const entry of entries) {
    if (entry.kind === 'message')
      for (const { series } of entry.readings) expect(reader.seriesById(series)?.station).toBe(entry.source);
  }
  const readings = entries.reduce((sum, entry) => sum + (entry.kind === 'message' ? entry.readings.length : 0), 0);
  const totals = reader.intakeCounts().reduce((sum, { received, quarantined }) => sum + received - quarantined, 0);
  expect(totals).toBe(readings);
  reader.close();
}

describe('a journal whose disk refuses', () => {
  it.skipIf(!canMount)(
    'says journal.full while the disk is full and goes on by itself afterwards (needs unshare --mount)',
    async () => {
      const directory = tempDir();
      const child = childLines('unshare', [
        '--mount',
        'sh',
        '-c',
        inSmallFilesystem,
        'sh',
        directory,
        process.execPath,
        CHILD,
      ]);
      onTestFinished(() => child.kill());
      await child.line((line) => line === 'fail journal.full');
      const before = acks(child).size;
      expect(before).toBeGreaterThan(0);
      // Each lane has tried again and was refused again; none is stuck, none crashed.
      for (let count = 0; count < 50; count++) await child.line((line) => line === 'fail journal.full');
      expect(new Set(child.lines.filter((line) => line.startsWith('fail')))).toEqual(new Set(['fail journal.full']));
      // The file system is the child's own: seen from here through its root.
      const inside = `/proc/${child.process.pid}/root${directory}`;
      expect(can('rm', `${inside}/ballast`)).toBe(true);
      await child.line((line) => line === 'again');
      for (let count = 0; count < 200; count++) await child.line((line) => line.startsWith('ack'));
      child.process.kill('SIGSTOP');
      const copy = join(directory, 'copy');
      expect(can('cp', '-r', inside, copy)).toBe(true);
      await child.kill();
      checkJournal(join(copy, 'journal.db'), child);
    },
  );

  it.skipIf(!canLimit)(
    'says journal.unwritable when a file may not grow and goes on when it may (needs prlimit)',
    async () => {
      const directory = tempDir();
      const child = childLines('sh', [
        '-c',
        'ulimit -S -f 4096; exec "$1" "$2" "$3"',
        'sh',
        process.execPath,
        CHILD,
        directory,
      ]);
      onTestFinished(() => child.kill());
      await child.line((line) => line === 'fail journal.unwritable');
      for (let count = 0; count < 50; count++) await child.line((line) => line === 'fail journal.unwritable');
      expect(acks(child).size).toBeGreaterThan(0);
      expect(can('prlimit', '--pid', String(child.process.pid), '--fsize=unlimited:')).toBe(true);
      await child.line((line) => line === 'again');
      for (let count = 0; count < 200; count++) await child.line((line) => line.startsWith('ack'));
      await child.kill();
      checkJournal(join(directory, 'journal.db'), child);
    },
  );
});
