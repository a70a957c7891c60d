import { spawn } from 'node:child_process';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { KitError } from '../src/utils/errors.ts';

const MIRROR = 'http://deb.debian.org/debian';
const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';

export interface CommandOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * Runs a program to its end, with what it says on stderr going to ours.
 * @returns its stdout
 * @throws KitError when it does not start or ends with an error
 */
export function command(
  program: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const env = { ...process.env, ...options.env };
  const child = spawn(program, args, { cwd: options.cwd, env, stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  child.on('error', (cause) => reject(new KitError(`${program} does not start. Install it.`, { cause })));
  child.on('close', (status) => {
    if (status === 0) resolve(output);
    else
      reject(
        new KitError(`${program} ${args[0] ?? ''} ended with status ${status}.\n${output.slice(-2000)}`),
      );
  });
  return promise;
}

/** An apt of its own in a folder: nothing of the machine's lists, cache or packages is read or changed. */
export class DebianPackages {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /**
   * Reads the lists of packages: programs and libraries of this machine's Debian, whose C library they fit, and
   * sources of another one.
   * @param sourceSuite such as `trixie`
   */
  static async open(folder: string, sourceSuite: string): Promise<DebianPackages> {
    const release = await readFile('/etc/os-release', 'utf8');
    const suite = /^VERSION_CODENAME=(\w+)$/m.exec(release)?.[1];
    if (!/^ID=debian$/m.test(release) || !suite) {
      throw new KitError('FFmpeg is built from Debian packages: run this on Debian, or in its container.');
    }
    for (const name of ['state/lists/partial', 'cache/archives/partial']) {
      await mkdir(path.join(folder, name), { recursive: true });
    }
    const entry = (types: string, name: string): string =>
      `Types: ${types}\nURIs: ${MIRROR}\nSuites: ${name}\nComponents: main\nSigned-By: ${KEYRING}\n`;
    await writeFile(
      path.join(folder, 'debian.sources'),
      [entry('deb', suite), entry('deb-src', sourceSuite)].join('\n'),
    );
    const packages = new DebianPackages(folder);
    await packages.#apt(['update'], folder);
    return packages;
  }

  #apt(args: readonly string[], cwd: string): Promise<string> {
    const options = {
      'Dir::Etc::sourcelist': path.join(this.#folder, 'debian.sources'),
      'Dir::Etc::sourceparts': '/dev/null',
      'Dir::State': path.join(this.#folder, 'state'),
      'Dir::State::status': '/dev/null',
      'Dir::Cache': path.join(this.#folder, 'cache'),
      'APT::Sandbox::User': 'root',
    };
    const flags = Object.entries(options).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
    return command('apt-get', ['-q', ...flags, ...args], { cwd });
  }

  /** Unpacks packages below a folder, as they would lie below `/`. */
  async unpack(names: readonly string[], root: string): Promise<void> {
    const downloads = path.join(this.#folder, 'packages');
    await mkdir(downloads, { recursive: true });
    await this.#apt(['download', ...names], downloads);
    const files = (await readdir(downloads)).filter((name) => name.endsWith('.deb'));
    for (const file of files) await command('dpkg-deb', ['-x', path.join(downloads, file), root]);
  }

  /**
   * Unpacks a source package with Debian's changes.
   * @returns its folder and its version
   */
  async source(name: string): Promise<{ readonly folder: string; readonly version: string }> {
    const downloads = path.join(this.#folder, 'sources');
    await mkdir(downloads, { recursive: true });
    await this.#apt(['source', '--download-only', name], downloads);
    const description = (await readdir(downloads)).find(
      (file) => file.startsWith(`${name}_`) && file.endsWith('.dsc'),
    );
    if (!description) throw new KitError(`Debian's source package ${name} was not found.`);
    const folder = path.join(downloads, name);
    await command('dpkg-source', ['--no-check', '-x', description, folder], { cwd: downloads });
    return { folder, version: description.slice(name.length + 1, -'.dsc'.length) };
  }
}
