/** One reading by MQTT 3.1.1, QoS 1: as a device sends it, and known to be on the log when the PUBACK is there. */
import assert from "node:assert/strict";
import { connect } from "node:net";

const text = (words) => {
  const bytes = Buffer.from(words);
  return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 255]), bytes]);
};

function packet(head, ...parts) {
  const body = Buffer.concat(parts);
  const length = [];
  let left = body.length;
  do {
    length.push((left & 127) | (left > 127 ? 128 : 0));
    left >>= 7;
  } while (left > 0);
  return Buffer.concat([Buffer.from([head, ...length]), body]);
}

/** A device that is connected; `send` publishes and resolves when it is acknowledged. */
export async function device(port, name) {
  const socket = connect(port, "127.0.0.1");
  let heard = Buffer.alloc(0);
  let waiting = null;
  socket.on("data", (piece) => {
    heard = Buffer.concat([heard, piece]);
    while (heard.length >= 2 && heard.length >= 2 + heard[1]) {
      const one = heard.subarray(0, 2 + heard[1]);
      heard = heard.subarray(2 + heard[1]);
      waiting?.(one);
    }
  });
  const answer = (kind) =>
    new Promise((resolve, reject) => {
      socket.once("error", reject);
      waiting = (one) => one[0] >> 4 === kind && resolve(one);
    });
  const connected = answer(2);
  socket.write(packet(0x10, text("MQTT"), Buffer.from([4, 2, 0, 60]), text(name)));
  assert.equal((await connected)[3], 0, "the broker takes the device");
  return {
    async send(topic, body) {
      const acknowledged = answer(4);
      socket.write(packet(0x32, text(topic), Buffer.from([0, 1]), Buffer.from(JSON.stringify(body))));
      await acknowledged;
    },
    end: () => socket.end(),
  };
}
