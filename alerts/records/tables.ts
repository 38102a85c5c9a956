/**
 * Tables of derived.db that belong to the alert part: alarms with their transitions, the outbox of notices with every
 * attempt to send them, and the evaluation state of each (rule, series).
 */
/**
 * `alarm.body` is the `Alarm` as JSON; the columns beside it are what is searched for. `lastBreachMs` = the newest
 * reading that speaks for the alarm, null while it stands. `notice.position` is the order of the outbox, renewed by a
 * resend; `notice.payload` is the body as sent, less its `notice` id. `alertState.seq` = the entry through which the
 * window is complete; later ones are read from the journal again.
 */
export const alertsDdl = `
  CREATE TABLE alarm (id TEXT PRIMARY KEY, key TEXT NOT NULL, rule TEXT NOT NULL, station TEXT NOT NULL,
    severity TEXT NOT NULL, state TEXT NOT NULL, late INTEGER NOT NULL, breachStartMs INTEGER NOT NULL,
    raisedAtMs INTEGER NOT NULL, clearedAtMs INTEGER, lastBreachMs INTEGER, shelvedUntilMs INTEGER,
    body TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE INDEX alarmByTime ON alarm (raisedAtMs, id);
  CREATE INDEX alarmByState ON alarm (state, raisedAtMs, id);
  CREATE INDEX alarmByStation ON alarm (station, raisedAtMs, id);
  CREATE INDEX alarmByKey ON alarm (key, breachStartMs);
  CREATE INDEX alarmByShelf ON alarm (shelvedUntilMs) WHERE shelvedUntilMs IS NOT NULL;
  CREATE TABLE transition (n INTEGER PRIMARY KEY, alarm TEXT NOT NULL, seq INTEGER NOT NULL, atMs INTEGER NOT NULL,
    event TEXT NOT NULL, fromState TEXT, toState TEXT NOT NULL, cause TEXT NOT NULL, actor TEXT) STRICT;
  CREATE INDEX transitionByAlarm ON transition (alarm, n);
  CREATE INDEX transitionBySeq ON transition (seq, n);
  CREATE TABLE notice (id TEXT PRIMARY KEY, position INTEGER NOT NULL UNIQUE, channel TEXT NOT NULL,
    event TEXT NOT NULL, createdAtMs INTEGER NOT NULL, state TEXT NOT NULL, nextAtMs INTEGER NOT NULL,
    tries INTEGER NOT NULL, alarms TEXT NOT NULL, payload TEXT NOT NULL) STRICT;
  CREATE INDEX noticeByTime ON notice (createdAtMs, id);
  CREATE INDEX noticePending ON notice (position) WHERE state = 'pending';
  CREATE TABLE noticeAlarm (alarm TEXT NOT NULL, notice TEXT NOT NULL,
    PRIMARY KEY (alarm, notice)) STRICT, WITHOUT ROWID;
  CREATE TABLE attempt (n INTEGER PRIMARY KEY, notice TEXT NOT NULL, atMs INTEGER NOT NULL, status TEXT NOT NULL,
    outcome TEXT NOT NULL) STRICT;
  CREATE INDEX attemptByNotice ON attempt (notice, n);
  CREATE TABLE alertLane (rule TEXT NOT NULL, series INTEGER NOT NULL, body TEXT NOT NULL,
    PRIMARY KEY (rule, series)) STRICT, WITHOUT ROWID;
  CREATE TABLE alertState (one INTEGER PRIMARY KEY CHECK (one = 1), seq INTEGER NOT NULL,
    receivedMs INTEGER NOT NULL) STRICT;
`;

/**
 * `notice.cause` names the telling, whatever the channel: a stand-in that has been told of it already isn't told again.
 * `begun` = an attempt may have reached somebody, so that it can't be told in a summary any more (rows of before can't
 * be sure). `summary` = the notice that tells of it, with state `grouped`. `fallback` = the channel that took over.
 * `receipt` = how far a notice has come with each address behind its channel.
 */
export const noticesDdl = `
  ALTER TABLE notice ADD COLUMN cause TEXT NOT NULL DEFAULT '';
  ALTER TABLE notice ADD COLUMN begun INTEGER NOT NULL DEFAULT 1;
  ALTER TABLE notice ADD COLUMN summary TEXT;
  ALTER TABLE notice ADD COLUMN fallback TEXT;
  CREATE INDEX noticeBySummary ON notice (summary) WHERE summary IS NOT NULL;
  CREATE INDEX noticeDead ON notice (createdAtMs, id) WHERE state = 'failed' AND fallback IS NULL;
  CREATE INDEX attemptByTime ON attempt (atMs);
  CREATE TABLE receipt (notice TEXT NOT NULL, recipient TEXT NOT NULL, atMs INTEGER NOT NULL, status TEXT NOT NULL,
    outcome TEXT NOT NULL, PRIMARY KEY (notice, recipient)) STRICT, WITHOUT ROWID;
`;

