#!/usr/bin/env bash
# PyPI kpn-senml 1.0.1, RFC 8428: reading a SenML pack sets the records' values, base value added, and nothing else. Time (`bt`, `t`),
# unit (`bu`, `u`) and sum (`s`) stay None, so what was measured five seconds earlier, in another unit, or is only a sum, comes out as a
# bare number or as nothing. And iterating over the pack gives no record at all, whatever it holds.
# Seen 2026-11-30: do 9.5, ph 8.0, total None, each with time None, unit None, sum None; 0 records by iteration.
# For us: who bridges SenML devices by it loses what makes a reading of a number; docs/protocols/senml.md says to pass the pack on as it is.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check kpn-senml==1.0.1
"$folder/venv/bin/python" - <<'PY'
import json, sys
from kpn_senml import SenmlPack, SenmlRecord

pack = SenmlPack("weir:")
seen = []
for name in ("do", "ph", "total"):
    note = lambda record, **_: seen.append((record.name, record.value, record.time, record.unit, record.sum))
    pack.add(SenmlRecord(name, callback=note))
pack.from_json(json.dumps([
    {"bn": "weir:", "bt": 1796025600, "bu": "mg/l", "bv": 100, "n": "do", "v": -90.5},
    {"n": "ph", "u": "pH", "v": -92, "t": -5},
    {"n": "total", "u": "m3", "s": 12.5},
]))
iterated = len(list(pack))
print(seen, "iterated:", iterated)
sys.exit(0 if iterated == 0 and seen == [
    ("do", 9.5, None, None, None), ("ph", 8.0, None, None, None), ("total", None, None, None, None),
] else 1)
PY
