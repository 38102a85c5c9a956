#!/usr/bin/env bash
# @influxdata/influxdb-client 1.35.0, Point.floatField with text, which its signature (number | any) takes, as files of loggers
# give it: what doesn't begin with a number throws ("<0.5", ""), and what does is cut to it without a word: "7,9" becomes 7,
# "1,250.5" becomes 1, "12.5 ug/L" 12.5. intField("0.9") is 0. Levels of a logger with decimal commas are whole numbers then.
# Seen 2026-11-30, Node 20.20 and 26.10.
# For us: only that client's transport is used; texts are read as numbers, or refused, by our own codecs.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
npm install --silent --no-audit --no-fund --prefix "$folder" @influxdata/influxdb-client@1.35.0
cd "$folder"
cat >seen.mjs <<'JS'
import assert from 'node:assert/strict';
import { Point } from '@influxdata/influxdb-client';

const field = (method, text) => {
  try {
    return new Point('lake')[method]('level', text).fields.level;
  } catch {
    return 'throws';
  }
};
const seen = {};
for (const text of ['7.9', '7,9', '1,250.5', '12.5 ug/L', '<0.5', '']) seen[text] = field('floatField', text);
console.log('floatField', seen);
assert.deepEqual(seen, { 7.9: '7.9', '7,9': '7', '1,250.5': '1', '12.5 ug/L': '12.5', '<0.5': 'throws', '': 'throws' });
console.log('intField("0.9")', field('intField', '0.9'));
assert.equal(field('intField', '0.9'), '0i');
JS
node seen.mjs
