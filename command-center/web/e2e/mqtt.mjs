/** One MQTT 3.1.1 publisher, as small as a device's: connects, publishes at QoS 1, waits for the acknowledgement. */
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
