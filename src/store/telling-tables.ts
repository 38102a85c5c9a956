/**
 * Tables of derived.db about who is told when: notices that are held for a summary, and unacknowledged alarms that wait
 * for somebody further up.
 */

/**
 * `notice.hold` = the group that a notice with state `held` waits in, its channel's own (alerts/grouping.ts).
 * `escalation` = the alarms that ask for somebody and whom nobody has taken over, `body` as in escalations.ts; `dueMs` may
 * be early, then it is set anew: alarms of before are looked at once.
 */
export const tellingDdl = `
  ALTER TABLE notice ADD COLUMN hold TEXT;
  CREATE INDEX noticeHeld ON notice (channel, hold, position) WHERE state = 'held';
  CREATE TABLE escalation (alarm TEXT PRIMARY KEY, body TEXT NOT NULL, dueMs INTEGER) STRICT, WITHOUT ROWID;
  CREATE INDEX escalationDue ON escalation (dueMs, alarm) WHERE dueMs IS NOT NULL;
  INSERT INTO escalation (alarm, body, dueMs)
    SELECT id, json_object('sinceMs', json_extract(body, '$.detectedAtMs'), 'left', json('{}'), 'done', json('[]')), 0
    FROM alarm WHERE state = 'raised' AND late = 0 AND shelvedUntilMs IS NULL
      AND json_extract(body, '$.suppressedBy') IS NULL;
`;
