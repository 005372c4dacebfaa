/** One timed run of one side. Figures that do not apply are left out. */
export interface Run {
  /** `make-db` */
  readonly work: string;
  /** `samovar`, `kettle cpython` … */
  readonly side: string;
  readonly wallS: number;
  readonly cpuS?: number | undefined;
  readonly rssBytes?: number | undefined;
  readonly builds?: number;
  readonly rows?: number;
  readonly xmlBytes?: number;
  readonly outBytes?: number;
  readonly dbBytes?: number;
  /** The database without raw XML, packed. */
  readonly leanDbBytes?: number;
  /** Raw XML as it lies in the database. */
  readonly rawBytes?: number;
  readonly events?: number;
  readonly p50Ms?: number | undefined;
  readonly p99Ms?: number | undefined;
  /** CPU time of one call. */
  readonly cpuMsEach?: number;
  /** Bytes for a second of CPU time. */
  readonly bytesPerCpuS?: number;
  /** The least that the work can take. */
  readonly boundS?: number | undefined;
  readonly requests?: Readonly<Record<string, number>>;
  readonly failed?: string;
}
