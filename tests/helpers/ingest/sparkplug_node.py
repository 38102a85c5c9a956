"""An edge node of pysparkplug (PyPI) with one device, steered by lines on its standard input.

Arguments: port, user, password. Prints `ready` once connected and a line for each command that it is sent.
"""

import os
import sys

import pysparkplug as psp

PORT, USER, PASSWORD = int(sys.argv[1]), sys.argv[2], sys.argv[3]
GROUP, NODE, DEVICE = "SNWD", "taocha", "sonde"
NOW = psp.get_current_timestamp()


def metric(name, alias, datatype, value, timestamp=None):
    return psp.Metric(
        timestamp=timestamp or psp.get_current_timestamp(), name=name, alias=alias, datatype=datatype, value=value
    )


def defined():
    return [
        metric("ph", 1, psp.DataType.DOUBLE, 8.02, NOW),
        metric("temp", 2, psp.DataType.INT16, -3, NOW),
        metric("turbidity", 3, psp.DataType.FLOAT, 7.9, NOW),
    ]


def publish(kind, payload, device=None, dtypes=False):
    topic = psp.Topic(message_type=kind, group_id=GROUP, edge_node_id=NODE, device_id=device)
    message = psp.Message(topic=topic, payload=payload, qos=psp.QoS.AT_LEAST_ONCE, retain=False)
    node._client.publish(message, include_dtypes=dtypes)


def born(node, message):
    """Node Control/Rebirth: all births again, from number 0 on, as the specification wants it."""
    print("command", *(one.name for one in message.payload.metrics), flush=True)
    global seq
    seq = 1
    at = psp.get_current_timestamp()
    publish(psp.MessageType.NBIRTH, psp.NBirth(timestamp=at, seq=0, metrics=[session]), dtypes=True)
    publish(psp.MessageType.DBIRTH, psp.DBirth(timestamp=at, seq=1, metrics=defined()), DEVICE, dtypes=True)


def data(value):
    """By aliases alone, and without datatypes."""
    global seq
    seq = (seq + 1) % 256
    at = psp.get_current_timestamp()
    metrics = [metric(None, 1, psp.DataType.DOUBLE, value, at), metric(None, 2, psp.DataType.INT16, -4, at)]
    publish(psp.MessageType.DDATA, psp.DData(timestamp=at, seq=seq, metrics=metrics), DEVICE)


seq = 1
client = psp.Client(client_id="node", username=USER, password=PASSWORD)
session = None


class Node(psp.EdgeNode):
    def _setup_will(self):
        """Called before it connects, and again for the session after; keeps the number of the one that begins."""
        super()._setup_will()
        global session
        session = session or self._bd_seq_metric


node = Node(GROUP, NODE, [], client=client, cmd_callback=born)
node.register(psp.Device(DEVICE, defined()))
node.connect("127.0.0.1", port=PORT)
print("ready", flush=True)
for line in sys.stdin:
    word, *rest = line.split()
    if word == "data":
        data(float(rest[0]))
    elif word == "lose":
        seq = (seq + 1) % 256
    elif word == "vanish":
        os._exit(0)
