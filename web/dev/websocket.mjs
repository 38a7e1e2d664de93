/** The server's half of RFC 6455 as far as the simulator needs it: text frames, close, no fragments. */
import { createHash } from "node:crypto";

const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

function frame(opcode, payload) {
  const size = payload.length;
  const head = Buffer.alloc(size < 126 ? 2 : size < 65_536 ? 4 : 10);
  head[0] = 0x80 | opcode;
  if (size < 126) head[1] = size;
  else if (size < 65_536) {
    head[1] = 126;
    head.writeUInt16BE(size, 2);
  } else {
    head[1] = 127;
    head.writeBigUInt64BE(BigInt(size), 2);
  }
  return Buffer.concat([head, payload]);
}

/** One client; `onText` hears it, `onEnd` is called once. */
export class Peer {
  constructor(socket) {
    this.socket = socket;
    this.buffer = Buffer.alloc(0);
    this.onText = () => {};
    this.onEnd = () => {};
    socket.on("data", (bytes) => this.read(bytes));
    socket.on("error", () => socket.destroy());
    socket.on("close", () => this.onEnd());
  }

  say(value) {
    if (this.socket.writable) this.socket.write(frame(1, Buffer.from(JSON.stringify(value))));
  }

  read(bytes) {
    this.buffer = Buffer.concat([this.buffer, bytes]);
    for (;;) {
      const { buffer } = this;
      if (buffer.length < 2) return;
      let size = buffer[1] & 0x7f;
      let at = 2;
      if (size === 126) {
        if (buffer.length < 4) return;
        size = buffer.readUInt16BE(2);
        at = 4;
      } else if (size === 127) return void this.socket.destroy();
      if (buffer.length < at + 4 + size) return;
      const mask = buffer.subarray(at, at + 4);
      const payload = Buffer.from(buffer.subarray(at + 4, at + 4 + size));
      for (let index = 0; index < size; index++) payload[index] ^= mask[index % 4];
      this.buffer = buffer.subarray(at + 4 + size);
      const opcode = buffer[0] & 0x0f;
      if (opcode === 1) this.onText(payload.toString());
      else if (opcode === 8) this.socket.end(frame(8, payload));
      else if (opcode === 9) this.socket.write(frame(10, payload));
    }
  }
}

/** Answers the handshake and gives the peer. */
export function accept(request, socket) {
  const key = request.headers["sec-websocket-key"];
  const answer = createHash("sha1").update(key + GUID).digest("base64");
  const protocol = request.headers["sec-websocket-protocol"];
  socket.write(
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
      `Sec-WebSocket-Accept: ${answer}\r\nSec-WebSocket-Protocol: ${protocol}\r\n\r\n`,
  );
  socket.setNoDelay(true);
  return new Peer(socket);
}
