#!/usr/bin/env bash
# VictoriaMetrics 1.151.0 fed by InfluxDB's line protocol, as Telegraf and loggers do: each line is answered with 204, and
# - a correction (the same series and time again, 7.15 for a slipped decimal point's 71.5) replaces nothing, as it does in
#   InfluxDB: both values stand, the hour counts 2 readings with a mean of 39.325, and either may be shown as the latest;
# - a text becomes a number: a status letter "N" is kept as 0, and a result below detection, "<0.5", as 0, which is no limit;
# - a value before 1970 is dropped, told in the server's log only.
# And whatever is asked of /query in InfluxQL, such as a count, is answered with 200 and a list of databases.
# Seen 2026-11-30; 1.152.0 to 1.154.1 not tried.
# For us: such a server is refused before the first reading (docs/deployment.md, "Servers for readings").
set -euo pipefail
folder=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" || true; wait; rm -rf "$folder"' EXIT
GOBIN="$folder" GOFLAGS="-p=1 -buildvcs=false" nice go install github.com/VictoriaMetrics/VictoriaMetrics/app/victoria-metrics@v1.151.0
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
url=http://127.0.0.1:$port
"$folder/victoria-metrics" -storageDataPath="$folder/data" -httpListenAddr="127.0.0.1:$port" -retentionPeriod=100y 2>"$folder/log" &
server=$!
for _ in $(seq 100); do curl -sf "$url/health" >"$folder/health" && break; sleep 0.1; done

hour=$(($(date +%s) / 3600 * 3600 - 86400))
write() { curl -s -o "$folder/answer" -w '%{http_code}' "$url/write?db=water&precision=ms" --data-binary "$1"; }
# What an instant question says of the hour, or "nothing".
ask() {
  curl -s -G "$url/api/v1/query" --data-urlencode "query=$1" -d "time=$((hour + 60))" |
    python3 -c 'import json, sys; found = json.load(sys.stdin)["data"]["result"]; print(found[0]["value"][1] if found else "nothing")'
}
expect() {
  echo "$1: $2"
  [ "$2" = "$3" ] || { echo "expected $3"; exit 1; }
}

expect 'a reading is answered with' "$(write "lake,station=a level=71.5,status=\"N\",codmn=\"<0.5\" ${hour}000")" 204
expect 'its correction is answered with' "$(write "lake,station=a level=7.15 ${hour}000")" 204
expect 'a reading of 1955 is answered with' "$(write 'lake,station=b level=3.2 -473385600000')" 204
curl -s "$url/internal/force_flush"
expect 'readings of the hour' "$(ask 'count_over_time(lake_level{station="a"}[1h])')" 2
expect 'their mean' "$(ask 'avg_over_time(lake_level{station="a"}[1h])')" 39.325
expect 'the status "N"' "$(ask 'lake_status')" 0
expect 'the result "<0.5"' "$(ask 'lake_codmn')" 0
expect 'readings of 1955' "$(curl -s -G "$url/api/v1/export" --data-urlencode 'match[]={station="b"}' | wc -l)" 0
expect 'a count in InfluxQL' "$(curl -s -G "$url/query" -d db=water --data-urlencode 'q=SELECT count("level") FROM "lake"')" \
  '{"results":[{"statement_id":0,"series":[{"name":"databases","columns":["name"],"values":[["_internal"]]}]}]}'
