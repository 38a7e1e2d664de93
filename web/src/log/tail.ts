/** Follows one growing file by reads of whole byte ranges. No framework, no clock of its own. */

/** Asks `files/read`: `offset` -1 answers the size. */
export type Read = (offset: number, length: number) => Promise<{ data: string; offset: number }>;

export const CHUNK_BYTES = 65_536;
/** Text kept in the page; older text is let go, and can be downloaded. */
export const KEPT_CHARS_MAX = 4_000_000;
/** A cut character of UTF-8 is at most this long. */
const CUT_BYTES_MAX = 3;
/** Steps to wait for the rest of a character at the very end. */
const CUT_WAITS_MAX = 3;
const BROKEN = "\uFFFD";

/** Colours and cursor moves of terminals: taken out, the text stays. */
// biome-ignore lint: control characters are the subject here.
const ESCAPES = /\u001b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[@-_])/g;

export class Tail {
  /** Pieces of text, oldest first; a piece is never changed once another follows it. */
  pieces: string[] = [];
  /** The file was shorter than before: it was truncated or replaced. */
  restarted = false;
  size = 0;
  /** Byte where the kept text begins and ends. */
  begin = 0;
  end = 0;
  private chars = 0;
  private opened = false;
  private waits = 0;

  constructor(private readonly read: Read) {}

  /** Reads what is new, at most `CHUNK_BYTES`; true when something changed. */
  async step(): Promise<boolean> {
    this.size = (await this.read(-1, 0)).offset;
    if (!this.opened || this.size < this.end) {
      this.restarted = this.opened;
      this.opened = true;
      this.pieces = [];
      this.chars = 0;
      this.begin = this.end = Math.max(0, this.size - CHUNK_BYTES);
    }
    if (this.size <= this.end) return this.restarted;
    const from = this.end;
    const length = Math.min(CHUNK_BYTES, this.size - from);
    const [text, taken] = await this.whole(from, length);
    this.end = from + taken;
    if (taken === 0) return false;
    this.add(from === this.begin && from > 0 ? fromNextLine(text) : text);
    return true;
  }

  /** True while more than a cut character waits: the next step should come at once. */
  get behind(): boolean {
    return this.size - this.end > CUT_BYTES_MAX;
  }

  /** Reads the 64 KiB before what is kept. */
  async earlier(): Promise<void> {
    if (this.begin === 0) return;
    const from = Math.max(0, this.begin - CHUNK_BYTES);
    const { data } = await this.read(from, this.begin - from);
    const text = data.replace(ESCAPES, "");
    this.begin = from;
    this.pieces.unshift(from > 0 ? fromNextLine(text) : text);
    this.chars += text.length;
  }

  /** A read that does not cut a character in two, and how many bytes it took. */
  private async whole(from: number, length: number): Promise<[string, number]> {
    const { data: all } = await this.read(from, length);
    let text = all;
    for (let less = 0; less <= CUT_BYTES_MAX; less++) {
      if (!text.endsWith(BROKEN)) return [text.replace(ESCAPES, ""), length - less];
      const shorter = length - less - 1;
      // Perhaps the writer is in the middle of a character: the rest may come soon.
      if (shorter <= 0) return ++this.waits <= CUT_WAITS_MAX ? ["", 0] : this.accepted(all, length);
      text = (await this.read(from, shorter)).data;
    }
    return this.accepted(all, length);
  }

  /** Bytes that are no UTF-8 and will not become it. */
  private accepted(text: string, length: number): [string, number] {
    this.waits = 0;
    return [text.replace(ESCAPES, ""), length];
  }

  private add(text: string): void {
    this.pieces.push(text);
    this.chars += text.length;
    while (this.chars > KEPT_CHARS_MAX && this.pieces.length > 1) {
      const gone = this.pieces.shift() as string;
      this.chars -= gone.length;
      this.begin += new TextEncoder().encode(gone).length;
    }
  }
}

/** Text from the first whole line on. */
function fromNextLine(text: string): string {
  const at = text.indexOf("\n");
  return at < 0 ? text : text.slice(at + 1);
}

/** The places of a word in a text, in any case: start indexes. */
export function placesOf(text: string, word: string): number[] {
  const places: number[] = [];
  if (word === "") return places;
  const small = text.toLowerCase();
  const wanted = word.toLowerCase();
  for (let at = small.indexOf(wanted); at >= 0; at = small.indexOf(wanted, at + wanted.length)) places.push(at);
  return places;
}
