/**
 * Tables of derived.db about who is told when: notices that are held for a summary, and unacknowledged alarms that wait
 * for somebody further up.
 */

/**
 * `notice.hold` = the group that a notice with state `held` waits in, its channel's own (alerts/telling/grouping.ts).
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

/**
 * So that nothing that is done for one transition grows with those before it: which channels have heard of an alarm, which of
 * its notices are held for a summary, whether it was ever confirmed, and what of its key was found late.
 */
export const constantWorkDdl = `
  CREATE INDEX alarmByKeyLate ON alarm (key, late, breachStartMs) WHERE state <> 'withdrawn';
  CREATE INDEX transitionConfirmed ON transition (alarm) WHERE event = 'confirmed';
  CREATE TABLE told (alarm TEXT NOT NULL, channel TEXT NOT NULL, PRIMARY KEY (alarm, channel)) STRICT, WITHOUT ROWID;
  INSERT INTO told SELECT DISTINCT noticeAlarm.alarm, notice.channel FROM noticeAlarm
    JOIN notice ON notice.id = noticeAlarm.notice;
  CREATE TABLE heldAbout (channel TEXT NOT NULL, alarm TEXT NOT NULL, notice TEXT NOT NULL,
    PRIMARY KEY (channel, alarm, notice)) STRICT, WITHOUT ROWID;
  CREATE INDEX heldAboutByNotice ON heldAbout (notice);
  INSERT INTO heldAbout SELECT notice.channel, noticeAlarm.alarm, notice.id FROM notice
    JOIN noticeAlarm ON noticeAlarm.notice = notice.id WHERE notice.state = 'held';
`;
