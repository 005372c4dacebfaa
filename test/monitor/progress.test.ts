import { expect, test } from 'vitest';
import { dumpText, taskText } from '../../pipeline/monitor/progress.ts';
import { LIMIT_MS, withClocks } from './clocks.ts';

const DAY_MS = 86_400_000;

test('a task is stuck when it was silent for longer than its limit, and no more after a step', () => {
  const { progress, pass } = withClocks();
  const task = progress.stage('collect').task('gs://a/1');
  pass(LIMIT_MS);
  expect(progress.stuck()).toEqual([]);
  pass(1);
  expect(progress.stuck()).toEqual([
    { stage: 'collect', what: 'gs://a/1', silentMs: LIMIT_MS + 1, limitMs: LIMIT_MS },
  ]);
  task.step('reading JUnit');
  expect(progress.stuck()).toEqual([]);
  expect(progress.tasks()).toMatchObject([{ what: 'reading JUnit', silentMs: 0 }]);
});

test('a task may have a limit of its own', () => {
  const { progress, pass } = withClocks();
  progress.stage('table day').task('load', { limitMs: 10 * LIMIT_MS });
  progress.stage('queue').task('pull', { limitMs: 10 });
  pass(2 * LIMIT_MS);
  expect(progress.stuck().map(({ what }) => what)).toEqual(['pull']);
});

test('tasks are told the longest silent first', () => {
  const { progress, pass } = withClocks();
  const stage = progress.stage('collect');
  const first = stage.task('first');
  pass(10);
  stage.task('second');
  pass(10);
  stage.task('third');
  first.step();
  pass(1);
  expect(progress.tasks().map(({ what }) => what)).toEqual(['second', 'first', 'third']);
});

test('what has ended is gone: ending twice counts once, and a late step is no progress', () => {
  const { progress, pass } = withClocks();
  const stage = progress.stage('collect');
  const task = stage.task('a');
  stage.task('b');
  pass(5);
  task.end();
  const [ended] = progress.stages();
  pass(5);
  task.end();
  task.step('late');
  expect(progress.stages()).toEqual([ended]);
  expect(progress.stages()).toMatchObject([{ name: 'collect', tasks: 1 }]);
  expect(progress.tasks().map(({ what }) => what)).toEqual(['b']);
});

test('a stage of the same name is the same stage, and without tasks it has no progress', () => {
  const { progress } = withClocks();
  expect(progress.stage('queue')).toBe(progress.stage('queue'));
  expect(progress.stages()).toEqual([{ name: 'queue', tasks: 0, lastProgressMs: undefined }]);
});

test('a wall clock that jumps a day ahead makes nothing stuck', () => {
  const { progress, pass, jump } = withClocks();
  progress.stage('collect').task('a');
  pass(10);
  jump(DAY_MS);
  expect(progress.stuck()).toEqual([]);
});

test('a wall clock that jumps a day back hides no stall', () => {
  const { progress, pass, jump } = withClocks();
  progress.stage('collect').task('a');
  jump(-DAY_MS);
  pass(LIMIT_MS + 1);
  expect(progress.stuck()).toMatchObject([{ what: 'a', silentMs: LIMIT_MS + 1 }]);
});

test('forgiven time is not counted, for the tasks that were under way in it', () => {
  const { progress, pass } = withClocks();
  const stage = progress.stage('collect');
  stage.task('old');
  pass(LIMIT_MS - 10_000);
  pass(30_000);
  progress.forgive(30_000);
  stage.task('new');
  expect(progress.tasks()).toMatchObject([
    { what: 'old', silentMs: LIMIT_MS - 10_000 },
    { what: 'new', silentMs: 0 },
  ]);
  pass(10_001);
  expect(progress.stuck().map(({ what }) => what)).toEqual(['old']);
});

test('no task is silent for less than nothing, however much is forgiven', () => {
  const { progress, pass } = withClocks();
  progress.stage('collect').task('a');
  pass(10);
  progress.forgive(LIMIT_MS - 1);
  expect(progress.tasks()).toMatchObject([{ silentMs: 0 }]);
});

test('a sleep longer than the limit gives all of the limit again', () => {
  const { progress, pass } = withClocks();
  progress.stage('collect').task('a');
  pass(LIMIT_MS - 1);
  pass(LIMIT_MS);
  progress.forgive(LIMIT_MS);
  pass(LIMIT_MS);
  expect(progress.stuck()).toEqual([]);
  pass(1);
  expect(progress.stuck()).toHaveLength(1);
});

test('the dump tells stages and tasks in words, and which are stuck', () => {
  const { progress, pass } = withClocks();
  progress.stage('idle');
  progress.stage('collect').task('gs://a/1');
  pass(LIMIT_MS + 5_000);
  progress.stage('queue').task('pull');
  expect(dumpText(progress)).toBe(
    [
      'stage idle: 0 under way, last progress never',
      'stage collect: 1 under way, last progress 2026-01-01T00:00:00.000Z',
      'stage queue: 1 under way, last progress 2026-01-01T00:01:05.000Z',
      '  collect: gs://a/1, silent for 65 s, stuck: its limit is 60 s',
      '  queue: pull, silent for 0 s',
    ].join('\n'),
  );
});

test('a dump of thousands of tasks shows the longest silent and how many more there are', () => {
  const { progress, pass } = withClocks();
  const stage = progress.stage('collect');
  for (let at = 0; at < 2_000; at += 1) {
    stage.task(`build ${at}`);
    pass(1);
  }
  const lines = dumpText(progress).split('\n');
  expect(lines).toHaveLength(1 + 50 + 1);
  expect(lines[1]).toContain('build 0,');
  expect(lines.at(-1)).toBe('  ... and 1950 more');
});

test('a name out of a bucket cannot make up lines of the dump', () => {
  const { progress } = withClocks();
  progress.stage('collect').task(`a\nstage fake: \u2028\u001b[31m${'x'.repeat(1_000)}`);
  const [, line = '', ...more] = dumpText(progress).split('\n');
  expect(more).toEqual([]);
  expect(line).toContain('a stage fake:   [31mxxx');
  expect(line.length).toBeLessThan(400);
  expect(taskText({ stage: 's', what: 'w', silentMs: 1_499, limitMs: 1 })).toBe('s: w, silent for 1 s');
});

test('ended tasks leave nothing behind', () => {
  const { progress } = withClocks();
  const stage = progress.stage('collect');
  for (let at = 0; at < 100_000; at += 1) stage.task('build').end();
  expect(progress.tasks()).toEqual([]);
  expect(progress.stages()).toMatchObject([{ tasks: 0 }]);
});
