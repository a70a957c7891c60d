import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { App, type AppProps } from 'aws-cdk-lib';

/** An app whose files go when the tests end (`test/helpers/test-folder.ts`). */
export function testApp(props: AppProps = {}): App {
  const outdir = mkdtempSync(path.join(process.env.HELIOS_TEST_FOLDER ?? tmpdir(), 'cdk-'));
  return new App({ ...props, outdir });
}
