import { describe, expect, it } from "vitest";
import { CHUNK_BYTES, placesOf, Tail } from "../src/log/tail";

function fileOf(text: string) {
  const file = { bytes: new TextEncoder().encode(text), reads: 0 };
  const read = async (offset: number, length: number) => {
    file.reads++;
    if (offset < 0) return { data: "", offset: file.bytes.length };
    const data = new TextDecoder().decode(file.bytes.slice(offset, offset + length));
    return { data, offset };
  };
  const append = (more: string | Uint8Array): void => {
    const bytes = typeof more === "string" ? new TextEncoder().encode(more) : more;
    file.bytes = new Uint8Array([...file.bytes, ...bytes]);
  };
  return { file, read, append };
}

describe("a tail", () => {
  it("shows what a file has and then what is added", async () => {
    const { read, append } = fileOf("one\n");
    const tail = new Tail(read);
    expect(await tail.step()).toBe(true);
    append("two\n");
    await tail.step();
    expect(tail.pieces.join("")).toBe("one\ntwo\n");
    expect(await tail.step()).toBe(false);
  });

  it("asks only for the size while nothing is added", async () => {
    const { file, read } = fileOf("x");
    const tail = new Tail(read);
    await tail.step();
    file.reads = 0;
    await tail.step();
    expect(file.reads).toBe(1);
  });

  it("begins with the last 64 KiB, at a whole line, and can read what is before", async () => {
    const lines = Array.from({ length: 20_000 }, (_, at) => `line ${at}\n`).join("");
    const { read } = fileOf(lines);
    const tail = new Tail(read);
    await tail.step();
    expect(tail.begin).toBe(lines.length - CHUNK_BYTES);
    expect(tail.pieces.join("")).toMatch(/^line \d+\n/);
    expect(tail.pieces.join("").endsWith("line 19999\n")).toBe(true);
    while (tail.begin > 0) await tail.earlier();
    expect(tail.begin).toBe(0);
    expect(tail.pieces[0]?.startsWith("line 0\n")).toBe(true);
  });

  it("never shows a character that was cut in two by a chunk or by the writer", async () => {
    const { read, append } = fileOf(`${"x".repeat(10)}\n`);
    const tail = new Tail(read);
    await tail.step();
    const euro = new TextEncoder().encode("€");
    append(euro.slice(0, 2));
    await tail.step();
    append(euro.slice(2));
    await tail.step();
    append("é".repeat(CHUNK_BYTES));
    do await tail.step();
    while (tail.behind);
    expect(tail.pieces.join("")).toBe(`${"x".repeat(10)}\n€${"é".repeat(CHUNK_BYTES)}`);
  });

  it("starts over when the file was truncated", async () => {
    const { file, read } = fileOf("old text\n");
    const tail = new Tail(read);
    await tail.step();
    file.bytes = new TextEncoder().encode("new\n");
    await tail.step();
    expect(tail.restarted).toBe(true);
    expect(tail.pieces.join("")).toBe("new\n");
  });

  it("takes the escapes of terminals out", async () => {
    const { read } = fileOf("\u001b[1;31mred\u001b[0m \u001b]0;title\u0007plain");
    const tail = new Tail(read);
    await tail.step();
    expect(tail.pieces.join("")).toBe("red plain");
  });

  it("shows bytes that are no UTF-8 as broken, and goes on", async () => {
    const { read, append } = fileOf("a");
    const tail = new Tail(read);
    await tail.step();
    append(new Uint8Array([0xff, 0xff, 0xff, 0xff, 0xff]));
    for (let step = 0; step < 6; step++) await tail.step();
    append("b");
    for (let step = 0; step < 6; step++) await tail.step();
    expect(tail.pieces.join("").endsWith("b")).toBe(true);
    expect(tail.behind).toBe(false);
  });
});

describe("a search in a log", () => {
  it("finds every place in any case", () => {
    expect(placesOf("Error error ERR", "error")).toEqual([0, 6]);
    expect(placesOf("abc", "")).toEqual([]);
  });
});
