import type { BuildRecord } from '../../store/builds.ts';

/** A build that may be worth reading. */
export interface Candidate {
  readonly job: string;
  readonly build: string;
  /** Where the build lies in its bucket, without trailing slash; absent while only its pointer is known. */
  readonly folder?: string;
  /** Presubmits: the object that says where the build lies. */
  readonly pointer?: string;
  /** What the pointer's metadata said already: saves reading it. */
  readonly link?: string;
  /** What is stored of it, when it is looked at again. */
  readonly known?: BuildRecord;
  /** Its existence is a guess (numbers counted down): finding nothing is no news. */
  readonly guessed?: boolean;
}

/** The builds of one job as one listing gives them. */
export interface JobListing {
  readonly job: string;
  /** Under which name the store keeps how far this listing has come. */
  readonly cursor: string;
  /** Candidates in pages, in the order of the bucket; `from` is where the last complete listing ended. */
  pages(from: string | undefined): AsyncIterable<readonly Candidate[]>;
  /** Builds are numbered 1, 2, 3 …: the cursor is a number, and pages count down. */
  readonly numbered?: boolean;
}
