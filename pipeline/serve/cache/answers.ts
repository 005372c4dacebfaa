/** An answer that was made, with what it was made of. */
export interface Answer {
  readonly status: 200 | 202 | 404;
  readonly etag: string;
  readonly body: Uint8Array;
  readonly retryAfterS: number | undefined;
  /** Of what was read: an equal one makes an equal answer. */
  readonly fingerprint: string;
  /** That it tells of. */
  readonly packages: ReadonlySet<string>;
  /** The cache's seq before it was read. */
  readonly seq: number;
  /** When it was made, or found to be right still. */
  readonly madeMs: number;
  /** Until then nothing changes by time alone. */
  readonly untilMs: number;
}

/** The last answers by question, the longest unasked going first when they are over their bytes. */
export interface Answers {
  get(question: string): Answer | undefined;
  put(question: string, answer: Answer): void;
  readonly bytes: () => number;
}

/** For a question's own text and the objects around an answer. */
const OVERHEAD_BYTES = 1_024;
const NAME_BYTES = 80;

export function createAnswers(bytesMax: number): Answers {
  const kept = new Map<string, Answer>();
  let bytes = 0;
  const drop = (question: string) => {
    const answer = kept.get(question);
    if (answer !== undefined && kept.delete(question)) bytes -= sizeOf(question, answer);
  };
  return {
    get: (question) => {
      const answer = kept.get(question);
      if (answer === undefined) return undefined;
      // A Map keeps its order: what was asked for last stands last.
      kept.delete(question);
      kept.set(question, answer);
      return answer;
    },
    put: (question, answer) => {
      drop(question);
      const size = sizeOf(question, answer);
      if (size > bytesMax / 2) return;
      kept.set(question, answer);
      bytes += size;
      for (const oldest of kept.keys()) {
        if (bytes <= bytesMax) break;
        drop(oldest);
      }
    },
    bytes: () => bytes,
  };
}

function sizeOf(question: string, { body, packages }: Answer): number {
  return body.byteLength + packages.size * NAME_BYTES + question.length * 2 + OVERHEAD_BYTES;
}
