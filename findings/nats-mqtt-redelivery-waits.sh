#!/usr/bin/env bash
# NATS server 2.15.3, MQTT 3.1.1: a client with a persistent session is sent a message at QoS 1, loses its connection before it
# acknowledges, and comes back at once: CONNACK says that the session is there, but the message comes only when `ack_wait` (30 s
# unless set, 6 s here) is over, DUP. What is published after the return comes before it, so that the order is lost, too. MQTT 3.1.1
# §4.4 has the server send again what is unacknowledged when a client reconnects.
# Seen 2026-11-30: "two" after 0.5 s, "one" after 6.0 s with DUP. The same in 2.9.10 (Debian 12).
# For us: docs/deployment.md; `npm run broker:files -- --for nats` sets ack_wait to 10 s; readings carry their own times.
set -euo pipefail
folder=$(mktemp -d)
trap 'kill "$(cat "$folder/pid" 2>/dev/null)" 2>/dev/null || true; chmod -R u+w "$folder"; rm -rf "$folder"' EXIT
GOBIN="$folder" go install github.com/nats-io/nats-server/v2@v2.15.3
python3 - "$folder" <<'PY'
import socket, struct, subprocess, sys, time

folder, wait = sys.argv[1], 6

def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]

port = free_port()
with open(f"{folder}/nats.conf", "w") as conf:
    conf.write(f'''server_name: one
listen: "127.0.0.1:{free_port()}"
jetstream {{ store_dir: "{folder}/store" }}
mqtt {{ listen: "127.0.0.1:{port}", ack_wait: "{wait}s" }}
''')
server = subprocess.Popen([f"{folder}/nats-server", "-c", f"{folder}/nats.conf"], stderr=subprocess.DEVNULL)
with open(f"{folder}/pid", "w") as pid:
    pid.write(str(server.pid))

def text(value):
    return struct.pack("!H", len(value)) + value.encode()

class Client:
    """The packets of MQTT 3.1.1 that this needs, none longer than 127 bytes."""
    def __init__(self, name, clean):
        for _ in range(200):
            try:
                self.socket = socket.create_connection(("127.0.0.1", port))
                break
            except OSError:
                time.sleep(0.1)
        self.send(0x10, text("MQTT") + bytes([4, 2 if clean else 0, 0, 0]) + text(name))
        _, connack = self.next(30)
        assert connack[1] == 0
        self.is_kept = connack[0] == 1

    def send(self, kind, body):
        self.socket.sendall(bytes([kind, len(body)]) + body)

    def next(self, seconds):
        self.socket.settimeout(seconds)
        kind, length = self.read(2)
        return kind, self.read(length)

    def read(self, count):
        data = b""
        while len(data) < count:
            more = self.socket.recv(count - len(data))
            assert more, "the connection ended"
            data += more
        return data

    def publish(self, payload):
        self.send(0x32, text("a/b") + b"\x00\x01" + payload)
        assert self.next(30)[0] == 0x40

    def message(self, seconds):
        kind, body = self.next(seconds)
        assert kind & 0xF0 == 0x30
        return body[2 + 3 + 2:].decode(), bool(kind & 0x08)

first = Client("reader", clean=False)
first.send(0x82, b"\x00\x01" + text("a/+") + b"\x01")
assert first.next(30) == (0x90, b"\x00\x01\x01")
sender = Client("sender", clean=True)
sender.publish(b"one")
assert first.message(30) == ("one", False)
sent = time.monotonic()
first.socket.close()
time.sleep(0.5)
again = Client("reader", clean=False)
assert again.is_kept
sender.publish(b"two")
came = []
while len(came) < 2:
    payload, is_again = again.message(30)
    came.append((payload, is_again, round(time.monotonic() - sent, 1)))
    print(f"{payload}: {came[-1][2]} s after it was first sent, DUP {is_again}")
    if payload == "two":
        again.send(0x40, b"\x00\x02")
assert [payload for payload, _, _ in came] == ["two", "one"]
assert came[1][1] and came[1][2] >= wait - 1
server.terminate()
server.wait()
PY