/**
 * Evaluation state that is about no single series, as JSON: `lane` by key, `site` by station, `post` by gateway, `clock`,
 * `closing` by rule.
 * The indexes find what stands when the follower starts.
 */
export const alertPartsDdl = `
  CREATE TABLE alertPart (kind TEXT NOT NULL, id TEXT NOT NULL, body TEXT NOT NULL,
    PRIMARY KEY (kind, id)) STRICT, WITHOUT ROWID;
  CREATE INDEX alarmStanding ON alarm (rule) WHERE state IN ('raised', 'acknowledged');
  CREATE INDEX alarmSuppressed ON alarm (json_extract(body, '$.suppressedBy'))
    WHERE state IN ('raised', 'acknowledged') AND json_extract(body, '$.suppressedBy') IS NOT NULL;
`;

/**
 * The history of an alarm says what each transition changed (JSON of `Changed`) and by which limit it was judged; it is
 * append-only by law. The indexes find the alarms of a key by time, those that stood at a station at a time (the expression is
 * in store.ts, too), and those that chatter.
 */
export const alarmHistoryDdl = `
  ALTER TABLE transition ADD COLUMN changed TEXT;
  ALTER TABLE transition ADD COLUMN ruleSeq INTEGER;
  ALTER TABLE transition ADD COLUMN standard TEXT;
  CREATE TRIGGER transitionKept BEFORE DELETE ON transition BEGIN SELECT RAISE(ABORT, 'the history is append-only'); END;
  CREATE TRIGGER transitionFixed BEFORE UPDATE ON transition BEGIN SELECT RAISE(ABORT, 'the history is append-only'); END;
  CREATE INDEX alarmByKeyRaised ON alarm (key, raisedAtMs) WHERE state <> 'withdrawn' AND late = 0;
  CREATE INDEX alarmByStationEnd ON alarm (station, coalesce(clearedAtMs, 9007199254740991))
    WHERE state <> 'withdrawn' AND late = 0;
  CREATE INDEX alarmChattering ON alarm (raisedAtMs, id) WHERE json_extract(body, '$.chattering');
`;

/**
 * For figures over a time: alarms by when they came, by when they ended, and by rule; when each was first taken over;
 * notices with their outcome.
 */
export const alarmFiguresDdl = `
  CREATE INDEX alarmByRule ON alarm (rule, raisedAtMs, id);
  CREATE INDEX alarmByDetection ON alarm (json_extract(body, '$.detectedAtMs'));
  CREATE INDEX alarmByEnd ON alarm (clearedAtMs, raisedAtMs) WHERE late = 0 AND state <> 'withdrawn';
  CREATE INDEX transitionTaken ON transition (alarm, atMs)
    WHERE event = 'acknowledged' OR (event = 'cleared' AND actor IS NOT NULL);
  CREATE INDEX noticeFigures ON notice (createdAtMs, channel, state, fallback, event);
`;

/**
 * Alarms say what their worst was. Of those of before that is the most severe that was told: `at` is then when it raised
 * the alarm, or was received; and what they say now where their history doesn't have it.
 */
export const alarmWorstDdl = `
  UPDATE alarm SET body = json_set(body, '$.worst', json(coalesce(
    (SELECT json_object('value', json_extract(changed, '$.value[1]'),
        'class', coalesce(json_extract(changed, '$.class[1]'), json_extract(alarm.body, '$.class')),
        'severity', json_extract(changed, '$.severity[1]'), 'atMs', iif(event = 'severity-changed', atMs, alarm.raisedAtMs))
      FROM transition
      WHERE transition.alarm = alarm.id AND json_extract(changed, '$.value[1]') IS NOT NULL
        AND json_extract(changed, '$.severity[1]') IS NOT NULL
      ORDER BY CASE json_extract(changed, '$.severity[1]') WHEN 'critical' THEN 2 WHEN 'major' THEN 1 ELSE 0 END DESC,
        abs(json_extract(changed, '$.value[1]') - coalesce(json_extract(alarm.body, '$.limit'), 0)) DESC, n
      LIMIT 1),
    json_object('value', json_extract(body, '$.value'), 'class', json_extract(body, '$.class'), 'severity', severity,
      'atMs', raisedAtMs))))
  WHERE json_extract(body, '$.value') IS NOT NULL;
`;
