#!/usr/bin/env bash
# ioos_qc 3.0.0, QARTOD's spike test: a value exactly at the threshold is good or suspect by the unit it is written in. 3, 4, 3
# with a threshold of 1 is good ("exceeds" is what flags); the same water a tenth as large, 0.3, 0.4, 0.3 with 0.1, is suspect,
# since 0.4 - 0.3 is 0.10000000000000003 in binary. Instruments of one decimal meet their thresholds exactly, and often.
# Seen 2026-11-30: flags 2 1 2 and 2 3 2.
# For us: src/model/decimal.ts compares by decimals where only noise decides.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" --quiet install ioos_qc==3.0.0 numpy==2.4.6
"$folder/venv/bin/python" -W ignore - <<'PY'
from ioos_qc import qartod

whole = list(qartod.spike_test(inp=[3, 4, 3], suspect_threshold=1, fail_threshold=10))
tenth = list(qartod.spike_test(inp=[0.3, 0.4, 0.3], suspect_threshold=0.1, fail_threshold=1))
print("3, 4, 3 at 1:", *whole, "| 0.3, 0.4, 0.3 at 0.1:", *tenth)
assert [int(flag) for flag in whole] == [2, 1, 2]
assert [int(flag) for flag in tenth] == [2, 3, 2]
PY
