/** Sparkplug B messages by the wire format, field by field: not by the code that reads them. */
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';

interface MetricFields {
  name?: string;
  alias?: number;
  timestamp?: number;
  datatype?: number;
  quality?: number;
  int?: number;
  double?: number;
}

export function aMetric({ name, alias, timestamp, datatype, quality, int, double }: MetricFields): Uint8Array {
  const writer = new BinaryWriter();
  if (name !== undefined) writer.tag(1, WireType.LengthDelimited).string(name);
  if (alias !== undefined) writer.tag(2, WireType.Varint).uint64(alias);
  if (timestamp !== undefined) writer.tag(3, WireType.Varint).uint64(timestamp);
  if (datatype !== undefined) writer.tag(4, WireType.Varint).uint32(datatype);
  if (quality !== undefined) {
    writer.tag(9, WireType.LengthDelimited).fork().tag(1, WireType.LengthDelimited).string('Quality');
    writer.tag(2, WireType.LengthDelimited).fork().tag(1, WireType.Varint).uint32(3);
    writer
      .tag(3, WireType.Varint)
      .uint32(quality >>> 0)
      .join()
      .join();
  }
  if (int !== undefined) writer.tag(10, WireType.Varint).uint32(int);
  if (double !== undefined) writer.tag(13, WireType.Bit64).double(double);
  return writer.finish();
}

interface PayloadFields {
  timestamp?: number;
  metrics?: readonly Uint8Array[];
  seq?: number;
  uuid?: string;
}

export function aPayload({ timestamp, metrics = [], seq, uuid }: PayloadFields): Uint8Array {
  const writer = new BinaryWriter();
  if (timestamp !== undefined) writer.tag(1, WireType.Varint).uint64(timestamp);
  for (const metric of metrics) writer.tag(2, WireType.LengthDelimited).bytes(metric);
  if (seq !== undefined) writer.tag(3, WireType.Varint).uint64(seq);
  if (uuid !== undefined) writer.tag(4, WireType.LengthDelimited).string(uuid);
  return writer.finish();
}
