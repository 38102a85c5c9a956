/** derived.db of before the history said what each transition changed: what it holds stays, and goes on. */
import { describe, expect, it } from 'vitest';
import { derivedMigrations } from '#installation/derived.ts';
import { openDatabase } from '#src/sqlite.ts';
import { createWeirRig, MINUTE, T0 } from '#tests/helpers/alerts/rig.ts';
import { tempDir } from '#tests/helpers/temp-dir.ts';

const HISTORY = derivedMigrations.findIndex((ddl) => ddl.includes('transitionKept'));

describe('an older derived.db', () => {
  it('keeps its alarms and timelines, and counts them among the new ones', async () => {
    const path = `${tempDir()}/derived.db`;
    const old = openDatabase(path, derivedMigrations.slice(0, HISTORY));
    // Alarms of the first versions said nothing of chattering and first-out.
    const put = old.prepare(
      `INSERT INTO alarm (id, key, rule, station, severity, state, late, breachStartMs, raisedAtMs, clearedAtMs, body)
       VALUES (?1, 'class-target/weir/nh3n', 'class-target', 'weir', 'minor', 'returned', 0, ?2, ?2, ?3, ?4)`,
    );
    for (const minute of [-20, -10]) {
      const [raisedAtMs, clearedAtMs] = [T0 + minute * MINUTE, T0 + (minute + 5) * MINUTE];
      const id = `old${minute}`;
      const body = {
        id,
        key: 'class-target/weir/nh3n',
        rule: 'class-target',
        station: 'weir',
        parameter: 'nh3n',
        severity: 'minor',
        state: 'returned',
        breachStartMs: raisedAtMs,
        raisedAtMs,
        detectedAtMs: raisedAtMs,
        clearedAtMs,
        acknowledgedAtMs: null,
        acknowledgedBy: null,
        shelvedUntilMs: null,
        suppressedBy: null,
        late: false,
        occurrences: 1,
        latched: false,
      };
      put.run(id, raisedAtMs, clearedAtMs, JSON.stringify(body));
      old
        .prepare(
          "INSERT INTO transition (alarm, seq, atMs, event, toState, cause) VALUES (?, 1, ?, 'raised', 'raised', 'x')",
        )
        .run(id, raisedAtMs);
    }
    old.close();

    const derived = openDatabase(path, derivedMigrations);
    const rig = createWeirRig({ derived });
    await rig.send({ at: 0, value: 0.8 });
    expect(rig.timeline('old-20').transitions).toMatchObject([{ cause: 'x', changed: null, limitVersion: null }]);
    expect(rig.alarms().map(({ occurrences }) => occurrences)).toEqual([1, 1, 3]);
    expect(rig.alarms()[2]).toMatchObject({ chattering: true, firstOut: 'old-10' });
    // Nothing is told of the old ones that didn't happen to them.
    await rig.command({ verb: 'acknowledge', alarm: 'old-10' }).apply();
    expect(rig.story()).toEqual(['raised raised', 'chattering raised', 'cleared cleared']);
    expect(rig.timeline('old-10').transitions[1]!.changed).toEqual({ acknowledgedBy: [null, 'wang'] });
    derived.close();
  });
});
