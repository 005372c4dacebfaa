/** How one test of the demo behaves from build to build. Build 0 is the newest of a fresh demo, 1 the one before it. */
export interface DemoTest {
  readonly name: string;
  readonly className: string;
  readonly seconds: number;
  /** Share of builds in which it fails although nothing changed. */
  readonly flakeRate: number;
  /** It fails in every build of this span, both ends included. */
  readonly broken?: { readonly newest: number; readonly oldest: number };
  readonly skipped: boolean;
  /** Its failures are written as `<error>`: a panic, a broken set-up. */
  readonly isError: boolean;
  readonly message: string;
}

type Extras = Partial<Omit<DemoTest, 'name' | 'className' | 'seconds'>>;

/** One test. */
export function test(className: string, name: string, seconds: number, extras: Extras = {}): DemoTest {
  return { name, className, seconds, flakeRate: 0, skipped: false, isError: false, message: '', ...extras };
}

/** Tests that always pass. */
export function steady(className: string, names: readonly string[], seconds: number): readonly DemoTest[] {
  return names.map((name, index) => test(className, name, seconds * (1 + (index % 5) / 3)));
}

/** Tests that never run, as end-to-end suites have by the thousand. */
export function skipped(className: string, names: readonly string[]): readonly DemoTest[] {
  return names.map((name) => test(className, name, 0, { skipped: true }));
}

/** Every combination of both lists, joined by a space. */
export function cross(left: readonly string[], right: readonly string[]): readonly string[] {
  return left.flatMap((start) => right.map((end) => `${start} ${end}`));
}
