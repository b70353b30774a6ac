/** MQTT 3.1.1, as small as a device's: who publishes at QoS 1 and waits for the acknowledgement, and who listens at QoS 0. */
import { connect } from "node:net";

const text = (words) => {
  const bytes = Buffer.from(words);
  return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 255]), bytes]);
};

function packet(head, ...parts) {
  const body = Buffer.concat(parts);
  const length = [];
  for (let left = body.length; length.length === 0 || left > 0; left >>= 7) length.push((left & 127) | (left > 127 ? 128 : 0));
  return Buffer.concat([Buffer.from([head, ...length]), body]);
}

/** Gives `publish(topic, payload)`, which is done when the endpoint has acknowledged, and `end`. */
export async function device(port, id) {
  const socket = connect(port, "127.0.0.1");
  let heard = Buffer.alloc(0);
  let wake = () => undefined;
  socket.on("data", (piece) => {
    heard = Buffer.concat([heard, piece]);
    wake();
  });
  const failed = new Promise((_, reject) => {
    socket.on("error", reject);
    socket.on("close", () => reject(new Error("the endpoint closed the connection")));
  });
  failed.catch(() => undefined);
  // CONNACK and PUBACK have four bytes each, and nothing else is sent to who subscribes to nothing.
  const answer = async (kind) => {
    while (heard.length < 4) await Promise.race([new Promise((resolve) => (wake = resolve)), failed]);
    const found = heard.subarray(0, 4);
    heard = heard.subarray(4);
    if (found[0] !== kind || (kind === 0x20 && found[3] !== 0)) throw new Error(`the endpoint answered ${found.toString("hex")}`);
  };
  socket.write(packet(0x10, text("MQTT"), Buffer.from([4, 2, 0, 60]), text(id)));
  await answer(0x20);
  let number = 0;
  return {
    async publish(topic, payload) {
      number += 1;
      socket.write(packet(0x32, text(topic), Buffer.from([number >> 8, number & 255]), Buffer.from(payload)));
      await answer(0x40);
    },
    end: () => socket.destroy(),
  };
}

/** Gives each message of a filter to `take(topic, payload, isRetained)` until `end`. */
export async function listener(port, id, filter, take) {
  const socket = connect(port, "127.0.0.1");
  let heard = Buffer.alloc(0);
  let fail;
  let granted;
  const subscribed = new Promise((resolve, reject) => [granted, fail] = [resolve, reject]);
  socket.on("error", fail);
  socket.on("close", () => fail(new Error("the endpoint closed the connection")));
  socket.on("data", (piece) => {
    heard = Buffer.concat([heard, piece]);
    for (let body = next(); body; body = next()) {
      const [kind, flags] = [body.head & 0xf0, body.head & 0x0f];
      if (kind === 0x20) socket.write(packet(0x82, Buffer.from([0, 1]), text(filter), Buffer.from([0])));
      if (kind === 0x90) granted();
      if (kind !== 0x30) continue;
      const length = body.bytes.readUInt16BE(0);
      take(body.bytes.subarray(2, 2 + length).toString(), body.bytes.subarray(2 + length), (flags & 1) === 1);
    }
  });
  // The next whole packet; its length is written in up to four pieces of seven bits.
  function next() {
    let [length, at] = [0, 1];
    for (;;) {
      if (heard.length <= at) return undefined;
      length |= (heard[at] & 127) << (7 * (at - 1));
      at += 1;
      if (heard[at - 1] < 128) break;
    }
    if (heard.length < at + length) return undefined;
    const found = { head: heard[0], bytes: heard.subarray(at, at + length) };
    heard = heard.subarray(at + length);
    return found;
  }
  socket.write(packet(0x10, text("MQTT"), Buffer.from([4, 2, 0, 60]), text(id)));
  await subscribed;
  return { end: () => socket.destroy() };
}
