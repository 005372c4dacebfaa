import { describe, expect, it } from 'vitest';
import { openBucket, parseRoot } from '../../../pipeline/backends/bucket/index.ts';

const OPTIONS = { timeoutMs: 1000, connections: 1 };

describe('parseRoot', () => {
  it.each([
    ['gs://name/logs/', 'gs://name', 'logs/'],
    ['gs://name/pr-logs', 'gs://name', 'pr-logs/'],
    ['gs://name/a/b/', 'gs://name', 'a/b/'],
    ['gs://name/', 'gs://name', ''],
    ['gs://name', 'gs://name', ''],
    ['file:some/dir/logs/', 'file:some/dir', 'logs/'],
    ['file:some/dir/logs', 'file:some/dir', 'logs/'],
    ['file:logs/', 'file:.', 'logs/'],
    ['file:./logs/', 'file:.', 'logs/'],
    ['file:///abs/dir/logs/', 'file:///abs/dir', 'logs/'],
    ['file:/abs/dir/logs/', 'file:/abs/dir', 'logs/'],
    ['file:///logs/', 'file:///.', 'logs/'],
    ['file:some dir/100%20/logs/', 'file:some dir/100%20', 'logs/'],
  ])('%s is bucket %s and prefix %s', async (root, bucketUrl, prefix) => {
    expect(parseRoot(root)).toEqual({ bucketUrl, prefix });
    const bucket = openBucket(bucketUrl, OPTIONS);
    expect(bucket.url).toBe(bucketUrl);
    await bucket.close();
  });

  it.each([
    ['s3://name/logs/', 'scheme'],
    ['https://storage.googleapis.com/name/logs', 'scheme'],
    ['name/logs/', 'scheme'],
    ['', 'scheme'],
    ['gs:///logs/', 'bucket name'],
    ['gs://Name/logs/', 'bucket name'],
    ['gs://na/logs/', 'bucket name'],
    ['gs://-name/logs/', 'bucket name'],
    [`gs://${'n'.repeat(64)}/logs/`, 'bucket name'],
    ['gs://name@evil/logs/', 'bucket name'],
    ['gs://name//logs/', 'empty part'],
    ['gs://name/logs/../x/', '".." part'],
    ['file:../logs/', '".." part'],
    ['file:a/../../logs/', '".." part'],
    ['file:a/\0/logs/', 'control character'],
    ['gs://name/lo\ngs/', 'control character'],
    ['file://host/logs/', 'host'],
    ['file:', 'no directory'],
    ['file:///', 'no directory'],
    ['file:.', 'no directory'],
  ])('refuses %j: %s', (root, why) => {
    expect(() => parseRoot(root)).toThrow(
      expect.objectContaining({
        code: 'config',
        message: expect.stringContaining(why),
        remedy: expect.stringContaining('gs://bucket/prefix/'),
      }),
    );
  });
});

describe('openBucket', () => {
  it.each(['s3://name', 'gs://name/', 'gs://name/logs', 'file:', 'file:a/../b', 'gs://n\u0000me'])(
    'refuses %j',
    (url) => {
      expect(() => openBucket(url, OPTIONS)).toThrow(expect.objectContaining({ code: 'config' }));
    },
  );

  it('refuses an endpoint that is no URL', () => {
    const open = () => openBucket('gs://name', { ...OPTIONS, endpoint: 'http://a b' });
    expect(open).toThrow(expect.objectContaining({ code: 'config' }));
  });
});
