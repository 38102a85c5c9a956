#!/usr/bin/env bash
# npm sparkplug-payload 1.0.3 and PyPI pysparkplug 0.6.1, Sparkplug B 3.0: a DDATA metric with an alias and a value and no datatype,
# as edge nodes send it once DBIRTH has said the datatype (it may be left out of DATA). The value is on the wire as double_value.
# The npm library hands the metric on with the value null, as if nothing had been measured; the Python one raises NotImplementedError
# for the whole message. Neither gives 7.93.
# Seen 2026-11-30: value null, and "UNKNOWN not implemented"; decoding the same bytes by the message's .proto gives 7.93.
# For us: ingest/codecs/sparkplug-b decodes by the .proto and takes the field that is there; docs/protocols/sparkplug-b.md.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
# timestamp 1796025840000, metric { alias 1, timestamp, double_value 7.93 }, seq 5
payload='CIDj7duiNBISEAEYgOPt26I0abgehetRuB9AGAU='

npm init -y >/dev/null
npm install --silent sparkplug-payload@1.0.3 >/dev/null
PAYLOAD="$payload" node -e '
const { decodePayload } = require("sparkplug-payload").get("spBv1.0");
const [metric] = decodePayload(Buffer.from(process.env.PAYLOAD, "base64")).metrics;
console.log("sparkplug-payload: alias", Number(metric.alias), "value", metric.value);
process.exit(metric.value === null ? 0 : 1);
'

python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check pysparkplug==0.6.1
PAYLOAD="$payload" venv/bin/python - <<'PY'
import base64, os, struct, sys
import pysparkplug

payload = base64.b64decode(os.environ["PAYLOAD"])
at = payload.index(b"\x69")  # field 13 (double_value), eight bytes
print("on the wire:", struct.unpack("<d", payload[at + 1 : at + 9])[0])
try:
    print("pysparkplug:", pysparkplug.DData.decode(payload))
    sys.exit(1)
except NotImplementedError as error:
    print("pysparkplug:", error)
PY
