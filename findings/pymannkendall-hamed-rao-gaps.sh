#!/usr/bin/env bash
# pyMannKendall 1.4.3, hamed_rao_modification_test on a straight line (slope 1, noise of sd 0.5) of 120 values, 40 of them
# missing: the missing ones are dropped first, and the line of slope 1 per step is then taken out by the place in what is left.
# What remains still rises, looks strongly autocorrelated, and the variance of S comes out nearly twenty times as large as
# without correction. Taken out by the true place nothing significant remains, and it is that of the plain test.
# Seen 2026-11-30: var_s 1030210 against 57933.
# For us: docs/trend-tests.md; our hamed-rao keeps every value's place.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" --quiet install pymannkendall==1.4.3 numpy==2.4.6 scipy==1.17.1
"$folder/venv/bin/python" -W ignore - <<'PY'
import numpy as np
import pymannkendall as mk

random = np.random.default_rng(3)
values = np.arange(120) + random.normal(scale=0.5, size=120)
values[random.choice(120, 40, replace=False)] = np.nan
corrected = float(mk.hamed_rao_modification_test(values).var_s)
plain = float(mk.original_test(values).var_s)
# The same line taken out where each value stands: no autocorrelation of the ranks beyond what chance gives.
rest = (values - np.arange(120))[~np.isnan(values)]
honest = float(mk.hamed_rao_modification_test(rest).var_s)
print(f"var_s with gaps {corrected:.0f}, plain {plain:.0f}; of the residuals by place {honest:.0f}")
assert corrected > 10 * plain
assert honest < 3 * plain
PY
