#!/usr/bin/env bash
# pyMannKendall 1.4.3: seasonal_test takes one from |S| before it divides by the standard deviation (continuity correction),
# correlated_seasonal_test, the test of Hirsch and Slack (1984), does not. Of one series the two differ by more than what the
# covariances of the seasons do, and a p near alpha falls on the other side.
# Seen 2026-11-30: z 2.8180 = S / sd, where (S - 1) / sd is 2.7710.
# For us: docs/trend-tests.md; `serial: true` corrects as every other test does.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" --quiet install pymannkendall==1.4.3 numpy==2.4.6 scipy==1.17.1
"$folder/venv/bin/python" -W ignore - <<'PY'
import numpy as np
import pymannkendall as mk

values = np.tile([1.0, 2.0, 3.0, 4.0], 6) + np.repeat(np.arange(6), 4)
seasonal = mk.seasonal_test(values, period=4)
serial = mk.correlated_seasonal_test(values, period=4)
print(f"seasonal z {seasonal.z:.4f} = (S - 1) / sd; correlated z {serial.z:.4f}, (S - 1) / sd would be "
      f"{(serial.s - 1) / np.sqrt(serial.var_s):.4f}")
assert np.isclose(seasonal.z, (seasonal.s - 1) / np.sqrt(seasonal.var_s))
assert np.isclose(serial.z, serial.s / np.sqrt(serial.var_s))
PY
